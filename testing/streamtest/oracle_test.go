package streamtest_test

import (
	"cmp"
	"iter"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/testing/streamtest"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/windowing"
)

// Random scripts are played on the engine and on a model that does it the slow
// way: it keeps all it has seen and looks at every window at each step.
func TestPanesOfRandomScripts(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := drawStrategy(rt)
		scripts := drawScripts(rt)
		o := newOracle(s, scripts)

		var p model.Pipeline
		var streams []model.PCollection[amount]
		for _, lines := range scripts {
			stream := streamtest.NewStream[amount](&p)
			for _, l := range lines {
				if l.values == nil {
					stream.Watermark(l.at)
				} else {
					stream.Add(l.at, l.values...)
				}
			}
			streams = append(streams, stream.End())
		}
		all := transforms.Flatten(streams...)
		byKey := collected(transforms.Window(all, s))
		first, second := streamtest.Capture(byKey), streamtest.Capture(together(byKey))
		folded := sums(all, s)
		s.Trigger = perKey{}
		unfolded := sums(all, s)
		disguised := streamtest.Capture(collected(transforms.Window(all, s)))
		n := rapid.SampledFrom([]int{1, 2, 5}).Draw(rt, "parallelism")
		said := failure(t, func(t testing.TB) {
			streamtest.Run(t, &p, streamtest.Parallelism(n))
			first.WantPanes(t, o.panes()...)
			first.WantDropped(t, o.dropped)
			disguised.WantPanes(t, first.Panes()...) // indices, too
			disguised.WantDropped(t, o.dropped)
			unfolded.WantPanes(t, folded.Panes()...)
			folded.WantDropped(t, o.dropped)
			if s.Panes == model.Discarding {
				second.WantPanes(t, o.panesTogether()...)
				second.WantDropped(t, o.dropped)
			}
		})
		if said != "" {
			rt.Fatal(said)
		}
	})
}

// together groups the values of all keys.
func together(c model.PCollection[model.KV[string, []int]]) model.PCollection[[]int] {
	keyed := transforms.Map(c, func(kv model.KV[string, []int]) model.KV[string, []int] { return model.KVOf("all", kv.Value) })
	return transforms.Map(transforms.GroupByKey(keyed), func(g model.KV[string, iter.Seq[[]int]]) []int {
		all := slices.Concat(slices.Collect(g.Value)...)
		slices.Sort(all)
		return all
	})
}

// A line of a script adds values or, if there are none, takes the watermark to at.
type line struct {
	at     model.Timestamp
	values []amount
}

func drawScripts(rt *rapid.T) (scripts [][]line) {
	id := 0
	for range rapid.IntRange(1, 2).Draw(rt, "streams") {
		var lines []line
		watermark := model.MinTimestamp
		for range rapid.IntRange(0, 20).Draw(rt, "lines") {
			l := line{at: inSeconds(rapid.Int64Range(0, 60).Draw(rt, "at"))}
			for range rapid.IntRange(0, 3).Draw(rt, "values") {
				id++
				l.values = append(l.values, pay(rapid.SampledFrom([]string{"ann", "bob", "cid"}).Draw(rt, "key"), id))
			}
			if l.values == nil {
				watermark = max(watermark, l.at)
				l.at = watermark
			}
			lines = append(lines, l)
		}
		scripts = append(scripts, lines)
	}
	return scripts
}

func inSeconds(n int64) model.Timestamp { return model.Timestamp(n) * second }

func drawStrategy(rt *rapid.T) model.WindowingStrategy {
	seconds := func(from, to int, label string) time.Duration {
		return time.Duration(rapid.IntRange(from, to).Draw(rt, label)) * time.Second
	}
	s := model.WindowingStrategy{
		Lateness: seconds(0, 20, "lateness"),
		Panes:    rapid.SampledFrom([]model.PaneMode{model.Accumulating, model.Discarding}).Draw(rt, "panes"),
	}
	switch rapid.IntRange(0, 2).Draw(rt, "windows") {
	case 0:
		s.Windows = windowing.Fixed{Size: seconds(1, 20, "size")}
	case 1:
		s.Windows = windowing.Sliding{Size: seconds(1, 20, "size"), Every: seconds(1, 20, "every")}
	case 2:
		s.Windows = windowing.Sessions{Gap: seconds(1, 10, "gap")}
	}
	return s
}

// An oracle says which panes the default trigger fires.
type oracle struct {
	s         model.WindowingStrategy
	watermark model.Timestamp
	open      map[string][]*openWindow // by key
	step      int
	fired     []oraclePane
	dropped   int64
}

// newOracle plays the scripts in turns.
func newOracle(s model.WindowingStrategy, scripts [][]line) *oracle {
	o := &oracle{s: s, watermark: model.MinTimestamp, open: map[string][]*openWindow{}}
	watermarks := slices.Repeat([]model.Timestamp{model.MinTimestamp}, len(scripts))
	for i, played := 0, true; played; i++ {
		played = false
		for n, lines := range scripts {
			if i > len(lines) {
				continue
			}
			played = true
			o.step++
			switch {
			case i == len(lines):
				watermarks[n] = model.MaxTimestamp
			case lines[i].values == nil:
				watermarks[n] = lines[i].at
			}
			o.advance(slices.Min(watermarks))
			if i < len(lines) {
				for _, v := range lines[i].values {
					o.add(lines[i].at, v.Key, v.Value)
				}
			}
		}
	}
	return o
}

type openWindow struct {
	model.Window
	all, fresh []int // values, and those that no pane held yet
}

type oraclePane struct {
	step   int
	window model.Window
	timing model.Timing
	value  model.KV[string, []int]
}

func (o *oracle) add(at model.Timestamp, key string, v int) {
	windows := o.s.Windows.AssignWindows(nil, at)
	if len(windows) == 0 {
		o.dropped++
	}
	for _, w := range windows {
		n := &openWindow{w, []int{v}, []int{v}}
		same := func(x *openWindow) bool { return x.Window == n.Window }
		if _, merging := o.s.Windows.(model.MergingWindowFn); merging {
			same = func(x *openWindow) bool { return x.Overlaps(n.Window) }
		}
		// A merged window may reach others, which were open beside what it merged.
		for i := slices.IndexFunc(o.open[key], same); i >= 0; i = slices.IndexFunc(o.open[key], same) {
			x := o.open[key][i]
			n = &openWindow{n.Span(x.Window), append(n.all, x.all...), append(n.fresh, x.fresh...)}
			o.open[key] = slices.Delete(o.open[key], i, i+1)
		}
		if o.s.Expiry(n.Window) <= o.watermark {
			o.dropped++
			continue
		}
		o.open[key] = append(o.open[key], n)
		if n.End <= o.watermark {
			o.fire(key, n, model.Late)
		}
	}
}

func (o *oracle) fire(key string, w *openWindow, timing model.Timing) {
	values := w.fresh
	if o.s.Panes == model.Accumulating {
		values = w.all
	}
	o.fired = append(o.fired, oraclePane{o.step, w.Window, timing, model.KVOf(key, slices.Sorted(slices.Values(values)))})
	w.fresh = nil
}

func (o *oracle) advance(watermark model.Timestamp) {
	o.watermark = watermark
	for key, windows := range o.open {
		for _, w := range windows {
			if w.End <= watermark && len(w.fresh) > 0 {
				o.fire(key, w, model.OnTime)
			}
		}
		o.open[key] = slices.DeleteFunc(windows, func(w *openWindow) bool { return o.s.Expiry(w.Window) <= watermark })
	}
}

// panes are the firings, put together as package streamtest's doc says.
func (o *oracle) panes() []streamtest.Pane[model.KV[string, []int]] {
	values := func(panes []oraclePane) (values []model.KV[string, []int]) {
		for _, f := range panes {
			values = append(values, f.value)
		}
		return values
	}
	return wanted(o.fired, values)
}

// panesTogether are the panes of a grouping of all keys behind one that discards:
// the keys of an on-time pane come together, and each late pane comes alone.
func (o *oracle) panesTogether() []streamtest.Pane[[]int] {
	return wanted(o.fired, func(panes []oraclePane) (values [][]int) {
		if panes[0].timing == model.Late {
			for _, f := range panes {
				values = append(values, f.value.Value)
			}
			return values
		}
		var all []int
		for _, f := range panes {
			all = append(all, f.value.Value...)
		}
		slices.Sort(all)
		return [][]int{all}
	})
}

func wanted[T any](fired []oraclePane, values func([]oraclePane) []T) (panes []streamtest.Pane[T]) {
	order := func(a, b oraclePane) int {
		return cmp.Or(a.step-b.step, a.window.Compare(b.window), int(a.timing)-int(b.timing))
	}
	slices.SortStableFunc(fired, order)
	for len(fired) > 0 {
		f, n := fired[0], 1
		for n < len(fired) && order(fired[n-1], fired[n]) == 0 {
			n++
		}
		panes = append(panes, streamtest.Pane[T]{Window: f.window, Timing: f.timing, Values: values(fired[:n])}.AtStep(f.step))
		fired = fired[n:]
	}
	return panes
}
