package streamtest_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/testing/streamtest"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/triggers"
)

// changing is a minute's count of a and b, which a changes early, on time and
// twice late, and of c in the next minute.
func changing(p *model.Pipeline, panes model.PaneMode) model.PCollection[model.KV[string, int64]] {
	s := model.WindowingStrategy{
		Windows:  fixed(time.Minute),
		Trigger:  triggers.AfterWatermark{Early: triggers.AfterProcessingTime{Delay: 10 * time.Second}, Late: triggers.AfterCount{N: 1}},
		Lateness: time.Minute,
		Panes:    panes,
	}
	words := streamtest.NewStream[string](p).
		Add(10*second, "a", "b").
		Elapse(10*time.Second).
		Add(20*second, "a").
		Watermark(60*second).
		Add(30*second, "a", "a").
		Add(70*second, "c").
		End()
	return count(words, s)
}

func TestWhatPanesOfATimingSaid(t *testing.T) {
	first, next := between(0, 60), between(60, 120)
	for _, tt := range []struct {
		panes               model.PaneMode
		onTime, late, final []model.KV[string, int64]
	}{
		{
			model.Discarding,
			[]model.KV[string, int64]{of("a", 1)},
			[]model.KV[string, int64]{of("a", 1), of("a", 1)},
			[]model.KV[string, int64]{of("a", 1), of("b", 1)},
		},
		{
			model.Accumulating,
			[]model.KV[string, int64]{of("a", 2)},
			[]model.KV[string, int64]{of("a", 3), of("a", 4)},
			[]model.KV[string, int64]{of("a", 4), of("b", 1)},
		},
		{
			model.Retracting,
			[]model.KV[string, int64]{of("a", 2)},
			[]model.KV[string, int64]{of("a", 3), of("a", 4)},
			[]model.KV[string, int64]{of("a", 4), of("b", 1)},
		},
	} {
		t.Run(tt.panes.String(), func(t *testing.T) {
			var p model.Pipeline
			k := streamtest.Capture(changing(&p, tt.panes))
			for _, n := range []int{1, 2, 5} {
				streamtest.Run(t, &p, streamtest.Parallelism(n))
				k.WantEarly(t, first, of("a", 1), of("b", 1))
				k.WantOnTime(t, first, tt.onTime...)
				k.WantLate(t, first, tt.late...)
				k.WantFinal(t, first, tt.final...)
				k.WantEarly(t, next)
				k.WantOnTime(t, next, of("c", 1))
				k.WantLate(t, next)
				k.WantFinal(t, next, of("c", 1))
			}
		})
	}
}

// A last pane may hold nothing: when what it said was taken back with nothing in
// its place, as of sessions that merged.
func TestFinalPaneThatWasTakenBack(t *testing.T) {
	var p model.Pipeline
	visits := streamtest.NewStream[string](&p).
		Add(0, "ann").
		Add(15*second, "ann").
		Watermark(30*second).
		Add(8*second, "ann").
		End()
	visitors := streamtest.Capture(count(visits, sessions(10*time.Second, time.Minute, model.Retracting)))
	streamtest.Run(t, &p)
	visitors.WantOnTime(t, between(0, 10), of("ann", 1))
	visitors.WantFinal(t, between(0, 10))
	visitors.WantFinal(t, between(15, 25))
	visitors.WantFinal(t, between(0, 25), of("ann", 3))
}

// A count that moves from one number to another leaves the one it was at.
func TestFinalPanesBehindRetractions(t *testing.T) {
	var p model.Pipeline
	words := streamtest.NewStream[string](&p).
		Add(10*second, "a", "b").
		Watermark(60*second).
		Add(20*second, "a", "b").
		End()
	counts := count(words, minutes(time.Minute, model.Retracting))
	times := model.KVOf[int64, int64]
	streamtest.WantFinal(t, transforms.Count(transforms.Values(counts)), between(0, 60), times(2, 2))
}

func TestFinalPanesWithoutKeys(t *testing.T) {
	var p model.Pipeline
	words := streamtest.NewStream[string](&p).
		Add(10*second, "a", "b").
		Watermark(60*second).
		Add(20*second, "a").
		End()
	perMinute := transforms.Window(words, minutes(time.Minute, model.Accumulating))
	all := streamtest.Capture(transforms.CombineGlobally(perMinute, transforms.Counting))
	// Numbers of a reshuffle are not those of a grouping.
	again := streamtest.Capture(transforms.Reshuffle(transforms.CombineGlobally(perMinute, transforms.Counting)))
	unfired := streamtest.Capture(perMinute)
	streamtest.Run(t, &p)
	all.WantFinal(t, between(0, 60), 3)
	again.WantFinal(t, between(0, 60), 3)
	unfired.WantFinal(t, between(0, 60), "a", "b", "a")
}

func TestSameValuesOfTwoCollections(t *testing.T) {
	var p model.Pipeline
	words := streamtest.NewStream[string](&p).
		Add(10*second, "a", "b", "a").
		Watermark(60*second).
		Add(20*second, "a").
		End()
	w := minutes(time.Minute, model.Retracting)
	ones := transforms.Map(words, func(s string) model.KV[string, int64] { return of(s, 1) })
	streamtest.WantSame(t, count(words, w), transforms.CombinePerKey(transforms.Window(ones, w), transforms.Sum))

	var q model.Pipeline
	streamtest.WantSame(t, words, transforms.Create(&q, "a", "a", "a", "b"))
}

func TestSameAsOptionsSay(t *testing.T) {
	var p model.Pipeline
	a := streamtest.NewStream[float64](&p).Add(0, 1, math.NaN()).End()
	b := transforms.Map(a, func(x float64) float64 { return x })
	streamtest.WantSame(t, a, b)
	c := transforms.Filter(a, func(x float64) bool { return x == 1 })
	if said := failure(t, func(t testing.TB) { streamtest.WantSame(t, a, c) }); !strings.HasPrefix(said, "Stream and Filter emitted different values\n") {
		t.Errorf("said %s", said)
	}
}

func TestDropsWithTheirReasons(t *testing.T) {
	var p model.Pipeline
	late := streamtest.CaptureDropped(drops(&p))
	for _, n := range []int{1, 2, 5} {
		streamtest.Run(t, &p, streamtest.Parallelism(n))
		late.WantDropped(t,
			streamtest.Expired(between(0, 60), pay("c", 3)),
			streamtest.Finished(between(0, 60), pay("a", 2)))
		late.WantDropped(t,
			streamtest.Finished(between(0, 60), pay("a", 2)),
			streamtest.Finished[amount](between(60, 120)),
			streamtest.Expired(between(0, 60), pay("c", 3)))
		late.Captured.WantDropped(t, 2)
	}
}

func TestNothingDropped(t *testing.T) {
	var p model.Pipeline
	var late model.LateData[amount]
	payments := streamtest.NewStream[amount](&p).Add(0, pay("ann", 1)).End()
	transforms.GroupByKey(transforms.Window(payments, minutes(0, 0)), late.To())
	streamtest.WantDropped(t, late.Collection())
}
