package streamtest_test

import (
	"testing"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/testing/streamtest"
	"github.com/millrace/millrace/transforms"
)

func TestRetractingPanesTakeBackTheLast(t *testing.T) {
	var p model.Pipeline
	words := streamtest.NewStream[string](&p).
		Add(10*second, "a", "b").
		Watermark(60*second).
		Add(20*second, "a").
		Add(30*second, "a").
		End()
	counts := streamtest.Capture(count(words, minutes(time.Minute, model.Retracting)))
	streamtest.Run(t, &p)
	counts.WantPanes(t,
		streamtest.OnTime(between(0, 60), of("a", 1), of("b", 1)).Index(0),
		streamtest.OnTime(between(0, 60), of("a", 1)).Retracted().Index(0).AtStep(3),
		streamtest.Late(between(0, 60), of("a", 2)).Index(1).AtStep(3),
		streamtest.Late(between(0, 60), of("a", 2)).Retracted().Index(1).AtStep(4),
		streamtest.Late(between(0, 60), of("a", 3)).Index(2).AtStep(4))
	counts.Want(t, of("a", 3), of("b", 1)) // what is left in the end
}

func TestMergedSessionsTakeBackTheirParts(t *testing.T) {
	var p model.Pipeline
	visits := streamtest.NewStream[string](&p).
		Add(0, "ann").
		Add(15*second, "ann", "ann").
		Watermark(30*second).
		Add(8*second, "ann").
		End()
	visitors := streamtest.Capture(count(visits, sessions(10*time.Second, time.Minute, model.Retracting)))
	streamtest.Run(t, &p)
	visitors.WantPanes(t,
		streamtest.OnTime(between(0, 10), of("ann", 1)),
		streamtest.OnTime(between(15, 25), of("ann", 2)),
		streamtest.OnTime(between(0, 10), of("ann", 1)).Retracted().AtStep(4),
		streamtest.Late(between(0, 25), of("ann", 4)).AtStep(4),
		streamtest.OnTime(between(15, 25), of("ann", 2)).Retracted().AtStep(4))
	visitors.WantInWindow(t, between(0, 10))
	visitors.WantInWindow(t, between(0, 25), of("ann", 4))
}

// How many words came how often: when a word comes again, it moves from one
// number to another.
func TestRetractionsCorrectASecondGrouping(t *testing.T) {
	var p model.Pipeline
	words := streamtest.NewStream[string](&p).
		Add(10*second, "a", "b", "c", "c").
		Watermark(60*second).
		Add(20*second, "a").
		End()
	counts := count(words, minutes(time.Minute, model.Retracting))
	howMany := streamtest.Capture(transforms.Count(transforms.Values(counts)))
	streamtest.Run(t, &p)
	times := model.KVOf[int64, int64]
	howMany.Want(t, times(1, 1), times(2, 2))
}
