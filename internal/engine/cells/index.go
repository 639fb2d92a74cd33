package cells

import "reflect"

// An Entry is the number of a key in an [Index]. It stands for the key until that is
// removed; another key may have it afterwards.
type Entry uint32

// Keys is an [Index] to those who do not know the type of its keys.
type Keys interface {
	// Like is another index of such keys, without any.
	Like() Keys
	// Key points to the key of an entry, which must not be changed.
	Key(i Entry) any

	// scratch points to a place for a key, which the next two then take.
	scratch() any
	findScratch(hash uint64) (i Entry, found bool)
	placeScratch(hash uint64) (i Entry, fresh bool)
	remove(i Entry)
	// Clear forgets all keys. It reports whether it kept their room: not if that has become
	// much larger than what there was.
	Clear() (kept bool)
	slots() *slots
}

// An Index numbers keys. Numbers are dense, but for those of keys that were removed,
// which later keys get. The zero Index is empty. The caller brings the hashes, which
// it needs anyway to partition keys.
//
// Up to indexScan keys are found by scanning, so that a million windows of a few keys
// each cost no hash table.
type Index[K comparable] struct {
	s    slots
	keys []K
	next *K // scratch
}

const indexScan = 8

// Find is the entry of a key.
func (x *Index[K]) Find(hash uint64, k *K) (i Entry, found bool) {
	hash = listed(hash)
	if x.s.table == nil {
		return x.scan(hash, k)
	}
	table, keys := x.s.table, x.keys
	mask := uint64(len(table) - 1)
	for at := hash & mask; ; at = (at + 1) & mask {
		e := table[at]
		if e == 0 {
			return 0, false
		}
		if keys[e-1] == *k {
			return Entry(e - 1), true
		}
	}
}

// Place is the entry of a key, which is given one if it has none.
func (x *Index[K]) Place(hash uint64, k *K) (i Entry, fresh bool) {
	hash = listed(hash)
	table, keys := x.s.table, x.keys
	if table == nil {
		if i, found := x.scan(hash, k); found {
			return i, false
		}
		return x.add(hash, 0, k), true
	}
	mask := uint64(len(table) - 1)
	at := hash & mask
	for ; table[at] != 0; at = (at + 1) & mask {
		if e := table[at] - 1; keys[e] == *k {
			return Entry(e), false
		}
	}
	return x.add(hash, at, k), true
}

// scan is Find where there is no table.
func (x *Index[K]) scan(hash uint64, k *K) (i Entry, found bool) {
	for i, h := range x.s.hashes {
		if h == hash && x.keys[i] == *k {
			return Entry(i), true
		}
	}
	return 0, false
}

// add gives a key an entry. At is where in the table it belongs.
func (x *Index[K]) add(hash, at uint64, k *K) Entry {
	i := x.s.take(hash, at)
	if int(i) == len(x.keys) {
		x.keys = append(x.keys, *k)
	} else {
		x.keys[i] = *k
	}
	return i
}

// At points to the key of an entry, until the next Place.
func (x *Index[K]) At(i Entry) *K { return &x.keys[i] }

// Hash is what Place was given with a key, but that 0 is 1.
func (x *Index[K]) Hash(i Entry) uint64 { return x.s.hashes[i] }

// Like implements [Keys], as do the others.
func (x *Index[K]) Like() Keys { return new(Index[K]) }

// Key implements [Keys].
func (x *Index[K]) Key(i Entry) any { return &x.keys[i] }

func (x *Index[K]) scratch() any {
	if x.next == nil {
		x.next = new(K)
	}
	return x.next
}

func (x *Index[K]) findScratch(hash uint64) (Entry, bool)  { return x.Find(hash, x.next) }
func (x *Index[K]) placeScratch(hash uint64) (Entry, bool) { return x.Place(hash, x.next) }
func (x *Index[K]) slots() *slots                          { return &x.s }

func (x *Index[K]) remove(i Entry) {
	var zero K
	x.keys[i] = zero
	x.s.give(i)
}

// Clear implements [Keys].
func (x *Index[K]) Clear() (kept bool) {
	clear(x.keys)
	x.keys = x.keys[:0]
	if kept = x.s.clear(); !kept {
		x.keys = nil
	}
	return kept
}

// KeyOf is the key of an entry, for errors.
func KeyOf(keys Keys, i Entry) any { return reflect.ValueOf(keys.Key(i)).Elem().Interface() }

// slots is the part of an Index that does not depend on the type of keys.
type slots struct {
	hashes []uint64 // by entry; 0 is of none, and stands for 1
	table  []uint32 // entry+1 by hash, 0 is empty; a power of two long, or nil
	free   []Entry
}

// listed is how a hash is listed. Of key groups, it changes none.
func listed(hash uint64) uint64 { return max(hash, 1) }

func (s *slots) len() int { return len(s.hashes) - len(s.free) }

// has reports whether entry i is some key's.
func (s *slots) has(i Entry) bool { return s.hashes[i] != 0 }

// take gives out an entry, for a hash that belongs at that place of the table.
func (s *slots) take(hash, at uint64) Entry {
	var i Entry
	if n := len(s.free); n > 0 {
		i, s.free = s.free[n-1], s.free[:n-1]
		s.hashes[i] = hash
	} else {
		i = Entry(len(s.hashes))
		s.hashes = append(s.hashes, hash)
	}
	switch n := s.len(); {
	case 2*n > len(s.table) && n > indexScan:
		s.rebuild(max(4*indexScan, 2*len(s.table)))
	case s.table != nil:
		s.table[at] = uint32(i) + 1
	}
	return i
}

func (s *slots) rebuild(size int) {
	s.table = make([]uint32, size)
	mask := uint64(size - 1)
	for i, hash := range s.hashes {
		if hash == 0 {
			continue
		}
		at := hash & mask
		for s.table[at] != 0 {
			at = (at + 1) & mask
		}
		s.table[at] = uint32(i) + 1
	}
}

// give takes an entry back.
func (s *slots) give(i Entry) {
	if s.table != nil {
		mask := uint64(len(s.table) - 1)
		at := s.hashes[i] & mask
		for s.table[at] != uint32(i)+1 {
			at = (at + 1) & mask
		}
		s.unlink(at)
	}
	s.hashes[i] = 0
	s.free = append(s.free, i)
}

// unlink empties a place of the table and closes the gap, so that no probe stops short.
func (s *slots) unlink(at uint64) {
	mask := uint64(len(s.table) - 1)
	for next := (at + 1) & mask; s.table[next] != 0; next = (next + 1) & mask {
		home := s.hashes[s.table[next]-1] & mask
		if (next-home)&mask >= (next-at)&mask {
			s.table[at] = s.table[next]
			at = next
		}
	}
	s.table[at] = 0
}

// clear forgets all entries. It reports whether it kept their room: not if that has
// become much larger than what there was.
func (s *slots) clear() (kept bool) {
	if cap(s.hashes) > 64 && len(s.hashes) < cap(s.hashes)/16 {
		*s = slots{}
		return false
	}
	s.hashes, s.free = s.hashes[:0], s.free[:0]
	clear(s.table)
	return true
}
