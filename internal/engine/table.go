package engine

// A Table is a hash table that is walked in a definite order: that of insertion,
// except that a deleted entry's place is taken by the last one. The zero Table is
// empty. The caller brings the hashes, which it needs anyway to partition keys.
//
// Up to tableScan entries are found by scanning, so that a million windows of a
// few keys each cost no index.
type Table[K comparable, V any] struct {
	entries []Entry[K, V]
	index   []uint32 // entry+1 by hash, 0 is empty; a power of two long, or nil
}

// An Entry is one key of a Table with its value.
type Entry[K comparable, V any] struct {
	Hash  uint64
	Key   K
	Value V
}

const tableScan = 8

// Len is the number of entries.
func (t *Table[K, V]) Len() int { return len(t.entries) }

// Entries are the entries in order; the slice is the table's own.
func (t *Table[K, V]) Entries() []Entry[K, V] { return t.entries }

// Get returns k's value, or nil. The pointer holds until the next Upsert or Delete.
func (t *Table[K, V]) Get(hash uint64, k K) *V {
	if i := t.find(hash, k); i >= 0 {
		return &t.entries[i].Value
	}
	return nil
}

func (t *Table[K, V]) find(hash uint64, k K) int {
	if t.index == nil {
		for i := range t.entries {
			if t.entries[i].Key == k {
				return i
			}
		}
		return -1
	}
	mask := uint64(len(t.index) - 1)
	for s := hash & mask; ; s = (s + 1) & mask {
		i := t.index[s]
		if i == 0 {
			return -1
		}
		if e := &t.entries[i-1]; e.Hash == hash && e.Key == k {
			return int(i - 1)
		}
	}
}

// Upsert returns k's value, adding a zero one if there is none.
func (t *Table[K, V]) Upsert(hash uint64, k K) (v *V, fresh bool) {
	i, fresh := t.place(hash, k)
	return &t.entries[i].Value, fresh
}

// place is where k's entry is, or now is.
func (t *Table[K, V]) place(hash uint64, k K) (i int, fresh bool) {
	if t.index == nil {
		for i := range t.entries {
			if t.entries[i].Key == k {
				return i, false
			}
		}
		t.entries = append(t.entries, Entry[K, V]{Hash: hash, Key: k})
		if len(t.entries) > tableScan {
			t.reindex(4 * tableScan)
		}
		return len(t.entries) - 1, true
	}
	mask := uint64(len(t.index) - 1)
	s := hash & mask
	for ; t.index[s] != 0; s = (s + 1) & mask {
		if e := &t.entries[t.index[s]-1]; e.Hash == hash && e.Key == k {
			return int(t.index[s] - 1), false
		}
	}
	t.entries = append(t.entries, Entry[K, V]{Hash: hash, Key: k})
	t.index[s] = uint32(len(t.entries))
	if 2*len(t.entries) > len(t.index) {
		t.reindex(2 * len(t.index))
	}
	return len(t.entries) - 1, true
}

func (t *Table[K, V]) reindex(size int) {
	t.index = make([]uint32, size)
	mask := uint64(size - 1)
	for i := range t.entries {
		s := t.entries[i].Hash & mask
		for t.index[s] != 0 {
			s = (s + 1) & mask
		}
		t.index[s] = uint32(i + 1)
	}
}

// Delete removes k and reports whether it was there.
func (t *Table[K, V]) Delete(hash uint64, k K) bool {
	i := t.find(hash, k)
	if i >= 0 {
		t.deleteAt(i)
	}
	return i >= 0
}

// deleteAt removes entry i, whose place the last one takes.
func (t *Table[K, V]) deleteAt(i int) {
	last := len(t.entries) - 1
	if t.index != nil {
		t.unlink(t.slot(i))
		if i != last {
			t.index[t.slot(last)] = uint32(i + 1)
		}
	}
	t.entries[i] = t.entries[last]
	t.entries[last] = Entry[K, V]{}
	t.entries = t.entries[:last]
}

// slot is where entry i is indexed.
func (t *Table[K, V]) slot(i int) uint64 {
	mask := uint64(len(t.index) - 1)
	s := t.entries[i].Hash & mask
	for t.index[s] != uint32(i+1) {
		s = (s + 1) & mask
	}
	return s
}

// unlink empties slot s and closes the gap, so that no probe stops short.
func (t *Table[K, V]) unlink(s uint64) {
	mask := uint64(len(t.index) - 1)
	for next := (s + 1) & mask; t.index[next] != 0; next = (next + 1) & mask {
		home := t.entries[t.index[next]-1].Hash & mask
		if (next-home)&mask >= (next-s)&mask {
			t.index[s] = t.index[next]
			s = next
		}
	}
	t.index[s] = 0
}

// Clear empties the table and keeps its room, unless that has become much
// larger than what it held.
func (t *Table[K, V]) Clear() {
	if cap(t.entries) > 64 && len(t.entries) < cap(t.entries)/16 {
		*t = Table[K, V]{}
		return
	}
	clear(t.entries)
	t.entries = t.entries[:0]
	clear(t.index)
}
