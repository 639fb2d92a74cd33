package model_test

import (
	"math"
	"math/big"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/millrace/millrace/model"
)

// instants draws timestamps, with the ends of time and their neighbours often
// among them.
func instants() *rapid.Generator[model.Timestamp] {
	return rapid.Custom(func(t *rapid.T) model.Timestamp {
		from := rapid.SampledFrom([]model.Timestamp{model.MinTimestamp, 0, model.EndOfGlobalWindow, model.MaxTimestamp}).Draw(t, "from")
		by := rapid.Int64Range(-3_000_000, 3_000_000).Draw(t, "by")
		if rapid.Bool().Draw(t, "anywhere") {
			by = rapid.Int64().Draw(t, "by")
		}
		sum := new(big.Int).Add(big.NewInt(int64(from)), big.NewInt(by))
		return model.Timestamp(saturated(sum, int64(model.MinTimestamp), int64(model.MaxTimestamp)))
	})
}

// saturated is n cut to [lo, hi].
func saturated(n *big.Int, lo, hi int64) int64 {
	switch {
	case n.Cmp(big.NewInt(lo)) < 0:
		return lo
	case n.Cmp(big.NewInt(hi)) > 0:
		return hi
	}
	return n.Int64()
}

func TestAddIsExactUntilItSaturates(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := instants().Draw(t, "at")
		d := time.Duration(rapid.Int64().Draw(t, "d"))

		sum := new(big.Int).Add(big.NewInt(int64(at)), big.NewInt(d.Microseconds()))
		want := model.Timestamp(saturated(sum, int64(model.MinTimestamp), int64(model.MaxTimestamp)))

		if got := at.Add(d); got != want {
			t.Fatalf("%d.Add(%v) = %d, want %d", at, d, got, want)
		}
	})
}

func TestSubIsExactUntilItSaturates(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := instants().Draw(t, "a"), instants().Draw(t, "b")

		nanos := new(big.Int).Sub(big.NewInt(int64(a)), big.NewInt(int64(b)))
		nanos.Mul(nanos, big.NewInt(1000))
		want := time.Duration(saturated(nanos, math.MinInt64, math.MaxInt64))

		if got := a.Sub(b); got != want {
			t.Fatalf("%d.Sub(%d) = %d, want %d", a, b, got, want)
		}
	})
}

func TestTimestampOfIsExactUntilItSaturates(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		near := rapid.SampledFrom([]int64{0, int64(model.MinTimestamp) / 1_000_000, int64(model.MaxTimestamp) / 1_000_000}).Draw(t, "near")
		sec := near + rapid.Int64Range(-3, 3).Draw(t, "seconds")
		nsec := rapid.Int64Range(0, 999_999_999).Draw(t, "nanoseconds")

		micros := new(big.Int).Mul(big.NewInt(sec), big.NewInt(1_000_000))
		micros.Add(micros, big.NewInt(nsec/1000))
		want := model.Timestamp(saturated(micros, int64(model.MinTimestamp), int64(model.MaxTimestamp)))

		if got := model.TimestampOf(time.Unix(sec, nsec)); got != want {
			t.Fatalf("TimestampOf(%ds %dns) = %d, want %d", sec, nsec, got, want)
		}
	})
}

func TestTimestampSurvivesBeingATime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := instants().Draw(t, "at")
		if back := model.TimestampOf(at.Time()); back != at {
			t.Fatalf("%d became %v and then %d", at, at.Time(), back)
		}
	})
}

func TestTimestampOfForgetsZoneAndNanoseconds(t *testing.T) {
	paris := time.FixedZone("CET", 3600)
	got := model.TimestampOf(time.Date(1969, 12, 31, 23, 59, 59, 999_999_999, time.UTC).In(paris))
	if got != -1 {
		t.Errorf("a nanosecond before the epoch is %d, want the microsecond that it lies in, -1", got)
	}
	if z := got.Time().Location(); z != time.UTC {
		t.Errorf("Time is in %v, want UTC", z)
	}
}

func TestFarTimesSaturate(t *testing.T) {
	if got := model.TimestampOf(time.Date(1e9, 1, 1, 0, 0, 0, 0, time.UTC)); got != model.MaxTimestamp {
		t.Errorf("the far future is %v", got)
	}
	if got := model.TimestampOf(time.Date(-1e9, 1, 1, 0, 0, 0, 0, time.UTC)); got != model.MinTimestamp {
		t.Errorf("the far past is %v", got)
	}
}

func TestEndsOfTimeAreWholeMilliseconds(t *testing.T) {
	for _, end := range []model.Timestamp{model.MinTimestamp, model.MaxTimestamp, model.EndOfGlobalWindow} {
		if end%1000 != 0 {
			t.Errorf("%d has a fraction of a millisecond", end)
		}
	}
	if model.EndOfGlobalWindow.Add(24*time.Hour) != model.MaxTimestamp {
		t.Errorf("the global window ends %v before time does, want a day", model.MaxTimestamp.Sub(model.EndOfGlobalWindow))
	}
}

func TestTimestampReadsAsATime(t *testing.T) {
	for _, tt := range []struct {
		at   model.Timestamp
		want string
	}{
		{0, "1970-01-01T00:00:00Z"},
		{1_500_000, "1970-01-01T00:00:01.5Z"},
		{-1, "1969-12-31T23:59:59.999999Z"},
		{model.TimestampOf(time.Date(2026, 2, 28, 12, 30, 0, 0, time.UTC)), "2026-02-28T12:30:00Z"},
		{model.MinTimestamp, "-inf"},
		{math.MinInt64, "-inf"},
		{model.MaxTimestamp, "+inf"},
		{math.MaxInt64, "+inf"},
		{model.EndOfGlobalWindow, "end-of-global-window"},
	} {
		if got := tt.at.String(); got != tt.want {
			t.Errorf("%d reads %q, want %q", int64(tt.at), got, tt.want)
		}
	}
}
