package engine

import (
	"github.com/millrace/millrace/internal/engine/cells"
	"github.com/millrace/millrace/model"
)

// How what waits for side inputs, and their contents, are saved.

// A sideProgress is how far the ports are. Their watermarks are not that of the task's
// input, and what a checkpoint has of that is nothing.
type sideProgress struct {
	Main  model.Timestamp
	Sides []model.Timestamp
}

// mergeProgress leaves what all have passed, which at a barrier is the same.
func mergeProgress(a, b any) {
	into, from := a.(*sideProgress), b.(*sideProgress)
	into.Main = min(into.Main, from.Main)
	for i := range into.Sides {
		into.Sides[i] = min(into.Sides[i], from.Sides[i])
	}
}

// note keeps how far the ports are.
func (s *sided) note() {
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
func (s *sided) restored(_, _ model.Timestamp) {
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
		s.hold = min(s.hold, *s.kind.earliest(c))
		s.op.Counts.Waiting += int64(s.kind.len(c))
	})
	for _, t := range s.tables {
		t.release(s.watermark)
	}
}

func (t *sideTable) form() func() (cells.Form, error) {
	saved := t.in.saved
	return cells.Packed(saved.typ,
		func(v any) any { return saved.save(v.(*sideCell)) },
		func(p, v any) { saved.load(p, v.(*sideCell)) })
}

// passed is the watermark of the side input.
func (t *sideTable) passed() model.Timestamp { return t.watermark }

// restored takes the watermarks of the side input and of the main input to where they
// were when what was loaded was saved, and queues that.
func (t *sideTable) restored(watermark, main model.Timestamp) {
	t.watermark, t.main = watermark, main
	t.cells.EachSaved(func(w model.Window) { t.expiring.add(w.End.Add(t.lateness), w) })
}

func (l *SideList[E]) each(visit func(v any, pane int64)) {
	for i := range l.values {
		visit(&l.values[i], 0)
	}
}

func (s *sole[V]) each(visit func(v *V, pane int64)) {
	if s.n > 0 {
		visit(&s.v, s.pane)
	}
	for i := range s.more {
		visit(&s.more[i], s.pane)
	}
}

func (s *SideValue[E]) each(visit func(v any, pane int64)) {
	s.sole.each(func(v *E, pane int64) { visit(v, pane) })
}

func (m *SideMap[K, V]) each(visit func(v any, pane int64)) {
	for i := range m.keyed.entries {
		e := &m.keyed.entries[i]
		e.c.each(func(v *V, pane int64) { visit(&model.KV[K, V]{Key: e.key, Value: *v}, pane) })
	}
}

func (m *SideMultimap[K, V]) each(visit func(v any, pane int64)) {
	for i := range m.keyed.entries {
		e := &m.keyed.entries[i]
		for _, v := range e.c.values {
			visit(&model.KV[K, V]{Key: e.key, Value: v}, e.c.pane)
		}
	}
}
