package engine

import (
	"github.com/millrace/millrace/internal/engine/cells"
	"github.com/millrace/millrace/model"
)

// How paned keeps what it has of a key by its number, and lives with keys that are not
// in memory.

// panedBytes is about what is kept of a key with one window, beside its accumulator.
const panedBytes = 48

// New implements [cells.Values], as do the next two.
func (g *paned) New(k cells.Entry) {
	if int(k) == len(g.windows.byKey) {
		g.windows.byKey = append(g.windows.byKey, keyWindows{})
	}
}

// Free implements [cells.Values].
func (g *paned) Free(k cells.Entry) { g.windows.forgetKey(k, g.accs) }

// Clear implements [cells.Values].
func (g *paned) Clear(bool) {}

// DueAt implements [cells.Pager], as do the next three.
func (g *paned) DueAt(k cells.Entry) cells.DueTimes {
	t := cells.NotDue
	for _, n := range g.windows.open(k) {
		o := g.windows.at(n)
		t[cells.EventTime] = min(t[cells.EventTime], o.wake)
		t[cells.ProcessingTime] = min(t[cells.ProcessingTime], o.wakeNow)
		if o.held < model.MaxTimestamp {
			t[cells.Held] = min(t[cells.Held], o.held)
		}
	}
	return t
}

// PageIn implements [cells.Pager].
func (g *paned) PageIn(k cells.Entry) {
	for _, n := range g.windows.open(k) {
		o := g.windows.at(n)
		if o.wake < never {
			g.due.push(wakeup{o.wake, k, o.window})
		}
		if o.wakeNow < never {
			g.dueNow.push(wakeup{o.wakeNow, k, o.window})
		}
		g.queueHold(k, o)
	}
}

// PageOut implements [cells.Pager].
func (g *paned) PageOut(cells.Entry) {}

// PagedOut implements [cells.Pager].
func (g *paned) PagedOut() {
	for _, q := range []*wakeQueue{&g.due, &g.dueNow, &g.holds} {
		q.retain(g.keys.Has)
	}
}

// relieve is called between elements and firings.
func (g *paned) relieve() {
	if g.keys.Pages() {
		g.op.relieve(g.keys)
	}
}

// relieve has a table evict what does not fit, unless the task has failed.
func (o *Op) relieve(t *cells.Table) {
	if !o.task.unreadable() && !o.Failed() {
		t.Relieve()
	}
}

// recall sees to it that the first in q is the first that is due by now.
func (g *paned) recall(q *wakeQueue, clock int, now model.Timestamp) {
	if !g.keys.Pages() {
		return
	}
	queued := never
	if len(q.heap) > 0 {
		queued = q.heap[0].at
	}
	g.keys.Recall(clock, queued, now)
}

// hold is what the open windows hold the watermark at.
func (g *paned) hold() model.Timestamp {
	return min(g.queuedHold(), g.keys.NextDue(cells.Held))
}
