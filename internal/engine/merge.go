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
	i, found := g.windows.search(k, w)
	if found {
		return i
	}
	g.windows.insert(k, i, g.windows.newWindow(w, g.accs))
	if g.merging == nil {
		return i
	}
	i = g.merge(k, i)
	if _, overlapping := g.merging.(model.OverlapMerging); !overlapping {
		g.lookAtOthers(k, i)
	}
	return i
}

// lookAtOthers looks at the windows of k that merging has changed, other than the
// i'th, into which the element goes.
func (g *paned) lookAtOthers(k cells.Entry, i int) {
	for j := 0; j < len(g.windows.open(k)); j++ { // a look may let one go
		o := g.windows.of(k, j)
		if o.changed && j != i {
			g.look(k, j)
		}
		o.changed = false
	}
}

// remove lets go of k's i'th window.
func (g *paned) remove(k cells.Entry, i int) {
	g.release(g.windows.of(k, i))
	g.windows.forget(k, i)
}

func (g *paned) release(o *openWindow) { g.windows.release(o, g.accs) }

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
func (g *paned) merge(k cells.Entry, i int) int {
	if len(g.windows.open(k)) == 1 {
		return i
	}
	list := g.windows.lists[g.windows.byKey[k].list]
	lo, hi := mergeable(g.merging, list.bounds, i)
	if hi-lo == 1 {
		return i
	}
	g.bounds = append(g.bounds[:0], list.bounds[lo:hi]...)
	g.targets = append(g.targets[:0], list.bounds[lo:hi]...)
	g.merging.MergeWindows(g.bounds, g.targets)
	if err := mismerged(g.of, g.merging, list.bounds, lo, g.targets); err != nil {
		g.op.failHere(err)
		return i
	}
	added := g.targets[i-lo]
	merged := g.merged[:0]
	for j := lo; j < hi; j++ {
		o, target := g.windows.at(list.open[j]), g.targets[j-lo]
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
	g.windows.replace(k, lo, hi, merged)
	clear(merged)
	g.merged = merged
	at, _ := g.windows.search(k, added)
	return at
}

// grow makes o the window target. One that changes its bounds is a new window:
// its panes are numbered anew and its trigger starts over from what it remembers.
func (g *paned) grow(o *openWindow, target model.Window) {
	if o.window == target {
		return
	}
	o.window, o.closed, o.changed = target, false, true
	if o.panes > 0 {
		o.panes, o.settled = 0, 0
	}
	o.onTime = o.onTime || o.fresh > 0 && target.End > g.watermark
	was := g.windows.remembered(o)
	g.remembered = append(g.remembered[:0], was...)
	clear(was)
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
	if g.windows.extra {
		g.absorbExtra(n, o)
	}
	n.changed = true
	n.fresh += o.fresh
	n.onTime = n.onTime || o.onTime || o.fresh > 0 && n.window.End > g.watermark
	n.wake = min(n.wake, o.wake)
	if o.seen() {
		g.mergeCells(n, g.windows.remembered(o))
	}
}

// absorbExtra is what absorb does with the extras.
func (g *paned) absorbExtra(n, o *openWindow) {
	if o.at < never {
		g.stamp(n, o.at)
	}
	n.said = append(n.said, o.said...)
	n.net += o.net
	n.wakeNow = min(n.wakeNow, o.wakeNow)
	n.held, n.queuedHold = min(n.held, o.held), min(n.queuedHold, o.queuedHold)
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
func (g *paned) heirs(k cells.Entry, w model.Window) (lo, hi int) {
	if _, overlapping := g.merging.(model.OverlapMerging); g.merging != nil && !overlapping {
		return 0, len(g.windows.open(k))
	}
	i, found := g.windows.search(k, w)
	switch {
	case found:
		return i, i + 1
	case g.merging == nil:
		return 0, 0
	}
	return max(i-1, 0), min(i+1, len(g.windows.open(k))) // open windows do not overlap: only the ones beside w's place can cover it
}

func covers(w, part model.Window) bool { return w.Start <= part.Start && part.End <= w.End }
