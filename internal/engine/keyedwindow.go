package engine

import (
	"math/bits"
	"slices"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/state"
)

// How keyedOp finds, opens and lets go of the windows of a key.

// keyedWindows are the open windows of one key, by start and end.
type keyedWindows struct {
	one  [1]*keyedWindow // the only one, or nil
	many *[]*keyedWindow // all of them, if there have ever been several
}

// open lists the windows, until one is put in or taken out.
func (ks *keyedWindows) open() []*keyedWindow {
	switch {
	case ks.many != nil:
		return *ks.many
	case ks.one[0] == nil:
		return nil
	}
	return ks.one[:]
}

func (ks *keyedWindows) len() int { return len(ks.open()) }

// replace puts others in the place of those from lo up to hi.
func (ks *keyedWindows) replace(lo, hi int, others ...*keyedWindow) {
	if ks.many == nil {
		if ks.len()-(hi-lo)+len(others) <= 1 {
			if hi > lo {
				ks.one[0] = nil
			}
			copy(ks.one[:], others)
			return
		}
		many := slices.Clone(ks.open())
		ks.one[0], ks.many = nil, &many
	}
	*ks.many = slices.Replace(*ks.many, lo, hi, others...)
}

// find is the open window w, or nil.
func (ks *keyedWindows) find(w model.Window) *keyedWindow {
	open := ks.open()
	if len(open) == 1 { // the usual case
		if o := open[0]; o.window == w {
			return o
		}
		return nil
	}
	if i, found := ks.search(w); found {
		return open[i]
	}
	return nil
}

// search is where w is among the open windows, or would be.
func (ks *keyedWindows) search(w model.Window) (int, bool) {
	return slices.BinarySearchFunc(ks.open(), w, func(o *keyedWindow, w model.Window) int { return byStart(o.window, w) })
}

// chunkWindows is how many windows get their memory at once.
const chunkWindows = 64

// A keyedChunk is the memory of windows, and of what lists their cells' slots.
type keyedChunk struct {
	windows [chunkWindows]keyedWindow
	slots   []state.Slot // of each window in turn
	used    uint64       // a bit for each window
	at      int          // among those with room; -1 where there is none
}

// keyedChunks give out windows, and let go of a chunk when none of it is used any more.
type keyedChunks struct {
	room []*keyedChunk // those that have some
}

// take gives out a window, for a DoFn with so many cells.
func (c *keyedChunks) take(cells int) *keyedWindow {
	if len(c.room) == 0 {
		c.room = append(c.room, &keyedChunk{slots: make([]state.Slot, chunkWindows*cells)})
	}
	last := len(c.room) - 1
	chunk := c.room[last]
	at := bits.TrailingZeros64(^chunk.used)
	if chunk.used |= 1 << at; ^chunk.used == 0 {
		chunk.at, c.room[last] = -1, nil
		c.room = c.room[:last]
	}
	w := &chunk.windows[at]
	w.chunk, w.at = chunk, uint8(at)
	return w
}

// give takes a window back, of which nothing is kept.
func (c *keyedChunks) give(w *keyedWindow) {
	chunk := w.chunk
	chunk.used &^= 1 << w.at
	clear(w.slots())
	*w = keyedWindow{}
	last := len(c.room) - 1
	switch {
	case chunk.at < 0:
		chunk.at = last + 1
		c.room = append(c.room, chunk)
	case chunk.used == 0 && last > 0: // it is not the only one
		c.room[chunk.at] = c.room[last]
		c.room[chunk.at].at = chunk.at
		c.room[last] = nil
		c.room = c.room[:last]
	}
}

// newWindow is a window that is not stored yet.
func (g *keyedOp) newWindow(w model.Window) *keyedWindow {
	o := g.windows.take(len(g.layout.Specs))
	o.window = w
	o.latest = model.MinTimestamp
	o.wake = [2]model.Timestamp{never, never}
	return o
}

// store puts the call's window among those of its key.
func (g *keyedOp) store(w *keyedWindow) {
	ks := &g.byKey[g.call.k]
	i, _ := ks.search(w.window)
	ks.replace(i, i, w)
	w.stored = true
	g.open++
}

// remove lets go of the call's window, which is stored, and of all that is in it.
func (g *keyedOp) remove(w *keyedWindow) {
	ks := &g.byKey[g.call.k]
	i, _ := ks.search(w.window)
	ks.replace(i, i+1)
	g.open--
	g.holds.live -= w.holding()
	g.let(w)
	g.leave(g.call.k)
}

// holding is how many of w's timers hold the watermark.
func (w *keyedWindow) holding() (n int) {
	for _, h := range w.look().timers {
		for i := range h.items {
			if h.items[i].hold != 0 {
				n++
			}
		}
	}
	return n
}

// let lets go of a window that is not stored any more, and of what is in its cells.
func (g *keyedOp) let(w *keyedWindow) {
	for i, s := range w.slots() {
		if s != nil {
			g.recycle(i, s)
		}
	}
	g.release(w)
}

// release keeps w for reuse, and its keyedRest.
func (g *keyedOp) release(w *keyedWindow) {
	rest := w.rest
	g.windows.give(w)
	if rest == nil || len(g.rests) == freeWindows {
		return
	}
	timers := rest.timers
	*rest = *noRest
	for i := range timers {
		rest.timers[i] = timers[i].cleared()
	}
	g.rests = append(g.rests, rest)
}

// rest is w's keyedRest, which is about to change.
func (g *keyedOp) rest(w *keyedWindow) *keyedRest {
	if w.rest != nil {
		return w.rest
	}
	if n := len(g.rests); n > 0 {
		w.rest, g.rests = g.rests[n-1], g.rests[:n-1]
	} else {
		w.rest = newKeyedRest()
	}
	return w.rest
}

// expireAt notes that something in a cell of w expires then, if that is earlier than what
// is known.
func (g *keyedOp) expireAt(w *keyedWindow, clock int, t model.Timestamp) {
	if t < w.look().expires[clock] {
		g.rest(w).expires[clock] = t
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
	if ks.len() > 0 {
		i, _ := ks.search(w)
		ks.replace(i, i, o)
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
	ks.replace(i, i+1)
	g.open--
	g.let(o)
	return nil
}

// merge asks the WindowFn about the windows near the new one at i, puts together
// what it merges, and returns the one that the new one went into.
func (g *keyedOp) merge(ks *keyedWindows, i int) *keyedWindow {
	open := ks.open()
	g.bounds = g.bounds[:0]
	for _, o := range open {
		g.bounds = append(g.bounds, o.window)
	}
	lo, hi := mergeable(g.merging, g.bounds, i)
	if hi-lo == 1 {
		return open[i]
	}
	g.targets = append(g.targets[:0], g.bounds[lo:hi]...)
	g.bounds = append(g.bounds, g.targets...) // a copy, for the WindowFn
	all, parts := g.bounds[:len(open)], g.bounds[len(open):]
	g.merging.MergeWindows(parts, g.targets)
	if err := mismerged(g.of, g.merging, all, lo, g.targets); err != nil {
		g.op.failHere(err)
		return open[i]
	}
	added := g.targets[i-lo]
	merged := g.merged[:0]
	for j := lo; j < hi; j++ {
		o, target := open[j], g.targets[j-lo]
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
	ks.replace(lo, hi, merged...)
	for _, o := range merged {
		g.schedule(o)
	}
	clear(merged)
	g.merged = merged
	at, _ := ks.search(added)
	return ks.open()[at]
}

// absorb puts what o holds into n, and lets o go. A DoFn with timers has no merging
// windows.
func (g *keyedOp) absorb(n, o *keyedWindow) {
	into := n.slots()
	for i, s := range o.slots() {
		switch {
		case s == nil:
		case into[i] == nil:
			into[i] = s
		default:
			g.layout.Specs[i].Merge(into[i], s)
			g.recycle(i, s)
		}
	}
	n.latest = max(n.latest, o.latest)
	for c, at := range o.look().expires {
		g.expireAt(n, c, at)
	}
	g.open--
	g.release(o)
}
