package streamtest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/testing/streamtest"
	"github.com/millrace/millrace/transforms"
)

// total adds the counts of all keys up.
func total(counts model.PCollection[model.KV[string, int64]]) model.PCollection[int64] {
	return transforms.CombineGlobally(transforms.Values(counts), transforms.Sum)
}

func TestOnTimeAndLatePanesFlowThroughASecondGrouping(t *testing.T) {
	var p model.Pipeline
	words := streamtest.NewStream[string](&p).
		Add(10*second, "a", "b", "a").
		Watermark(60*second).
		Add(20*second, "c").
		Watermark(120*second).
		Add(30*second, "d"). // too late for either
		End()
	counts := count(words, minutes(time.Minute, model.Discarding))
	first, second := streamtest.Capture(counts), streamtest.Capture(total(counts))
	streamtest.Run(t, &p)

	first.WantPanes(t,
		streamtest.OnTime(between(0, 60), of("a", 2), of("b", 1)).AtStep(2),
		streamtest.Late(between(0, 60), of("c", 1)).AtStep(3))
	second.WantPanes(t,
		streamtest.OnTime(between(0, 60), int64(3)).AtStep(2),
		streamtest.Late(between(0, 60), int64(1)).AtStep(3))
	second.WantDropped(t, 1)
}

func TestWatermarkThatJumpsFiresASecondGroupingInOrder(t *testing.T) {
	var p model.Pipeline
	words := streamtest.NewStream[string](&p).
		Add(70*second, "b").
		Add(10*second, "a", "b").
		Add(130*second, "a").
		Watermark(3600 * second).
		End()
	streamtest.WantPanes(t, total(count(words, minutes(0, 0))),
		streamtest.OnTime(between(0, 60), int64(2)).AtStep(4),
		streamtest.OnTime(between(60, 120), int64(1)).AtStep(4),
		streamtest.OnTime(between(120, 180), int64(1)).AtStep(4))
}

func TestSlidingPanesStayInTheirWindowsInASecondGrouping(t *testing.T) {
	var p model.Pipeline
	words := streamtest.NewStream[string](&p).
		Add(10*second, "a").
		Add(40*second, "a", "b").
		End()
	streamtest.WantPanes(t, total(count(words, sliding(time.Minute, 30*time.Second, 0))),
		streamtest.OnTime(between(-30, 30), int64(1)),
		streamtest.OnTime(between(0, 60), int64(3)),
		streamtest.OnTime(between(30, 90), int64(2)))
}

// The two keys are in one session by themselves, and in overlapping ones; behind
// the grouping that made them, sessions merge no more.
func TestSessionsStayApartInASecondGrouping(t *testing.T) {
	var p model.Pipeline
	visits := streamtest.NewStream[string](&p).
		Add(0, "ann", "cid").
		Add(5*second, "bob").
		End()
	streamtest.WantPanes(t, total(count(visits, sessions(10*time.Second, 0, 0))),
		streamtest.OnTime(between(0, 10), int64(2)),
		streamtest.OnTime(between(5, 15), int64(1)))
}

// What is late for its minute is still on time for its five minutes: a pane is
// stamped with the last instant of its window.
func TestLatePanesAreOnTimeForLongerWindows(t *testing.T) {
	var p model.Pipeline
	words := streamtest.NewStream[string](&p).
		Add(10*second, "a").
		Watermark(60*second).
		Add(20*second, "a").
		Watermark(300 * second).
		End()
	perMinute := count(words, minutes(time.Hour, model.Discarding))
	fives := model.WindowingStrategy{Windows: fixed(5 * time.Minute)}
	inFive := transforms.CombinePerKey(transforms.Window(perMinute, fives), transforms.Sum)
	streamtest.WantPanes(t, inFive,
		streamtest.OnTime(between(0, 300), of("a", 2)).First().Last().AtStep(4))
}

func TestWindowingAgainMergesSessionsAgain(t *testing.T) {
	var p model.Pipeline
	visits := streamtest.NewStream[string](&p).
		Add(0, "ann").
		Add(5*second, "bob").
		End()
	perVisitor := count(visits, sessions(10*time.Second, 0, 0)) // stamped 10 s and 15 s, less a µs
	all := total(transforms.Window(perVisitor, sessions(20*time.Second, 0, 0)))
	streamtest.WantPanes(t, all,
		streamtest.OnTime(model.Window{Start: 10*second - tick, End: 35*second - tick}, int64(2)))
}

func TestElementsWithoutAGroupingAreUnfired(t *testing.T) {
	var p model.Pipeline
	words := streamtest.NewStream[string](&p).
		Add(10*second, "a").
		Add(70*second, "b").
		End()
	loud := streamtest.Capture(transforms.Map(words, strings.ToUpper))
	cut := streamtest.Capture(transforms.Window(words, minutes(0, 0)))
	streamtest.Run(t, &p)
	loud.WantPanes(t,
		streamtest.Unfired(model.GlobalWindow, "A").AtStep(1),
		streamtest.Unfired(model.GlobalWindow, "B").AtStep(2))
	cut.WantPanes(t,
		streamtest.Unfired(between(0, 60), "a"),
		streamtest.Unfired(between(60, 120), "b"))
}
