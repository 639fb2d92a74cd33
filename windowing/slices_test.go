package windowing_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/windowing"
)

// sliced draws windows that are cut into slices, not too many of them.
func sliced() *rapid.Generator[model.SlicingWindowFn] {
	return rapid.OneOf(
		rapid.Map(fixed(), func(f windowing.Fixed) model.SlicingWindowFn { return f }),
		rapid.Map(sliding().Filter(fewSlices), func(s windowing.Sliding) model.SlicingWindowFn { return s }),
		rapid.Just(model.SlicingWindowFn(windowing.Global{})),
	)
}

func fewSlices(s windowing.Sliding) bool {
	slice := s.Size
	for b := s.Every; b != 0; {
		slice, b = b, slice%b
	}
	return s.Size/slice < 400
}

// inside is at, moved off the end of time, where there is no window.
func inside(at model.Timestamp) model.Timestamp {
	return min(max(at, model.MinTimestamp), model.MaxTimestamp-1)
}

func TestSliceHoldsItsInstants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fn, at := sliced().Draw(t, "windows"), instants().Draw(t, "at")
		if (fn == windowing.Global{}) {
			at = min(at, model.EndOfGlobalWindow-1)
		}
		s := fn.Slice(at)
		for _, in := range []model.Timestamp{inside(at), s.Start, s.MaxTimestamp()} {
			if !s.Contains(in) || fn.Slice(in) != s {
				t.Fatalf("%v: %d is in slice [%d, %d), and %d, of the same slice, in [%d, %d)",
					fn, at, s.Start, s.End, in, fn.Slice(in).Start, fn.Slice(in).End)
			}
		}
	})
}

func TestSliceIsInTheWindowsOfEachOfItsInstants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fn, at := sliced().Draw(t, "windows"), instants().Draw(t, "at")
		s := fn.Slice(at)
		windows := fn.SliceWindows(nil, s)
		if got := fn.AssignWindows(nil, at); !slices.Equal(got, windows) {
			t.Fatalf("%v: slice %v is in %v, but %d in %v", fn, s, windows, at, got)
		}
		if !slices.IsSortedFunc(windows, model.Window.Compare) {
			t.Fatalf("%v: the windows of slice %v are out of order: %v", fn, s, windows)
		}
	})
}

func TestWindowIsExactlyItsSlices(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fn, at := sliced().Draw(t, "windows"), instants().Draw(t, "at")
		for _, w := range fn.AssignWindows(nil, at) {
			end := w.Start
			for _, s := range fn.WindowSlices(nil, w) {
				if s.Start != end {
					t.Fatalf("%v: slices of %v leave a gap or overlap at %d", fn, w, s.Start)
				}
				if !slices.Contains(fn.SliceWindows(nil, s), w) {
					t.Fatalf("%v: %v has slice %v, which does not know of it", fn, w, s)
				}
				if fn.Slice(s.Start) != s {
					t.Fatalf("%v: %v has slice %v, which is none", fn, w, s)
				}
				end = s.End
			}
			if end != w.End {
				t.Fatalf("%v: slices of [%d, %d) end at %d", fn, w.Start, w.End, end)
			}
		}
	})
}

func TestSliceIsInsideAWindowOrOutside(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fn := sliced().Draw(t, "windows")
		at := instants().Draw(t, "at")
		near := at.Add(time.Duration(rapid.IntRange(-100, 100).Draw(t, "near")) * time.Microsecond)
		s := fn.Slice(at)
		for _, w := range fn.AssignWindows(nil, near) {
			if s.Overlaps(w) && s.Span(w) != w {
				t.Fatalf("%v: slice [%d, %d) is neither inside nor outside of [%d, %d)", fn, s.Start, s.End, w.Start, w.End)
			}
		}
	})
}

func TestGapsBetweenSlidingWindowsAreInNoWindow(t *testing.T) {
	s := windowing.Sliding{Size: 10 * time.Second, Every: time.Minute}
	for _, tt := range []struct {
		at   time.Duration
		want int
	}{{0, 1}, {9 * time.Second, 1}, {10 * time.Second, 0}, {59 * time.Second, 0}, {time.Minute, 1}, {-time.Second, 0}} {
		at := model.Timestamp(0).Add(tt.at)
		if got := s.AssignWindows(nil, at); len(got) != tt.want {
			t.Errorf("%v: %v is in %v, want %d windows", s, at, got, tt.want)
		}
	}
}
