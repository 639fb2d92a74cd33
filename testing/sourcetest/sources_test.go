package sourcetest_test

import (
	"math"
	"testing"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
	"github.com/millrace/millrace/testing/sourcetest"
)

func numbers(from, to int64) (list []int64) {
	for v := from; v < to; v++ {
		list = append(list, v)
	}
	return list
}

func instants(from, to, every model.Timestamp) (list []model.Timestamp) {
	for t := from; t < to; t += every {
		list = append(list, t)
	}
	return list
}

const second model.Timestamp = 1_000_000

func TestSequences(t *testing.T) {
	at := sourcetest.Now(time.Unix(10, 0))
	start := time.Unix(0, 0)
	for name, tt := range map[string]struct {
		source.Sequence
		want []int64
	}{
		"bounded":                   {source.Sequence{From: -3, To: 40}, numbers(-3, 40)},
		"empty":                     {source.Sequence{From: 5, To: 5}, nil},
		"one number":                {source.Sequence{From: 5, To: 6}, numbers(5, 6)},
		"the last numbers":          {source.Sequence{From: math.MaxInt64 - 9, To: math.MaxInt64}, numbers(math.MaxInt64-9, math.MaxInt64)},
		"endless, the last numbers": {source.Sequence{From: math.MaxInt64 - 9, Endless: true}, numbers(math.MaxInt64-9, math.MaxInt64)},
		"bounded, with a rate":      {source.Sequence{To: 9, Count: 3, Per: time.Second, Start: start}, numbers(0, 9)},
		"a rate, not all due":       {source.Sequence{To: 99, Count: 3, Per: time.Second, Start: start}, numbers(0, 31)},
		"endless, with a rate":      {source.Sequence{Endless: true, Count: 3, Per: time.Second, Start: start}, numbers(0, 31)},
		"from when it is read":      {source.Sequence{Endless: true, Count: 3, Per: time.Second}, numbers(0, 1)},
	} {
		t.Run(name, func(t *testing.T) { sourcetest.Check(t, tt.Sequence, tt.want, at) })
	}
}

func TestSequencesWithEventTimes(t *testing.T) {
	seconds := func(v int64) model.Timestamp { return model.Timestamp(v) * second }
	disordered := func(v int64) model.Timestamp { return model.Timestamp(v^3) * second }
	src := source.Sequence{To: 25}
	t.Run("monotonic", func(t *testing.T) {
		sourcetest.Check(t, source.WithEventTime(src, seconds, source.Monotonic()), numbers(0, 25))
	})
	t.Run("out of order", func(t *testing.T) {
		sourcetest.Check(t, source.WithEventTime(src, disordered, source.BoundedOutOfOrderness(3*time.Second)), numbers(0, 25))
	})
	t.Run("wall time", func(t *testing.T) {
		old := sourcetest.Now(time.Unix(25, 0))
		sourcetest.Check(t, source.WithEventTime(src, seconds, source.WallTime(25*time.Second)), numbers(0, 25), old)
	})
	t.Run("manual", func(t *testing.T) {
		rated := source.Sequence{To: 25, Count: 1, Per: time.Second, Start: time.Unix(0, 0)}
		sourcetest.Check(t, source.WithWatermarks(rated, source.Manual()), numbers(0, 25))
	})
}

func TestPeriodics(t *testing.T) {
	at := sourcetest.Now(time.Unix(10, 0))
	for name, tt := range map[string]struct {
		source.Periodic
		want []model.Timestamp
	}{
		"endless":            {source.Periodic{Interval: 3 * time.Second, Start: time.Unix(-5, 0)}, instants(-5*second, 11*second, 3*second)},
		"bounded":            {source.Periodic{Interval: 3 * time.Second, Start: time.Unix(-5, 0), End: time.Unix(1, 0)}, instants(-5*second, second, 3*second)},
		"not yet":            {source.Periodic{Interval: 3 * time.Second, Start: time.Unix(11, 0)}, nil},
		"from when it runs":  {source.Periodic{Interval: 3 * time.Second}, instants(10*second, 11*second, second)},
		"over, when it runs": {source.Periodic{Interval: 3 * time.Second, End: time.Unix(9, 0)}, nil},
	} {
		t.Run(name, func(t *testing.T) { sourcetest.Check(t, tt.Periodic, tt.want, at) })
	}
}
