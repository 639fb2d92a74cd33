package engine

import (
	"slices"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/state"
)

// How keyedOp finds, opens and lets go of the windows of a key.

// find is the open window w, or nil.
func (ks *keyedWindows) find(w model.Window) *keyedWindow {
	if len(ks.open) == 1 { // the usual case
		if o := ks.open[0]; o.window == w {
			return o
		}
		return nil
	}
	if i, found := ks.search(w); found {
		return ks.open[i]
	}
	return nil
}

// search is where w is among the open windows, or would be.
func (ks *keyedWindows) search(w model.Window) (int, bool) {
	return slices.BinarySearchFunc(ks.open, w, func(o *keyedWindow, w model.Window) int { return byStart(o.window, w) })
}

// newWindow is a window that is not stored yet.
func (g *keyedOp) newWindow(w model.Window) *keyedWindow {
	var o *keyedWindow
	if n := len(g.windows); n > 0 {
		o, g.windows = g.windows[n-1], g.windows[:n-1]
	} else {
		o = &keyedWindow{}
	}
	o.window = w
	o.latest = model.MinTimestamp
	o.horizon = never
	o.wake = [2]model.Timestamp{never, never}
	o.expires = o.wake
	return o
}

// store puts the call's window among those of its key.
func (g *keyedOp) store(w *keyedWindow) {
	ks := &g.byKey[g.call.k]
	i, _ := ks.search(w.window)
	ks.open = slices.Insert(ks.open, i, w)
	w.stored = true
	g.open++
}

// remove lets go of the call's window, which is stored, and of all that is in it.
func (g *keyedOp) remove(w *keyedWindow) {
	ks := &g.byKey[g.call.k]
	i, _ := ks.search(w.window)
	ks.open = slices.Delete(ks.open, i, i+1)
	g.open--
	for _, h := range w.timers {
		for _, t := range h.items {
			if t.hold != 0 {
				g.holds.live--
			}
		}
	}
	g.let(w)
	g.leave(g.call.k)
}

// let lets go of a window that is not stored any more, and of what is in its cells.
func (g *keyedOp) let(w *keyedWindow) {
	for i, s := range w.slots {
		if s != nil {
			g.recycle(i, s)
		}
	}
	g.release(w)
}

// release keeps w for reuse.
func (g *keyedOp) release(w *keyedWindow) {
	slots, timers := w.slots, w.timers
	clear(slots)
	*w = keyedWindow{slots: slots}
	for i := range timers {
		w.timers[i] = timers[i].cleared()
	}
	if len(g.windows) < freeWindows {
		g.windows = append(g.windows, w)
	}
}

// recycle keeps a slot for reuse, where it can be.
func (g *keyedOp) recycle(i int, s state.Slot) {
	if len(g.free[i]) < freeWindows && g.layout.Specs[i].Recycle(s) {
		g.free[i] = append(g.free[i], s)
	}
}

// placeMerging is place where windows merge: the element's window is opened, merged
// with what is open of its key, and only then may it have expired.
func (g *keyedOp) placeMerging(ks *keyedWindows, w model.Window) *keyedWindow {
	if o := ks.find(w); o != nil {
		return o
	}
	o := g.newWindow(w)
	if len(ks.open) > 0 {
		i, _ := ks.search(w)
		ks.open = slices.Insert(ks.open, i, o)
		o.stored = true
		g.open++
		o = g.merge(ks, i)
	}
	if g.strategy.Expiry(o.window) > g.watermark { // something open was near it
		return o
	}
	if !o.stored {
		g.release(o)
		return nil
	}
	i, _ := ks.search(o.window)
	ks.open = slices.Delete(ks.open, i, i+1)
	g.open--
	g.let(o)
	return nil
}

// merge asks the WindowFn about the windows near the new one at i, puts together
// what it merges, and returns the one that the new one went into.
func (g *keyedOp) merge(ks *keyedWindows, i int) *keyedWindow {
	g.bounds = g.bounds[:0]
	for _, o := range ks.open {
		g.bounds = append(g.bounds, o.window)
	}
	lo, hi := mergeable(g.merging, g.bounds, i)
	if hi-lo == 1 {
		return ks.open[i]
	}
	g.targets = append(g.targets[:0], g.bounds[lo:hi]...)
	g.merging.MergeWindows(g.bounds[lo:hi], g.targets)
	added := g.targets[i-lo]
	merged := g.merged[:0]
	for j := lo; j < hi; j++ {
		o, target := ks.open[j], g.targets[j-lo]
		at := slices.IndexFunc(merged, func(m *keyedWindow) bool { return m.window == target })
		if at < 0 {
			if o.window != target { // the queues know it by its bounds
				o.window = target
				o.wake = [2]model.Timestamp{never, never}
			}
			merged = append(merged, o)
			continue
		}
		g.absorb(merged[at], o)
	}
	slices.SortFunc(merged, func(a, b *keyedWindow) int { return byStart(a.window, b.window) })
	ks.open = slices.Replace(ks.open, lo, hi, merged...)
	for _, o := range merged {
		g.schedule(o)
	}
	clear(merged)
	g.merged = merged
	at, _ := ks.search(added)
	return ks.open[at]
}

// absorb puts what o holds into n, and lets o go. A DoFn with timers has no merging
// windows.
func (g *keyedOp) absorb(n, o *keyedWindow) {
	for i, s := range o.slots {
		switch {
		case s == nil:
		case n.slots == nil || n.slots[i] == nil:
			if n.slots == nil {
				n.slots = make([]state.Slot, len(g.layout.Specs))
			}
			n.slots[i] = s
		default:
			g.layout.Specs[i].Merge(n.slots[i], s)
			g.recycle(i, s)
		}
	}
	n.latest = max(n.latest, o.latest)
	for c := range n.expires {
		n.expires[c] = min(n.expires[c], o.expires[c])
	}
	g.open--
	g.release(o)
}
