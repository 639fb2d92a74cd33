package reference

import (
	"slices"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/triggers"
)

// Evaluate is what a grouping under strategy makes of steps.
func Evaluate(strategy model.WindowingStrategy, steps []Step) Result {
	if strategy.Trigger == nil {
		strategy.Trigger = triggers.Default{}
	}
	if strategy.Panes == 0 {
		strategy.Panes = model.Discarding
	}
	var keys []int
	for _, s := range steps {
		for _, e := range s.Elements {
			keys = append(keys, e.Key)
		}
	}
	slices.Sort(keys)
	out := Result{Watermarks: inputs(steps)}
	for _, key := range slices.Compact(keys) {
		k := keyed{strategy: strategy, key: key, wm: model.MinTimestamp, now: model.MinTimestamp, out: &out}
		for i, s := range steps {
			k.step = i
			k.play(s)
			out.Watermarks[i] = min(out.Watermarks[i], k.hold())
		}
	}
	return out
}

// inputs are the input watermark after each step.
func inputs(steps []Step) (watermarks []model.Timestamp) {
	wm := model.MinTimestamp
	for _, s := range steps {
		wm = max(wm, s.Watermark)
		watermarks = append(watermarks, wm)
	}
	return watermarks
}

// keyed is what there is to know of one key.
type keyed struct {
	strategy model.WindowingStrategy
	key      int
	step     int
	wm, now  model.Timestamp
	open     []*life
	out      *Result
}

// A life is an open window with its story.
type life struct {
	model.Window
	story story
}

// play plays one step. Time goes from one instant to the next at which some window
// has something to do.
func (k *keyed) play(s Step) {
	for {
		at, due := k.next(k.now, s.Now, k.moments)
		if at > s.Now {
			break
		}
		k.now = at
		k.lookAt(due)
	}
	k.now = max(k.now, s.Now)
	for _, e := range s.Elements {
		if e.Key == k.key {
			k.arrive(e)
		}
	}
	for {
		at, due := k.next(k.wm, s.Watermark, k.ends)
		if at > s.Watermark {
			break
		}
		k.wm = at
		k.lookAt(due)
	}
	k.wm = max(k.wm, s.Watermark)
}

// ends are the event times at which l has something to do.
func (k *keyed) ends(l *life) []model.Timestamp {
	return []model.Timestamp{l.End, k.strategy.Expiry(l.Window)}
}

// moments are the processing times for which l's trigger waits.
func (k *keyed) moments(l *life) []model.Timestamp {
	if finished(k.strategy.Trigger, l.story) {
		return nil
	}
	return asks(k.strategy.Trigger, l.story, k.here(fired, l))
}

// next is the first instant after from, and up to to, at which windows have
// something to do, and those that do.
func (k *keyed) next(from, to model.Timestamp, of func(*life) []model.Timestamp) (at model.Timestamp, due []*life) {
	at = to + 1
	for _, l := range k.open {
		for _, t := range of(l) {
			switch {
			case t <= from || t > at || t > to:
			case t < at:
				at, due = t, []*life{l}
			case !slices.Contains(due, l):
				due = append(due, l)
			}
		}
	}
	return at, due
}

func (k *keyed) lookAt(due []*life) {
	slices.SortFunc(due, func(a, b *life) int { return a.Compare(b.Window) })
	for _, l := range due {
		k.look(l)
	}
}

// here is a happening in l's window, now.
func (k *keyed) here(what what, l *life) happening {
	return happening{what: what, wm: k.wm, now: k.now, end: l.End}
}

// arrive takes an element, window by window.
func (k *keyed) arrive(e Element) {
	windows := []model.Window{e.Window}
	if e.Window.IsZero() {
		windows = windowsOf(k.strategy.Windows, e.At)
	}
	if len(windows) == 0 {
		k.out.Windowless++
	}
	for _, w := range windows {
		k.arriveIn(e, w)
	}
}

func (k *keyed) arriveIn(e Element, w model.Window) {
	l := k.lifeOf(w, merges(k.strategy.Windows) && e.Window.IsZero())
	drop := Drop{k.step, e.Key, e.Value, e.At, l.Window, k.wm, 0}
	switch {
	case k.strategy.Expiry(l.Window) <= k.wm:
		k.open = slices.DeleteFunc(k.open, func(o *life) bool { return o == l })
		drop.Reason = model.WindowExpired
	case finished(k.strategy.Trigger, l.story):
		drop.Reason = model.TriggerFinished
	default:
		h := k.here(arrived, l)
		h.value, h.at, h.takeBack = e.Value, e.At, e.Retraction
		l.story = append(l.story, h)
		if h.onTime() {
			k.out.OnTime++
		} else {
			k.out.Late++
		}
		k.look(l)
		return
	}
	k.out.Dropped++
	k.out.Drops = append(k.out.Drops, drop)
}

// lifeOf is the open window that w is, or becomes part of; a new one if there is
// none.
func (k *keyed) lifeOf(w model.Window, merging bool) *life {
	var parts []*life
	span := w
	for _, l := range k.open {
		if l.Window == w || merging && l.Overlaps(w) {
			parts = append(parts, l)
			span = span.Span(l.Window)
		}
	}
	if len(parts) == 1 && parts[0].Window == span {
		return parts[0]
	}
	l := &life{Window: span}
	switch h := k.here(merged, l); len(parts) {
	case 0:
	case 1:
		l.story = append(parts[0].story, k.here(grew, l))
	default:
		for _, p := range parts {
			h.parts = append(h.parts, p.story)
		}
		l.story = story{h}
	}
	k.open = append(slices.DeleteFunc(k.open, func(o *life) bool { return slices.Contains(parts, o) }), l)
	slices.SortFunc(k.open, func(a, b *life) int { return a.Compare(b.Window) })
	return l
}

// look asks l's trigger whether it fires, and ends l if it has expired.
func (k *keyed) look(l *life) {
	t := k.strategy.Trigger
	expired := k.strategy.Expiry(l.Window) <= k.wm
	if !finished(t, l.story) && ready(t, l.story, k.here(fired, l)) {
		l.story = append(l.story, k.here(fired, l))
		onTime := k.strategy.OnTime == model.FireAlways && l.story.settled() == 0 && l.End <= k.wm
		if k.news(l) || onTime {
			k.say(l, expired || finished(t, l.story))
		}
	}
	if !expired {
		return
	}
	panes := l.story.panes()
	closed := len(panes) > 0 && panes[len(panes)-1].Last
	if k.news(l) || k.strategy.Closing == model.FireAlways && !closed {
		k.say(l, true)
	}
	k.open = slices.DeleteFunc(k.open, func(o *life) bool { return o == l })
}

// news reports whether l has something to say: what is unsaid, or, if panes are taken
// back, what others have said in its place, which are part of it now.
func (k *keyed) news(l *life) bool {
	return len(l.story.unsaid()) > 0 || k.strategy.Panes == model.Retracting &&
		slices.ContainsFunc(l.story.standing(), func(p Pane) bool { return p.Window != l.Window })
}

// say emits l's next pane, and before it the retractions of what it replaces.
func (k *keyed) say(l *life, last bool) {
	s, mode := l.story, k.strategy.Panes
	p := Pane{
		Step: k.step, Key: k.key, Window: l.Window,
		Pane:   model.Pane{Index: int64(len(s.panes())), NonSpeculativeIndex: -1, First: len(s.panes()) == 0, Last: last},
		At:     s.stamp(k.strategy.Timestamps, l.Window),
		Values: s.contents(mode),
	}
	switch {
	case l.End > k.wm:
		p.Timing = model.Early
	case s.settled() == 0 && (s.punctual() || len(s.unsaid()) == 0):
		p.Timing = model.OnTime
	default:
		p.Timing = model.Late
	}
	if p.Timing != model.Early {
		p.NonSpeculativeIndex = s.settled()
	}
	if mode == model.Retracting {
		for _, r := range s.standing() {
			r.Step, r.Retraction = k.step, true
			k.out.Panes = append(k.out.Panes, r)
		}
	}
	h := k.here(said, l)
	h.pane = p
	l.story = append(s, h)
	if mode != model.Retracting || len(p.Values) > 0 {
		k.out.Panes = append(k.out.Panes, p)
	}
}

// hold is what the key's windows hold the watermark at.
func (k *keyed) hold() model.Timestamp {
	at := model.MaxTimestamp
	for _, l := range k.open {
		at = min(at, l.story.hold(k.strategy, l.Window))
	}
	return at
}
