package streamtest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/testing/streamtest"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/triggers"
	"github.com/millrace/millrace/windowing"
)

var firstMinute = model.Window{Start: 0, End: 60 * second}

// perMinute counts words by the minute: early every 10 seconds while something
// arrives, on time, and again for each word that is up to a minute late.
func perMinute(words model.PCollection[string], panes model.PaneMode) model.PCollection[model.KV[string, int64]] {
	return transforms.Count(transforms.Window(words, model.WindowingStrategy{
		Windows: windowing.Fixed{Size: time.Minute},
		Trigger: triggers.AfterWatermark{
			Early: triggers.AfterProcessingTime{Delay: 10 * time.Second},
			Late:  triggers.AfterCount{N: 1},
		},
		Lateness: time.Minute,
		Panes:    panes,
	}))
}

// A day of a shop: the rate of a currency arrives before, and after, the orders
// that it is for.
func ExampleNewScript() {
	var p model.Pipeline
	s := streamtest.NewScript(&p)
	orders := streamtest.Input[model.KV[string, int]](s, "orders")
	rates := streamtest.Input[model.KV[string, int]](s, "rates")

	rates.Add(0, model.KVOf("eur", 2))                                 // step 1
	orders.Add(10*second, model.KVOf("eur", 5))                        // step 2
	s.Watermark(60 * second)                                           // step 3: the first minute is over, for both
	orders.Add(70*second, model.KVOf("usd", 7))                        // step 4
	orders.Watermark(120 * second)                                     // step 5: no rate may be missing yet
	rates.Add(80*second, model.KVOf("usd", 1)).Watermark(120 * second) // steps 6 and 7
	s.End()

	minutes := model.WindowingStrategy{Windows: windowing.Fixed{Size: time.Minute}}
	worth := transforms.Join(
		transforms.Window(orders.Collection(), minutes),
		transforms.Window(rates.Collection(), minutes),
		func(_ string, amount, rate int) int { return amount * rate })
	streamtest.WantPanes(t, worth,
		streamtest.OnTime(firstMinute, 10).AtStep(3),
		streamtest.OnTime(model.Window{Start: 60 * second, End: 120 * second}, 7).AtStep(7))
	// Output:
}

// A failed test names the inputs.
func ExampleInput() {
	var p model.Pipeline
	s := streamtest.NewScript(&p)
	clicks := streamtest.Input[string](s, "clicks")
	views := streamtest.Input[string](s, "views")
	clicks.Add(10*second, "home")
	views.Add(20*second, "home")
	s.Elapse(time.Hour)
	views.End()
	clicks.Watermark(60 * second)
	s.End()

	minutes := model.WindowingStrategy{Windows: windowing.Fixed{Size: time.Minute}}
	both := transforms.Flatten(clicks.Collection(), views.Collection())
	streamtest.WantOnTime(t, transforms.Count(transforms.Window(both, minutes)), firstMinute, model.KVOf("home", int64(1)))
	// Output:
	// Count/CombinePerKey emitted other values in on-time panes of [00:00:00, 00:01:00) than wanted
	//
	// emitted, step by step:
	//   step 1: clicks: add 00:00:10 "home"
	//   step 2: views: add 00:00:20 "home"
	//   step 3: elapse 1h0m0s
	//   step 4: views: end
	//   step 5: clicks: watermark 00:01:00
	//       on-time [00:00:00, 00:01:00)
	//         home: 2
	//   step 6: end
	//
	// side by side:
	//     wanted     emitted
	//   - home: 1  + home: 2
}

// A day of processing time takes no time.
func ExampleStream_Elapse() {
	var p model.Pipeline
	words := streamtest.NewStream[string](&p).
		Add(10*second, "a", "a").
		Elapse(24 * time.Hour). // nothing arrives for a day
		End()
	streamtest.WantEarly(t, perMinute(words, model.Accumulating), firstMinute, model.KVOf("a", int64(2)))
	// Output:
}

func ExampleWantEarly() {
	var p model.Pipeline
	words := streamtest.NewStream[string](&p).
		Add(10*second, "a").
		Elapse(10*time.Second). // a pane
		Add(20*second, "a").
		Elapse(10 * time.Second). // and another
		End()
	count := model.KVOf[string, int64]
	streamtest.WantEarly(t, perMinute(words, model.Accumulating), firstMinute, count("a", 1), count("a", 2))
	// Output:
}

func ExampleWantOnTime() {
	var p model.Pipeline
	words := streamtest.NewStream[string](&p).
		Add(10*second, "a").
		Watermark(60*second).
		Add(20*second, "a"). // late
		End()
	streamtest.WantOnTime(t, perMinute(words, model.Accumulating), firstMinute, model.KVOf("a", int64(1)))
	// Output:
}

func ExampleWantLate() {
	var p model.Pipeline
	words := streamtest.NewStream[string](&p).
		Add(10*second, "a").
		Watermark(60*second).
		Add(20*second, "a").
		End()
	streamtest.WantLate(t, perMinute(words, model.Discarding), firstMinute, model.KVOf("a", int64(1)))
	// Output:
}

// What a reader of the output is left with, however often it was told.
func ExampleWantFinal() {
	var p model.Pipeline
	words := streamtest.NewStream[string](&p).
		Add(10*second, "a", "b").
		Elapse(10*time.Second). // a is 1, b is 1
		Add(20*second, "a").
		Watermark(60*second). // a is 2
		Add(30*second, "a").  // a is 3
		End()
	count := model.KVOf[string, int64]
	streamtest.WantFinal(t, perMinute(words, model.Accumulating), firstMinute, count("a", 3), count("b", 1))
	// Output:
}

// Two ways to the same result.
func ExampleWantSame() {
	var p model.Pipeline
	words := streamtest.NewStream[string](&p).Bounded().Add(0, "a", "b", "a").End()
	ones := transforms.Map(words, func(w string) model.KV[string, int64] { return model.KVOf(w, int64(1)) })
	streamtest.WantSame(t, transforms.Count(words), transforms.CombinePerKey(ones, transforms.Sum))
	// Output:
}

// What a grouping drops, and why.
func ExampleWantDropped() {
	var p model.Pipeline
	payments := streamtest.NewStream[model.KV[string, int]](&p).
		Watermark(60*second).
		Add(20*second, model.KVOf("ann", 5)).
		End()
	var late model.LateData[model.KV[string, int]]
	transforms.CombinePerKey(
		transforms.Window(payments, model.WindowingStrategy{Windows: windowing.Fixed{Size: time.Minute}}),
		transforms.Sum, late.To())
	streamtest.WantDropped(t, late.Collection(), streamtest.Expired(firstMinute, model.KVOf("ann", 5)))
	// Output:
}

// A trigger that fires once drops what comes afterwards.
func ExampleCaptureDropped() {
	var p model.Pipeline
	payments := streamtest.NewStream[model.KV[string, int]](&p).
		Add(10*second, model.KVOf("ann", 5)).
		Add(20*second, model.KVOf("ann", 6)).
		End()
	var late model.LateData[model.KV[string, int]]
	sums := streamtest.Capture(transforms.CombinePerKey(
		transforms.Window(payments, model.WindowingStrategy{
			Windows:   windowing.Fixed{Size: time.Minute},
			Trigger:   triggers.AfterCount{N: 1},
			MayFinish: true,
			Panes:     model.Discarding,
		}),
		transforms.Sum, late.To()))
	dropped := streamtest.CaptureDropped(late.Collection())
	streamtest.Run(t, &p)
	sums.Want(t, model.KVOf("ann", 5))
	dropped.WantDropped(t, streamtest.Finished(firstMinute, model.KVOf("ann", 6)))
	// Output:
}

// A source that polls every 8 hours, beside a script that lasts for a day.
func ExampleBubbleClock() {
	var t *testing.T // the test's own
	synctest.Test(t, func(t *testing.T) {
		var p model.Pipeline
		polled := streamtest.Capture(transforms.Read(&p, poller{8 * time.Hour}))
		words := streamtest.NewStream[string](&p).
			Add(0, "a").
			Elapse(12*time.Hour). // in which the source finds something new once
			Add(0, "b").
			Elapse(12 * time.Hour). // and twice
			End()
		shouted := streamtest.Capture(words)
		streamtest.Run(t, &p, streamtest.BubbleClock())
		polled.Want(t, 8, 16, 24)
		shouted.Want(t, "a", "b")
	})
}

// Sources that never end, and no script.
func ExampleStopAfter() {
	var t *testing.T // the test's own
	synctest.Test(t, func(t *testing.T) {
		var p model.Pipeline
		hours := streamtest.Capture(transforms.Read(&p, poller{8 * time.Hour}))
		streamtest.Run(t, &p, streamtest.StopAfter(24*time.Hour+time.Minute))
		hours.Want(t, 8, 16, 24)
	})
}
