package engine

import (
	"slices"

	"github.com/millrace/millrace/internal/engine/cells"
	"github.com/millrace/millrace/model"
)

// How paned finds, opens and merges the windows of a key. A window that merging
// changes is a new one: its panes are numbered anew, its trigger starts over from
// what it remembers, and what its parts have said is taken back with its first
// pane, if panes are taken back at all. That pane comes by its expiry at the
// latest, though nothing new may have come.

// place finds or opens w among k's windows, merges what must be merged, and
// returns where the window that now holds w is.
func (g *paned) place(k cells.Entry, w model.Window) int {
	ks := &g.byKey[k]
	i, found := ks.search(w)
	if found {
		return i
	}
	ks.open = slices.Insert(ks.open, i, g.newWindow(w))
	ks.bounds = slices.Insert(ks.bounds, i, w)
	if g.merging == nil {
		return i
	}
	i = g.merge(ks, i)
	if _, overlapping := g.merging.(model.OverlapMerging); !overlapping {
		g.lookAtOthers(k, i)
	}
	return i
}

// lookAtOthers looks at the windows of k that merging has changed, other than the
// i'th, into which the element goes.
func (g *paned) lookAtOthers(k cells.Entry, i int) {
	for j, o := range g.byKey[k].open {
		if o.changed && j != i {
			g.look(k, j)
		}
		o.changed = false
	}
}

// search is where w is among the open windows, or would be.
func (ks *keyWindows) search(w model.Window) (int, bool) {
	return slices.BinarySearchFunc(ks.bounds, w, byStart)
}

// newWindow is an open window that nothing has fallen into yet.
func (g *paned) newWindow(w model.Window) *openWindow {
	var o *openWindow
	if n := len(g.free); n > 0 {
		o, g.free = g.free[n-1], g.free[:n-1]
	} else {
		o = &openWindow{acc: g.newNumber(), cells: make([]model.TriggerCell, g.tree.Size())}
	}
	o.window, o.wake, o.wakeNow, o.queuedHold, o.held = w, never, never, never, model.MaxTimestamp
	return o
}

// newNumber numbers an accumulator.
func (g *paned) newNumber() cells.Entry {
	var i cells.Entry
	if n := len(g.numbers); n > 0 {
		i, g.numbers = g.numbers[n-1], g.numbers[:n-1]
	} else {
		i = g.last
		g.last++
	}
	g.accs.New(i)
	return i
}

// remove lets go of the i'th window.
func (g *paned) remove(ks *keyWindows, i int) {
	g.release(ks.open[i])
	ks.open = slices.Delete(ks.open, i, i+1)
	ks.bounds = slices.Delete(ks.bounds, i, i+1)
}

// release keeps o for reuse.
func (g *paned) release(o *openWindow) {
	clear(o.cells)
	clear(o.said)
	*o = openWindow{acc: o.acc, cells: o.cells, said: o.said[:0]}
	g.accs.Free(o.acc)
	if len(g.free) < freeWindows {
		g.free = append(g.free, o)
	} else {
		g.numbers = append(g.numbers, o.acc)
	}
}

// freeWindows bounds the windows kept for reuse.
const freeWindows = 1024

func byStart(a, b model.Window) int {
	switch {
	case a == b:
		return 0
	case a.Start < b.Start || a.Start == b.Start && a.End < b.End:
		return -1
	}
	return 1
}

// mergeable is the range of windows that the one at i may be merged with.
func mergeable(fn model.MergingWindowFn, bounds []model.Window, i int) (lo, hi int) {
	if _, overlapping := fn.(model.OverlapMerging); !overlapping {
		return 0, len(bounds)
	}
	// Windows that overlapped were merged before, so only neighbours matter.
	for lo = i; lo > 0 && bounds[lo-1].Overlaps(bounds[i]); lo-- {
	}
	for hi = i + 1; hi < len(bounds) && bounds[hi].Overlaps(bounds[i]); hi++ {
	}
	return lo, hi
}

// merge asks the WindowFn about the windows near the new one at i, folds together
// what it merges, and returns where the new one went.
func (g *paned) merge(ks *keyWindows, i int) int {
	lo, hi := mergeable(g.merging, ks.bounds, i)
	if hi-lo == 1 {
		return i
	}
	g.windows = append(g.windows[:0], ks.bounds[lo:hi]...)
	g.targets = append(g.targets[:0], ks.bounds[lo:hi]...)
	g.merging.MergeWindows(g.windows, g.targets)
	added := g.targets[i-lo]
	merged := g.merged[:0]
	for j := lo; j < hi; j++ {
		o, target := ks.open[j], g.targets[j-lo]
		at := slices.IndexFunc(merged, func(o *openWindow) bool { return o.window == target })
		switch {
		case at < 0:
			g.grow(o, target)
			merged = append(merged, o)
		case o.window == target: // it goes on, and those in front of it join it
			g.absorb(o, merged[at])
			g.release(merged[at])
			merged[at] = o
		default:
			g.absorb(merged[at], o)
			g.release(o)
		}
	}
	slices.SortFunc(merged, func(a, b *openWindow) int { return byStart(a.window, b.window) })
	ks.open = slices.Replace(ks.open, lo, hi, merged...)
	g.windows = g.windows[:0]
	for _, o := range merged {
		g.windows = append(g.windows, o.window)
	}
	ks.bounds = slices.Replace(ks.bounds, lo, hi, g.windows...)
	clear(merged)
	g.merged = merged
	at, _ := ks.search(added)
	return at
}

// grow makes o the window target. One that changes its bounds is a new window:
// its panes are numbered anew and its trigger starts over from what it remembers.
func (g *paned) grow(o *openWindow, target model.Window) {
	if o.window == target {
		return
	}
	o.window, o.panes, o.settled, o.closed, o.changed = target, 0, 0, false, true
	o.onTime = o.onTime || o.fresh > 0 && target.End > g.watermark
	g.remembered = append(g.remembered[:0], o.cells...)
	clear(o.cells)
	if o.seen() {
		g.mergeCells(o, g.remembered)
	}
}

// absorb folds o, which ends, into n.
func (g *paned) absorb(n, o *openWindow) {
	if o.live {
		if !n.live {
			g.accs.Start(n.acc)
			n.live = true
		}
		g.accs.Merge(n.acc, o.acc)
	}
	switch {
	case o.fresh == 0:
	case n.fresh == 0,
		g.strategy.Timestamps == model.Earliest && o.at < n.at,
		g.strategy.Timestamps == model.Latest && o.at > n.at:
		n.at = o.at
	}
	n.said = append(n.said, o.said...)
	n.changed = true
	n.net += o.net
	n.fresh += o.fresh
	n.onTime = n.onTime || o.onTime || o.fresh > 0 && n.window.End > g.watermark
	n.wake, n.wakeNow = min(n.wake, o.wake), min(n.wakeNow, o.wakeNow)
	n.held, n.queuedHold = min(n.held, o.held), min(n.queuedHold, o.queuedHold)
	if o.seen() {
		g.mergeCells(n, o.cells)
	}
}

// seen reports whether an element has fallen into o. Before that, its trigger has
// nothing to say in a merged window.
func (o *openWindow) seen() bool { return o.wake < never }

// mergeCells lets n's trigger take in what it remembered in another window.
func (g *paned) mergeCells(n *openWindow, from []model.TriggerCell) {
	ctx := g.context(n)
	ctx.Trigger().OnMerge(ctx, from)
}

// heirs are where, among k's windows, the one is that w was merged into, or w
// itself. Only where windows overlap without merging are there several that it
// may be.
func (g *paned) heirs(ks *keyWindows, w model.Window) (lo, hi int) {
	if _, overlapping := g.merging.(model.OverlapMerging); g.merging != nil && !overlapping {
		return 0, len(ks.open)
	}
	i, found := ks.search(w)
	switch {
	case found:
		return i, i + 1
	case g.merging == nil:
		return 0, 0
	}
	return max(i-1, 0), min(i+1, len(ks.open)) // open windows do not overlap: only the ones beside w's place can cover it
}

func covers(w, part model.Window) bool { return w.Start <= part.Start && part.End <= w.End }
