package streamtest_test

import (
	"testing"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/testing/streamtest"
)

func TestWindowFiresAsTheWatermarkReachesItsEnd(t *testing.T) {
	var p model.Pipeline
	words := streamtest.NewStream[string](&p).
		Add(10*second, "a").
		Watermark(30*second).
		Add(40*second, "a", "b").
		Watermark(60*second - tick). // not yet
		Watermark(60 * second).
		End()
	streamtest.WantPanes(t, count(words, minutes(0, 0)),
		streamtest.OnTime(between(0, 60), of("a", 2), of("b", 1)).AtStep(5))
}

func TestElementAtTheEndOfAWindowBelongsToTheNext(t *testing.T) {
	var p model.Pipeline
	words := streamtest.NewStream[string](&p).
		Add(60*second-tick, "before").
		Add(60*second, "at").
		End()
	streamtest.WantPanes(t, count(words, minutes(0, 0)),
		streamtest.OnTime(between(0, 60), of("before", 1)),
		streamtest.OnTime(between(60, 120), of("at", 1)))
}

func TestElementBehindTheWatermarkIsOnTimeWhileItsWindowIsOpen(t *testing.T) {
	var p model.Pipeline
	words := streamtest.NewStream[string](&p).
		Watermark(60*second-tick).
		Add(1*second, "a").
		End()
	streamtest.WantPanes(t, count(words, minutes(0, 0)),
		streamtest.OnTime(between(0, 60), of("a", 1)))
}

func TestElementIsLateOnceTheWatermarkHasReachedTheEndOfItsWindow(t *testing.T) {
	var p model.Pipeline
	words := streamtest.NewStream[string](&p).
		Watermark(60*second).
		Add(59*second, "a").
		End()
	streamtest.WantPanes(t, count(words, minutes(time.Second, model.Accumulating)),
		streamtest.Late(between(0, 60), of("a", 1)).AtStep(2))
}

func TestElementIsDroppedOnceTheWatermarkHasPassedTheLateness(t *testing.T) {
	var p model.Pipeline
	words := streamtest.NewStream[string](&p).
		Add(10*second, "a").
		Watermark(90*second-tick).
		Add(10*second, "a"). // the last that is taken
		Watermark(90*second).
		Add(10*second, "a").
		Add(59*second, "a").
		End()
	counts := streamtest.Capture(count(words, minutes(30*time.Second, model.Accumulating)))
	streamtest.Run(t, &p)
	counts.WantPanes(t,
		streamtest.OnTime(between(0, 60), of("a", 1)),
		streamtest.Late(between(0, 60), of("a", 2)))
	counts.WantDropped(t, 2)
}

func TestWithoutLatenessThereIsOnePane(t *testing.T) {
	var p model.Pipeline
	words := streamtest.NewStream[string](&p).
		Add(10*second, "a").
		Watermark(60*second).
		Add(10*second, "a", "b").
		End()
	counts := streamtest.Capture(count(words, minutes(0, 0)))
	streamtest.Run(t, &p)
	counts.WantPanes(t, streamtest.OnTime(between(0, 60), of("a", 1)).First().Last())
	counts.WantDropped(t, 2)
}

func TestAccumulatingPanesHoldAllThatTheWindowHasSeen(t *testing.T) {
	var p model.Pipeline
	words := streamtest.NewStream[string](&p).
		Add(10*second, "a", "a").
		Watermark(60*second).
		Add(20*second, "a").
		Add(30*second, "a").
		End()
	streamtest.WantPanes(t, count(words, minutes(time.Minute, model.Accumulating)),
		streamtest.OnTime(between(0, 60), of("a", 2)).Index(0).First(),
		streamtest.Late(between(0, 60), of("a", 3)).Index(1),
		streamtest.Late(between(0, 60), of("a", 4)).Index(2))
}

func TestDiscardingPanesHoldWhatCameSinceTheLast(t *testing.T) {
	var p model.Pipeline
	words := streamtest.NewStream[string](&p).
		Add(10*second, "a", "a").
		Watermark(60*second).
		Add(20*second, "a").
		Add(30*second, "a").
		End()
	streamtest.WantPanes(t, count(words, minutes(time.Minute, model.Discarding)),
		streamtest.OnTime(between(0, 60), of("a", 2)).Index(0).First(),
		streamtest.Late(between(0, 60), of("a", 1)).Index(1),
		streamtest.Late(between(0, 60), of("a", 1)).Index(2))
}

func TestEachLateElementIsAPane(t *testing.T) {
	var p model.Pipeline
	words := streamtest.NewStream[string](&p).
		Watermark(60*second).
		Add(20*second, "a", "a", "b").
		End()
	counts := streamtest.Capture(count(words, minutes(time.Minute, model.Accumulating)))
	streamtest.Run(t, &p)
	counts.WantPanes(t, // by step, window and timing
		streamtest.Late(between(0, 60), of("a", 1), of("a", 2), of("b", 1)))
	counts.WantPanes(t, // and by index
		streamtest.Late(between(0, 60), of("a", 1), of("b", 1)).Index(0),
		streamtest.Late(between(0, 60), of("a", 2)).Index(1))
}

func TestLateElementOfAKeyThatHadNoneOnTime(t *testing.T) {
	var p model.Pipeline
	words := streamtest.NewStream[string](&p).
		Add(10*second, "a").
		Watermark(60*second).
		Add(10*second, "b").
		Add(10*second, "b").
		End()
	streamtest.WantPanes(t, count(words, minutes(time.Minute, model.Accumulating)),
		streamtest.OnTime(between(0, 60), of("a", 1)).First(),
		streamtest.Late(between(0, 60), of("b", 1)).Index(0).First(),
		streamtest.Late(between(0, 60), of("b", 2)).Index(1))
}

func TestWatermarkThatJumpsFiresWindowsInOrder(t *testing.T) {
	var p model.Pipeline
	words := streamtest.NewStream[string](&p).
		Add(130*second, "c").
		Add(10*second, "a").
		Add(70*second, "b").
		Add(190*second, "d").
		Watermark(180 * second).
		End()
	streamtest.WantPanes(t, count(words, minutes(0, 0)),
		streamtest.OnTime(between(0, 60), of("a", 1)).AtStep(5),
		streamtest.OnTime(between(60, 120), of("b", 1)).AtStep(5),
		streamtest.OnTime(between(120, 180), of("c", 1)).AtStep(5),
		streamtest.OnTime(between(180, 240), of("d", 1)).AtStep(6))
}

func TestWatermarkThatJumpsOverTheLatenessLosesNothing(t *testing.T) {
	var p model.Pipeline
	words := streamtest.NewStream[string](&p).
		Add(10*second, "a").
		Watermark(3600 * second).
		End()
	streamtest.WantPanes(t, count(words, minutes(30*time.Second, model.Accumulating)),
		streamtest.OnTime(between(0, 60), of("a", 1)))
}

func TestWindowsBeforeTheEpoch(t *testing.T) {
	var p model.Pipeline
	words := streamtest.NewStream[string](&p).
		Add(-1*tick, "just before").
		Add(-60*second, "a minute before").
		Watermark(0).
		End()
	streamtest.WantPanes(t, count(words, minutes(0, 0)),
		streamtest.OnTime(between(-60, 0), of("just before", 1), of("a minute before", 1)).AtStep(3))
}

func TestProcessingTimeDoesNotFireTheDefaultTrigger(t *testing.T) {
	var p model.Pipeline
	words := streamtest.NewStream[string](&p).
		Add(10*second, "a").
		Elapse(24*time.Hour).
		Watermark(60*second).
		Elapse(24*time.Hour). // allowed lateness is event time
		Add(10*second, "a").
		Elapse(24 * time.Hour).
		End()
	streamtest.WantPanes(t, count(words, minutes(time.Minute, model.Accumulating)),
		streamtest.OnTime(between(0, 60), of("a", 1)).AtStep(3),
		streamtest.Late(between(0, 60), of("a", 2)).AtStep(5))
}

func TestPanesAreStampedWithTheLastInstantOfTheirWindow(t *testing.T) {
	var p model.Pipeline
	words := streamtest.NewStream[string](&p).
		Add(10*second, "a").
		Watermark(60*second).
		Add(20*second, "a").
		End()
	counts := streamtest.Capture(count(words, minutes(time.Minute, model.Accumulating)))
	streamtest.Run(t, &p)
	for _, e := range counts.Elements() {
		if e.Timestamp != 60*second-tick {
			t.Errorf("the %v pane of step %d is stamped %v", e.Pane, e.Step, e.Timestamp)
		}
	}
}
