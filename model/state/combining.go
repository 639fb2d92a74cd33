package state

import (
	"errors"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/coder"
)

// A Combiner folds values V into an accumulator A and reads a result O off it.
// Those of package transforms are Combiners: transforms.Sum[int](), for example.
// Their contract is that of transforms.Combiner.
type Combiner[V, A, O any] interface {
	// New is an accumulator of nothing.
	New() A
	Add(A, V) A
	Merge(A, A) A
	Result(A) O
}

// A Combining cell holds what a combiner made of the values that were added.
//
// State: one accumulator. With an expiry, each Add begins the time of the whole
// accumulator anew. Windows that merge merge their accumulators.
type Combining[V, A, O any] struct{ c *combiningCell[V, A, O] }

// NewCombining declares a Combining cell.
func NewCombining[V, A, O any](name string, by Combiner[V, A, O], opts ...Option) Combining[V, A, O] {
	c := &combiningCell[V, A, O]{by: by}
	c.declare(name, KindCombining, opts)
	c.codec, c.slots = encode(&c.decl, "accumulator", coder.For[A]), c
	if by == nil {
		c.mistake(errors.New("its combiner is nil"))
	} else if v, ok := by.(interface{ Validate() error }); ok {
		if err := v.Validate(); err != nil {
			c.mistake(err)
		}
	}
	return Combining[V, A, O]{c}
}

// Name implements [Cell].
func (c Combining[V, A, O]) Name() string { return nameOf(c.declaration()) }

func (c Combining[V, A, O]) declaration() *decl {
	if c.c == nil {
		return nil
	}
	return &c.c.decl
}

// Get is the combiner's result of what was added, which may be nothing.
func (c Combining[V, A, O]) Get(s Scope) O {
	o, ok := c.Lookup(s)
	if !ok && c.c != nil && c.c.by != nil {
		return c.c.by.Result(c.c.by.New())
	}
	return o
}

// Lookup is the combiner's result, and whether anything was added.
func (c Combining[V, A, O]) Lookup(s Scope) (o O, ok bool) {
	d := c.declaration()
	f, slot := read[combiningSlot[A]](d, s)
	if slot == nil || slot.expires <= d.now(f) {
		return o, false
	}
	return c.c.by.Result(slot.acc), true
}

// Add adds a value.
func (c Combining[V, A, O]) Add(s Scope, v V) {
	d := c.declaration()
	f, slot := change[combiningSlot[A]](d, s)
	if f == nil {
		return
	}
	if !slot.live || slot.expires <= d.now(f) {
		slot.acc, slot.live, slot.expires = c.c.by.New(), true, dead
	}
	slot.acc = c.c.by.Add(slot.acc, v)
	slot.expires = max(slot.expires, d.expires(f)) // what was added may be older
}

// Clear empties the cell.
func (c Combining[V, A, O]) Clear(s Scope) { c.declaration().clear(s) }

type combiningSlot[A any] struct {
	acc     A
	live    bool
	expires model.Timestamp
}

// Empty implements [Slot].
func (c *combiningSlot[A]) Empty() bool { return !c.live }

type combiningCell[V, A, O any] struct {
	decl
	codec codec[A]
	by    Combiner[V, A, O]
}

func (c *combiningCell[V, A, O]) newSlot() Slot { return &combiningSlot[A]{expires: never} }

func (c *combiningCell[V, A, O]) recycle(s Slot) bool {
	*s.(*combiningSlot[A]) = combiningSlot[A]{expires: never}
	return true
}

func (c *combiningCell[V, A, O]) appendSlot(dst []byte, s Slot) ([]byte, error) {
	v := s.(*combiningSlot[A])
	return c.codec.append(c.appendExpiry(dst, v.expires), &v.acc)
}

func (c *combiningCell[V, A, O]) decodeSlot(src []byte, s Slot) (rest []byte, err error) {
	v := s.(*combiningSlot[A])
	v.live = true
	if v.expires, src, err = c.decodeExpiry(src); err != nil {
		return src, err
	}
	return c.codec.decode(src, &v.acc)
}

func (c *combiningCell[V, A, O]) mergeSlots(into, from Slot) {
	a, b := into.(*combiningSlot[A]), from.(*combiningSlot[A])
	switch {
	case !b.live:
	case !a.live:
		*a = *b
	default:
		a.acc = c.by.Merge(a.acc, b.acc)
		a.expires = max(a.expires, b.expires)
	}
}

func (c *combiningCell[V, A, O]) expireSlot(s Slot, now model.Timestamp) model.Timestamp {
	v := s.(*combiningSlot[A])
	if v.expires > now {
		return v.expires
	}
	*v = combiningSlot[A]{expires: never}
	return never
}
