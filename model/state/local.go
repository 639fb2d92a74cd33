package state

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/millrace/millrace/model"
)

// A Local is a Scope in memory, for unit tests of a DoFn: one key and window that
// is always being processed. Nothing fires by itself; [Local.Advance] says what
// would have. Its window is the global one.
type Local struct {
	f      *Frame
	slots  []Slot
	timers []LocalTimer
	clocks [2]model.Timestamp
	err    error
}

// A LocalTimer is a timer that is set in a Local.
type LocalTimer struct {
	Name, Tag string
	Clock     Clock
	Setting

	index int
}

// NewLocal is a Local for a DoFn's cells: all that its method Cells lists.
func NewLocal(cells ...Cell) *Local {
	l := &Local{clocks: [2]model.Timestamp{model.MinTimestamp, model.MinTimestamp}}
	layout, err := Bind(nil, cells)
	if err != nil {
		l.err = err
		layout = &Layout{}
	}
	l.slots = make([]Slot, len(layout.Specs))
	l.f = NewFrame(layout, (*local)(l))
	l.f.Begin()
	return l
}

func (l *Local) frame() *Frame { return l.f }

// Err is the first thing that was wrong with how cells were declared or used.
func (l *Local) Err() error { return errors.Join(l.err, l.f.err) }

// Timers are the timers that are set, by clock, time, and place in the list of
// cells.
func (l *Local) Timers() []LocalTimer { return slices.Clone(l.timers) }

// Advance takes a clock to t, and takes out the timers that are due by then, in
// the order in which they fire. What has expired is gone.
func (l *Local) Advance(c Clock, t model.Timestamp) (due []LocalTimer) {
	l.clocks[c] = max(l.clocks[c], t)
	l.timers = slices.DeleteFunc(l.timers, func(s LocalTimer) bool {
		if s.Clock != c || s.At > l.clocks[c] {
			return false
		}
		due = append(due, s)
		return true
	})
	for i, spec := range l.f.layout.Specs {
		if l.slots[i] == nil || spec.Clock != c {
			continue
		}
		if spec.Expire(l.slots[i], l.clocks[c]); l.slots[i].Empty() {
			l.slots[i] = nil
		}
	}
	return due
}

// local is a Local as its frame's Access.
type local Local

func (l *local) Slot(i int) Slot { return l.slots[i] }

func (l *local) Change(i int) Slot {
	if l.slots[i] == nil {
		l.slots[i] = l.f.layout.Specs[i].New()
	}
	return l.slots[i]
}

func (l *local) Drop(i int)                   { l.slots[i] = nil }
func (l *local) Wake(Clock, model.Timestamp)  {}
func (l *local) Time(c Clock) model.Timestamp { return l.clocks[c] }
func (l *local) Expiry() model.Timestamp      { return model.EndOfGlobalWindow }

func (l *local) SetTimer(i int, tag string, s Setting) error {
	spec := l.f.layout.Timers[i]
	if spec.Clock == EventTime && s.At >= l.Expiry() {
		return fmt.Errorf("the timer %q cannot be set for %v, at which its window has expired; ask state.Expiry before", spec.Name, s.At)
	}
	l.ClearTimer(i, tag)
	t := LocalTimer{Name: spec.Name, Tag: tag, Clock: spec.Clock, Setting: s, index: i}
	at, _ := slices.BinarySearchFunc(l.timers, t, func(a, b LocalTimer) int {
		return cmp.Or(cmp.Compare(a.Clock, b.Clock), cmp.Compare(a.At, b.At), cmp.Compare(a.index, b.index), cmp.Compare(a.Tag, b.Tag))
	})
	l.timers = slices.Insert(l.timers, at, t)
	return nil
}

func (l *local) ClearTimer(i int, tag string) {
	l.timers = slices.DeleteFunc(l.timers, func(t LocalTimer) bool { return t.index == i && t.Tag == tag })
}
