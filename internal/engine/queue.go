package engine

import "github.com/millrace/millrace/model"

// A windowQueue hands out windows in the order of their due times, then of
// their ends and starts: a heap whose order is total, so that what fires first
// never depends on what was added first.
type windowQueue []dueWindow

type dueWindow struct {
	at model.Timestamp
	w  model.Window
}

func (d dueWindow) before(o dueWindow) bool {
	return d.at < o.at || d.at == o.at && d.w.Compare(o.w) < 0
}

func (q *windowQueue) push(at model.Timestamp, w model.Window) {
	*q = append(*q, dueWindow{at, w})
	h := *q
	for i := len(h) - 1; i > 0; {
		parent := (i - 1) / 2
		if !h[i].before(h[parent]) {
			return
		}
		h[i], h[parent] = h[parent], h[i]
		i = parent
	}
}

// pop takes the first window that is due at the watermark.
func (q *windowQueue) pop(watermark model.Timestamp) (model.Window, bool) {
	h := *q
	if len(h) == 0 || h[0].at > watermark {
		return model.Window{}, false
	}
	first := h[0].w
	last := len(h) - 1
	h[0] = h[last]
	h = h[:last]
	*q = h
	for i := 0; ; {
		c := 2*i + 1
		if c >= len(h) {
			break
		}
		if c+1 < len(h) && h[c+1].before(h[c]) {
			c++
		}
		if !h[c].before(h[i]) {
			break
		}
		h[i], h[c] = h[c], h[i]
		i = c
	}
	return first, true
}
