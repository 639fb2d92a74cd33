package state

import (
	"iter"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/coder"
)

// A Multimap holds any number of values V for each of some keys M, apart from the
// key of the element.
//
// State: every value, until its key is removed or the cell cleared. With an
// expiry, each value has its own time. Windows that merge put the values of a key
// one behind the other.
type Multimap[M comparable, V any] struct{ c *multimapCell[M, V] }

// NewMultimap declares a Multimap.
func NewMultimap[M comparable, V any](name string, opts ...Option) Multimap[M, V] {
	c := &multimapCell[M, V]{}
	c.declare(name, KindMultimap, opts)
	c.keys = encode(&c.decl, "key", coder.ForKey[M])
	c.values, c.slots = encode(&c.decl, "value", coder.For[V]), c
	return Multimap[M, V]{c}
}

// Name implements [Cell].
func (m Multimap[M, V]) Name() string { return nameOf(m.declaration()) }

func (m Multimap[M, V]) declaration() *decl {
	if m.c == nil {
		return nil
	}
	return &m.c.decl
}

// Add adds a value to those of k.
func (m Multimap[M, V]) Add(s Scope, k M, v V) {
	d := m.declaration()
	if f, slot := change[multimap[M, V]](d, s); f != nil {
		e, _ := slot.put(k, dead)
		e.value.add(d, v, d.expires(f))
	}
}

// Values are the values of k, in the order in which they were added. What is added
// while they are read is not among them.
func (m Multimap[M, V]) Values(s Scope, k M) iter.Seq[V] {
	return func(yield func(V) bool) {
		d := m.declaration()
		if f, slot := read[multimap[M, V]](d, s); slot != nil {
			if e := slot.get(k, dead); e != nil {
				e.value.walk(d.now(f), yield)
			}
		}
	}
}

// Has reports whether k has values.
func (m Multimap[M, V]) Has(s Scope, k M) bool {
	for range m.Values(s, k) {
		return true
	}
	return false
}

// Remove removes k with its values, if it is there.
func (m Multimap[M, V]) Remove(s Scope, k M) {
	f, slot := read[multimap[M, V]](m.declaration(), s)
	if slot == nil || slot.find(k) < 0 {
		return
	}
	f.access.Change(m.c.index) // the host is told
	slot.remove(slot.find(k))
	if slot.Empty() {
		f.access.Drop(m.c.index)
	}
}

// Keys are the keys that have values, in the order in which they were first given
// one. The cell may be changed while they are read: what is removed is not met any
// more, and what is added is not yet.
func (m Multimap[M, V]) Keys(s Scope) iter.Seq[M] {
	return func(yield func(M) bool) {
		d := m.declaration()
		if f, slot := read[multimap[M, V]](d, s); slot != nil {
			now := d.now(f)
			slot.walk(dead, func(e *entry[M, bag[V]]) bool { return e.value.count(now) == 0 || yield(e.key) })
		}
	}
}

// All are the keys with their values, key by key. The cell may be changed while
// they are read, as with Keys.
func (m Multimap[M, V]) All(s Scope) iter.Seq2[M, V] {
	return func(yield func(M, V) bool) {
		d := m.declaration()
		if f, slot := read[multimap[M, V]](d, s); slot != nil {
			now := d.now(f)
			slot.walk(dead, func(e *entry[M, bag[V]]) bool {
				k := e.key
				return e.value.walk(now, func(v V) bool { return yield(k, v) })
			})
		}
	}
}

// Clear empties the cell.
func (m Multimap[M, V]) Clear(s Scope) {
	if f, slot := read[multimap[M, V]](m.declaration(), s); slot != nil {
		slot.reset()
		f.access.Drop(m.c.index)
	}
}

// A multimap's entries do not expire themselves, but their values do.
type multimap[M comparable, V any] struct{ table[M, bag[V]] }

type multimapCell[M comparable, V any] struct {
	decl
	keys   codec[M]
	values codec[V]
}

func (c *multimapCell[M, V]) newSlot() Slot     { return &multimap[M, V]{} }
func (c *multimapCell[M, V]) recycle(Slot) bool { return false }

func (c *multimapCell[M, V]) appendSlot(dst []byte, s Slot) ([]byte, error) {
	return s.(*multimap[M, V]).append(&c.decl, c.keys, dst, func(dst []byte, b *bag[V]) ([]byte, error) {
		return b.append(&c.decl, c.values, dst)
	})
}

func (c *multimapCell[M, V]) decodeSlot(src []byte, s Slot) ([]byte, error) {
	return s.(*multimap[M, V]).decode(&c.decl, c.keys, src, func(src []byte, b *bag[V]) ([]byte, error) {
		return b.decode(&c.decl, c.values, src)
	})
}

func (c *multimapCell[M, V]) mergeSlots(into, from Slot) {
	a, b := into.(*multimap[M, V]), from.(*multimap[M, V])
	b.walk(dead, func(e *entry[M, bag[V]]) bool {
		to, _ := a.put(e.key, dead)
		to.value.merge(&e.value)
		return true
	})
}

func (c *multimapCell[M, V]) expireSlot(s Slot, now model.Timestamp) model.Timestamp {
	m := s.(*multimap[M, V])
	next := never
	for i := range m.entries {
		e := &m.entries[i]
		if e.expires == dead {
			continue
		}
		next = min(next, e.value.expire(now))
		if e.value.Empty() {
			m.remove(i)
		}
	}
	if m.walking == 0 && m.removed > 0 {
		m.compact()
	}
	return next
}
