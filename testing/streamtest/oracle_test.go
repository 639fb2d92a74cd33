package streamtest_test

import (
	"cmp"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/testing/streamtest"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/windowing"
)

// A random script is played on the engine and on a model that does it the slow
// way: it keeps all it has seen and looks at every window at each step.
func TestPanesOfRandomScripts(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := drawStrategy(rt)
		o := &oracle{s: s, watermark: model.MinTimestamp, open: map[string][]*openWindow{}}
		var p model.Pipeline
		stream := streamtest.NewStream[amount](&p)
		id := 0
		for step := range rapid.IntRange(1, 25).Draw(rt, "steps") {
			o.step = step + 1
			if rapid.IntRange(0, 3).Draw(rt, "what") == 0 {
				w := max(o.watermark, rapid.Map(rapid.Int64Range(0, 60), inSeconds).Draw(rt, "watermark"))
				stream.Watermark(w)
				o.advance(w)
				continue
			}
			at := rapid.Map(rapid.Int64Range(0, 60), inSeconds).Draw(rt, "at")
			var values []amount
			for range rapid.IntRange(1, 3).Draw(rt, "values") {
				id++
				values = append(values, pay(rapid.SampledFrom([]string{"ann", "bob", "cid"}).Draw(rt, "key"), id))
			}
			stream.Add(at, values...)
			for _, v := range values {
				o.add(at, v.Key, v.Value)
			}
		}
		o.step++
		o.advance(model.MaxTimestamp)

		if rapid.Bool().Draw(rt, "per key") {
			s.Trigger = perKey{}
		}
		got := streamtest.Capture(collected(transforms.Window(stream.End(), s)))
		said := failure(t, func(t testing.TB) {
			streamtest.Run(t, &p, streamtest.Parallelism(rapid.SampledFrom([]int{1, 2, 5}).Draw(rt, "parallelism")))
			got.WantPanes(t, o.panes()...)
			got.WantDropped(t, o.dropped)
		})
		if said != "" {
			rt.Fatal(said)
		}
	})
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
	for _, w := range o.s.Windows.AssignWindows(nil, at) {
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
func (o *oracle) panes() (panes []streamtest.Pane[model.KV[string, []int]]) {
	order := func(a, b oraclePane) int {
		return cmp.Or(a.step-b.step, a.window.Compare(b.window), int(a.timing)-int(b.timing))
	}
	slices.SortStableFunc(o.fired, order)
	for i, f := range o.fired {
		if i == 0 || order(o.fired[i-1], f) != 0 {
			panes = append(panes, streamtest.Pane[model.KV[string, []int]]{Window: f.window, Timing: f.timing}.AtStep(f.step))
		}
		last := &panes[len(panes)-1]
		last.Values = append(last.Values, f.value)
	}
	return panes
}
