package state

import (
	"encoding/binary"

	"github.com/millrace/millrace/model"
)

// A table is a map that is walked in the order in which its keys were first put,
// since nothing may depend on the order of a Go map. It may be changed while it is
// walked: what is removed is not met any more, and what is put is not yet.
type table[K comparable, V any] struct {
	entries []entry[K, V]
	index   map[K]int // of entries; nil while there are few
	removed int       // entries that are only kept for their place
	walking int
}

type entry[K comparable, V any] struct {
	key     K
	value   V
	expires model.Timestamp // dead where the entry was removed
}

// tableScan is up to how many entries are found without an index.
const tableScan = 8

// Empty implements [Slot].
func (t *table[K, V]) Empty() bool { return len(t.entries) == t.removed }

func (t *table[K, V]) find(k K) int {
	if t.index != nil {
		if i, ok := t.index[k]; ok {
			return i
		}
		return -1
	}
	for i := range t.entries {
		if e := &t.entries[i]; e.expires != dead && e.key == k {
			return i
		}
	}
	return -1
}

// get is k's entry, if it has not expired at now; the pointer holds until the next put.
func (t *table[K, V]) get(k K, now model.Timestamp) *entry[K, V] {
	if i := t.find(k); i >= 0 && t.entries[i].expires > now {
		return &t.entries[i]
	}
	return nil
}

// put is k's entry. One that is new, or was expired at now, is put last and has a
// zero value.
func (t *table[K, V]) put(k K, now model.Timestamp) (e *entry[K, V], fresh bool) {
	if i := t.find(k); i >= 0 {
		if t.entries[i].expires > now {
			return &t.entries[i], false
		}
		t.remove(i)
	}
	if t.walking == 0 && t.removed > tableScan && t.removed > len(t.entries)/2 {
		t.compact()
	}
	t.entries = append(t.entries, entry[K, V]{key: k, expires: never})
	last := len(t.entries) - 1
	switch {
	case t.index != nil:
		t.index[k] = last
	case len(t.entries) > tableScan:
		t.reindex()
	}
	return &t.entries[last], true
}

func (t *table[K, V]) remove(i int) {
	e := &t.entries[i]
	if t.index != nil {
		delete(t.index, e.key)
	}
	*e = entry[K, V]{expires: dead}
	t.removed++
}

// reset empties t, for those who walk it, too.
func (t *table[K, V]) reset() { t.entries, t.index, t.removed = nil, nil, 0 }

// compact closes the gaps.
func (t *table[K, V]) compact() {
	kept := t.entries[:0]
	for _, e := range t.entries {
		if e.expires != dead {
			kept = append(kept, e)
		}
	}
	clear(t.entries[len(kept):])
	t.entries, t.removed, t.index = kept, 0, nil
	if len(kept) > tableScan {
		t.reindex()
	}
}

func (t *table[K, V]) reindex() {
	t.index = make(map[K]int, 2*len(t.entries))
	for i := range t.entries {
		if e := &t.entries[i]; e.expires != dead {
			t.index[e.key] = i
		}
	}
}

// walk visits the entries that have not expired at now. The pointers hold until
// the next put.
func (t *table[K, V]) walk(now model.Timestamp, visit func(*entry[K, V]) bool) {
	t.walking++
	n := len(t.entries)
	for i := 0; i < n && i < len(t.entries); i++ {
		if e := &t.entries[i]; e.expires > now && !visit(e) {
			break
		}
	}
	t.walking--
}

func (t *table[K, V]) count(now model.Timestamp) int {
	if now == dead {
		return len(t.entries) - t.removed
	}
	n := 0
	t.walk(now, func(*entry[K, V]) bool { n++; return true })
	return n
}

// expire removes what has expired at now.
func (t *table[K, V]) expire(now model.Timestamp) (next model.Timestamp) {
	next = never
	for i := range t.entries {
		switch e := &t.entries[i]; {
		case e.expires == dead:
		case e.expires <= now:
			t.remove(i)
		default:
			next = min(next, e.expires)
		}
	}
	if t.walking == 0 && t.removed > 0 {
		t.compact()
	}
	return next
}

// append appends the encoding of t; value appends that of an entry's value.
func (t *table[K, V]) append(d *decl, c codec[K], dst []byte, value func([]byte, *V) ([]byte, error)) (_ []byte, err error) {
	dst = binary.AppendUvarint(dst, uint64(len(t.entries)-t.removed))
	for i := range t.entries {
		e := &t.entries[i]
		if e.expires == dead {
			continue
		}
		if !d.perValue() {
			dst = d.appendExpiry(dst, e.expires)
		}
		if dst, err = c.append(dst, &e.key); err != nil {
			return dst, err
		}
		if dst, err = value(dst, &e.value); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

// decode reads what append wrote into t, which is empty.
func (t *table[K, V]) decode(d *decl, c codec[K], src []byte, value func([]byte, *V) ([]byte, error)) (rest []byte, err error) {
	n, src, err := decodeLen(src)
	for ; n > 0 && err == nil; n-- {
		at := never
		var k K
		if !d.perValue() {
			if at, src, err = d.decodeExpiry(src); err != nil {
				break
			}
		}
		if src, err = c.decode(src, &k); err != nil {
			break
		}
		e, _ := t.put(k, dead)
		e.expires = at
		src, err = value(src, &e.value)
	}
	return src, err
}

// perValue reports whether the values of d's entries expire one by one, not the
// entries.
func (d *decl) perValue() bool { return d.kind == KindMultimap }
