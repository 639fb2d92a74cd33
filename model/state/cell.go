package state

import (
	"errors"
	"fmt"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/coder"
)

// A Cell is a declared cell or timer: a [Value], [Bag], [Map], [Set], [Multimap],
// [OrderedList], [Combining], [EventTimer], [ProcessingTimer], [EventTimerFamily] or
// [ProcessingTimerFamily].
type Cell interface {
	// Name is what the cell was declared as.
	Name() string
	declaration() *decl
}

// A Kind says what a cell is.
type Kind uint8

// The kinds of cells.
const (
	KindValue Kind = iota + 1
	KindBag
	KindMap
	KindSet
	KindMultimap
	KindOrderedList
	KindCombining
	KindEventTimer
	KindProcessingTimer
	KindEventTimerFamily
	KindProcessingTimerFamily
)

var kindNames = [...]string{
	"unknown cell", "value", "bag", "map", "set", "multimap", "ordered list", "combining",
	"event timer", "processing timer", "event timer family", "processing timer family",
}

func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// timer reports whether k is a timer's.
func (k Kind) timer() bool { return k >= KindEventTimer }

// merges reports whether what two windows hold in cells of kind k can become one.
func (k Kind) merges() bool {
	switch k {
	case KindBag, KindSet, KindMultimap, KindOrderedList, KindCombining:
		return true
	}
	return false
}

// A Clock is one of the two times that timers and expiry go by.
type Clock uint8

// The two clocks. The event time of a call is the timestamp of its element, or the
// time that its timer was set for; or the watermark, where that is later.
const (
	EventTime Clock = iota
	ProcessingTime
)

func (c Clock) String() string {
	if c == ProcessingTime {
		return "processing time"
	}
	return "event time"
}

// A Fetch says when a store that keeps cells outside memory should read one.
type Fetch uint8

const (
	// FetchDefault is FetchEarly for values and combining cells, FetchLazily for the
	// others, which may be large.
	FetchDefault Fetch = iota
	// FetchEarly reads the cell, together with the others of the key, before the call.
	FetchEarly
	// FetchLazily reads it when the call asks for it.
	FetchLazily
)

// An Option adjusts a cell.
type Option func(*decl)

// ExpireAfterEventTime has the cell forget what was written d of event time ago.
// The clock of a write is the event time of its call; the contents are gone for a
// call whose event time is d or more later, and released when the watermark is,
// or soon after: within an eighth of d.
//
// In a Value and a Combining cell each write begins the time anew for the whole
// cell; in a Map and a Set, a write of an entry does for that entry; in a Bag and a
// Multimap, each value has its own time. In an OrderedList the time counts from the
// timestamp that the value was added with. Of several Adds to a Combining cell, or
// of one value to a Set, the one of the latest event time counts, whichever came last.
func ExpireAfterEventTime(d time.Duration) Option { return expireAfter(EventTime, d) }

// ExpireAfterProcessingTime is [ExpireAfterEventTime] by processing time; in an
// OrderedList, too, it counts from the write.
func ExpireAfterProcessingTime(d time.Duration) Option { return expireAfter(ProcessingTime, d) }

func expireAfter(c Clock, d time.Duration) Option {
	return func(cell *decl) {
		switch {
		case d < time.Microsecond:
			cell.mistake(fmt.Errorf("it expires after %v; the least is 1µs, the resolution of a timestamp", d))
		case cell.ttl > 0:
			cell.mistake(errors.New("it has two expiries; a cell expires by event time or by processing time"))
		}
		cell.ttl, cell.clock = d, c
	}
}

// Prefetched hints that nearly every call reads the cell: a store that keeps it
// outside memory should read it before the call, with the others of the key. It
// changes no result, and a store in memory takes no notice.
func Prefetched() Option { return func(cell *decl) { cell.fetch = FetchEarly } }

// Lazy hints that few calls read the cell: a store that keeps it outside memory
// should read it only when a call does. It changes no result.
func Lazy() Option { return func(cell *decl) { cell.fetch = FetchLazily } }

// A decl is what all cells have in common. It is shared by the copies of a cell,
// and does not change once a Layout has it.
type decl struct {
	name  string
	kind  Kind
	site  model.Site
	errs  []error       // mistakes of the declaration
	ttl   time.Duration // 0 is none
	clock Clock         // of the ttl, or of a timer
	fetch Fetch
	slots slotType   // nil of a timer
	types []TypeSpec // what it holds

	layout *Layout // once bound
	index  int     // among the specs or the timers of layout
}

// declare completes d at the caller's line. What may fail is reported when the
// cell is bound.
func (d *decl) declare(name string, kind Kind, opts []Option) {
	d.name, d.kind, d.site = name, kind, model.UserSite()
	if name == "" {
		d.mistake(errors.New("it has no name; names tell the cells of a DoFn apart, and key what is stored"))
	}
	for _, o := range opts {
		o(d)
	}
	if d.fetch == FetchDefault {
		d.fetch = FetchLazily
		if kind == KindValue || kind == KindCombining {
			d.fetch = FetchEarly
		}
	}
}

func (d *decl) mistake(err error) { d.errs = append(d.errs, err) }

func (d *decl) String() string { return fmt.Sprintf("%v %q", d.kind, d.name) }

// told is d with the line that declared it.
func (d *decl) told() string { return fmt.Sprintf("%v (declared at %v)", d, d.site) }

// expires is when what is written now is gone; never if it stays.
func (d *decl) expires(f *Frame) model.Timestamp {
	if d.ttl == 0 {
		return never
	}
	return d.wake(f, f.access.Time(d.clock).Add(d.ttl))
}

// wake has the host look at the cell again at t.
func (d *decl) wake(f *Frame, t model.Timestamp) model.Timestamp {
	f.access.Wake(d.clock, t)
	return t
}

// now is the time by which what was written has expired; before all time where
// nothing does.
func (d *decl) now(f *Frame) model.Timestamp {
	if d.ttl == 0 {
		return dead
	}
	return f.access.Time(d.clock)
}

// A codec encodes one of the types that a cell holds.
type codec[T any] struct {
	coder *coder.Coder[T]
	from  *coder.Migration[T] // of what was saved with other types; or nil
}

// encode gives d the coder of T. What names the type's role in the cell.
func encode[T any](d *decl, what string, make func() (*coder.Coder[T], error)) codec[T] {
	c, err := make()
	if err != nil {
		d.mistake(fmt.Errorf("the %s cannot be encoded: %w", what, err))
		return codec[T]{}
	}
	d.types = append(d.types, TypeSpec{what, c.Schema()})
	return codec[T]{coder: c}
}

func (c codec[T]) append(dst []byte, v *T) ([]byte, error) { return c.coder.Append(dst, v) }

func (c codec[T]) decode(src []byte, v *T) (rest []byte, err error) {
	if c.from != nil {
		return c.from.Decode(src, v)
	}
	return c.coder.Decode(src, v)
}
