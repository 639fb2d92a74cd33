package engine

import (
	"github.com/millrace/millrace/internal/engine/cells"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/state"
)

// How keyedOp keeps what it has of a key by its number, and lives with keys that are not
// in memory.

// keyedBytes is about what is kept of a key, beside what is in its cells.
const keyedBytes = 32

// New implements [cells.Values], as do the next two.
func (g *keyedOp) New(k cells.Entry) {
	if int(k) == len(g.byKey) {
		g.byKey = append(g.byKey, keyedWindows{})
	}
}

// Free implements [cells.Values]. The list of windows is kept for the next key.
func (g *keyedOp) Free(k cells.Entry) {
	ks := &g.byKey[k]
	for _, w := range ks.open() {
		g.let(w)
	}
	ks.replace(0, ks.len())
}

// Clear implements [cells.Values].
func (g *keyedOp) Clear(bool) {}

// DueAt implements [cells.Pager], as do the next three.
func (g *keyedOp) DueAt(k cells.Entry) cells.DueTimes {
	t := cells.NotDue
	for _, w := range g.byKey[k].open() {
		timers := &w.look().timers
		for c := range w.wake {
			t[c] = min(t[c], w.wake[c])
			for i := range timers[c].items {
				if s := &timers[c].items[i]; s.hold != 0 {
					t[cells.Held] = min(t[cells.Held], s.output)
				}
			}
		}
	}
	return t
}

// PageOut implements [cells.Pager].
func (g *keyedOp) PageOut(k cells.Entry) {
	open := g.byKey[k].open()
	g.open -= len(open)
	for _, w := range open {
		g.holds.live -= w.holding()
	}
}

// PagedOut implements [cells.Pager].
func (g *keyedOp) PagedOut() {
	for c := range g.due {
		g.due[c].retain(func(u *keyedWakeup) bool { return g.keys.Has(u.k) })
	}
	g.holds.retain(func(h *keyedHold) bool { return g.keys.Has(h.k) })
}

// relieve is called between elements and firings.
func (g *keyedOp) relieve() {
	if g.keys.Pages() {
		g.op.relieve(g.keys)
	}
}

// recall sees to it that the first in the queue is the first that is due by now.
func (g *keyedOp) recall(clock state.Clock, now model.Timestamp) {
	if !g.keys.Pages() {
		return
	}
	queued := never
	if q := &g.due[clock]; len(q.items) > 0 {
		queued = q.items[0].at
	}
	g.keys.Recall(int(clock), queued, now)
}
