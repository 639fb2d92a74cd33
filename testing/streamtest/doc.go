// Package streamtest tests pipelines against scripted time. A test tells a story:
// what arrives, how far the watermark gets, how much processing time passes; and
// then says which panes must have come out, and what was in them.
//
//	var p model.Pipeline
//	clicks := streamtest.NewStream[string](&p).
//		Add(10*second, "a", "b", "a").
//		Watermark(60*second).  // the minute is over
//		Add(50*second, "a").   // late
//		End()
//	perMinute := transforms.Count(transforms.Window(clicks, minutes))
//
//	streamtest.WantPanes(t, perMinute,
//		streamtest.OnTime(minute, count("a", 2), count("b", 1)),
//		streamtest.Late(minute, count("a", 3)),
//	)
//
// The functions that begin with Want run the pipeline and check one collection, or
// two. To check several of one run, [Capture] each, [Run] the pipeline, and ask what
// was [Captured]. Nothing sleeps: the script is the clock.
//
// # Several inputs
//
// A [Script] has several inputs, and plays their steps in the order in which they
// are written down:
//
//	s := streamtest.NewScript(&p)
//	clicks := streamtest.Input[Click](s, "clicks")
//	rates := streamtest.Input[Rate](s, "rates")
//	clicks.Add(10*second, click)
//	rates.Add(0, rate)
//	clicks.Watermark(60*second) // of clicks alone
//	s.Elapse(10*time.Second)
//	s.Watermark(60*second) // of all inputs
//	s.End()
//	priced := price(clicks.Collection(), rates.Collection())
//
// Each input has a watermark of its own. Processing time is one for all.
//
// # Steps
//
// Each line of a script is a step, numbered from 1. A step is played once all
// that the steps before it caused has been done, so everything that fires is the
// work of one step, the latest, and a failed test tells which. What other sources
// of the pipeline hold is read before the first step; those that do not end are
// stopped after the last.
//
// Several scripts of a pipeline, those of several [NewStream] mostly, take turns:
// the first step of each, in the order in which they were ended, then the second of
// each, and so on; one that has ended is passed over.
//
// # Panes
//
// A trigger fires key by key, but a test is about windows. So a pane, here, is
// all that a collection emits in one step, for one window, with one timing: its
// values are those of all keys, in any order. The panes of a collection are
// ordered by step, those of a step by window (by its end, then its start), and
// those of a window by timing, retractions first. A value that comes several times
// must be wanted as often. Where one of the wanted panes tells its [Pane.Index], firings of
// different indices are different panes, in the order of their indices.
//
// [Pane.Stamped] asks for the timestamp of a pane, and [CaptureWatermark] keeps where the
// watermark behind a collection goes: together they tell what is late for a grouping behind.
//
// The invariant: which panes there are depends on the pipeline and its script
// alone; not on real time, nor on how many tasks the run has.
//
// # Processing time
//
// A script has its own clock. It starts at the Unix epoch, and only Elapse moves
// it, at once: a day passes in microseconds, and the timers that came due fire, in
// order. It is where all of the pipeline's triggers and timers take the time from, and
// its sources that are told the time (source.Clocked), such as source.Periodic. Time
// stops at each of them: what it emits is dealt with, and timers that are set on the way
// come in their turn.
//
// A source that polls, or a function that asks for the time, goes by package time
// instead. Test it in a bubble of testing/synctest, where that passes as quickly. The option [BubbleClock] has the script go by the bubble's clock, too:
// Elapse then waits, and what is due meanwhile happens when it is due.
//
//	synctest.Test(t, func(t *testing.T) {
//		var p model.Pipeline
//		rates := transforms.Read(&p, hourlyRates)
//		orders := streamtest.NewStream[Order](&p).
//			Add(at(0), first).
//			Elapse(24*time.Hour). // rates are read 24 times
//			Add(at(1), second).
//			End()
//		priced := streamtest.Capture(price(orders, rates))
//		streamtest.Run(t, &p, streamtest.BubbleClock())
//		priced.Want(t, ...)
//	})
//
// A pipeline without a script, whose sources never end, is ended by [StopAfter].
package streamtest
