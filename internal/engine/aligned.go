package engine

import (
	"slices"

	"github.com/millrace/millrace/model"
)

// An accumulate is what a grouping does with its accumulators. The functions may
// be user code.
type accumulate[K comparable, A any] struct {
	// init makes into an accumulator of nothing.
	init func(into *A)
	// merge folds from into into, and leaves from as it is.
	merge func(into *A, from *A)
	// fire emits a pane. It may read acc during the call only, unless what it emits
	// is a copy.
	fire func(m *model.Meta, k K, acc *A)
	// keep is fire for a pane that may have to be taken back: it returns what again
	// needs to say the same once more.
	keep  func(m *model.Meta, k K, acc *A) (said any)
	again func(m *model.Meta, said any)
	// said is how what keep returned is saved.
	said saidForm
}

// aligned groups by windows that every key shares, under the default trigger: a
// pane as the watermark reaches the end of the window, and one for each element
// after that. There is no timer nor trigger state per key: one entry in a queue
// fires a window for all its keys.
//
// What has not fired is kept by slice: the window itself, or the part of it that
// a slicing WindowFn shares between windows. A window that fired is kept on its
// own, in closed, until its allowed lateness is over; slices go when the last
// window that they are part of has fired.
type aligned[K comparable, A any] struct {
	op       *Op
	strategy model.WindowingStrategy
	slicing  model.SlicingWindowFn // nil: a window is its own slice
	acc      accumulate[K, A]

	watermark model.Timestamp
	pending   WindowCells[K, A]
	closed    WindowCells[K, closedCell[A]]
	due       windowQueue // windows to fire at their end
	expiring  windowQueue // closed ones to let go at their expiry
	queued    map[model.Window]struct{}
	ending    map[model.Window][]model.Window // slices that are kept, by the last window to fire

	last      model.Window // of lastCells
	lastCells Cells[K, A]

	windows, slices []model.Window // scratch
	merged          Table[K, A]    // scratch
	meta            model.Meta     // of the pane that fires
	firing          firing[K]
}

// A firing is the key whose pane fires, for errors.
type firing[K any] struct{ Key K }

// AnyKey is the key.
func (f firing[K]) AnyKey() any { return f.Key }

// String is empty: there is no one element to tell.
func (firing[K]) String() string { return "" }

// A closedCell is what is kept of a key and window that fired.
type closedCell[A any] struct {
	acc   A
	live  bool // acc holds something
	panes int64
}

func newAligned[K comparable, A any](op *Op, w *model.Windowing, acc accumulate[K, A]) *aligned[K, A] {
	g := &aligned[K, A]{
		op:        op,
		strategy:  w.Strategy,
		slicing:   slicing(w),
		acc:       acc,
		watermark: model.MinTimestamp,
		pending:   OpenWindowCells[K](op, "pending", coderOf[A]),
		closed:    OpenWindowCells[K](op, "closed", closedEncoding[A]),
		queued:    map[model.Window]struct{}{},
		ending:    map[model.Window][]model.Window{},
	}
	return g
}

// slot is the cell that n elements of slice s are folded into while every window
// of s is still to fire; nil if some are not, and late must be used.
func (g *aligned[K, A]) slot(s model.Window, hash uint64, k K, n int64) *A {
	if s.End <= g.watermark {
		return nil
	}
	if s != g.last || g.lastCells == nil {
		g.open(s)
	}
	g.op.Counts.OnTime += n
	acc, fresh := g.lastCells.Upsert(hash, k)
	if fresh {
		g.acc.init(acc)
	}
	return acc
}

// open makes s the last slice, and queues the windows it is part of.
func (g *aligned[K, A]) open(s model.Window) {
	cells, fresh := g.pending.Window(s)
	g.last, g.lastCells = s, cells
	if !fresh {
		return
	}
	g.schedule(s)
}

// schedule queues the windows that s is part of, and notes when it goes.
func (g *aligned[K, A]) schedule(s model.Window) {
	for _, w := range g.windowsOf(s) {
		if _, ok := g.queued[w]; !ok && w.End > g.watermark {
			g.queued[w] = struct{}{}
			g.due.add(w.End, w)
		}
	}
	last := g.lastOf(s)
	g.ending[last] = append(g.ending[last], s)
}

func (g *aligned[K, A]) windowsOf(s model.Window) []model.Window {
	g.windows = g.windows[:0]
	if g.slicing == nil {
		g.windows = append(g.windows, s)
	} else {
		g.windows = g.slicing.SliceWindows(g.windows, s)
	}
	return g.windows
}

func (g *aligned[K, A]) slicesOf(w model.Window) []model.Window {
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
func (g *aligned[K, A]) late(s model.Window, hash uint64, k K, n int64, add func(acc *A), drop func(w model.Window)) {
	kept := false
	for _, w := range g.windowsOf(s) {
		switch {
		case w.End > g.watermark:
			kept = true
		case g.strategy.Expiry(w) <= g.watermark:
			g.op.Counts.Dropped += n
			drop(w)
		default:
			g.op.Counts.Late += n
			g.fireLate(w, hash, k, add)
		}
	}
	if kept {
		g.op.Counts.OnTime += n
		g.open(s)
		acc, fresh := g.lastCells.Upsert(hash, k)
		if fresh {
			g.acc.init(acc)
		}
		add(acc)
	}
}

func (g *aligned[K, A]) fireLate(w model.Window, hash uint64, k K, add func(acc *A)) {
	cells, fresh := g.closed.Window(w)
	if fresh {
		g.expiring.add(g.strategy.Expiry(w), w)
	}
	c, _ := cells.Upsert(hash, k)
	if !c.live {
		g.acc.init(&c.acc)
		c.live = true
	}
	add(&c.acc)
	pane := model.Pane{Index: c.panes, NonSpeculativeIndex: c.panes, Timing: model.Late, First: c.panes == 0}
	c.panes++
	g.emit(w, pane, k, &c.acc)
	g.settle(c)
}

// settle forgets what a discarding pane held.
func (g *aligned[K, A]) settle(c *closedCell[A]) {
	if g.strategy.Panes != model.Accumulating {
		var zero A
		c.acc, c.live = zero, false
	}
}

func (g *aligned[K, A]) emit(w model.Window, pane model.Pane, k K, acc *A) {
	g.meta = model.Meta{Timestamp: w.MaxTimestamp(), Window: w, Pane: pane}
	g.firing.Key = k
	g.op.Counts.Panes++
	g.op.Enter(&g.meta, &g.firing)
	g.acc.fire(&g.meta, k, acc)
}

// advance fires what ends, and lets go of what expires, at or before watermark.
func (g *aligned[K, A]) advance(watermark model.Timestamp) {
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

func (g *aligned[K, A]) fire(w model.Window) {
	parts := g.slicesOf(w)
	cells := g.pending.Lookup(parts[0])
	if len(parts) > 1 || g.lastOf(parts[0]) != w { // a slice that lives on shares no accumulator
		g.meta = model.Meta{Timestamp: w.MaxTimestamp(), Window: w}
		g.op.Enter(&g.meta, nil)
		cells = g.mergeSlices(parts)
	}
	if cells != nil && cells.Len() > 0 {
		g.fireCells(w, cells)
	}
	for _, s := range g.ending[w] {
		g.drop(s)
	}
	delete(g.ending, w)
	g.merged.Clear()
}

// lastOf is the last window of slice s to fire.
func (g *aligned[K, A]) lastOf(s model.Window) model.Window {
	return slices.MaxFunc(g.windowsOf(s), model.Window.Compare)
}

func (g *aligned[K, A]) drop(s model.Window) {
	g.pending.Drop(s)
	if g.last == s {
		g.lastCells = nil
	}
}

func (g *aligned[K, A]) mergeSlices(parts []model.Window) Cells[K, A] {
	for _, s := range parts {
		cells := g.pending.Lookup(s)
		if cells == nil {
			continue
		}
		cells.Each(func(hash uint64, k K, from *A) bool {
			into, fresh := g.merged.Upsert(hash, k)
			if fresh {
				g.acc.init(into)
			}
			g.acc.merge(into, from)
			return true
		})
	}
	return &g.merged
}

// fireCells emits the on-time panes of w, and keeps what late ones will need.
func (g *aligned[K, A]) fireCells(w model.Window, cells Cells[K, A]) {
	expiry := g.strategy.Expiry(w)
	var keep Cells[K, closedCell[A]]
	if expiry > w.End {
		keep, _ = g.closed.Window(w)
		g.expiring.add(expiry, w)
	}
	pane := model.Pane{Timing: model.OnTime, First: true, Last: keep == nil}
	cells.Each(func(hash uint64, k K, acc *A) bool {
		g.emit(w, pane, k, acc)
		if keep != nil {
			c, _ := keep.Upsert(hash, k)
			*c = closedCell[A]{acc: *acc, live: true, panes: 1}
			g.settle(c)
		}
		return !g.op.Failed()
	})
}
