package state

import (
	"encoding/binary"
	"iter"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/coder"
)

// A Bag holds values in the order in which they were added.
//
// State: every value, until the cell is cleared. With an expiry, each value has
// its own time. Windows that merge put their values one behind the other.
type Bag[T any] struct{ c *bagCell[T] }

// NewBag declares a Bag.
func NewBag[T any](name string, opts ...Option) Bag[T] {
	c := &bagCell[T]{}
	c.declare(name, KindBag, opts)
	c.codec, c.slots = encode(&c.decl, "value", coder.For[T]), c
	return Bag[T]{c}
}

// Name implements [Cell].
func (b Bag[T]) Name() string { return nameOf(b.declaration()) }

func (b Bag[T]) declaration() *decl {
	if b.c == nil {
		return nil
	}
	return &b.c.decl
}

// Add adds a value.
func (b Bag[T]) Add(s Scope, v T) {
	d := b.declaration()
	if f, slot := change[bag[T]](d, s); f != nil {
		slot.add(d, v, d.expires(f))
	}
}

// All are the values, in the order in which they were added. What is added while
// they are read is not among them.
func (b Bag[T]) All(s Scope) iter.Seq[T] {
	return func(yield func(T) bool) {
		d := b.declaration()
		if f, slot := read[bag[T]](d, s); slot != nil {
			slot.walk(d.now(f), yield)
		}
	}
}

// Len is how many there are. With an expiry, it looks at each.
func (b Bag[T]) Len(s Scope) int {
	d := b.declaration()
	if f, slot := read[bag[T]](d, s); slot != nil {
		return slot.count(d.now(f))
	}
	return 0
}

// Clear empties the cell.
func (b Bag[T]) Clear(s Scope) { b.declaration().clear(s) }

// A bag is values in order. Those that an iterator may see are never overwritten.
type bag[T any] struct {
	values  []T
	expires []model.Timestamp // of the values, where they expire
}

// Empty implements [Slot].
func (b *bag[T]) Empty() bool { return len(b.values) == 0 }

func (b *bag[T]) add(d *decl, v T, expires model.Timestamp) {
	b.values = append(b.values, v)
	if d.ttl > 0 {
		b.expires = append(b.expires, expires)
	}
}

func (b *bag[T]) walk(now model.Timestamp, yield func(T) bool) bool {
	values, expires := b.values, b.expires
	for i, v := range values {
		if expires != nil && expires[i] <= now {
			continue
		}
		if !yield(v) {
			return false
		}
	}
	return true
}

func (b *bag[T]) count(now model.Timestamp) int {
	n := len(b.values)
	for _, t := range b.expires {
		if t <= now {
			n--
		}
	}
	return n
}

// expire removes what has expired at now.
func (b *bag[T]) expire(now model.Timestamp) (next model.Timestamp) {
	next = never
	if b.expires == nil {
		return next
	}
	kept := 0
	for i, t := range b.expires {
		if t <= now {
			continue
		}
		b.values[kept], b.expires[kept] = b.values[i], t
		next = min(next, t)
		kept++
	}
	clear(b.values[kept:])
	b.values, b.expires = b.values[:kept], b.expires[:kept]
	return next
}

func (b *bag[T]) merge(from *bag[T]) {
	b.values = append(b.values, from.values...)
	b.expires = append(b.expires, from.expires...)
}

// append appends the encoding of b.
func (b *bag[T]) append(d *decl, c codec[T], dst []byte) (_ []byte, err error) {
	dst = binary.AppendUvarint(dst, uint64(len(b.values)))
	for i := range b.values {
		if b.expires != nil {
			dst = d.appendExpiry(dst, b.expires[i])
		}
		if dst, err = c.append(dst, &b.values[i]); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

// decode reads what append wrote into b, which is empty.
func (b *bag[T]) decode(d *decl, c codec[T], src []byte) (rest []byte, err error) {
	n, src, err := decodeLen(src)
	for ; n > 0 && err == nil; n-- {
		var t model.Timestamp
		var v T
		if t, src, err = d.decodeExpiry(src); err != nil {
			break
		}
		if src, err = c.decode(src, &v); err == nil {
			b.add(d, v, t)
		}
	}
	return src, err
}

type bagCell[T any] struct {
	decl
	codec codec[T]
}

func (c *bagCell[T]) newSlot() Slot     { return &bag[T]{} }
func (c *bagCell[T]) recycle(Slot) bool { return false }

func (c *bagCell[T]) appendSlot(dst []byte, s Slot) ([]byte, error) {
	return s.(*bag[T]).append(&c.decl, c.codec, dst)
}

func (c *bagCell[T]) decodeSlot(src []byte, s Slot) ([]byte, error) {
	return s.(*bag[T]).decode(&c.decl, c.codec, src)
}

func (c *bagCell[T]) mergeSlots(into, from Slot) { into.(*bag[T]).merge(from.(*bag[T])) }

func (c *bagCell[T]) expireSlot(s Slot, now model.Timestamp) model.Timestamp {
	return s.(*bag[T]).expire(now)
}
