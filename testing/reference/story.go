package reference

import (
	"slices"

	"github.com/millrace/millrace/model"
)

// A story is all that happened to a key and window, in order. It is read, and
// written on, but never changed. Where the window came out of several others, their
// stories are the parts of its first happening.
type story []happening

// A happening is a line of a story, with where time was.
type happening struct {
	what     what
	wm, now  model.Timestamp
	end      model.Timestamp // of the window
	value    int             // of an arrival
	at       model.Timestamp // likewise
	takeBack bool            // likewise: a retraction
	pane     Pane            // that was said
	parts    []story         // that were merged
}

type what uint8

const (
	// merged is the beginning of a window that several others became.
	merged what = iota
	// grew is a change of the window's bounds, which make it a new window.
	grew
	// arrived is an element.
	arrived
	// fired is the trigger's saying yes.
	fired
	// said is a pane.
	said
)

// onTime reports whether the watermark had not reached the window's end.
func (h happening) onTime() bool { return h.wm < h.end }

// contents is what the window holds for its next pane.
func (s story) contents(mode model.PaneMode) (values []int) {
	for _, h := range s {
		switch {
		case h.what == merged:
			for _, p := range h.parts {
				values = append(values, p.contents(mode)...)
			}
		case h.what == arrived && h.takeBack:
			if i := slices.Index(values, h.value); i >= 0 {
				values = slices.Delete(values, i, i+1)
			}
		case h.what == arrived:
			values = append(values, h.value)
		case h.what == said && mode == model.Discarding:
			values = nil
		}
	}
	return values
}

// unsaid is what arrived since the last pane.
func (s story) unsaid() (list []happening) {
	for _, h := range s {
		switch h.what {
		case merged:
			for _, p := range h.parts {
				list = append(list, p.unsaid()...)
			}
		case arrived:
			list = append(list, h)
		case said:
			list = nil
		}
	}
	return list
}

// standing are the panes that the next one must take back.
func (s story) standing() (list []Pane) {
	for _, h := range s {
		switch h.what {
		case merged:
			for _, p := range h.parts {
				list = append(list, p.standing()...)
			}
		case said:
			list = nil
			if len(h.pane.Values) > 0 {
				list = []Pane{h.pane}
			}
		}
	}
	return list
}

// punctual reports whether something unsaid was on time: when it came, or in what
// the window became afterwards, the watermark had not reached the end.
func (s story) punctual() (yes bool) {
	for i, h := range s {
		switch h.what {
		case merged:
			for _, p := range h.parts {
				yes = yes || p.punctual() || h.onTime() && len(p.unsaid()) > 0
			}
		case grew:
			yes = yes || h.onTime() && len(s[:i].unsaid()) > 0
		case arrived:
			yes = yes || h.onTime()
		case said:
			yes = false
		}
	}
	return yes
}

// panes are those of the window itself, not of what it came out of.
func (s story) panes() (list []Pane) {
	for _, h := range s {
		switch h.what {
		case grew:
			list = nil
		case said:
			list = append(list, h.pane)
		}
	}
	return list
}

// settled is how many of the window's panes were not early.
func (s story) settled() (n int64) {
	for _, p := range s.panes() {
		if p.Timing != model.Early {
			n++
		}
	}
	return n
}

// stamp is the timestamp of the next pane of window w: of those elements that the
// watermark had not passed when they came, or else of the window. So what came in time
// for its window is not behind the watermark again where it goes on to.
func (s story) stamp(c model.TimestampCombiner, w model.Window) model.Timestamp {
	times := s.inTime()
	switch {
	case len(times) == 0 || c == model.EndOfWindow:
		return w.End - 1
	case c == model.Earliest:
		return slices.Min(times)
	}
	return slices.Max(times)
}

// hold is what window w holds the watermark at: the timestamp of its next pane, if
// something of that came in time for the window. What windows have said that are part of it
// now is still to be taken back, for which those who heard it must not have let go
// of them.
func (s story) hold(strategy model.WindowingStrategy, w model.Window) model.Timestamp {
	at := model.MaxTimestamp
	if s.punctual() {
		at = s.stamp(strategy.Timestamps, w)
	}
	for _, p := range s.standing() {
		if strategy.Panes == model.Retracting && p.Window != w {
			at = min(at, strategy.Expiry(p.Window)-1)
		}
	}
	return at
}

// inTime are the timestamps of what is unsaid and was not behind the watermark as it
// came.
func (s story) inTime() (times []model.Timestamp) {
	for _, h := range s.unsaid() {
		if h.at >= h.wm {
			times = append(times, h.at)
		}
	}
	return times
}
