package streamtest_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/runners/direct"
	"github.com/millrace/millrace/testing/streamtest"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/triggers"
)

func TestStreamsTakeTurns(t *testing.T) {
	var p model.Pipeline
	short := streamtest.NewStream[string](&p, model.Name("Short")).
		Add(0, "short 1").
		End()
	long := streamtest.NewStream[string](&p, model.Name("Long")).
		Add(0, "long 1").
		Add(0, "long 2").
		Add(0, "long 3").
		End()
	all := streamtest.Capture(transforms.Flatten(short, long))
	streamtest.Run(t, &p)
	all.WantPanes(t,
		streamtest.Unfired(model.GlobalWindow, "short 1").AtStep(1),
		streamtest.Unfired(model.GlobalWindow, "long 1").AtStep(2),
		streamtest.Unfired(model.GlobalWindow, "long 2").AtStep(4), // 3 was the end of Short
		streamtest.Unfired(model.GlobalWindow, "long 3").AtStep(5))
}

func TestWatermarkOfFlattenedStreamsIsTheLower(t *testing.T) {
	var p model.Pipeline
	fast := streamtest.NewStream[string](&p).
		Add(10*second, "a").   // step 1
		Watermark(60*second).  // step 3
		Watermark(120*second). // step 5
		Watermark(120*second). // step 7
		Add(50*second, "a").   // step 9: late by both
		End()
	slow := streamtest.NewStream[string](&p).
		Watermark(30*second).   // step 2
		Add(20*second, "a").    // step 4: late by the other stream alone
		Watermark(59 * second). // step 6
		Watermark(60 * second). // step 8
		End()
	streamtest.WantPanes(t, count(transforms.Flatten(fast, slow), minutes(time.Minute, model.Accumulating)),
		streamtest.OnTime(between(0, 60), of("a", 2)).AtStep(8),
		streamtest.Late(between(0, 60), of("a", 3)).AtStep(9))
}

func TestStreamThatEndsHoldsNothingBack(t *testing.T) {
	var p model.Pipeline
	short := streamtest.NewStream[string](&p).Add(0, "a").End()
	long := streamtest.NewStream[string](&p).
		Add(0, "a").            // step 2
		Watermark(60 * second). // step 4, after the end of the other
		End()
	streamtest.WantPanes(t, count(transforms.Flatten(short, long), minutes(0, 0)),
		streamtest.OnTime(between(0, 60), of("a", 2)).AtStep(4))
}

func TestWhatOtherSourcesHoldIsReadBeforeTheScript(t *testing.T) {
	var p model.Pipeline
	table := transforms.Create(&p, call("ann", "Dr"))
	names := streamtest.NewStream[title](&p).Add(0, call("ann", "")).End()
	all := streamtest.Capture(transforms.Flatten(names, table))
	streamtest.Run(t, &p)
	all.WantPanes(t,
		streamtest.Unfired(model.GlobalWindow, call("ann", "Dr")).AtStep(0),
		streamtest.Unfired(model.GlobalWindow, call("ann", "")).AtStep(1))
}

func TestPipelineWithoutAScript(t *testing.T) {
	var p model.Pipeline
	streamtest.Want(t, transforms.Count(transforms.Create(&p, "a", "b", "a")), of("a", 2), of("b", 1))
}

func TestElapseMovesProcessingTimeForAllStreams(t *testing.T) {
	var p model.Pipeline
	words := streamtest.NewStream[string](&p).
		Add(0, "a").                               // step 1
		Elapse(6*time.Second).                     // step 3
		Add(0, "a").                               // step 5
		Elapse(10*time.Second - time.Microsecond). // step 7
		Elapse(time.Microsecond).                  // step 8
		End()
	other := streamtest.NewStream[string](&p).
		Add(0, "b").             // step 2
		Elapse(4 * time.Second). // step 4: the tenth second is over
		End()
	s := model.WindowingStrategy{Windows: fixed(time.Minute), Trigger: triggers.AfterWatermark{Early: triggers.AfterProcessingTime{Delay: 10 * time.Second}}, Panes: model.Accumulating}
	streamtest.WantPanes(t, count(transforms.Flatten(words, other), s),
		streamtest.Early(between(0, 60), of("a", 1), of("b", 1)).Index(0).AtStep(4),
		streamtest.Early(between(0, 60), of("a", 2)).Index(1).AtStep(8))
}

// everything has every kind of grouping behind two streams.
func everything(p *model.Pipeline) []*streamtest.Captured[model.KV[string, int64]] {
	a := streamtest.NewStream[string](p).
		Add(10*second, "a", "b", "c", "d", "e", "f", "g").
		Watermark(60*second).
		Add(40*second, "a").
		Add(70*second, "a", "h").
		Watermark(200*second).
		Add(100*second, "b").
		End()
	b := streamtest.NewStream[string](p).
		Add(20*second, "a", "z").
		Watermark(100*second).
		Add(55*second, "z").
		Watermark(120*second).
		Add(119*second, "z").
		End()
	both := transforms.Flatten(a, b)
	perMinute := count(both, minutes(time.Minute, model.Accumulating))
	return []*streamtest.Captured[model.KV[string, int64]]{
		streamtest.Capture(perMinute),
		streamtest.Capture(count(both, sliding(time.Minute, 20*time.Second, 30*time.Second))),
		streamtest.Capture(count(both, sessions(30*time.Second, time.Minute, model.Discarding))),
		streamtest.Capture(transforms.CombinePerKey(perMinute, transforms.Max)),
	}
}

func TestPanesDoNotDependOnParallelism(t *testing.T) {
	var p model.Pipeline
	captured := everything(&p)
	streamtest.Run(t, &p, streamtest.Parallelism(1))
	var want [][]streamtest.Pane[model.KV[string, int64]]
	for _, c := range captured {
		want = append(want, c.Panes())
	}
	for _, n := range []int{2, 5} {
		streamtest.Run(t, &p, streamtest.Parallelism(n))
		for i, c := range captured {
			c.WantPanes(t, want[i]...)
		}
	}
}

// However few elements the runner reads at once, an addition is one step.
func TestPanesDoNotDependOnHowMuchIsReadAtOnce(t *testing.T) {
	var p model.Pipeline
	captured := everything(&p)
	streamtest.Run(t, &p)
	var want [][]streamtest.Pane[model.KV[string, int64]]
	for _, c := range captured {
		want = append(want, c.Panes())
	}
	streamtest.Run(t, &p, streamtest.RunBy(func(ctx context.Context, p *model.Pipeline) error {
		_, err := direct.Runner{SourceBatch: 2}.Run(ctx, p)
		return err
	}))
	for i, c := range captured {
		c.WantPanes(t, want[i]...)
	}
}

func TestManyElementsInOneStep(t *testing.T) {
	var p model.Pipeline
	const n = 100_000
	numbers := streamtest.NewStream[int](&p).
		Add(0, slices.Repeat([]int{1}, n)...).
		Watermark(60 * second).
		End()
	sum := transforms.CombineGlobally(transforms.Window(numbers, minutes(0, 0)), transforms.Sum)
	streamtest.WantPanes(t, sum, streamtest.OnTime(between(0, 60), n).AtStep(2))
}
