package engine_test

import (
	"cmp"
	"slices"

	"github.com/millrace/millrace/model"
)

// This file says what a grouping under the default trigger must do, without any
// thought of how: it keeps everything that ever arrived, and looks through all of it
// for each question.

// A pane is what a grouping emits for a key and window.
type pane struct {
	key    int
	window model.Window
	timing model.Timing
	index  int64
	first  bool
	last   bool
	at     model.Timestamp
	values []int // in order
}

// An arrival is what arrives at a grouping, with the watermark in front of it.
type arrival struct {
	event     int // the event that brought it
	at        model.Timestamp
	key       int
	values    []int
	windows   []model.Window
	watermark model.Timestamp
}

// A verdict is what must come out, and be counted.
type verdict struct {
	panes []firing
	// late and dropped count an element once for each window that treats it so;
	// onTime counts it once for each window, and unfired once if there is any.
	onTime, unfired, late, dropped int64
}

// A firing is a pane, with the watermark in front of it.
type firing struct {
	pane
	event     int // the event that caused it
	watermark model.Timestamp
}

// arrivals is what one split's script brings to a grouping; end is the watermark at
// the end of it.
func arrivals(events []event, assign func(model.Timestamp) []model.Window) (list []arrival, end model.Timestamp) {
	watermark := model.MinTimestamp
	for i, e := range events {
		if e.mark {
			watermark = max(watermark, e.at)
			continue
		}
		list = append(list, arrival{i, e.at, e.key, []int{e.value}, assign(e.at), watermark})
	}
	return list, watermark
}

// A cell is a key and window.
type cell struct {
	key    int
	window model.Window
}

// groupReference is the verdict on windows that never merge: all follows from
// where the watermark was when each element arrived.
func groupReference(s model.WindowingStrategy, list []arrival, end model.Timestamp) (v verdict) {
	onTime, late := map[cell][]arrival{}, map[cell][]arrival{}
	for _, a := range list {
		unfired := int64(0)
		for _, w := range a.windows {
			c := cell{a.key, w}
			switch {
			case a.watermark >= w.End.Add(s.Lateness):
				v.dropped++
			case a.watermark >= w.End:
				v.late++
				late[c] = append(late[c], a)
			default:
				v.onTime++
				unfired = 1
				onTime[c] = append(onTime[c], a)
			}
		}
		v.unfired += unfired
	}
	for c, list := range onTime {
		if end >= c.window.End {
			v.panes = append(v.panes, firing{onTimePane(s, c, list), list[len(list)-1].event, model.MinTimestamp})
		}
	}
	for c, list := range late {
		for i, a := range list {
			v.panes = append(v.panes, firing{latePane(s, c, onTime[c], list[:i+1]), a.event, a.watermark})
		}
	}
	slices.SortFunc(v.panes, func(a, b firing) int { return cmp.Compare(a.event, b.event) })
	return v
}

func onTimePane(s model.WindowingStrategy, c cell, list []arrival) pane {
	return pane{
		key: c.key, window: c.window, timing: model.OnTime, first: true, last: c.window.End.Add(s.Lateness) == c.window.End,
		at: stamp(s, c.window, list), values: valuesOf(list),
	}
}

// latePane is the pane that the last of late brings about.
func latePane(s model.WindowingStrategy, c cell, onTime, late []arrival) pane {
	fresh := late[len(late)-1:]
	p := pane{key: c.key, window: c.window, timing: model.Late, index: int64(len(late) - 1), at: stamp(s, c.window, fresh), values: valuesOf(fresh)}
	if len(onTime) > 0 {
		p.index++
	}
	p.first = p.index == 0
	if s.Panes != model.Discarding {
		p.values = append(valuesOf(onTime), valuesOf(late)...)
	}
	return p
}

// stamp is the timestamp of a pane of w in which fresh is new: that of what was not behind
// the watermark, if there is any.
func stamp(s model.WindowingStrategy, w model.Window, fresh []arrival) model.Timestamp {
	var times []model.Timestamp
	for _, a := range fresh {
		if a.at >= a.watermark {
			times = append(times, a.at)
		}
	}
	switch {
	case len(times) == 0 || s.Timestamps == model.EndOfWindow:
		return w.MaxTimestamp()
	case s.Timestamps == model.Earliest:
		return slices.Min(times)
	}
	return slices.Max(times)
}

func valuesOf(list []arrival) (values []int) {
	for _, a := range list {
		values = append(values, a.values...)
	}
	return values
}

// mergeReference is the verdict on windows that merge, for the events of one
// split. It goes through them key by key.
func mergeReference(fn model.MergingWindowFn, s model.WindowingStrategy, events []event) (v verdict) {
	keys := map[int]bool{}
	for _, e := range events {
		if !e.mark {
			keys[e.key] = true
		}
	}
	for key := range keys {
		m := merger{fn: fn, strategy: s, key: key, watermark: model.MinTimestamp, out: &v}
		for i, e := range events {
			m.event = i
			switch {
			case e.mark && e.at > m.watermark:
				m.advance(e.at)
			case !e.mark && e.key == key:
				for _, w := range fn.AssignWindows(nil, e.at) {
					m.add(w, arrival{at: e.at, values: []int{e.value}, watermark: m.watermark})
				}
			}
		}
	}
	return v
}

// A merger is one key's open windows.
type merger struct {
	fn        model.MergingWindowFn
	strategy  model.WindowingStrategy
	key       int
	event     int
	watermark model.Timestamp
	open      []session
	out       *verdict
}

type session struct {
	window     model.Window
	all, fresh []arrival // fresh since the last pane
	panes      int64
}

// add adds an arrival in window w, and merges.
func (m *merger) add(w model.Window, a arrival) {
	added := w
	if slices.IndexFunc(m.open, func(o session) bool { return o.window == w }) < 0 {
		m.open = append(m.open, session{window: w})
		added = m.merge(w)
	}
	i := slices.IndexFunc(m.open, func(o session) bool { return o.window == added })
	if added.End.Add(m.strategy.Lateness) <= m.watermark {
		m.out.dropped++
		m.open = slices.Delete(m.open, i, i+1)
		return
	}
	o := &m.open[i]
	o.all = append(o.all, a)
	o.fresh = append(o.fresh, a)
	if added.End > m.watermark {
		m.out.onTime++
		m.out.unfired++
		return
	}
	m.out.late++
	m.fire(o, model.Late)
}

// merge asks the WindowFn about all open windows, and returns what became of w.
func (m *merger) merge(w model.Window) (added model.Window) {
	slices.SortFunc(m.open, func(a, b session) int { return byStart(a.window, b.window) })
	var windows []model.Window
	for _, o := range m.open {
		windows = append(windows, o.window)
	}
	into := make([]model.Window, len(windows))
	m.fn.MergeWindows(slices.Clone(windows), into)
	var merged []session
	for i, o := range m.open {
		if o.window == w {
			added = into[i]
		}
		at := slices.IndexFunc(merged, func(n session) bool { return n.window == into[i] })
		if at < 0 {
			merged = append(merged, session{window: into[i]})
			at = len(merged) - 1
		}
		n := &merged[at]
		n.all = append(n.all, o.all...)
		n.fresh = append(n.fresh, o.fresh...)
		if o.window == n.window { // its panes go on; other windows are new ones
			n.panes = o.panes
		}
	}
	m.open = merged
	return added
}

func byStart(a, b model.Window) int {
	return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.End, b.End))
}

// advance fires what ends, and lets go of what expires.
func (m *merger) advance(to model.Timestamp) {
	for i := range m.open {
		if o := &m.open[i]; o.window.End <= to && len(o.fresh) > 0 {
			m.fire(o, model.OnTime)
		}
	}
	m.watermark = to
	m.open = slices.DeleteFunc(m.open, func(o session) bool { return o.window.End.Add(m.strategy.Lateness) <= to })
}

func (m *merger) fire(o *session, timing model.Timing) {
	p := pane{
		key: m.key, window: o.window, timing: timing, index: o.panes, first: o.panes == 0,
		last: timing == model.OnTime && o.window.End.Add(m.strategy.Lateness) == o.window.End,
		at:   stamp(m.strategy, o.window, o.fresh), values: valuesOf(o.fresh),
	}
	if m.strategy.Panes != model.Discarding {
		p.values = valuesOf(o.all)
	}
	o.panes++
	o.fresh = nil
	m.out.panes = append(m.out.panes, firing{p, m.event, m.watermark})
}
