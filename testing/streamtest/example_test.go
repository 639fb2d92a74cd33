package streamtest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/testing/streamtest"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/windowing"
)

// In a test, t is the test's own; an example has none.
var t testing.TB = &talking{}

// A talking testing.TB prints failures.
type talking struct{ recorder }

func (*talking) Error(args ...any) { fmt.Println(args...) }

// A minute's count is final only when no line of it can be late any more.
func Example() {
	var p model.Pipeline
	clicks := streamtest.NewStream[string](&p).
		Add(10*second, "home", "shop", "home").
		Watermark(60*second).   // the minute is over
		Add(50*second, "home"). // late, but taken
		Watermark(120*second).  // the minute of lateness is over, too
		Add(55*second, "home"). // dropped
		End()
	perMinute := transforms.Count(transforms.Window(clicks, model.WindowingStrategy{
		Windows:  windowing.Fixed{Size: time.Minute},
		Lateness: time.Minute,
		Panes:    model.Accumulating,
	}))

	minute := model.Window{Start: 0, End: 60 * second}
	count := model.KVOf[string, int64]
	streamtest.WantPanes(t, perMinute,
		streamtest.OnTime(minute, count("home", 2), count("shop", 1)),
		streamtest.Late(minute, count("home", 3)))
	// Output:
}

func ExampleNewStream() {
	var p model.Pipeline
	words := streamtest.NewStream[string](&p, model.Name("Words")).
		Add(10*second, "to", "be"). // event time 10 s
		Elapse(5*time.Second).      // nothing arrives for a while
		Add(70*second, "or").
		Watermark(60*second).  // all before a minute has arrived, save late ones
		Add(20*second, "not"). // such as this one
		End()
	streamtest.Want(t, transforms.Map(words, strings.ToUpper), "TO", "BE", "OR", "NOT")
	// Output:
}

func ExampleStream_Bounded() {
	var p model.Pipeline
	lines := streamtest.NewStream[string](&p).
		Bounded(). // so that there is an end to count to
		Add(0, "a", "b", "a").
		End()
	count := model.KVOf[string, int64]
	streamtest.WantPanes(t, transforms.Count(lines),
		streamtest.OnTime(model.GlobalWindow, count("a", 2), count("b", 1)))
	// Output:
}

// What several collections of one run emit.
func ExampleCapture() {
	var p model.Pipeline
	numbers := streamtest.NewStream[int](&p).Add(0, 1, 2, 3, 4).End()
	parts := transforms.Partition(numbers, 2, func(n int) int { return n % 2 })

	even, odd := streamtest.Capture(parts[0]), streamtest.Capture(parts[1])
	streamtest.Run(t, &p)
	even.Want(t, 2, 4)
	odd.Want(t, 1, 3)
	// Output:
}

// Values are compared as go-cmp's options say.
func ExampleCapture_approximately() {
	var p model.Pipeline
	lengths := streamtest.NewStream[float64](&p).Add(0, 0.1, 0.2).End()
	doubled := transforms.Map(lengths, func(x float64) float64 { return 3 * x })

	captured := streamtest.Capture(doubled, cmpopts.EquateApprox(0, 1e-9))
	streamtest.Run(t, &p)
	captured.Want(t, 0.3, 0.6)
	// Output:
}

func ExampleRun() {
	for _, tasks := range []int{1, 4} {
		var p model.Pipeline
		words := streamtest.NewStream[string](&p).Add(0, "to", "be").End()
		captured := streamtest.Capture(words)
		streamtest.Run(t, &p, streamtest.Parallelism(tasks))
		captured.Want(t, "be", "to")
	}
	// Output:
}

func ExampleWantInWindow() {
	var p model.Pipeline
	words := streamtest.NewStream[string](&p).
		Add(10*second, "a").
		Add(70*second, "b").
		Add(80*second, "c").
		End()
	minutes := transforms.Window(words, model.WindowingStrategy{Windows: windowing.Fixed{Size: time.Minute}})
	streamtest.WantInWindow(t, minutes, model.Window{Start: 60 * second, End: 120 * second}, "b", "c")
	// Output:
}

func ExampleWantEmpty() {
	var p model.Pipeline
	words := streamtest.NewStream[string](&p).Add(0, "a", "b").End()
	streamtest.WantEmpty(t, transforms.Filter(words, func(s string) bool { return s == "c" }))
	// Output:
}

// A failed test tells what fired, and in which step.
func ExampleWantPanes() {
	var p model.Pipeline
	words := streamtest.NewStream[string](&p).
		Add(10*second, "a").
		Watermark(60*second).
		Add(20*second, "a"). // is dropped: there is no allowed lateness
		End()
	counts := transforms.Count(transforms.Window(words, model.WindowingStrategy{Windows: windowing.Fixed{Size: time.Minute}}))

	minute := model.Window{Start: 0, End: 60 * second}
	streamtest.WantPanes(t, counts, streamtest.OnTime(minute, model.KVOf("a", int64(2))))
	// Output:
	// Count/CombinePerKey emitted other panes than wanted
	//
	// emitted, step by step:
	//   step 1: add 00:00:10 "a"
	//   step 2: watermark 00:01:00
	//       on-time [00:00:00, 00:01:00)
	//         a: 1
	//   step 3: add 00:00:20 "a"
	//   step 4: end
	//
	// side by side:
	//     wanted                          emitted
	//     on-time [00:00:00, 00:01:00)    on-time [00:00:00, 00:01:00) at step 2
	//   -     a: 2                      +     a: 1
	//
	// dropped as too late:
	//   1 by Count/CombinePerKey
}

// Each pane of an accumulating window, and what it is to its window.
func ExamplePane() {
	var p model.Pipeline
	words := streamtest.NewStream[string](&p).
		Add(10*second, "a").  // step 1
		Watermark(60*second). // step 2
		Add(20*second, "a").  // step 3
		End()
	counts := transforms.Count(transforms.Window(words, model.WindowingStrategy{
		Windows:  windowing.Fixed{Size: time.Minute},
		Lateness: time.Minute,
		Panes:    model.Accumulating,
	}))
	minute := model.Window{Start: 0, End: 60 * second}
	streamtest.WantPanes(t, counts,
		streamtest.OnTime(minute, model.KVOf("a", int64(1))).AtStep(2).First(),
		streamtest.Late(minute, model.KVOf("a", int64(2))).AtStep(3).Index(1))
	// Output:
}

func ExampleCaptured_WantDropped() {
	var p model.Pipeline
	words := streamtest.NewStream[string](&p).
		Watermark(60*second).
		Add(59*second, "a", "b").
		End()
	counts := streamtest.Capture(transforms.Count(transforms.Window(words, model.WindowingStrategy{Windows: windowing.Fixed{Size: time.Minute}})))
	streamtest.Run(t, &p)
	counts.WantEmpty(t)
	counts.WantDropped(t, 2)
	// Output:
}

// Folding early changes how a sum is computed, and must not change what fires.
func ExampleCaptured_Panes() {
	var p model.Pipeline
	orders := streamtest.NewStream[model.KV[string, int]](&p).
		Add(10*second, model.KVOf("ann", 1), model.KVOf("bob", 2)).
		Watermark(60*second).
		Add(20*second, model.KVOf("ann", 4)).
		End()
	orders = transforms.Window(orders, model.WindowingStrategy{
		Windows:  windowing.Fixed{Size: time.Minute},
		Lateness: time.Minute,
		Panes:    model.Accumulating,
	})
	one := streamtest.Capture(transforms.CombinePerKey(orders, transforms.Sum))
	other := streamtest.Capture(transforms.Reduce(orders, transforms.Add))
	streamtest.Run(t, &p)
	other.WantPanes(t, one.Panes()...)
	// Output:
}
