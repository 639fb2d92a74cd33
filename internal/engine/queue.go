package engine

import "github.com/millrace/millrace/model"

// A windowQueue hands out windows in the order of their due times, then of
// their ends and starts: an order that is total, so that what fires first
// never depends on what was added first.
type windowQueue struct {
	minHeap[dueWindow, *dueWindow]
}

type dueWindow struct {
	at model.Timestamp
	w  model.Window
}

func (d *dueWindow) before(o *dueWindow) bool {
	return d.at < o.at || d.at == o.at && d.w.Compare(o.w) < 0
}

func (q *windowQueue) add(at model.Timestamp, w model.Window) { q.push(dueWindow{at, w}) }

// due takes the first window that is due at the watermark.
func (q *windowQueue) due(watermark model.Timestamp) (model.Window, bool) {
	if len(q.items) == 0 || q.items[0].at > watermark {
		return model.Window{}, false
	}
	return q.pop().w, true
}
