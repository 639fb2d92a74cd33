package engine

import (
	"fmt"
	"slices"

	"github.com/millrace/millrace/model/state"
)

// How the cells and timers of a DoFn are read that were saved by another version of
// it: by their names.

// keyedEncoding is the encoding of a DoFn's cells.
type keyedEncoding struct {
	savedAs[keyedWindows, []savedKeyedWindow]
	layout *state.Layout
}

func (e keyedEncoding) describe(s *cellSchema) {
	e.savedAs.describe(s)
	for _, c := range e.layout.Specs {
		s.Cells = append(s.Cells, cellPart{c.Name, c.Kind.String(), c.Expires(), c.Types})
	}
	for _, t := range e.layout.Timers {
		s.Timers = append(s.Timers, timerPart{t.Name, t.Clock.String(), t.Family})
	}
}

// keyedCells says where what was saved goes.
type keyedCells struct {
	specs  int // the DoFn has now
	cells  []keyedCell
	timers []int // -1 for those that are gone
}

type keyedCell struct {
	spec  *state.Spec // nil for a cell that is gone
	index int
}

// presentCells are the places of what was saved by this version.
func presentCells(l *state.Layout) *keyedCells {
	k := &keyedCells{specs: len(l.Specs)}
	for i, s := range l.Specs {
		k.cells = append(k.cells, keyedCell{s, i})
	}
	for i := range l.Timers {
		k.timers = append(k.timers, i)
	}
	return k
}

func (e keyedEncoding) from(history []*cellSchema, u *Upgrade) (decoder[keyedWindows], error) {
	places := &keyedCells{specs: len(e.layout.Specs)}
	for _, part := range history[0].Cells {
		c, err := e.cellFrom(part, history, u)
		if err != nil {
			return nil, fmt.Errorf("the %s %q: %w", part.Kind, part.Name, err)
		}
		places.cells = append(places.cells, c)
	}
	for _, part := range history[0].Timers {
		at, err := e.timerFrom(part, history, u)
		if err != nil {
			return nil, fmt.Errorf("the timer %q: %w", part.Name, err)
		}
		places.timers = append(places.timers, at)
	}
	e.noteAdded(history[len(history)-1], u)
	return e.fromBy(history, u, func(saved []savedKeyedWindow, ks *keyedWindows) error {
		return unpackKeyed(places, saved, ks)
	})
}

// cellFrom is where a cell goes that was saved as part. What a later version did not
// have does not come back.
func (e keyedEncoding) cellFrom(part cellPart, history []*cellSchema, u *Upgrade) (keyedCell, error) {
	var later [][]state.TypeSpec
	for _, h := range history[1:] {
		i := slices.IndexFunc(h.Cells, func(c cellPart) bool { return c.Name == part.Name })
		if i < 0 {
			return keyedCell{}, nil // which was noted then
		}
		later = append(later, h.Cells[i].Types)
	}
	i := slices.IndexFunc(e.layout.Specs, func(s *state.Spec) bool { return s.Name == part.Name })
	if i < 0 {
		u.note(&u.Dropped, fmt.Sprintf("the %s %q", part.Kind, part.Name))
		return keyedCell{}, nil
	}
	spec := e.layout.Specs[i]
	switch {
	case spec.Kind.String() != part.Kind:
		return keyedCell{}, fmt.Errorf("its kind is now %v", spec.Kind)
	case spec.Expires() != part.Expires:
		return keyedCell{}, fmt.Errorf("it expired when it was saved: %t, and does now: %t", part.Expires, spec.Expires())
	}
	old, changes, err := spec.From(part.Types, later...)
	if err != nil {
		return keyedCell{}, err
	}
	for _, c := range changes {
		u.note(&u.Changes, fmt.Sprintf("the %s %q: %s", part.Kind, part.Name, c))
	}
	return keyedCell{old, i}, nil
}

func (e keyedEncoding) timerFrom(part timerPart, history []*cellSchema, u *Upgrade) (int, error) {
	for _, h := range history[1:] {
		if !slices.ContainsFunc(h.Timers, func(t timerPart) bool { return t.Name == part.Name }) {
			return -1, nil
		}
	}
	i := slices.IndexFunc(e.layout.Timers, func(t state.TimerSpec) bool { return t.Name == part.Name })
	if i < 0 {
		u.note(&u.Dropped, fmt.Sprintf("the timer %q", part.Name))
		return -1, nil
	}
	t := e.layout.Timers[i]
	switch {
	case t.Clock.String() != part.Clock:
		return 0, fmt.Errorf("it went by %s when it was saved, and goes by %v now", part.Clock, t.Clock)
	case t.Family != part.Family:
		return 0, fmt.Errorf("it was a family when it was saved: %t, and is now: %t", part.Family, t.Family)
	}
	return i, nil
}

// noteAdded notes what is new since the last version.
func (e keyedEncoding) noteAdded(last *cellSchema, u *Upgrade) {
	for _, s := range e.layout.Specs {
		if !slices.ContainsFunc(last.Cells, func(c cellPart) bool { return c.Name == s.Name }) {
			u.note(&u.Added, fmt.Sprintf("the %v %q", s.Kind, s.Name))
		}
	}
	for _, t := range e.layout.Timers {
		if !slices.ContainsFunc(last.Timers, func(p timerPart) bool { return p.Name == t.Name }) {
			u.note(&u.Added, fmt.Sprintf("the timer %q", t.Name))
		}
	}
}
