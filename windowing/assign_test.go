package windowing_test

import (
	"math"
	"math/big"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/windowing"
)

// instants draws timestamps: small ones, ones near the ends of time and past
// them, and any.
func instants() *rapid.Generator[model.Timestamp] {
	return rapid.Custom(func(t *rapid.T) model.Timestamp {
		near := rapid.Int64Range(0, 300).Draw(t, "near")
		switch rapid.IntRange(0, 3).Draw(t, "where") {
		case 0:
			return model.Timestamp(near - 150)
		case 1:
			return model.Timestamp(math.MinInt64 + near)
		case 2:
			return model.Timestamp(math.MaxInt64 - near)
		}
		return model.Timestamp(rapid.Int64().Draw(t, "any"))
	})
}

// spans draws durations of whole microseconds: short ones and the longest.
func spans() *rapid.Generator[time.Duration] {
	return rapid.Custom(func(t *rapid.T) time.Duration {
		d := time.Duration(rapid.Int64Range(1, 60).Draw(t, "span")) * time.Microsecond
		if rapid.IntRange(0, 9).Draw(t, "length") == 0 {
			d = (math.MaxInt64 - d).Truncate(time.Microsecond)
		}
		return d
	})
}

// offsets draws offsets within one of d.
func offsets(d time.Duration) *rapid.Generator[time.Duration] {
	us := d.Microseconds() - 1
	return rapid.Map(rapid.Int64Range(-us, us), func(n int64) time.Duration { return time.Duration(n) * time.Microsecond })
}

func fixed() *rapid.Generator[windowing.Fixed] {
	return rapid.Custom(func(t *rapid.T) windowing.Fixed {
		f := windowing.Fixed{Size: spans().Draw(t, "size")}
		f.Offset = offsets(f.Size).Draw(t, "offset")
		return f
	})
}

// sliding draws sliding windows of which few overlap.
func sliding() *rapid.Generator[windowing.Sliding] {
	return rapid.Custom(func(t *rapid.T) windowing.Sliding {
		s := windowing.Sliding{Every: spans().Draw(t, "every")}
		if longest := time.Duration(math.MaxInt64) / s.Every; longest > 1 {
			s.Size = s.Every*time.Duration(rapid.IntRange(0, int(min(longest-1, 5))).Draw(t, "whole")) + spans().Draw(t, "rest")%s.Every
		}
		s.Size = max(s.Size, time.Microsecond)
		s.Offset = offsets(s.Every).Draw(t, "offset")
		return s
	}).Filter(func(s windowing.Sliding) bool { return s.Validate() == nil }) // as its ratio may be too large
}

// windowsOf is the definition: of all windows of size that start at a multiple
// of every, counted from offset, those that t is in, in order, cut off at the
// ends of time.
func windowsOf(t model.Timestamp, size, every, offset time.Duration) []model.Window {
	lo, hi := big.NewInt(int64(model.MinTimestamp)), big.NewInt(int64(model.MaxTimestamp))
	at := big.NewInt(min(max(int64(t), int64(model.MinTimestamp)), int64(model.MaxTimestamp)-1))
	sz, ev, off := big.NewInt(size.Microseconds()), big.NewInt(every.Microseconds()), big.NewInt(offset.Microseconds())

	// The first candidate starts too early to hold t, the last one after it.
	k := new(big.Int).Sub(at, off)
	k.Sub(k, sz).Div(k, ev).Sub(k, big.NewInt(1))
	var out []model.Window
	for ; ; k.Add(k, big.NewInt(1)) {
		start := new(big.Int).Mul(k, ev)
		start.Add(start, off)
		if start.Cmp(at) > 0 {
			return out
		}
		if end := new(big.Int).Add(start, sz); at.Cmp(end) < 0 {
			out = append(out, model.Window{Start: cut(start, lo, hi), End: cut(end, lo, hi)})
		}
	}
}

func cut(n, lo, hi *big.Int) model.Timestamp {
	switch {
	case n.Cmp(lo) < 0:
		n = lo
	case n.Cmp(hi) > 0:
		n = hi
	}
	return model.Timestamp(n.Int64())
}

func TestFixedIsTheWindowOfItsSizeThatHoldsTheInstant(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f, at := fixed().Draw(t, "windows"), instants().Draw(t, "at")
		if err := f.Validate(); err != nil {
			t.Fatal(err)
		}
		got, want := f.AssignWindows(nil, at), windowsOf(at, f.Size, f.Size, f.Offset)
		if !slices.Equal(got, want) {
			t.Fatalf("%v at %d: %v, want %v", f, at, got, want)
		}
	})
}

func TestSlidingIsAllWindowsThatHoldTheInstant(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, at := sliding().Draw(t, "windows"), instants().Draw(t, "at")
		got, want := s.AssignWindows(nil, at), windowsOf(at, s.Size, s.Every, s.Offset)
		if !slices.Equal(got, want) {
			t.Fatalf("%v at %d: %v, want %v", s, at, got, want)
		}
	})
}

func TestSlidingOnceASizeIsFixed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f, at := fixed().Draw(t, "windows"), instants().Draw(t, "at")
		s := windowing.Sliding{Size: f.Size, Every: f.Size, Offset: f.Offset}
		if got, want := s.AssignWindows(nil, at), f.AssignWindows(nil, at); !slices.Equal(got, want) {
			t.Fatalf("%v at %d: %v, but %v: %v", s, at, got, f, want)
		}
	})
}

func TestSessionStartsAtTheInstantAndLastsAGap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, at := windowing.Sessions{Gap: spans().Draw(t, "gap")}, instants().Draw(t, "at")
		start := min(max(at, model.MinTimestamp), model.MaxTimestamp-1)
		want := []model.Window{{Start: start, End: start.Add(s.Gap)}}
		if got := s.AssignWindows(nil, at); !slices.Equal(got, want) {
			t.Fatalf("%v at %d: %v, want %v", s, at, got, want)
		}
	})
}

// What [model.WindowFn] asks of every implementation.
func TestWindowsHoldTheirInstantAndAreNotEmptyNorTwice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fn := rapid.OneOf(
			rapid.Map(fixed(), func(f windowing.Fixed) model.WindowFn { return f }),
			rapid.Map(sliding(), func(s windowing.Sliding) model.WindowFn { return s }),
			rapid.Map(spans(), func(d time.Duration) model.WindowFn { return windowing.Sessions{Gap: d} }),
		).Draw(t, "windows")
		at := instants().Draw(t, "at")
		before := model.Window{Start: 1, End: 2}
		ws := fn.AssignWindows([]model.Window{before}, at)
		if ws[0] != before {
			t.Fatalf("%v did not append", fn)
		}
		at = min(max(at, model.MinTimestamp), model.MaxTimestamp-1)
		for i, w := range ws[1:] {
			if !w.Contains(at) {
				t.Errorf("%v gives %d the window [%d, %d), which does not hold it", fn, at, w.Start, w.End)
			}
			if w.Start < model.MinTimestamp || w.End > model.MaxTimestamp {
				t.Errorf("[%d, %d) leaves the range of time", w.Start, w.End)
			}
			if slices.Contains(ws[i+2:], w) {
				t.Errorf("%v gives %v twice", fn, w)
			}
		}
	})
}

func TestGlobalHoldsEverything(t *testing.T) {
	for _, at := range []model.Timestamp{model.MinTimestamp, -1, 0, model.EndOfGlobalWindow, model.MaxTimestamp} {
		if got := (windowing.Global{}).AssignWindows(nil, at); !slices.Equal(got, []model.Window{model.GlobalWindow}) {
			t.Errorf("%v is in %v", at, got)
		}
	}
}

func TestWindowFnsReadAsWhatTheyDo(t *testing.T) {
	for _, tt := range []struct {
		fn   model.WindowFn
		want string
	}{
		{windowing.Global{}, "global"},
		{windowing.Fixed{Size: time.Minute}, "fixed(1m0s)"},
		{windowing.Fixed{Size: 24 * time.Hour, Offset: 5 * time.Hour}, "fixed(24h0m0s, offset 5h0m0s)"},
		{windowing.Sliding{Size: time.Hour, Every: time.Minute}, "sliding(1h0m0s every 1m0s)"},
		{windowing.Sliding{Size: time.Hour, Every: time.Minute, Offset: time.Second}, "sliding(1h0m0s every 1m0s, offset 1s)"},
		{windowing.Sessions{Gap: 30 * time.Second}, "sessions(30s)"},
	} {
		if got := tt.fn.String(); got != tt.want {
			t.Errorf("%#v reads %q, want %q", tt.fn, got, tt.want)
		}
	}
}
