package streamtest_test

import (
	"testing"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/testing/streamtest"
)

func TestSlidingWindowsShareElements(t *testing.T) {
	var p model.Pipeline
	words := streamtest.NewStream[string](&p).
		Add(10*second, "a").
		Add(40*second, "a").
		Watermark(60 * second).
		End()
	streamtest.WantPanes(t, count(words, sliding(time.Minute, 30*time.Second, 0)),
		streamtest.OnTime(between(-30, 30), of("a", 1)).AtStep(3),
		streamtest.OnTime(between(0, 60), of("a", 2)).AtStep(3),
		streamtest.OnTime(between(30, 90), of("a", 1)).AtStep(4))
}

func TestElementIsOnTimeLateOrDroppedForEachSlidingWindow(t *testing.T) {
	var p model.Pipeline
	words := streamtest.NewStream[string](&p).
		Add(20*second, "a").
		Watermark(60*second).
		Add(25*second, "a"). // for [-10, 30) too late, for [0, 40) late by 20 s
		End()
	counts := streamtest.Capture(count(words, sliding(40*time.Second, 10*time.Second, 25*time.Second)))
	streamtest.Run(t, &p)
	counts.WantPanes(t,
		streamtest.OnTime(between(-10, 30), of("a", 1)).AtStep(2),
		streamtest.OnTime(between(0, 40), of("a", 1)).AtStep(2),
		streamtest.OnTime(between(10, 50), of("a", 1)).AtStep(2),
		streamtest.OnTime(between(20, 60), of("a", 1)).AtStep(2),
		streamtest.Late(between(0, 40), of("a", 2)).AtStep(3),
		streamtest.Late(between(10, 50), of("a", 2)).AtStep(3),
		streamtest.Late(between(20, 60), of("a", 2)).AtStep(3))
	counts.WantDropped(t, 1)
}

func TestElementCanBeLateForOneSlidingWindowAndOnTimeForAnother(t *testing.T) {
	var p model.Pipeline
	words := streamtest.NewStream[string](&p).
		Add(40*second, "a").
		Watermark(60*second).
		Add(50*second, "a").
		Watermark(90*second - tick).
		Watermark(90 * second).
		End()
	streamtest.WantPanes(t, count(words, sliding(time.Minute, 30*time.Second, time.Minute)),
		streamtest.OnTime(between(0, 60), of("a", 1)).AtStep(2),
		streamtest.Late(between(0, 60), of("a", 2)).AtStep(3),
		streamtest.OnTime(between(30, 90), of("a", 2)).AtStep(5))
}

func TestSlidingWindowsWithGapsLeaveElementsOut(t *testing.T) {
	var p model.Pipeline
	words := streamtest.NewStream[string](&p).
		Add(5*second, "in").
		Add(30*second, "out").
		Add(60*second, "in").
		Add(70*second, "out").
		End()
	counts := streamtest.Capture(count(words, sliding(10*time.Second, time.Minute, 0)))
	streamtest.Run(t, &p)
	counts.WantPanes(t,
		streamtest.OnTime(between(0, 10), of("in", 1)),
		streamtest.OnTime(between(60, 70), of("in", 1)))
	counts.WantDropped(t, 2) // which were not late, but in no window
}

func TestSlidingWindowsOfUnevenSlices(t *testing.T) {
	var p model.Pipeline
	words := streamtest.NewStream[string](&p).
		Add(0, "a").
		Add(19*second, "a").
		Add(20*second, "a").
		Add(45*second, "a").
		End()
	streamtest.WantPanes(t, count(words, sliding(50*time.Second, 20*time.Second, 0)),
		streamtest.OnTime(between(-40, 10), of("a", 1)),
		streamtest.OnTime(between(-20, 30), of("a", 3)),
		streamtest.OnTime(between(0, 50), of("a", 4)),
		streamtest.OnTime(between(20, 70), of("a", 2)),
		streamtest.OnTime(between(40, 90), of("a", 1)))
}
