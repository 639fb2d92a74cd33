package engine

import "github.com/millrace/millrace/model"

// watermarks is the minimum over the channels of a task's input. A channel that
// ends keeps its last watermark: one that was stopped early goes on holding.
type watermarks struct {
	channel []model.Timestamp
	ended   []bool
	open    int
	min     model.Timestamp
}

func newWatermarks(channels int) *watermarks {
	w := &watermarks{
		channel: make([]model.Timestamp, channels),
		ended:   make([]bool, channels),
		open:    channels,
		min:     model.MinTimestamp,
	}
	for i := range w.channel {
		w.channel[i] = model.MinTimestamp
	}
	return w
}

// advance notes channel i's watermark and reports whether the minimum rose. One
// that would go back is ignored.
func (w *watermarks) advance(i int, t model.Timestamp) bool {
	old := w.channel[i]
	if t <= old {
		return false
	}
	w.channel[i] = t
	if old != w.min { // only the channel that held the minimum back can raise it
		return false
	}
	lo := t
	for _, c := range w.channel {
		lo = min(lo, c)
	}
	rose := lo > w.min
	w.min = lo
	return rose
}

// end notes that channel i will say no more.
func (w *watermarks) end(i int) {
	if !w.ended[i] {
		w.ended[i] = true
		w.open--
	}
}
