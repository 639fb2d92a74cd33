package engine

import (
	"fmt"
	"slices"

	"github.com/millrace/millrace/internal/engine/cells"
	"github.com/millrace/millrace/model/state"
)

// How the cells and timers of a DoFn are read that were saved by another version of
// it: by their names.

// keyedForm is the form of a DoFn's cells.
type keyedForm struct {
	g     *keyedOp
	value cells.Value // of []savedKeyedWindow
}

// Append implements [cells.Form], as do the next three.
func (e keyedForm) Append(dst []byte, _ cells.Values, k cells.Entry) ([]byte, error) {
	saved, err := packKeyed(e.g.layout, &e.g.byKey[k])
	if err != nil {
		return dst, err
	}
	return e.value.Append(dst, &saved)
}

// Decode implements [cells.Form].
func (e keyedForm) Decode(src []byte, _ cells.Values, k cells.Entry) ([]byte, error) {
	return e.decode(src, k, e.value.Decode, presentCells(e.g.layout))
}

func (e keyedForm) decode(src []byte, k cells.Entry, read cells.ValueDecoder, places *keyedCells) ([]byte, error) {
	var saved []savedKeyedWindow
	rest, err := read(src, &saved)
	if err == nil {
		err = e.g.unpack(places, saved, k)
	}
	return rest, err
}

// Describe implements [cells.Form].
func (e keyedForm) Describe(s *cells.Schema) {
	s.Value = e.value.Schema()
	for _, c := range e.g.layout.Specs {
		s.Cells = append(s.Cells, cells.CellPart{Name: c.Name, Kind: c.Kind.String(), Expires: c.Expires(), Types: c.Types})
	}
	for _, t := range e.g.layout.Timers {
		s.Timers = append(s.Timers, cells.TimerPart{Name: t.Name, Clock: t.Clock.String(), Family: t.Family})
	}
}

// keyedCells says where what was saved goes.
type keyedCells struct {
	cells  []keyedCell
	timers []int // -1 for those that are gone
}

type keyedCell struct {
	spec  *state.Spec // nil for a cell that is gone
	index int
}

// presentCells are the places of what was saved by this version.
func presentCells(l *state.Layout) *keyedCells {
	k := &keyedCells{}
	for i, s := range l.Specs {
		k.cells = append(k.cells, keyedCell{s, i})
	}
	for i := range l.Timers {
		k.timers = append(k.timers, i)
	}
	return k
}

// From implements [cells.Form].
func (e keyedForm) From(history []*cells.Schema, u *cells.Upgrade) (cells.Decoder, error) {
	places := &keyedCells{}
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
	read, err := e.value.From(history, cells.ValuePart, u, "")
	if err != nil {
		return nil, err
	}
	return func(src []byte, _ cells.Values, k cells.Entry) ([]byte, error) { return e.decode(src, k, read, places) }, nil
}

// cellFrom is where a cell goes that was saved as part. What a later version did not
// have does not come back.
func (e keyedForm) cellFrom(part cells.CellPart, history []*cells.Schema, u *cells.Upgrade) (keyedCell, error) {
	var later [][]state.TypeSpec
	for _, h := range history[1:] {
		i := slices.IndexFunc(h.Cells, func(c cells.CellPart) bool { return c.Name == part.Name })
		if i < 0 {
			return keyedCell{}, nil // which was noted then
		}
		later = append(later, h.Cells[i].Types)
	}
	i := slices.IndexFunc(e.g.layout.Specs, func(s *state.Spec) bool { return s.Name == part.Name })
	if i < 0 {
		u.Note(&u.Dropped, fmt.Sprintf("the %s %q", part.Kind, part.Name))
		return keyedCell{}, nil
	}
	spec := e.g.layout.Specs[i]
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
		u.Note(&u.Changes, fmt.Sprintf("the %s %q: %s", part.Kind, part.Name, c))
	}
	return keyedCell{old, i}, nil
}

func (e keyedForm) timerFrom(part cells.TimerPart, history []*cells.Schema, u *cells.Upgrade) (int, error) {
	for _, h := range history[1:] {
		if !slices.ContainsFunc(h.Timers, func(t cells.TimerPart) bool { return t.Name == part.Name }) {
			return -1, nil
		}
	}
	i := slices.IndexFunc(e.g.layout.Timers, func(t state.TimerSpec) bool { return t.Name == part.Name })
	if i < 0 {
		u.Note(&u.Dropped, fmt.Sprintf("the timer %q", part.Name))
		return -1, nil
	}
	t := e.g.layout.Timers[i]
	switch {
	case t.Clock.String() != part.Clock:
		return 0, fmt.Errorf("it went by %s when it was saved, and goes by %v now", part.Clock, t.Clock)
	case t.Family != part.Family:
		return 0, fmt.Errorf("it was a family when it was saved: %t, and is now: %t", part.Family, t.Family)
	}
	return i, nil
}

// noteAdded notes what is new since the last version.
func (e keyedForm) noteAdded(last *cells.Schema, u *cells.Upgrade) {
	for _, s := range e.g.layout.Specs {
		if !slices.ContainsFunc(last.Cells, func(c cells.CellPart) bool { return c.Name == s.Name }) {
			u.Note(&u.Added, fmt.Sprintf("the %v %q", s.Kind, s.Name))
		}
	}
	for _, t := range e.g.layout.Timers {
		if !slices.ContainsFunc(last.Timers, func(p cells.TimerPart) bool { return p.Name == t.Name }) {
			u.Note(&u.Added, fmt.Sprintf("the timer %q", t.Name))
		}
	}
}
