package engine

import (
	"github.com/millrace/millrace/internal/engine/cells"
	"github.com/millrace/millrace/model"
)

// A keyedQueue hands out the windows that are to be looked at, by time, then by
// window, then in the order of pushing. What a window is no more to be looked at
// for stays in the queue for a while: an entry counts only if its window knows its
// number.
type keyedQueue struct {
	minHeap[keyedWakeup, *keyedWakeup]
	seq uint32
}

// A keyedWakeup is small, as there is one for most windows. Numbers begin anew after some
// four billion: a window that is then looked at for an entry of long ago has nothing due,
// and is queued again.
type keyedWakeup struct {
	at     model.Timestamp
	k      cells.Entry
	entry  uint32
	window model.Window
}

func (a *keyedWakeup) before(b *keyedWakeup) bool {
	if a.at != b.at {
		return a.at < b.at
	}
	if c := a.window.Compare(b.window); c != 0 {
		return c < 0
	}
	return a.entry < b.entry
}

// add pushes w and returns its number.
func (q *keyedQueue) add(at model.Timestamp, k cells.Entry, w model.Window) uint32 {
	q.seq++
	q.push(keyedWakeup{at, k, q.seq, w})
	return q.seq
}

// next is the time of the first entry; MaxTimestamp if there is none.
func (q *keyedQueue) next() model.Timestamp {
	if len(q.items) == 0 {
		return model.MaxTimestamp
	}
	return q.items[0].at
}

// due takes out the first entry that is due at t.
func (q *keyedQueue) due(t model.Timestamp) (keyedWakeup, bool) {
	if len(q.items) == 0 || q.items[0].at > t {
		return keyedWakeup{}, false
	}
	return q.pop(), true
}

// keyedHolds are the timestamps that timers hold the watermark at. Those of timers
// that have gone stay for a while.
type keyedHolds struct {
	minHeap[keyedHold, *keyedHold]
	seq  uint64
	live int
}

type keyedHold struct {
	wakeup // at is what it holds
	clock  int
	cell   int
	tag    string
	entry  uint64
}

func (a *keyedHold) before(b *keyedHold) bool {
	return a.at < b.at || a.at == b.at && a.entry < b.entry
}

// crowded reports whether of n entries far more than live are of no use any more.
func crowded(n, live int) bool { return n > 2*live+64 }

// lookup is an open window of a key, for a look; or nil. If the key pages, it is in
// memory: else the index has it.
func (g *keyedOp) lookup(k cells.Entry, w model.Window) *keyedWindow { return g.byKey[k].find(w) }

// schedule has the queues look at w when something is to be done there.
func (g *keyedOp) schedule(w *keyedWindow) {
	for c := range g.due {
		r := w.look()
		next := min(r.timers[c].first(), r.expires[c])
		if c == 0 && !endless(w.window) {
			next = min(next, g.strategy.Expiry(w.window))
		}
		if next >= w.wake[c] {
			continue
		}
		q := &g.due[c]
		w.wake[c] = next
		w.entry[c] = q.add(next, g.call.k, w.window)
		if crowded(len(q.items), g.open) {
			q.retain(func(u *keyedWakeup) bool {
				o := g.lookup(u.k, u.window)
				return o != nil && o.wake[c] < never && o.entry[c] == u.entry
			})
		}
	}
}

// holdAt has t hold the watermark at its output.
func (g *keyedOp) holdAt(clock int, t *timer) {
	h := &g.holds
	h.seq++
	h.live++
	t.hold = h.seq
	h.push(keyedHold{wakeup{t.output, g.call.k, g.call.w.window}, clock, t.cell, t.tag, h.seq})
	if crowded(len(h.items), h.live) {
		h.retain(func(e *keyedHold) bool { return e.entry == t.hold || g.holding(e) })
	}
}

// holding reports whether e's timer still holds the watermark for it.
func (g *keyedOp) holding(e *keyedHold) bool {
	w := g.lookup(e.k, e.window)
	if w == nil && g.call.w != nil && e.k == g.call.k && g.call.w.window == e.window {
		w = g.call.w // not stored yet
	}
	if w == nil {
		return false
	}
	h := &w.look().timers[e.clock]
	i := h.find(e.cell, e.tag)
	return i >= 0 && h.items[i].hold == e.entry
}

// Hold is the least that a timer holds the watermark at.
func (g *keyedOp) Hold() model.Timestamp {
	h := &g.holds
	for len(h.items) > 0 {
		if g.holding(&h.items[0]) {
			return min(h.items[0].at, g.keys.NextDue(cells.Held))
		}
		h.pop()
	}
	return g.keys.NextDue(cells.Held)
}
