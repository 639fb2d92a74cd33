package state

import (
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/coder"
)

// A Value holds at most one T for each key and window.
//
// State: the T and some thirty bytes. With an expiry, each Set begins its time
// anew. Where windows merge, a DoFn cannot have one: use [Combining], which says
// what two become.
type Value[T any] struct{ c *valueCell[T] }

// NewValue declares a Value.
func NewValue[T any](name string, opts ...Option) Value[T] {
	c := &valueCell[T]{}
	c.declare(name, KindValue, opts)
	c.codec, c.slots = encode(&c.decl, "value", coder.For[T]), c
	return Value[T]{c}
}

// Name implements [Cell].
func (v Value[T]) Name() string { return nameOf(v.declaration()) }

func (v Value[T]) declaration() *decl {
	if v.c == nil {
		return nil
	}
	return &v.c.decl
}

// Get is what was set, or the zero T.
func (v Value[T]) Get(s Scope) T {
	t, _ := v.Lookup(s)
	return t
}

// Lookup is what was set, and whether anything was.
func (v Value[T]) Lookup(s Scope) (t T, ok bool) {
	d := v.declaration()
	f, slot := read[valueSlot[T]](d, s)
	if slot == nil || slot.expires <= d.now(f) {
		return t, false
	}
	return slot.v, true
}

// Set sets the value. It allocates where nothing was set.
func (v Value[T]) Set(s Scope, t T) {
	d := v.declaration()
	if f, slot := change[valueSlot[T]](d, s); f != nil {
		slot.v, slot.expires = t, d.expires(f)
	}
}

// Clear empties the cell.
func (v Value[T]) Clear(s Scope) { v.declaration().clear(s) }

type valueSlot[T any] struct {
	v       T
	expires model.Timestamp
}

// Empty implements [Slot]: a slot without a value is dropped at once, or expired.
func (v *valueSlot[T]) Empty() bool { return v.expires == dead }

type valueCell[T any] struct {
	decl
	codec codec[T]
}

func (c *valueCell[T]) newSlot() Slot { return &valueSlot[T]{expires: never} }

func (c *valueCell[T]) recycle(s Slot) bool {
	*s.(*valueSlot[T]) = valueSlot[T]{expires: never}
	return true
}

func (c *valueCell[T]) appendSlot(dst []byte, s Slot) ([]byte, error) {
	v := s.(*valueSlot[T])
	return c.codec.append(c.appendExpiry(dst, v.expires), &v.v)
}

func (c *valueCell[T]) decodeSlot(src []byte, s Slot) (rest []byte, err error) {
	v := s.(*valueSlot[T])
	if v.expires, src, err = c.decodeExpiry(src); err != nil {
		return src, err
	}
	return c.codec.decode(src, &v.v)
}

func (c *valueCell[T]) mergeSlots(_, _ Slot) { panic("state: a value does not merge") }

func (c *valueCell[T]) expireSlot(s Slot, now model.Timestamp) model.Timestamp {
	v := s.(*valueSlot[T])
	if v.expires > now {
		return v.expires
	}
	*v = valueSlot[T]{expires: dead}
	return never
}

func nameOf(d *decl) string {
	if d == nil {
		return ""
	}
	return d.name
}
