package transforms_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/testing/streamtest"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/triggers"
	"github.com/millrace/millrace/windowing"
)

// The scenarios are told in seconds. Where there are two streams, the main input
// has the odd steps and the side input the even ones.
const sec model.Timestamp = 1_000_000

func span(from, to model.Timestamp) model.Window {
	return model.Window{Start: from * sec, End: to * sec}
}

// every is windows of n seconds.
func every(n int) model.WindowingStrategy {
	return model.WindowingStrategy{Windows: windowing.Fixed{Size: time.Duration(n) * time.Second}}
}

// updates is the global window, with a pane for each element.
func updates(panes model.PaneMode) model.WindowingStrategy {
	return model.WindowingStrategy{Windows: windowing.Global{}, Trigger: triggers.Always{}, Panes: panes}
}

// beside notes what each element sees.
func beside[T, S any](c model.PCollection[T], side transforms.Side[S]) model.PCollection[string] {
	return transforms.MapWith(c, side, func(v T, s S) string { return fmt.Sprint(v, " sees ", seen(s)) })
}

// seen is s, printed in order.
func seen(s any) string {
	switch s := s.(type) {
	case []string:
		return strings.Join(slices.Sorted(slices.Values(s)), " ")
	case transforms.MapView[string, int]:
		return fmt.Sprint(maps.Collect(s.All()))
	case transforms.MultimapView[string, int]:
		sorted := map[string][]int{}
		for k, vs := range s.All() {
			sorted[k] = slices.Sorted(slices.Values(vs))
		}
		return fmt.Sprint(sorted)
	}
	return fmt.Sprint(s)
}

func TestElementsWaitUntilTheirSideWindowIsReady(t *testing.T) {
	var p model.Pipeline
	words := streamtest.NewStream[string](&p).
		Add(10*sec, "a", "b").
		Watermark(60*sec).
		Add(70*sec, "c").
		End()
	notes := streamtest.NewStream[string](&p).
		Add(50*sec, "x").  // step 2
		Add(20*sec, "y").  // step 4
		Watermark(60*sec). // step 6
		Add(119*sec, "z"). // step 8
		End()
	out := beside(transforms.Window(words, every(60)), transforms.AsIterable(transforms.Window(notes, every(60))))
	streamtest.WantPanes(t, out,
		streamtest.Unfired(span(0, 60), "a sees x y", "b sees x y").AtStep(6),
		streamtest.Unfired(span(60, 120), "c sees z").AtStep(9))
}

func TestElementsThatWaitHoldTheWatermark(t *testing.T) {
	var p model.Pipeline
	words := streamtest.NewStream[string](&p).
		Add(10*sec, "a").    // step 1
		Watermark(60 * sec). // step 3: the minute is over, for the main input
		Watermark(180 * sec).
		End() // step 7
	limits := streamtest.NewStream[int](&p).
		Add(50*sec, 7).
		Watermark(30 * sec).
		Watermark(59 * sec).
		Watermark(60 * sec). // step 8
		End()
	seven := transforms.FilterWith(transforms.Window(words, every(60)), transforms.AsSingleton(transforms.Window(limits, every(60))), func(_ string, limit int) bool { return limit == 7 })
	counts := streamtest.Capture(transforms.Count(seven))
	streamtest.Run(t, &p)
	counts.WantPanes(t, streamtest.OnTime(span(0, 60), model.KVOf("a", int64(1))).AtStep(8))
	counts.WantDropped(t, 0)
}

func TestSideInputThatLagsHoldsNobodyBackWhoseWindowIsReady(t *testing.T) {
	var p model.Pipeline
	words := streamtest.NewStream[string](&p).
		Watermark(0).
		Add(10*sec, "a").     // step 3
		Watermark(60 * sec).  // step 5
		Watermark(600 * sec). // step 7
		Watermark(900 * sec).
		End()
	limits := streamtest.NewStream[int](&p).
		Add(50*sec, 7).
		Watermark(60 * sec). // step 4: and no further for long
		Watermark(60 * sec).
		Watermark(60 * sec).
		Watermark(60 * sec).
		Watermark(60 * sec).
		End()
	joined := beside(transforms.Window(words, every(60)), transforms.AsSingleton(transforms.Window(limits, every(60))))
	streamtest.WantPanes(t, transforms.Count(joined),
		streamtest.OnTime(span(0, 60), model.KVOf("a sees 7", int64(1))).AtStep(5))
}

func TestEachViewShowsItsWindow(t *testing.T) {
	var p model.Pipeline
	words := streamtest.NewStream[string](&p).Add(10*sec, "w").Add(70*sec, "v").End()
	scores := streamtest.NewStream[order](&p).
		Add(20*sec, model.KVOf("ann", 1)).
		Add(70*sec, model.KVOf("ann", 2), model.KVOf("bob", 3)).
		End()
	c, side := transforms.Window(words, every(60)), transforms.Window(scores, every(60))
	sums := transforms.CombineGlobally(transforms.Values(side), transforms.Sum)
	names := transforms.Keys(side)
	captured := map[*streamtest.Captured[string]][]string{
		streamtest.Capture(beside(c, transforms.AsSingleton(sums))):      {"w sees 1", "v sees 5"},
		streamtest.Capture(beside(c, transforms.AsSingletonOr(sums, 9))): {"w sees 1", "v sees 5"},
		streamtest.Capture(beside(c, transforms.AsIterable(names))):      {"w sees ann", "v sees ann bob"},
		streamtest.Capture(beside(c, transforms.AsMap(side))):            {"w sees map[ann:1]", "v sees map[ann:2 bob:3]"},
		streamtest.Capture(beside(c, transforms.AsMultimap(side))):       {"w sees map[ann:[1]]", "v sees map[ann:[2] bob:[3]]"},
	}
	for _, tasks := range []int{1, 2, 3, 4} {
		streamtest.Run(t, &p, streamtest.Parallelism(tasks))
		for k, want := range captured {
			k.Want(t, want...)
		}
	}
}

func TestViewsOfNothing(t *testing.T) {
	var p model.Pipeline
	words := transforms.Create(&p, "w")
	none := transforms.Create[order](&p)
	captured := map[*streamtest.Captured[string]]string{
		streamtest.Capture(beside(words, transforms.AsSingletonOr(transforms.Values(none), 9))): "w sees 9",
		streamtest.Capture(beside(words, transforms.AsIterable(transforms.Keys(none)))):         "w sees ",
		streamtest.Capture(beside(words, transforms.AsMap(none))):                               "w sees map[]",
		streamtest.Capture(beside(words, transforms.AsMultimap(none))):                          "w sees map[]",
	}
	streamtest.Run(t, &p)
	for k, want := range captured {
		k.Want(t, want)
	}
}

func TestWindowsOfTheSideInputGoWithThoseOfTheMainInput(t *testing.T) {
	for _, tt := range []struct {
		name       string
		main, side model.WindowFn
		want       []string // of elements at 10 s, 70 s and 130 s; the side input has one every 20 s
	}{
		{"global for all", windowing.Fixed{Size: time.Minute}, windowing.Global{}, []string{"10 sees 0 20 40 60 80 100 120 140", "70 sees 0 20 40 60 80 100 120 140", "130 sees 0 20 40 60 80 100 120 140"}},
		{"the one around it", windowing.Fixed{Size: time.Minute}, windowing.Fixed{Size: 2 * time.Minute}, []string{"10 sees 0 20 40 60 80 100", "70 sees 0 20 40 60 80 100", "130 sees 120 140"}},
		{"the one that holds its end", windowing.Fixed{Size: time.Minute}, windowing.Fixed{Size: 20 * time.Second}, []string{"10 sees 40", "70 sees 100", "130 sees "}},
		{"the same", windowing.Sliding{Size: time.Minute, Every: 30 * time.Second}, windowing.Sliding{Size: time.Minute, Every: 30 * time.Second}, []string{
			"10 sees 0 20", "10 sees 0 20 40", "70 sees 40 60 80", "70 sees 60 80 100", "130 sees 100 120 140", "130 sees 120 140"}},
		{"of several the one that ends first", windowing.Fixed{Size: time.Minute}, windowing.Sliding{Size: 40 * time.Second, Every: 20 * time.Second}, []string{"10 sees 20 40", "70 sees 80 100", "130 sees 140"}},
		{"none", windowing.Fixed{Size: 10 * time.Second}, windowing.Sliding{Size: 20 * time.Second, Every: 60 * time.Second}, []string{"10 sees 0", "70 sees 60", "130 sees 120"}},
		{"none at all", windowing.Fixed{Size: 20 * time.Second}, windowing.Sliding{Size: 10 * time.Second, Every: 60 * time.Second}, []string{"10 sees ", "70 sees ", "130 sees "}},
		{"sessions before they merge", windowing.Sessions{Gap: 30 * time.Second}, windowing.Fixed{Size: time.Minute}, []string{"10 sees 0 20 40", "70 sees 60 80 100", "130 sees 120 140"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var p model.Pipeline
			at := func(n int) time.Time { return (model.Timestamp(n) * sec).Time() }
			main := transforms.WithTimestamps(transforms.Create(&p, 10, 70, 130), at)
			ticks := transforms.WithTimestamps(transforms.Create(&p, 0, 20, 40, 60, 80, 100, 120, 140), at)
			side := transforms.AsIterable(transforms.Window(ticks, model.WindowingStrategy{Windows: tt.side}))
			out := transforms.MapWith(transforms.Window(main, model.WindowingStrategy{Windows: tt.main}), side, func(n int, ticks []int) string {
				return fmt.Sprint(n, " sees ", strings.Trim(fmt.Sprint(slices.Sorted(slices.Values(ticks))), "[]"))
			})
			streamtest.Want(t, out, tt.want...)
		})
	}
}

func TestElementKeepsItsPlaceInTime(t *testing.T) {
	var p model.Pipeline
	words := streamtest.NewStream[string](&p).Add(10*sec, "a", "a").End()
	perMinute := transforms.Count(transforms.Window(words, model.WindowingStrategy{
		Windows: windowing.Fixed{Size: time.Minute}, Trigger: triggers.Repeatedly{Trigger: triggers.AfterCount{N: 1}}, Panes: model.Accumulating,
	}))
	side := transforms.AsSingleton(transforms.Create(&p, "side"))
	out := transforms.DoWith(perMinute, side, func(_ context.Context, e transforms.Element[model.KV[string, int64]], s string, out transforms.Output[string]) error {
		out.Emit(fmt.Sprintf("%v %s", e.Value, s))
		out.EmitAt(e.Timestamp+1, e.Timestamp.Time().Format("04:05"))
		return nil
	})
	streamtest.WantPanes(t, out,
		streamtest.Early(span(0, 60), "a: 1 side", "00:59").Index(0),
		streamtest.Early(span(0, 60), "a: 2 side", "00:59").Index(1))
}

func TestSideInputsTogetherGoEachByItsOwnWindows(t *testing.T) {
	var p model.Pipeline
	words := streamtest.NewStream[string](&p).
		Add(10*sec, "a").
		Add(70*sec, "b").
		End()
	minutely := streamtest.NewStream[int](&p).
		Add(0, 1).
		Add(60*sec, 2).
		Watermark(120 * sec). // step 8
		End()
	once := streamtest.NewStream[string](&p).Bounded().
		Add(0, "x").
		End() // step 6
	side := transforms.Both(transforms.Both(
		transforms.AsSingleton(transforms.Window(minutely, every(60))), transforms.AsSingleton(once)),
		transforms.AsIterable(transforms.Create(&p, "p", "q")))
	type shown = transforms.Pair[transforms.Pair[int, string], []string]
	out := transforms.MapWith(transforms.Window(words, every(60)), side, func(v string, s shown) string {
		return fmt.Sprint(v, s.A.A, s.A.B, len(s.B))
	})
	streamtest.WantPanes(t, out,
		streamtest.Unfired(span(0, 60), "a1x2").AtStep(8),
		streamtest.Unfired(span(60, 120), "b2x2").AtStep(8))
}

func TestCollectionBesideItself(t *testing.T) {
	var p model.Pipeline
	numbers := transforms.Create(&p, 1, 2, 6)
	mean := transforms.AsSingleton(transforms.CombineGlobally(numbers, transforms.Mean))
	all := transforms.AsIterable(numbers)
	out := transforms.MapWith(numbers, transforms.Both(mean, all), func(n int, s transforms.Pair[float64, []int]) string {
		return fmt.Sprint(float64(n)-s.A, len(s.B))
	})
	streamtest.Want(t, out, "-2 3", "-1 3", "3 3")
}

func TestSideInputBehindASideInput(t *testing.T) {
	var p model.Pipeline
	numbers := transforms.Create(&p, 1, 2)
	add := func(a, b int) int { return a + b }
	first := transforms.MapWith(numbers, transforms.AsSingleton(transforms.Create(&p, 10)), add)
	total := transforms.AsSingleton(transforms.CombineGlobally(first, transforms.Sum))
	streamtest.Want(t, transforms.MapWith(first, total, add), 34, 35)
}
