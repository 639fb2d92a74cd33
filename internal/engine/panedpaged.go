package engine

import "github.com/millrace/millrace/model"

// How paned lives with keys that are not in memory.

const (
	eventTime      = 0 // of dueTimes
	processingTime = 1
)

// dueAt implements [pager], as do pageIn and the next two.
func (g *paned[K, A]) dueAt(ks *keyWindows[A]) dueTimes {
	t := notDue
	for _, o := range ks.open {
		t[eventTime] = min(t[eventTime], o.wake)
		t[processingTime] = min(t[processingTime], o.wakeNow)
		if o.held < model.MaxTimestamp {
			t[held] = min(t[held], o.held)
		}
	}
	return t
}

func (g *paned[K, A]) pageOut(*keyWindows[A]) {}

func (g *paned[K, A]) pagedOut(resident func(hash uint64, k K) bool) {
	for _, q := range []*wakeQueue[K]{&g.due, &g.dueNow, &g.holds} {
		q.retain(func(w *wakeup[K]) bool { return resident(w.hash, w.key) })
	}
}

// resident is a key's windows, nil if it has none. If the key pages, it is in memory:
// else the index has it.
func (g *paned[K, A]) resident(hash uint64, k K) *keyWindows[A] {
	if g.paged != nil {
		return g.paged.resident(hash, k)
	}
	return g.keys.Get(hash, k)
}

// relieve is called between elements and firings.
func (g *paned[K, A]) relieve() {
	if g.paged != nil {
		g.paged.relieve()
	}
}

// recall sees to it that the first in q is the first that is due by now.
func (g *paned[K, A]) recall(q *wakeQueue[K], clock int, now model.Timestamp) {
	if g.paged == nil {
		return
	}
	queued := never
	if len(q.heap) > 0 {
		queued = q.heap[0].at
	}
	g.paged.recall(clock, queued, now)
}

// hold is what the open windows hold the watermark at.
func (g *paned[K, A]) hold() model.Timestamp {
	return min(g.queuedHold(), g.paged.nextDue(held))
}
