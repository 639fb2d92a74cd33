package direct_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
	"github.com/millrace/millrace/testing/streamtest"
	"github.com/millrace/millrace/transforms"
)

// came runs the pipeline of c in lockstep with its script and returns the minutes at
// which instants came, in order.
func came(t *testing.T, c model.PCollection[model.Timestamp], opts ...streamtest.Option) (minutes []int) {
	t.Helper()
	transforms.ForEach(c, func(_ context.Context, e transforms.Element[model.Timestamp]) error {
		minutes = append(minutes, int(e.Value.Sub(0)/time.Minute))
		return nil
	})
	streamtest.Run(t, c.Pipeline(), opts...)
	return minutes
}

// A script's clock is the clock of sources that go by processing time.
func TestPeriodicInstantsFollowAScript(t *testing.T) {
	for _, parallelism := range []int{1, 3} {
		var p model.Pipeline
		streamtest.NewStream[string](&p).Elapse(25*time.Minute).Add(0, "a").Elapse(10*time.Minute).Add(0, "b").Elapse(4 * time.Minute).End()
		got := came(t, transforms.Read[model.Timestamp](&p, source.Periodic{Interval: 10 * time.Minute}), streamtest.Parallelism(parallelism))
		if want := []int{0, 10, 20, 30}; !slices.Equal(got, want) {
			t.Errorf("in 39 minutes, instants came at %v, want %v", got, want)
		}
	}
}

// When the script is over, time passes as bounded sources need it to come to an end.
func TestABoundedPeriodicOutlivesTheScript(t *testing.T) {
	var p model.Pipeline
	streamtest.NewStream[string](&p).Elapse(15 * time.Minute).End()
	end := time.Unix(0, 0).Add(41 * time.Minute)
	got := came(t, transforms.Read[model.Timestamp](&p, source.Periodic{Interval: 10 * time.Minute, End: end}))
	if want := []int{0, 10, 20, 30, 40}; !slices.Equal(got, want) {
		t.Errorf("instants came at %v, want %v", got, want)
	}
}

func TestASequenceWithARateFollowsAScript(t *testing.T) {
	var p model.Pipeline
	streamtest.NewStream[string](&p).Elapse(2 * time.Second).End()
	numbers := transforms.Read[int64](&p, source.Sequence{From: 100, Endless: true, Count: 3, Per: time.Second})
	var got []int64
	var at []time.Duration
	transforms.ForEach(numbers, func(_ context.Context, e transforms.Element[int64]) error {
		got, at = append(got, e.Value), append(at, e.Timestamp.Sub(0))
		return nil
	})
	streamtest.Run(t, &p)
	if want := []int64{100, 101, 102, 103, 104, 105, 106}; !slices.Equal(got, want) || at[3] != time.Second || at[5] != 1666666*time.Microsecond {
		t.Errorf("in 2 s, %v came, with the event times %v; want %v", got, at, want)
	}
}
