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
// [WantPanes], [Want], [WantInWindow] and [WantEmpty] run the pipeline and check
// one collection. To check several of one run, [Capture] each, [Run] the
// pipeline, and ask what was [Captured]. Nothing sleeps: the script is the clock.
//
// # Steps
//
// Each line of a script is a step, numbered from 1. A step is played once all
// that the steps before it caused has been done, so everything that fires is the
// work of one step, the latest, and a failed test tells which. What other sources
// of the pipeline hold is read before the first step.
//
// Several streams of a pipeline take turns: the first step of each, in the order
// in which the streams were ended, then the second of each, and so on; a stream
// that has ended is passed over. Each has a watermark of its own. Processing time
// is one for all: it starts at the Unix epoch, and only Elapse moves it.
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
// The invariant: which panes there are depends on the pipeline and its script
// alone; not on real time, nor on how many tasks the run has.
package streamtest
