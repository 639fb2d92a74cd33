package engine

import "github.com/millrace/millrace/model"

// watermarks is the minimum over the channels of a task's input that are not
// idle. It never goes back: an idle channel that comes back to life behind it stops it
// where it is. Where all channels are idle, it is as high as any of them has come:
// none holds it back, and which one fell idle last must not matter. Channels at the end
// of time do not count then, or the watermark would follow them there.
//
// A channel that ends keeps its last watermark: one that was stopped early goes on
// holding.
type watermarks struct {
	channel []model.Timestamp
	ended   []bool
	idle    []bool
	open    int
	idles   int // how many are idle
	min     model.Timestamp
}

func newWatermarks(channels int) *watermarks {
	w := &watermarks{
		channel: make([]model.Timestamp, channels),
		ended:   make([]bool, channels),
		idle:    make([]bool, channels),
		open:    channels,
		min:     model.MinTimestamp,
	}
	for i := range w.channel {
		w.channel[i] = model.MinTimestamp
	}
	return w
}

// restore raises all channels to where the minimum once was.
func (w *watermarks) restore(t model.Timestamp) {
	for i := range w.channel {
		w.channel[i] = t
	}
	w.min = t
}

// advance notes channel i's watermark and reports whether the minimum rose. One
// that would go back is ignored.
func (w *watermarks) advance(i int, t model.Timestamp) bool {
	old := w.channel[i]
	if t <= old {
		return false
	}
	w.channel[i] = t
	if old > w.min { // only a channel that holds the minimum back can raise it
		return false
	}
	return w.raise()
}

// setIdle notes whether channel i is idle and reports whether the minimum rose.
func (w *watermarks) setIdle(i int, idle bool) bool {
	if w.idle[i] == idle {
		return false
	}
	w.idle[i] = idle
	if idle {
		w.idles++
	} else {
		w.idles--
	}
	return w.raise()
}

// raise raises the minimum to what the channels say, and reports whether it rose.
func (w *watermarks) raise() bool {
	lo := w.lowest()
	if lo == model.MaxTimestamp && w.idles > 0 {
		lo = w.highestIdle()
	}
	rose := lo > w.min
	w.min = max(w.min, lo)
	return rose
}

// lowest is the minimum over the channels that are not idle.
func (w *watermarks) lowest() model.Timestamp {
	lo := model.MaxTimestamp
	for i, c := range w.channel {
		if !w.idle[i] {
			lo = min(lo, c)
		}
	}
	return lo
}

// highestIdle is the maximum over the idle channels that are to go on.
func (w *watermarks) highestIdle() model.Timestamp {
	hi, all := model.MinTimestamp, true
	for i, c := range w.channel {
		if w.idle[i] && c < model.MaxTimestamp {
			hi, all = max(hi, c), false
		}
	}
	if all {
		return model.MaxTimestamp
	}
	return hi
}

// isIdle reports whether no channel is left that could raise the minimum, but idle
// ones.
func (w *watermarks) isIdle() bool {
	return w.idles > 0 && w.lowest() == model.MaxTimestamp
}

// end notes that channel i will say no more.
func (w *watermarks) end(i int) {
	if !w.ended[i] {
		w.ended[i] = true
		w.open--
	}
}
