package engine

import (
	"reflect"
	"slices"

	"github.com/millrace/millrace/internal/engine/cells"
	"github.com/millrace/millrace/model"
)

// A SideSpec is the ExchangeSpec of a transform that looks things up in side
// inputs while it goes through its main input, port 0. The elements of that stay
// in the task that they come from; those of the other ports, which are the inputs
// of View, go to every task.
type SideSpec[T, S any] struct {
	View SideView[S]
	// Process returns what takes an element of the main input, and what it sees.
	Process func(op *Op, outs [][]any) func(m *model.Meta, v *T, side *S)
}

// Sender implements [ExchangeSpec].
func (s SideSpec[T, S]) Sender(op *Op, port int) any {
	if port > 0 {
		return s.View.sides(nil)[port-1].sender(op, port)
	}
	out := newOutlet[shuffled[T]](op, port)
	task, _ := op.Instance()
	return Emit[T](func(m *model.Meta, v *T) {
		r := out.rowFor(task)
		r.meta, r.v = *m, *v
	})
}

// Receiver implements [ExchangeSpec].
func (s SideSpec[T, S]) Receiver(op *Op, outs [][]any) Receiver {
	r := &sided[T, S]{
		op:        op,
		process:   s.Process(op, outs),
		watermark: model.MinTimestamp,
		waiting:   openTaskCells(op, "waiting", false, mergeWaiting[T], waitingForm[T]()),
		progress:  openTaskCells(op, "watermarks", true, mergeProgress, cells.Plain(reflect.TypeFor[sideProgress]())),
		hold:      model.MaxTimestamp,
	}
	for i, side := range s.View.sides(nil) {
		r.tables = append(r.tables, side.table(op, i+1))
	}
	r.windows = make([]model.Window, len(r.tables))
	r.read = s.View.reader(r.tables)
	if len(outs) > 1 { // there is a LateData
		r.late = Tee[model.LateElement[T]](outs[1])
	}
	r.each = Explode(op, op.Node.Inputs[0].Windowing, r.take)
	return r
}

// sided is the PortReceiver of a SideSpec. An element of the main input whose
// windows of the side inputs are not all ready waits, in order with the others of
// its window, and holds the watermark meanwhile. Nothing else does: how far the
// side inputs are is no bound on what the main input brings about.
//
// Batches of all ports are taken as they come, so that elements that wait never
// keep from coming what they wait for.
type sided[T, S any] struct {
	op      *Op
	tables  []sideTable
	read    func(windows []model.Window) (S, error)
	process func(m *model.Meta, v *T, side *S)
	each    Emit[T]
	late    Emit[model.LateElement[T]] // nil if nobody wants what is dropped

	watermark model.Timestamp  // of the main input
	waiting   *cells.TaskCells // a waitingCell by window of the main input
	progress  *cells.TaskCells // a sideProgress in the global window
	groups    []waitingGroup   // in the order of their first elements
	hold      model.Timestamp  // the earliest that waits

	// What elements of the last window see, while known.
	last    model.Window
	known   bool
	fate    fate
	windows []model.Window // of the side inputs
	side    S
	err     error
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

// A waitingCell is the elements of a waitingGroup.
type waitingCell[T any] struct {
	elements []model.Element[T]
	earliest model.Timestamp
}

// Receive implements [Receiver].
func (s *sided[T, S]) Receive(port int, batch any) {
	if port > 0 {
		s.tables[port-1].receive(batch)
		s.settle()
		return
	}
	rows := batch.(*Records[shuffled[T]]).Rows
	for i := range rows {
		if s.op.Failed() {
			return
		}
		s.each(&rows[i].meta, &rows[i].v)
	}
}

// take processes an element in its one window, or has it wait.
func (s *sided[T, S]) take(m *model.Meta, v *T) {
	if !s.known || m.Window != s.last {
		s.look(m.Window)
	}
	switch c := &s.op.Counts; {
	case s.fate == dropped:
		c.Dropped++
		s.drop(m, v)
		return
	case m.Window.End <= s.watermark:
		c.Late++
	default:
		c.OnTime++
	}
	if s.fate == waits {
		s.wait(m, v)
		return
	}
	s.hand(m, v)
}

// look finds out about window w of the main input.
func (s *sided[T, S]) look(w model.Window) {
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
		s.side, s.err = s.read(s.windows)
	}
}

func (s *sided[T, S]) drop(m *model.Meta, v *T) {
	if s.late == nil {
		return
	}
	lm := model.Meta{Timestamp: max(s.watermark, m.Timestamp), Window: model.GlobalWindow, Pane: model.NoPane}
	s.late(&lm, &model.LateElement[T]{
		Value: *v, Timestamp: m.Timestamp, Window: m.Window, Watermark: s.watermark, Reason: model.WindowExpired,
	})
}

func (s *sided[T, S]) hand(m *model.Meta, v *T) {
	switch {
	case s.op.Failed():
	case s.err != nil:
		s.op.Fail(m, *v, s.err)
	default:
		s.process(m, v, &s.side)
	}
}

func (s *sided[T, S]) wait(m *model.Meta, v *T) {
	cell, fresh := s.waiting.Window(m.Window)
	if fresh {
		s.groups = append(s.groups, waitingGroup{m.Window, slices.Clone(s.windows)})
		for i, t := range s.tables {
			t.want(s.windows[i])
		}
	}
	c := cell.V.(*waitingCell[T])
	if fresh || m.Timestamp < c.earliest {
		c.earliest = m.Timestamp
		s.hold = min(s.hold, m.Timestamp)
	}
	c.elements = append(c.elements, model.Element[T]{Meta: *m, Value: *v})
	s.op.Counts.Waiting++
}

// settle has processed what need wait no longer: it is called when the side
// inputs have changed.
func (s *sided[T, S]) settle() {
	s.known = false
	kept := s.groups[:0]
	hold := model.MaxTimestamp
	for _, g := range s.groups {
		if s.op.Failed() || !s.ready(g.sides) {
			kept = append(kept, g)
			hold = min(hold, s.cell(g).earliest)
			continue
		}
		s.resume(g)
	}
	clear(s.groups[len(kept):])
	s.groups, s.hold = kept, hold
}

func (s *sided[T, S]) ready(windows []model.Window) bool {
	for i, t := range s.tables {
		if !t.ready(windows[i]) {
			return false
		}
	}
	return true
}

func (s *sided[T, S]) cell(g waitingGroup) *waitingCell[T] {
	return s.waiting.Lookup(g.window).V.(*waitingCell[T])
}

// resume processes the elements of g.
func (s *sided[T, S]) resume(g waitingGroup) {
	s.side, s.err = s.read(g.sides)
	c := s.cell(g)
	for i := range c.elements {
		e := &c.elements[i]
		s.hand(&e.Meta, &e.Value)
	}
	s.op.Counts.Waiting -= int64(len(c.elements))
	s.waiting.Drop(g.window)
	for i, t := range s.tables {
		t.unwant(g.sides[i])
	}
}

// AdvancePort implements [PortReceiver].
func (s *sided[T, S]) AdvancePort(port int, watermark model.Timestamp) {
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
func (s *sided[T, S]) Hold() model.Timestamp { return min(s.watermark, s.hold) }

// Advance implements [Receiver]. AdvancePort is called in its place.
func (s *sided[T, S]) Advance(model.Timestamp) {}

// AdvanceProcessingTime implements [Receiver].
func (s *sided[T, S]) AdvanceProcessingTime(model.Timestamp) {}

// NextProcessingTime implements [Receiver].
func (s *sided[T, S]) NextProcessingTime() model.Timestamp { return model.MaxTimestamp }
