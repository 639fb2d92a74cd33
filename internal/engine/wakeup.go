package engine

import (
	"github.com/millrace/millrace/internal/engine/cells"
	"github.com/millrace/millrace/model"
)

// A wakeQueue hands out wakeups in the order of their times. Those of the same
// time come in the order of their windows, then in that of pushing, which is
// the same in every run.
type wakeQueue struct {
	heap []queuedWakeup
	// seq counts the pushes, and starts over after 4 billion of them. Two wakeups of the
	// same time and window with that between them come in the other order, which is the
	// same in every run, too.
	seq uint32
}

type wakeup struct {
	at     model.Timestamp
	k      cells.Entry
	window model.Window
}

// A queuedWakeup is a wakeup with its place in the order of pushing, laid out so that
// nothing lies between.
type queuedWakeup struct {
	at     model.Timestamp
	window model.Window
	k      cells.Entry
	seq    uint32
}

func (a *queuedWakeup) wakeup() wakeup { return wakeup{a.at, a.k, a.window} }

func (a *queuedWakeup) before(b *queuedWakeup) bool {
	if a.at != b.at {
		return a.at < b.at
	}
	if c := a.window.Compare(b.window); c != 0 {
		return c < 0
	}
	return a.seq < b.seq
}

func (q *wakeQueue) push(w wakeup) {
	q.seq++
	q.heap = append(q.heap, queuedWakeup{w.at, w.window, w.k, q.seq})
	h := q.heap
	for i := len(h) - 1; i > 0; {
		parent := (i - 1) / 2
		if !h[i].before(&h[parent]) {
			return
		}
		h[i], h[parent] = h[parent], h[i]
		i = parent
	}
}

// next is the time of the first wakeup; MaxTimestamp if there is none.
func (q *wakeQueue) next() model.Timestamp {
	if len(q.heap) == 0 {
		return model.MaxTimestamp
	}
	return q.heap[0].at
}

// pop takes the first wakeup that is due at t.
func (q *wakeQueue) pop(t model.Timestamp) (wakeup, bool) {
	h := q.heap
	if len(h) == 0 || h[0].at > t {
		return wakeup{}, false
	}
	first := h[0].wakeup()
	last := len(h) - 1
	h[0] = h[last]
	h[last] = queuedWakeup{}
	h = h[:last]
	q.heap = h
	for i := 0; ; {
		c := 2*i + 1
		if c >= len(h) {
			break
		}
		if c+1 < len(h) && h[c+1].before(&h[c]) {
			c++
		}
		if !h[c].before(&h[i]) {
			break
		}
		h[i], h[c] = h[c], h[i]
		i = c
	}
	return first, true
}

// retain keeps the wakeups of the keys that keep says.
func (q *wakeQueue) retain(keep func(cells.Entry) bool) {
	h := minHeap[queuedWakeup, *queuedWakeup]{q.heap}
	h.retain(func(w *queuedWakeup) bool { return keep(w.k) })
	q.heap = h.items
}
