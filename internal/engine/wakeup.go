package engine

import "github.com/millrace/millrace/model"

// A wakeQueue hands out wakeups in the order of their times. Those of the same
// time come in the order of their windows, then in that of pushing, which is
// the same in every run.
type wakeQueue[K comparable] struct {
	heap []queuedWakeup[K]
	seq  uint64
}

type wakeup[K comparable] struct {
	at     model.Timestamp
	hash   uint64
	key    K
	window model.Window
}

type queuedWakeup[K comparable] struct {
	wakeup[K]
	seq uint64
}

func (a *queuedWakeup[K]) before(b *queuedWakeup[K]) bool {
	if a.at != b.at {
		return a.at < b.at
	}
	if c := a.window.Compare(b.window); c != 0 {
		return c < 0
	}
	return a.seq < b.seq
}

func (q *wakeQueue[K]) push(w wakeup[K]) {
	q.seq++
	q.heap = append(q.heap, queuedWakeup[K]{w, q.seq})
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
func (q *wakeQueue[K]) next() model.Timestamp {
	if len(q.heap) == 0 {
		return model.MaxTimestamp
	}
	return q.heap[0].at
}

// pop takes the first wakeup that is due at t.
func (q *wakeQueue[K]) pop(t model.Timestamp) (wakeup[K], bool) {
	h := q.heap
	if len(h) == 0 || h[0].at > t {
		return wakeup[K]{}, false
	}
	first := h[0].wakeup
	last := len(h) - 1
	h[0] = h[last]
	h[last] = queuedWakeup[K]{}
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

// retain keeps the wakeups that keep says.
func (q *wakeQueue[K]) retain(keep func(*wakeup[K]) bool) {
	h := minHeap[queuedWakeup[K], *queuedWakeup[K]]{q.heap}
	h.retain(func(w *queuedWakeup[K]) bool { return keep(&w.wakeup) })
	q.heap = h.items
}
