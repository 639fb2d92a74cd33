package engine

import (
	"reflect"
	"slices"

	"github.com/millrace/millrace/internal/engine/cells"
	"github.com/millrace/millrace/model"
)

// sided is the PortReceiver of a SideSpec. An element of the main input whose
// windows of the side inputs are not all ready waits, in order with the others of
// its window, and holds the watermark meanwhile. Nothing else does: how far the
// side inputs are is no bound on what the main input brings about.
//
// Batches of all ports are taken as they come, so that elements that wait never
// keep from coming what they wait for.
type sided struct {
	op     *Op
	tables []*sideTable
	// The typed edge: rows takes a batch of the main input, see looks at the side inputs
	// for those that are processed next, and resume processes those of a waitingCell.
	rows   func(batch any)
	see    func(windows []model.Window)
	resume func(waiting any)

	watermark model.Timestamp // of the main input
	kind      waitingKind
	waiting   *cells.TaskCells // a waitingCell by window of the main input
	progress  *cells.TaskCells // a sideProgress in the global window
	groups    []waitingGroup   // in the order of their first elements
	hold      model.Timestamp  // the earliest that waits

	// What becomes of elements of the last window, while known.
	last    model.Window
	known   bool
	fate    fate
	windows []model.Window // of the side inputs
	late    model.Meta     // of the last that was dropped
}

func newSided(op *Op, inputs []*SideInput, kind waitingKind) *sided {
	s := &sided{
		op:        op,
		watermark: model.MinTimestamp,
		kind:      kind,
		hold:      model.MaxTimestamp,
	}
	s.waiting = openTaskCells(op, "waiting", kind.form, cells.TaskKind{New: kind.empty, Merge: kind.merge})
	s.progress = openTaskCells(op, "watermarks", cells.Plain(reflect.TypeFor[sideProgress]()), cells.TaskKind{
		New: func() any { return new(sideProgress) }, Alike: true, Merge: mergeProgress,
	})
	for i, in := range inputs {
		s.tables = append(s.tables, in.table(op, i+1))
	}
	s.windows = make([]model.Window, len(s.tables))
	return s
}

// A fate is what becomes of an element now.
type fate uint8

const (
	processed fate = iota
	waits
	dropped
)

// A waitingGroup is a window of the main input that waits, with those that it
// waits for.
type waitingGroup struct {
	window model.Window
	sides  []model.Window
}

// Receive implements [Receiver].
func (s *sided) Receive(port int, batch any) {
	if port > 0 {
		s.tables[port-1].receive(batch)
		s.settle()
		return
	}
	s.rows(batch)
}

// take says what becomes of an element in its one window, and counts it.
func (s *sided) take(m *model.Meta) fate {
	if !s.known || m.Window != s.last {
		s.look(m.Window)
	}
	switch c := &s.op.Counts; {
	case s.fate == dropped:
		c.Dropped++
	case m.Window.End <= s.watermark:
		c.Late++
	default:
		c.OnTime++
	}
	return s.fate
}

// look finds out about window w of the main input.
func (s *sided) look(w model.Window) {
	s.last, s.known, s.fate = w, true, processed
	for i, t := range s.tables {
		s.windows[i] = t.window(w)
		switch {
		case t.gone(s.windows[i]):
			s.fate = dropped
		case s.fate == processed && !t.ready(s.windows[i]):
			s.fate = waits
		}
	}
	if s.fate == processed {
		s.see(s.windows)
	}
}

// lateMeta is where a dropped element goes on: not behind the watermark a second time.
func (s *sided) lateMeta(m *model.Meta) *model.Meta {
	s.late = model.Meta{Timestamp: max(s.watermark, m.Timestamp), Window: model.GlobalWindow, Pane: model.NoPane}
	return &s.late
}

// wait is the waitingCell that an element which waits is to be put into.
func (s *sided) wait(m *model.Meta) (waiting any) {
	cell, fresh := s.waiting.Window(m.Window)
	if fresh {
		s.groups = append(s.groups, waitingGroup{m.Window, slices.Clone(s.windows)})
		for i, t := range s.tables {
			t.want(s.windows[i])
		}
	}
	if earliest := s.kind.earliest(cell.V); m.Timestamp < *earliest {
		*earliest = m.Timestamp
		s.hold = min(s.hold, m.Timestamp)
	}
	s.op.Counts.Waiting++
	return cell.V
}

// settle has processed what need wait no longer: it is called when the side
// inputs have changed.
func (s *sided) settle() {
	s.known = false
	kept := s.groups[:0]
	hold := model.MaxTimestamp
	for _, g := range s.groups {
		if s.op.Failed() || !s.ready(g.sides) {
			kept = append(kept, g)
			hold = min(hold, *s.kind.earliest(s.cell(g)))
			continue
		}
		s.process(g)
	}
	clear(s.groups[len(kept):])
	s.groups, s.hold = kept, hold
}

func (s *sided) ready(windows []model.Window) bool {
	for i, t := range s.tables {
		if !t.ready(windows[i]) {
			return false
		}
	}
	return true
}

func (s *sided) cell(g waitingGroup) any { return s.waiting.Lookup(g.window).V }

// process processes the elements of g.
func (s *sided) process(g waitingGroup) {
	s.see(g.sides)
	c := s.cell(g)
	s.resume(c)
	s.op.Counts.Waiting -= int64(s.kind.len(c))
	s.waiting.Drop(g.window)
	for i, t := range s.tables {
		t.unwant(g.sides[i])
	}
}

// AdvancePort implements [PortReceiver].
func (s *sided) AdvancePort(port int, watermark model.Timestamp) {
	s.known = false
	if port > 0 {
		s.tables[port-1].advance(watermark)
		s.note()
		s.settle()
		return
	}
	s.watermark = max(s.watermark, watermark)
	s.note()
	for _, t := range s.tables {
		t.release(s.watermark)
	}
}

// Hold implements [Receiver]: the watermark of the main input, less what waits.
func (s *sided) Hold() model.Timestamp { return min(s.watermark, s.hold) }

// Advance implements [Receiver]. AdvancePort is called in its place.
func (s *sided) Advance(model.Timestamp) {}

// AdvanceProcessingTime implements [Receiver].
func (s *sided) AdvanceProcessingTime(model.Timestamp) {}

// NextProcessingTime implements [Receiver].
func (s *sided) NextProcessingTime() model.Timestamp { return model.MaxTimestamp }
