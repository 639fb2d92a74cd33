package engine

import (
	"slices"

	"github.com/millrace/millrace/model"
)

// paned groups by windows that go by key: merging ones, and any under a trigger
// of their own. Each key has its open windows in order; each window has its
// accumulator, its pane numbers and its trigger's cells. A window has at most one
// live entry in the queue, at the earliest time at which it has something to
// look at.
//
// Whether an element is dropped is decided after merging: one that falls into
// a window that is still open belongs to it, however late it is by itself.
type paned[K comparable, A any] struct {
	op       *Op
	strategy model.WindowingStrategy
	merging  model.MergingWindowFn // nil if windows never merge
	tree     *model.TriggerTree
	acc      accumulate[K, A]

	watermark, now model.Timestamp
	keys           Cells[K, keyWindows[A]]
	due            wakeQueue[K] // event time
	dueNow         wakeQueue[K] // processing time

	windows, into []model.Window // scratch
	meta          model.Meta     // of the pane that fires
	firing        firing[K]
}

// keyWindows are the open windows of one key, by start and end.
type keyWindows[A any] struct{ open []openWindow[A] }

// An openWindow is a key's window from its first element to its expiry.
type openWindow[A any] struct {
	window model.Window
	acc    A
	live   bool  // acc holds something
	fresh  int64 // elements since the last pane
	onTime bool  // of those, some came before the watermark reached the end
	panes  int64
	// settled counts the panes that were not early.
	settled int64
	cells   []model.TriggerCell
	// wake and wakeNow are when the queues next look at the window; MaxTimestamp if
	// they will not.
	wake, wakeNow model.Timestamp
}

func newPaned[K comparable, A any](op *Op, w *model.Windowing, trigger model.Trigger, acc accumulate[K, A]) *paned[K, A] {
	g := &paned[K, A]{
		op:        op,
		strategy:  w.Strategy,
		tree:      model.NewTriggerTree(trigger),
		acc:       acc,
		watermark: model.MinTimestamp,
		now:       model.MinTimestamp,
		keys:      OpenCells[K, keyWindows[A]](op, "windows"),
	}
	if !w.Grouped {
		g.merging, _ = w.Strategy.Windows.(model.MergingWindowFn)
	}
	return g
}

// take adds n elements of k to window w.
func (g *paned[K, A]) take(w model.Window, hash uint64, k K, n int64, fold func(acc *A, fresh bool)) {
	ks, freshKey := g.keys.Upsert(hash, k)
	i := g.place(ks, w)
	o := &ks.open[i]
	if g.strategy.Expiry(o.window) <= g.watermark { // nothing open was near it
		ks.open = slices.Delete(ks.open, i, i+1)
		g.op.Counts.Dropped += n
		if freshKey {
			g.keys.Delete(hash, k)
		}
		return
	}
	ctx := g.context(o, &model.Wakeups{})
	if ctx.Cell().Finished {
		g.op.Counts.Dropped += n
		return
	}
	if o.window.End <= g.watermark {
		g.op.Counts.Late += n
	} else {
		g.op.Counts.OnTime += n
		o.onTime = true
	}
	fold(&o.acc, !o.live)
	o.live = true
	o.fresh += n
	ctx.Trigger().OnElement(ctx)
	g.look(hash, k, ks, i)
}

// place finds or opens w among k's windows, merges what must be merged, and
// returns where the window that now holds w is.
func (g *paned[K, A]) place(ks *keyWindows[A], w model.Window) int {
	i, found := slices.BinarySearchFunc(ks.open, w, func(o openWindow[A], w model.Window) int { return byStart(o.window, w) })
	if found {
		return i
	}
	ks.open = slices.Insert(ks.open, i, openWindow[A]{
		window:  w,
		cells:   make([]model.TriggerCell, g.tree.Size()),
		wake:    model.MaxTimestamp,
		wakeNow: model.MaxTimestamp,
	})
	if g.merging == nil {
		return i
	}
	return g.merge(ks, i)
}

func byStart(a, b model.Window) int {
	switch {
	case a == b:
		return 0
	case a.Start < b.Start || a.Start == b.Start && a.End < b.End:
		return -1
	}
	return 1
}

// merge asks the WindowFn about the windows near the new one at i, folds together
// what it merges, and returns where the new one went.
func (g *paned[K, A]) merge(ks *keyWindows[A], i int) int {
	lo, hi := 0, len(ks.open)
	if _, overlapping := g.merging.(model.OverlapMerging); overlapping {
		// Windows that overlapped were merged before, so only neighbours matter.
		for lo = i; lo > 0 && ks.open[lo-1].window.Overlaps(ks.open[i].window); lo-- {
		}
		for hi = i + 1; hi < len(ks.open) && ks.open[hi].window.Overlaps(ks.open[i].window); hi++ {
		}
	}
	if hi-lo == 1 {
		return i
	}
	g.windows, g.into = g.windows[:0], g.into[:0]
	for _, o := range ks.open[lo:hi] {
		g.windows = append(g.windows, o.window)
		g.into = append(g.into, o.window)
	}
	g.merging.MergeWindows(g.windows, g.into)
	added := g.into[i-lo]
	merged := make([]openWindow[A], 0, hi-lo)
	for j := lo; j < hi; j++ {
		target := g.into[j-lo]
		at := slices.IndexFunc(merged, func(o openWindow[A]) bool { return o.window == target })
		if at < 0 {
			merged = append(merged, g.grown(&ks.open[j], target))
			continue
		}
		g.absorb(&merged[at], &ks.open[j])
	}
	slices.SortFunc(merged, func(a, b openWindow[A]) int { return byStart(a.window, b.window) })
	ks.open = slices.Replace(ks.open, lo, hi, merged...)
	return slices.IndexFunc(ks.open, func(o openWindow[A]) bool { return o.window == added })
}

// grown is o as the window target. One that changes its bounds is a new window:
// its panes are numbered anew and its trigger starts over from what it remembers.
func (g *paned[K, A]) grown(o *openWindow[A], target model.Window) openWindow[A] {
	n := *o
	if o.window == target {
		return n
	}
	n.window, n.panes, n.settled = target, 0, 0
	n.onTime = n.onTime || n.fresh > 0 && target.End > g.watermark
	n.cells = make([]model.TriggerCell, g.tree.Size())
	g.mergeCells(&n, o.cells)
	return n
}

// absorb folds o, which ends, into n.
func (g *paned[K, A]) absorb(n, o *openWindow[A]) {
	if o.live {
		g.acc.merge(&n.acc, !n.live, &o.acc)
		n.live = true
	}
	n.fresh += o.fresh
	n.onTime = n.onTime || o.onTime || o.fresh > 0 && n.window.End > g.watermark
	n.wake, n.wakeNow = min(n.wake, o.wake), min(n.wakeNow, o.wakeNow)
	g.mergeCells(n, o.cells)
}

// mergeCells lets n's trigger take in what it remembered in another window.
func (g *paned[K, A]) mergeCells(n *openWindow[A], from []model.TriggerCell) {
	ctx := g.context(n, &model.Wakeups{})
	ctx.Trigger().OnMerge(ctx, from)
}

func (g *paned[K, A]) context(o *openWindow[A], wake *model.Wakeups) *model.TriggerContext {
	return g.tree.Root(o.window, g.watermark, g.now, o.cells, wake)
}

// look asks the trigger of k's i'th window whether it fires, lets the window go
// if it expired, and queues the next look.
func (g *paned[K, A]) look(hash uint64, k K, ks *keyWindows[A], i int) {
	o := &ks.open[i]
	expiry := g.strategy.Expiry(o.window)
	wake := model.Wakeups{}
	ctx := g.context(o, &wake)
	finished := ctx.Cell().Finished
	if !finished && ctx.Trigger().ShouldFire(ctx) {
		last := expiry <= g.watermark
		g.fire(k, o, last)
		ctx.Trigger().OnFire(ctx)
		if finished = ctx.Cell().Finished; !finished {
			wake = model.Wakeups{}
			ctx.Trigger().ShouldFire(ctx) // for its wakeups
		}
	}
	if expiry <= g.watermark {
		g.expire(hash, k, ks, i)
		return
	}
	next := expiry
	if wake.HasEvent && !finished {
		next = min(next, max(wake.EventTime, g.watermark+1))
	}
	if next < o.wake {
		o.wake = next
		g.due.push(wakeup[K]{next, hash, k, o.window})
	}
	if wake.HasProcessing && !finished && wake.ProcessingTime < o.wakeNow {
		o.wakeNow = wake.ProcessingTime
		g.dueNow.push(wakeup[K]{wake.ProcessingTime, hash, k, o.window})
	}
}

// expire lets go of k's i'th window, with a last pane if something is unsaid.
func (g *paned[K, A]) expire(hash uint64, k K, ks *keyWindows[A], i int) {
	g.fire(k, &ks.open[i], true)
	ks.open = slices.Delete(ks.open, i, i+1)
	if len(ks.open) == 0 {
		g.keys.Delete(hash, k)
	}
}

// fire emits a pane of what came since the last one, if anything did.
func (g *paned[K, A]) fire(k K, o *openWindow[A], last bool) {
	if o.fresh == 0 {
		return
	}
	pane := model.Pane{Index: o.panes, NonSpeculativeIndex: -1, First: o.panes == 0, Last: last}
	switch {
	case o.window.End > g.watermark:
		pane.Timing = model.Early
	case o.settled == 0 && o.onTime:
		pane.Timing = model.OnTime
	default:
		pane.Timing = model.Late
	}
	if pane.Timing != model.Early {
		pane.NonSpeculativeIndex = o.settled
		o.settled++
	}
	o.panes++
	o.fresh, o.onTime = 0, false
	g.meta = model.Meta{Timestamp: o.window.MaxTimestamp(), Window: o.window, Pane: pane}
	g.firing.Key = k
	g.op.Counts.Panes++
	g.op.Enter(&g.meta, &g.firing)
	g.acc.fire(&g.meta, k, &o.acc)
	if g.strategy.Panes != model.Accumulating {
		var zero A
		o.acc, o.live = zero, false
	}
}

// advance looks at every window that is due at or before watermark.
func (g *paned[K, A]) advance(watermark model.Timestamp) {
	for !g.op.Failed() {
		due, ok := g.due.pop(watermark)
		if !ok {
			break
		}
		g.watermark = max(g.watermark, min(due.at, watermark))
		g.wake(due, false)
	}
	g.watermark = watermark
}

func (g *paned[K, A]) advanceProcessingTime(now model.Timestamp) {
	for !g.op.Failed() {
		due, ok := g.dueNow.pop(now)
		if !ok {
			break
		}
		g.now = max(g.now, due.at)
		g.wake(due, true)
	}
	g.now = now
}

// wake looks at the window that due was queued for, or the one that this was
// merged into, unless it has been queued for another time since.
func (g *paned[K, A]) wake(due wakeup[K], processing bool) {
	ks := g.keys.Get(due.hash, due.key)
	if ks == nil {
		return
	}
	i := g.heir(ks, due.window)
	if i < 0 {
		return
	}
	at := &ks.open[i].wake
	if processing {
		at = &ks.open[i].wakeNow
	}
	if *at != due.at {
		return
	}
	*at = model.MaxTimestamp
	g.look(due.hash, due.key, ks, i)
}

// heir is where w is, or the window it was merged into; -1 if it is gone.
func (g *paned[K, A]) heir(ks *keyWindows[A], w model.Window) int {
	i, found := slices.BinarySearchFunc(ks.open, w, func(o openWindow[A], w model.Window) int { return byStart(o.window, w) })
	if found {
		return i
	}
	if g.merging == nil {
		return -1
	}
	covers := func(o openWindow[A]) bool { return o.window.Start <= w.Start && w.End <= o.window.End }
	if _, overlapping := g.merging.(model.OverlapMerging); overlapping {
		// Open windows do not overlap, so only the ones beside w's place can cover it.
		for _, j := range [...]int{i - 1, i} {
			if j >= 0 && j < len(ks.open) && covers(ks.open[j]) {
				return j
			}
		}
		return -1
	}
	return slices.IndexFunc(ks.open, covers)
}
