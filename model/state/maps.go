package state

import (
	"iter"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/coder"
)

// A Map holds a V for each of some keys M, apart from the key of the element.
//
// State: every entry, until it is removed or the cell cleared. With an expiry,
// each Put begins the time of its entry anew. Where windows merge, a DoFn cannot
// have one, since both may hold a value for one key: use [Multimap].
type Map[M comparable, V any] struct{ c *mapCell[M, V] }

// NewMap declares a Map.
func NewMap[M comparable, V any](name string, opts ...Option) Map[M, V] {
	c := &mapCell[M, V]{}
	c.declare(name, KindMap, opts)
	c.keys = encode(&c.decl, "key", coder.ForKey[M])
	c.values, c.slots = encode(&c.decl, "value", coder.For[V]), c
	return Map[M, V]{c}
}

// Name implements [Cell].
func (m Map[M, V]) Name() string { return nameOf(m.declaration()) }

func (m Map[M, V]) declaration() *decl {
	if m.c == nil {
		return nil
	}
	return &m.c.decl
}

// Get is the value of k, or a zero one.
func (m Map[M, V]) Get(s Scope, k M) V {
	v, _ := m.Lookup(s, k)
	return v
}

// Lookup is the value of k, and whether there is one.
func (m Map[M, V]) Lookup(s Scope, k M) (v V, ok bool) {
	d := m.declaration()
	if f, slot := read[table[M, V]](d, s); slot != nil {
		if e := slot.get(k, d.now(f)); e != nil {
			return e.value, true
		}
	}
	return v, false
}

// Put sets the value of k.
func (m Map[M, V]) Put(s Scope, k M, v V) {
	d := m.declaration()
	if f, slot := change[table[M, V]](d, s); f != nil {
		e, _ := slot.put(k, d.now(f))
		e.value, e.expires = v, d.expires(f)
	}
}

// Remove removes k, if it is there.
func (m Map[M, V]) Remove(s Scope, k M) { removeKey[M, V](m.declaration(), s, k) }

// All are the entries, in the order in which their keys were first put. The cell
// may be changed while they are read: what is removed is not met any more, and
// what is put is not yet.
func (m Map[M, V]) All(s Scope) iter.Seq2[M, V] {
	return func(yield func(M, V) bool) {
		d := m.declaration()
		if f, slot := read[table[M, V]](d, s); slot != nil {
			slot.walk(d.now(f), func(e *entry[M, V]) bool { return yield(e.key, e.value) })
		}
	}
}

// Len is how many entries there are. With an expiry, it looks at each.
func (m Map[M, V]) Len(s Scope) int { return countKeys[M, V](m.declaration(), s) }

// Clear empties the cell.
func (m Map[M, V]) Clear(s Scope) { clearKeys[M, V](m.declaration(), s) }

func removeKey[K comparable, V any](d *decl, s Scope, k K) bool {
	f, slot := read[table[K, V]](d, s)
	if slot == nil || slot.find(k) < 0 {
		return false
	}
	f.access.Change(d.index) // the host is told
	there := slot.get(k, d.now(f)) != nil
	slot.remove(slot.find(k))
	if slot.Empty() {
		f.access.Drop(d.index)
	}
	return there
}

func countKeys[K comparable, V any](d *decl, s Scope) int {
	if f, slot := read[table[K, V]](d, s); slot != nil {
		return slot.count(d.now(f))
	}
	return 0
}

func clearKeys[K comparable, V any](d *decl, s Scope) {
	if f, slot := read[table[K, V]](d, s); slot != nil {
		slot.reset()
		f.access.Drop(d.index)
	}
}

type mapCell[M comparable, V any] struct {
	decl
	keys   codec[M]
	values codec[V]
}

func (c *mapCell[M, V]) newSlot() Slot     { return &table[M, V]{} }
func (c *mapCell[M, V]) recycle(Slot) bool { return false }

func (c *mapCell[M, V]) appendSlot(dst []byte, s Slot) ([]byte, error) {
	return s.(*table[M, V]).append(&c.decl, c.keys, dst, c.values.append)
}

func (c *mapCell[M, V]) decodeSlot(src []byte, s Slot) ([]byte, error) {
	return s.(*table[M, V]).decode(&c.decl, c.keys, src, c.values.decode)
}

func (c *mapCell[M, V]) mergeSlots(_, _ Slot) { panic("state: a map does not merge") }

func (c *mapCell[M, V]) expireSlot(s Slot, now model.Timestamp) model.Timestamp {
	return s.(*table[M, V]).expire(now)
}

// A Set holds values, each once.
//
// State: every value, until it is removed or the cell cleared. With an expiry,
// each Add begins the time of its value anew. Windows that merge become the union.
type Set[T comparable] struct{ c *setCell[T] }

// NewSet declares a Set.
func NewSet[T comparable](name string, opts ...Option) Set[T] {
	c := &setCell[T]{}
	c.declare(name, KindSet, opts)
	c.codec, c.slots = encode(&c.decl, "value", coder.ForKey[T]), c
	return Set[T]{c}
}

// Name implements [Cell].
func (v Set[T]) Name() string { return nameOf(v.declaration()) }

func (v Set[T]) declaration() *decl {
	if v.c == nil {
		return nil
	}
	return &v.c.decl
}

// Add adds t and reports whether it is new.
func (v Set[T]) Add(s Scope, t T) (fresh bool) {
	d := v.declaration()
	f, slot := change[table[T, struct{}]](d, s)
	if f == nil {
		return false
	}
	e, fresh := slot.put(t, d.now(f))
	if fresh {
		e.expires = dead
	}
	e.expires = max(e.expires, d.expires(f)) // it may have come earlier with a later one
	return fresh
}

// Has reports whether t is there.
func (v Set[T]) Has(s Scope, t T) bool {
	d := v.declaration()
	f, slot := read[table[T, struct{}]](d, s)
	return slot != nil && slot.get(t, d.now(f)) != nil
}

// Remove removes t and reports whether it was there.
func (v Set[T]) Remove(s Scope, t T) bool { return removeKey[T, struct{}](v.declaration(), s, t) }

// All are the values, in the order in which they were first added. The cell may be
// changed while they are read: what is removed is not met any more, and what is
// added is not yet.
func (v Set[T]) All(s Scope) iter.Seq[T] {
	return func(yield func(T) bool) {
		d := v.declaration()
		if f, slot := read[table[T, struct{}]](d, s); slot != nil {
			slot.walk(d.now(f), func(e *entry[T, struct{}]) bool { return yield(e.key) })
		}
	}
}

// Len is how many there are. With an expiry, it looks at each.
func (v Set[T]) Len(s Scope) int { return countKeys[T, struct{}](v.declaration(), s) }

// Clear empties the cell.
func (v Set[T]) Clear(s Scope) { clearKeys[T, struct{}](v.declaration(), s) }

type setCell[T comparable] struct {
	decl
	codec codec[T]
}

func (c *setCell[T]) newSlot() Slot     { return &table[T, struct{}]{} }
func (c *setCell[T]) recycle(Slot) bool { return false }

func (c *setCell[T]) appendSlot(dst []byte, s Slot) ([]byte, error) {
	return s.(*table[T, struct{}]).append(&c.decl, c.codec, dst, func(dst []byte, _ *struct{}) ([]byte, error) { return dst, nil })
}

func (c *setCell[T]) decodeSlot(src []byte, s Slot) ([]byte, error) {
	return s.(*table[T, struct{}]).decode(&c.decl, c.codec, src, func(src []byte, _ *struct{}) ([]byte, error) { return src, nil })
}

func (c *setCell[T]) mergeSlots(into, from Slot) {
	a, b := into.(*table[T, struct{}]), from.(*table[T, struct{}])
	b.walk(dead, func(e *entry[T, struct{}]) bool {
		to, fresh := a.put(e.key, dead)
		if fresh {
			to.expires = e.expires
		}
		to.expires = max(to.expires, e.expires)
		return true
	})
}

func (c *setCell[T]) expireSlot(s Slot, now model.Timestamp) model.Timestamp {
	return s.(*table[T, struct{}]).expire(now)
}
