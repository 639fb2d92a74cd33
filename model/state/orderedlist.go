package state

import (
	"encoding/binary"
	"iter"
	"slices"
	"sort"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/coder"
)

// An OrderedList holds values by timestamp; those of one timestamp are in the order
// in which they were added.
//
// State: every value, until it is cleared. Adding at the end and clearing at the
// front cost little, elsewhere what lies behind is moved. An event-time expiry
// counts from the timestamp of each value. Windows that merge sort their values
// together.
type OrderedList[T any] struct{ c *listCell[T] }

// NewOrderedList declares an OrderedList.
func NewOrderedList[T any](name string, opts ...Option) OrderedList[T] {
	c := &listCell[T]{}
	c.declare(name, KindOrderedList, opts)
	c.codec, c.slots = encode(&c.decl, "value", coder.For[T]), c
	return OrderedList[T]{c}
}

// Name implements [Cell].
func (l OrderedList[T]) Name() string { return nameOf(l.declaration()) }

func (l OrderedList[T]) declaration() *decl {
	if l.c == nil {
		return nil
	}
	return &l.c.decl
}

// Add adds a value at timestamp at.
func (l OrderedList[T]) Add(s Scope, at model.Timestamp, v T) {
	d := l.declaration()
	f, slot := change[list[T]](d, s)
	if f == nil {
		return
	}
	i := item[T]{at: at, v: v}
	if d.ttl > 0 && d.clock == EventTime {
		i.expires = d.wake(f, at.Add(d.ttl))
	} else {
		i.expires = d.expires(f)
	}
	slot.own()
	slot.items = slices.Insert(slot.items, slot.after(at), i)
}

// All are the values with their timestamps, in order.
func (l OrderedList[T]) All(s Scope) iter.Seq2[model.Timestamp, T] {
	return l.Range(s, dead, never)
}

// Range are the values from timestamp from up to, but not including, to, in order.
// They are those that are there when the reading begins, whatever is added or
// cleared meanwhile.
func (l OrderedList[T]) Range(s Scope, from, to model.Timestamp) iter.Seq2[model.Timestamp, T] {
	return func(yield func(model.Timestamp, T) bool) {
		d := l.declaration()
		if f, slot := read[list[T]](d, s); slot != nil {
			slot.walk(from, to, d.now(f), yield)
		}
	}
}

// Len is how many values there are. With an expiry, it looks at each.
func (l OrderedList[T]) Len(s Scope) int {
	d := l.declaration()
	f, slot := read[list[T]](d, s)
	if slot == nil {
		return 0
	}
	now := d.now(f)
	n := 0
	if now == dead {
		return len(slot.items)
	}
	for i := range slot.items {
		if slot.items[i].expires > now {
			n++
		}
	}
	return n
}

// ClearRange removes the values from timestamp from up to, but not including, to.
func (l OrderedList[T]) ClearRange(s Scope, from, to model.Timestamp) {
	f, slot := read[list[T]](l.declaration(), s)
	if slot == nil {
		return
	}
	lo, hi := slot.span(from, to)
	if lo == hi {
		return
	}
	f.access.Change(l.c.index) // the host is told
	slot.cut(lo, hi)
	if slot.Empty() {
		f.access.Drop(l.c.index)
	}
}

// Clear empties the cell.
func (l OrderedList[T]) Clear(s Scope) { l.declaration().clear(s) }

// A list is items in order. While it is walked, its items are not overwritten.
type list[T any] struct {
	items   []item[T]
	walking int // of these very items
	version int // counts the copies
}

type item[T any] struct {
	at, expires model.Timestamp
	v           T
}

// Empty implements [Slot].
func (l *list[T]) Empty() bool { return len(l.items) == 0 }

// before is where the first item at or after t is.
func (l *list[T]) before(t model.Timestamp) int {
	return sort.Search(len(l.items), func(i int) bool { return l.items[i].at >= t })
}

// after is where an item at t goes: behind those of the same time.
func (l *list[T]) after(t model.Timestamp) int {
	n := len(l.items)
	if n == 0 || l.items[n-1].at <= t {
		return n
	}
	return sort.Search(n, func(i int) bool { return l.items[i].at > t })
}

// span is where the items in [from, to) are.
func (l *list[T]) span(from, to model.Timestamp) (lo, hi int) {
	lo = l.before(from)
	hi = len(l.items)
	if to < never {
		hi = l.before(to)
	}
	return lo, max(lo, hi)
}

// own leaves the items to those who walk them, and goes on with a copy.
func (l *list[T]) own() {
	if l.walking > 0 {
		l.items = slices.Clone(l.items)
		l.walking = 0
		l.version++
	}
}

// cut removes items lo to hi.
func (l *list[T]) cut(lo, hi int) {
	l.own()
	if lo == 0 {
		clear(l.items[:hi])
		l.items = l.items[hi:]
		return
	}
	l.items = slices.Delete(l.items, lo, hi)
}

func (l *list[T]) walk(from, to, now model.Timestamp, yield func(model.Timestamp, T) bool) {
	lo, hi := l.span(from, to)
	items, version := l.items[lo:hi], l.version
	l.walking++
	for i := range items {
		if e := &items[i]; e.expires > now && !yield(e.at, e.v) {
			break
		}
	}
	if l.version == version {
		l.walking--
	}
}

type listCell[T any] struct {
	decl
	codec codec[T]
}

func (c *listCell[T]) newSlot() Slot     { return &list[T]{} }
func (c *listCell[T]) recycle(Slot) bool { return false }

func (c *listCell[T]) appendSlot(dst []byte, s Slot) (_ []byte, err error) {
	l := s.(*list[T])
	dst = binary.AppendUvarint(dst, uint64(len(l.items)))
	for i := range l.items {
		e := &l.items[i]
		dst = c.appendExpiry(binary.AppendVarint(dst, int64(e.at)), e.expires)
		if dst, err = c.codec.append(dst, &e.v); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

func (c *listCell[T]) decodeSlot(src []byte, s Slot) (rest []byte, err error) {
	l := s.(*list[T])
	n, src, err := decodeLen(src)
	for ; n > 0 && err == nil; n-- {
		at, size := binary.Varint(src)
		if size <= 0 {
			return src, errShort
		}
		e := item[T]{at: model.Timestamp(at)}
		if e.expires, src, err = c.decodeExpiry(src[size:]); err != nil {
			break
		}
		if src, err = c.codec.decode(src, &e.v); err == nil {
			l.items = append(l.items, e)
		}
	}
	return src, err
}

func (c *listCell[T]) mergeSlots(into, from Slot) {
	l := into.(*list[T])
	l.own()
	l.items = append(l.items, from.(*list[T]).items...)
	slices.SortStableFunc(l.items, func(a, b item[T]) int {
		switch {
		case a.at < b.at:
			return -1
		case a.at > b.at:
			return 1
		}
		return 0
	})
}

func (c *listCell[T]) expireSlot(s Slot, now model.Timestamp) model.Timestamp {
	l := s.(*list[T])
	if c.clock == EventTime { // the first in order are the first to expire
		n := sort.Search(len(l.items), func(i int) bool { return l.items[i].expires > now })
		if n > 0 {
			l.cut(0, n)
		}
		if len(l.items) == 0 {
			return never
		}
		return l.items[0].expires
	}
	next := never
	l.own()
	l.items = slices.DeleteFunc(l.items, func(e item[T]) bool {
		if e.expires <= now {
			return true
		}
		next = min(next, e.expires)
		return false
	})
	return next
}
