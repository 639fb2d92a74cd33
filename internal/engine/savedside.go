package engine

import (
	"github.com/millrace/millrace/internal/engine/cells"
	"github.com/millrace/millrace/model"
)

// How what waits for side inputs, and their contents, are saved.

// savedWaiting is a waitingCell.
type savedWaiting[T any] struct {
	Elements []savedElement[T]
	Earliest model.Timestamp
}

type savedElement[T any] struct {
	Meta  model.Meta
	Value T
}

func waitingForm[T any]() func() (cells.Form, error) {
	return cells.Packed(
		func(c *waitingCell[T]) (savedWaiting[T], error) {
			s := savedWaiting[T]{Earliest: c.earliest}
			for _, e := range c.elements {
				s.Elements = append(s.Elements, savedElement[T]{e.Meta, e.Value})
			}
			return s, nil
		},
		func(s savedWaiting[T], c *waitingCell[T]) error {
			*c = waitingCell[T]{earliest: s.Earliest}
			for _, e := range s.Elements {
				c.elements = append(c.elements, model.Element[T]{Meta: e.Meta, Value: e.Value})
			}
			return nil
		})
}

func mergeWaiting[T any](into, from *waitingCell[T]) {
	into.elements = append(into.elements, from.elements...)
	into.earliest = min(into.earliest, from.earliest)
}

// A sideProgress is how far the ports are. Their watermarks are not that of the task's
// input, and what a checkpoint has of that is nothing.
type sideProgress struct {
	Main  model.Timestamp
	Sides []model.Timestamp
}

// mergeProgress leaves what all have passed, which at a barrier is the same.
func mergeProgress(into, from *sideProgress) {
	into.Main = min(into.Main, from.Main)
	for i := range into.Sides {
		into.Sides[i] = min(into.Sides[i], from.Sides[i])
	}
}

// note keeps how far the ports are.
func (s *sided[T, S]) note() {
	if s.op.task.Store() == nil {
		return
	}
	cell, _ := s.progress.Window(model.GlobalWindow)
	p := cell.V.(*sideProgress)
	p.Main, p.Sides = s.watermark, p.Sides[:0]
	over := p.Main == model.MaxTimestamp
	for _, t := range s.tables {
		p.Sides = append(p.Sides, t.passed())
		over = over && t.passed() == model.MaxTimestamp
	}
	if over { // which those before will say again
		s.progress.Drop(model.GlobalWindow)
	}
}

// restored queues what was loaded.
func (s *sided[T, S]) restored(_, _ model.Timestamp) {
	p := &sideProgress{Main: model.MinTimestamp}
	if cell := s.progress.Lookup(model.GlobalWindow); cell != nil {
		p = cell.V.(*sideProgress)
	}
	s.watermark = p.Main
	for i, t := range s.tables {
		at := model.MinTimestamp
		if i < len(p.Sides) {
			at = p.Sides[i]
		}
		t.restored(at, p.Main)
	}
	s.waiting.EachSaved(func(w model.Window) {
		g := waitingGroup{window: w}
		for _, t := range s.tables {
			side := t.window(w)
			g.sides = append(g.sides, side)
			t.want(side)
		}
		s.groups = append(s.groups, g)
		c := s.cell(g)
		s.hold = min(s.hold, c.earliest)
		s.op.Counts.Waiting += int64(len(c.elements))
	})
	for _, t := range s.tables {
		t.release(s.watermark)
	}
}

// savedSide is a sideCell: its elements with their panes, in an order that makes the
// same contents of them.
type savedSide[E any] struct {
	Rows         []savedRow[E]
	Paned, Early bool
}

type savedRow[E any] struct {
	Pane  int64
	Value E
}

func (t *sideWindows[E, C, S]) form() func() (cells.Form, error) {
	return cells.Packed(
		func(c *sideCell[C]) (savedSide[E], error) {
			s := savedSide[E]{Paned: c.paned, Early: c.early}
			c.contents.each(func(v E, pane int64) { s.Rows = append(s.Rows, savedRow[E]{pane, v}) })
			return s, nil
		},
		func(s savedSide[E], c *sideCell[C]) error {
			*c = sideCell[C]{contents: t.empty(), paned: s.Paned, early: s.Early}
			for i := range s.Rows {
				c.contents.add(&s.Rows[i].Value, s.Rows[i].Pane)
			}
			return nil
		})
}

// passed is the watermark of the side input.
func (t *sideWindows[E, C, S]) passed() model.Timestamp { return t.watermark }

// restored queues what was loaded.
func (t *sideWindows[E, C, S]) restored(watermark, main model.Timestamp) {
	t.watermark, t.main = watermark, main
	t.cells.EachSaved(func(w model.Window) { t.expiring.add(w.End.Add(t.lateness), w) })
}

func (l *SideList[E]) each(visit func(v E, pane int64)) {
	for _, v := range l.values {
		visit(v, 0)
	}
}

func (s *sole[V]) each(visit func(v V, pane int64)) {
	if s.n > 0 {
		visit(s.v, s.pane)
	}
	for _, v := range s.more {
		visit(v, s.pane)
	}
}

func (s *SideValue[E]) each(visit func(v E, pane int64)) { s.sole.each(visit) }

func (m *SideMap[K, V]) each(visit func(kv model.KV[K, V], pane int64)) {
	for i := range m.keyed.entries {
		e := &m.keyed.entries[i]
		e.c.each(func(v V, pane int64) { visit(model.KVOf(e.key, v), pane) })
	}
}

func (m *SideMultimap[K, V]) each(visit func(kv model.KV[K, V], pane int64)) {
	for i := range m.keyed.entries {
		e := &m.keyed.entries[i]
		for _, v := range e.c.values {
			visit(model.KVOf(e.key, v), e.c.pane)
		}
	}
}
