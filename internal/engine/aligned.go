package engine

import (
	"slices"

	"github.com/millrace/millrace/internal/engine/cells"
	"github.com/millrace/millrace/model"
)

// aligned groups by windows that every key shares, under the default trigger: a
// pane as the watermark reaches the end of the window, and one for each element
// after that. There is no timer nor trigger state per key: one entry in a queue
// fires a window for all its keys.
//
// What has not fired is kept by slice: the window itself, or the part of it that
// a slicing WindowFn shares between windows. A window that fired is kept on its
// own, in closed, until its allowed lateness is over; slices go when the last
// window that they are part of has fired.
type aligned struct {
	op       *Op
	strategy model.WindowingStrategy
	slicing  model.SlicingWindowFn // nil: a window is its own slice
	acc      accumulate

	watermark model.Timestamp
	pending   *cells.Windows // of accumulators
	closed    *cells.Windows // of closedValues
	due       windowQueue    // windows to fire at their end
	expiring  windowQueue    // closed ones to let go at their expiry
	queued    map[model.Window]struct{}
	ending    map[model.Window][]model.Window // slices that are kept, by the last window to fire

	last      model.Window // of lastCells
	lastCells *cells.Table

	windows, slices []model.Window // scratch
	merged          *cells.Table   // scratch
	meta            model.Meta     // of the pane that fires
	firing          firing
}

// A lateRow is a part that comes after its slice.
type lateRow struct {
	// place is the part's key in a table, and whether anything is kept of it.
	place func(t *cells.Table) (i cells.Entry, known bool)
	// fold folds the part into an accumulator.
	fold func(accs cells.Folds, i cells.Entry)
	// drop says that the part is dropped.
	drop func(w model.Window, watermark model.Timestamp)
}

// closedValues are what is kept of the keys of a window that fired.
type closedValues struct {
	accs  cells.Folds
	panes []closedPanes // by entry
}

// closedPanes is what is kept of a key beside its accumulator.
type closedPanes struct {
	Live  bool // the accumulator holds something
	Panes int64
}

// New implements [cells.Values], as do the next two.
func (c *closedValues) New(i cells.Entry) {
	c.accs.New(i)
	if int(i) == len(c.panes) {
		c.panes = append(c.panes, closedPanes{})
	}
	c.panes[i] = closedPanes{}
}

// Free implements [cells.Values].
func (c *closedValues) Free(i cells.Entry) {
	c.accs.Free(i)
	c.panes[i] = closedPanes{}
}

// Clear implements [cells.Values].
func (c *closedValues) Clear(keep bool) {
	c.accs.Clear(keep)
	if c.panes = c.panes[:0]; !keep {
		c.panes = nil
	}
}

func newAligned(op *Op, w *model.Windowing, acc accumulate) *aligned {
	accs := func() (cells.Keys, cells.Values) { return acc.keys.Like(), acc.accs.Like() }
	closed := func() (cells.Keys, cells.Values) { return acc.keys.Like(), &closedValues{accs: acc.accs.Like()} }
	g := &aligned{
		op:        op,
		strategy:  w.Strategy,
		slicing:   slicing(w),
		acc:       acc,
		watermark: model.MinTimestamp,
		pending:   cells.OpenWindows(op.store(), op.declare("pending", cells.Plain(acc.value)), accs),
		closed:    cells.OpenWindows(op.store(), op.declare("closed", closedForm(acc.value)), closed),
		queued:    map[model.Window]struct{}{},
		ending:    map[model.Window][]model.Window{},
	}
	keys, values := accs()
	g.merged = cells.OpenTable(nil, cells.Declaration{}, keys, values)
	return g
}

// slot is where n elements of slice s are folded into while every window of s is
// still to fire; nil if some are not, and late must be used.
func (g *aligned) slot(s model.Window, n int64) *cells.Table {
	if s.End <= g.watermark {
		return nil
	}
	if s != g.last || g.lastCells == nil {
		g.open(s)
	}
	g.op.Counts.OnTime += n
	return g.lastCells
}

// open makes s the last slice, and queues the windows it is part of.
func (g *aligned) open(s model.Window) {
	t, fresh := g.pending.Window(s)
	g.last, g.lastCells = s, t
	if !fresh {
		return
	}
	g.schedule(s)
}

// schedule queues the windows that s is part of, and notes when it goes.
func (g *aligned) schedule(s model.Window) {
	for _, w := range g.windowsOf(s) {
		if _, ok := g.queued[w]; !ok && w.End > g.watermark {
			g.queued[w] = struct{}{}
			g.due.add(w.End, w)
		}
	}
	last := g.lastOf(s)
	g.ending[last] = append(g.ending[last], s)
}

func (g *aligned) windowsOf(s model.Window) []model.Window {
	g.windows = g.windows[:0]
	if g.slicing == nil {
		g.windows = append(g.windows, s)
	} else {
		g.windows = g.slicing.SliceWindows(g.windows, s)
	}
	return g.windows
}

func (g *aligned) slicesOf(w model.Window) []model.Window {
	g.slices = g.slices[:0]
	if g.slicing == nil {
		g.slices = append(g.slices, w)
	} else {
		g.slices = g.slicing.WindowSlices(g.slices, w)
	}
	return g.slices
}

// late takes n elements of a slice that the watermark has reached the end of.
// Windows that are still to fire get them by the slice; each that fired gets
// them in a late pane of their own; for those that expired they are dropped.
func (g *aligned) late(s model.Window, n int64, row *lateRow) {
	kept := false
	for _, w := range g.windowsOf(s) {
		switch {
		case w.End > g.watermark:
			kept = true
		case g.strategy.Expiry(w) <= g.watermark:
			g.op.Counts.Dropped += n
			row.drop(w, g.watermark)
		default:
			g.op.Counts.Late += n
			g.fireLate(w, row)
		}
	}
	if kept {
		g.op.Counts.OnTime += n
		g.open(s)
		accs := g.lastCells.Values.(cells.Folds)
		i, known := row.place(g.lastCells)
		if !known {
			accs.Start(i)
		}
		row.fold(accs, i)
	}
}

func (g *aligned) fireLate(w model.Window, row *lateRow) {
	t, fresh := g.closed.Window(w)
	if fresh {
		g.expiring.add(g.strategy.Expiry(w), w)
	}
	i, _ := row.place(t)
	values := t.Values.(*closedValues)
	c := &values.panes[i]
	if !c.Live {
		values.accs.Start(i)
		c.Live = true
	}
	row.fold(values.accs, i)
	pane := model.Pane{Index: c.Panes, NonSpeculativeIndex: c.Panes, Timing: model.Late, First: c.Panes == 0}
	c.Panes++
	g.emit(w, pane, t.Keys, i, values.accs)
	g.settle(values, i)
}

// settle forgets what a discarding pane held.
func (g *aligned) settle(values *closedValues, i cells.Entry) {
	if g.strategy.Panes != model.Accumulating {
		values.accs.Free(i)
		values.panes[i].Live = false
	}
}

// emit emits a pane of an entry, whose accumulator has the same number.
func (g *aligned) emit(w model.Window, pane model.Pane, keys cells.Keys, i cells.Entry, accs cells.Folds) {
	g.meta = model.Meta{Timestamp: w.MaxTimestamp(), Window: w, Pane: pane}
	g.firing = firing{keys, i}
	g.op.Counts.Panes++
	g.op.Enter(&g.meta, &g.firing)
	g.acc.out.fire(&g.meta, keys, i, accs, i)
}

// advance fires what ends, and lets go of what expires, at or before watermark.
func (g *aligned) advance(watermark model.Timestamp) {
	for !g.op.Failed() {
		w, ok := g.due.due(watermark)
		if !ok {
			break
		}
		delete(g.queued, w)
		g.watermark = max(g.watermark, w.End)
		g.fire(w)
	}
	g.watermark = watermark
	for {
		w, ok := g.expiring.due(watermark)
		if !ok {
			return
		}
		g.closed.Drop(w)
	}
}

func (g *aligned) fire(w model.Window) {
	parts := g.slicesOf(w)
	t := g.pending.Lookup(parts[0])
	if len(parts) > 1 || g.lastOf(parts[0]) != w { // a slice that lives on shares no accumulator
		g.meta = model.Meta{Timestamp: w.MaxTimestamp(), Window: w}
		g.op.Enter(&g.meta, nil)
		t = g.mergeSlices(parts)
	}
	if t != nil && t.Len() > 0 {
		g.fireTable(w, t)
	}
	for _, s := range g.ending[w] {
		g.drop(s)
	}
	delete(g.ending, w)
	g.merged.Clear()
}

// lastOf is the last window of slice s to fire.
func (g *aligned) lastOf(s model.Window) model.Window {
	return slices.MaxFunc(g.windowsOf(s), model.Window.Compare)
}

func (g *aligned) drop(s model.Window) {
	g.pending.Drop(s)
	if g.last == s {
		g.lastCells = nil
	}
}

func (g *aligned) mergeSlices(parts []model.Window) *cells.Table {
	for _, s := range parts {
		if t := g.pending.Lookup(s); t != nil {
			g.acc.tables.merge(g.merged, t)
		}
	}
	return g.merged
}

// fireTable emits the on-time panes of w, and keeps what late ones will need.
func (g *aligned) fireTable(w model.Window, t *cells.Table) {
	expiry := g.strategy.Expiry(w)
	var keep *cells.Table
	var kept *closedValues
	if expiry > w.End {
		keep, _ = g.closed.Window(w)
		kept = keep.Values.(*closedValues)
		g.expiring.add(expiry, w)
	}
	accs := t.Values.(cells.Folds)
	pane := model.Pane{Timing: model.OnTime, First: true, Last: keep == nil}
	t.Each(func(i cells.Entry) bool {
		g.emit(w, pane, t.Keys, i, accs)
		if keep != nil {
			j := g.acc.tables.carry(keep, kept.accs, t, i)
			kept.panes[j] = closedPanes{Live: true, Panes: 1}
			g.settle(kept, j)
		}
		return !g.op.Failed()
	})
}
