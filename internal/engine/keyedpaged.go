package engine

import (
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/state"
)

// How keyedOp lives with keys that are not in memory.

// dueAt implements [pager], as do the next three.
func (g *keyedOp[K, V]) dueAt(ks *keyedWindows) dueTimes {
	t := notDue
	for _, w := range ks.open {
		for c := range w.wake {
			t[c] = min(t[c], w.wake[c])
			for i := range w.timers[c].items {
				if s := &w.timers[c].items[i]; s.hold != 0 {
					t[held] = min(t[held], s.output)
				}
			}
		}
	}
	return t
}

func (g *keyedOp[K, V]) pageOut(ks *keyedWindows) {
	g.open -= len(ks.open)
	for _, w := range ks.open {
		for c := range w.timers {
			for i := range w.timers[c].items {
				if w.timers[c].items[i].hold != 0 {
					g.holds.live--
				}
			}
		}
	}
}

func (g *keyedOp[K, V]) pagedOut(resident func(hash uint64, k K) bool) {
	for c := range g.due {
		g.due[c].retain(func(u *keyedWakeup[K]) bool { return resident(u.hash, u.key) })
	}
	g.holds.retain(func(h *keyedHold[K]) bool { return resident(h.hash, h.key) })
}

// relieve is called between elements and firings.
func (g *keyedOp[K, V]) relieve() {
	if g.paged != nil {
		g.paged.relieve()
	}
}

// recall sees to it that the first in the queue is the first that is due by now.
func (g *keyedOp[K, V]) recall(clock state.Clock, now model.Timestamp) {
	if g.paged == nil {
		return
	}
	queued := never
	if q := &g.due[clock]; len(q.items) > 0 {
		queued = q.items[0].at
	}
	g.paged.recall(int(clock), queued, now)
}
