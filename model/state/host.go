package state

import (
	"errors"
	"fmt"
	"math"

	"github.com/millrace/millrace/model"
)

// A Scope is the key and window of the element or timer that a DoFn is called
// with. It is valid during that call only.
type Scope interface{ frame() *Frame }

// Expiry is when what is kept for the key and window of s is let go: the end of
// the window plus the allowed lateness. An event-time timer must be set before it.
// In the global window it is the end of time until the input has ended. Then it is
// just after the latest of the key's elements and event-time timers, which is where
// a timer that sets itself again must stop; others may still be set behind it.
func Expiry(s Scope) model.Timestamp {
	if f := s.frame().entered("Expiry"); f != nil {
		return f.access.Expiry()
	}
	return model.MinTimestamp
}

// Now is the processing time of the call.
func Now(s Scope) model.Timestamp {
	if f := s.frame().entered("Now"); f != nil {
		return f.access.Time(ProcessingTime)
	}
	return model.MinTimestamp
}

// An Access is what a host gives cells to reach what they hold for the key and
// window of a call. Its methods are called during calls only, by one goroutine.
// Indices are those of [Layout.Specs] and [Layout.Timers].
type Access interface {
	// Slot is what a cell holds, or nil if it is empty.
	Slot(i int) Slot
	// Change is Slot for a cell that is about to be changed: an empty one is given
	// a new slot.
	Change(i int) Slot
	// Drop empties a cell.
	Drop(i int)
	// Wake says that something in a cell expires at t.
	Wake(c Clock, t model.Timestamp)
	// Time is the time of the call.
	Time(c Clock) model.Timestamp
	// Expiry is when the key's window is let go.
	Expiry() model.Timestamp
	// SetTimer sets a timer, or moves it. Tag is "" but for families.
	SetTimer(i int, tag string, s Setting) error
	// ClearTimer clears a timer, if it is set.
	ClearTimer(i int, tag string)
}

// A Setting is when a timer fires.
type Setting struct {
	At model.Timestamp
	// Output, where HasOutput, is the timestamp of what OnTimer emits, and what the
	// watermark is held at until then.
	Output    model.Timestamp
	HasOutput bool
}

// A Slot is what a cell holds for one key and window, in the type that its cell
// keeps it in.
type Slot interface {
	// Empty reports whether it holds nothing.
	Empty() bool
}

// A Frame is the Scope of all calls of a DoFn in one task, one after another.
type Frame struct {
	layout *Layout
	access Access
	open   bool
	err    error
}

// NewFrame is a Frame for a DoFn with that layout, over a.
func NewFrame(l *Layout, a Access) *Frame { return &Frame{layout: l, access: a} }

func (f *Frame) frame() *Frame { return f }

// Begin begins a call.
func (f *Frame) Begin() { f.open = true }

// End ends a call and returns what went wrong with the use of cells since the last
// one ended; after that the frame is as good as new.
func (f *Frame) End() error {
	f.open = false
	err := f.err
	f.err = nil
	return err
}

// enter is the frame of s if d may be used in it, or nil.
func (d *decl) enter(s Scope) *Frame {
	f := s.frame()
	if f.err != nil || d == nil || d.layout != f.layout || !f.open {
		f.misused(d)
		return nil
	}
	return f
}

// entered is f during a call, or nil.
func (f *Frame) entered(what string) *Frame {
	if !f.open {
		f.fail(fmt.Errorf("state.%s is used outside a call of the DoFn; a Scope is valid during the call that it was handed to only", what))
	}
	if f.err != nil {
		return nil
	}
	return f
}

// fail notes a mistake of the user, at the user's line; only the first counts.
func (f *Frame) fail(err error) {
	if f.err == nil {
		f.err = fmt.Errorf("%w (at %v)", err, model.UserSite())
	}
}

// misused says what is wrong with using d in f.
func (f *Frame) misused(d *decl) {
	switch {
	case f.err != nil:
	case d == nil:
		f.fail(errors.New("the cell was made by no constructor, such as state.NewValue"))
	case !f.open:
		f.fail(fmt.Errorf("the %v is used outside a call of the DoFn; a Scope is valid during the call that it was handed to only", d))
	default:
		f.fail(f.layout.stranger(d))
	}
}

// stranger says why d is not of l.
func (l *Layout) stranger(d *decl) error {
	for _, c := range l.cells {
		if c.name == d.name {
			return fmt.Errorf("the %s is not the one that Cells lists under this name, which was declared at %v; Cells must list the very cells that the DoFn uses, so make them once", d.told(), c.site)
		}
	}
	return fmt.Errorf("the %s is not listed by the DoFn's method Cells; add it there", d.told())
}

// read is what the cell of d holds in s, as an *S, or nil.
func read[S any](d *decl, s Scope) (*Frame, *S) {
	f := d.enter(s)
	if f == nil {
		return nil, nil
	}
	slot, _ := any(f.access.Slot(d.index)).(*S)
	return f, slot
}

// change is read for a write; the *S is nil only if the frame is.
func change[S any](d *decl, s Scope) (*Frame, *S) {
	f := d.enter(s)
	if f == nil {
		return nil, nil
	}
	return f, any(f.access.Change(d.index)).(*S)
}

// clear empties the cell of d in s.
func (d *decl) clear(s Scope) {
	if f := d.enter(s); f != nil {
		f.access.Drop(d.index)
	}
}

const (
	// never is past the end of time, where nothing expires.
	never model.Timestamp = math.MaxInt64
	// dead is before the beginning of time: the expiry of what was removed.
	dead model.Timestamp = math.MinInt64
)
