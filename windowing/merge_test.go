package windowing_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/windowing"
)

// sorted draws different windows in the order in which an engine keeps them.
func sorted() *rapid.Generator[[]model.Window] {
	window := rapid.Custom(func(t *rapid.T) model.Window {
		start := model.Timestamp(rapid.IntRange(-30, 30).Draw(t, "start"))
		return model.Window{Start: start, End: start + model.Timestamp(rapid.IntRange(1, 12).Draw(t, "size"))}
	})
	return rapid.Map(rapid.SliceOfNDistinct(window, 0, 12, rapid.ID[model.Window]), func(ws []model.Window) []model.Window {
		slices.SortFunc(ws, func(a, b model.Window) int {
			if a.Start != b.Start {
				return int(a.Start - b.Start)
			}
			return int(a.End - b.End)
		})
		return ws
	})
}

// merged is the definition: merge any two that overlap until no two do.
func merged(windows []model.Window) []model.Window {
	into := slices.Clone(windows)
	for again := true; again; {
		again = false
		for i := range into {
			for j := range into {
				if span := into[i].Span(into[j]); into[i].Overlaps(into[j]) && (into[i] != span || into[j] != span) {
					into[i], into[j], again = span, span, true
				}
			}
		}
	}
	return into
}

func TestMergeOverlappingMergesWhatOverlapsUntilNothingDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		windows := sorted().Draw(t, "windows")
		got := make([]model.Window, len(windows))
		windowing.MergeOverlapping(windows, got)
		if want := merged(windows); !slices.Equal(got, want) {
			t.Fatalf("%v became\n%v, want\n%v", windows, got, want)
		}
	})
}

func TestMergingTwiceChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		windows := sorted().Draw(t, "windows")
		once := make([]model.Window, len(windows))
		windowing.MergeOverlapping(windows, once)
		once = slices.Compact(once)
		twice := make([]model.Window, len(once))
		windowing.MergeOverlapping(once, twice)
		if !slices.Equal(once, twice) {
			t.Fatalf("%v merged further, to %v", once, twice)
		}
	})
}

// TestSessionsDoNotDependOnTheOrderOfArrival has elements arrive one by one in a
// random order, and expects what a look at all of them together gives: two
// neighbours in time are in one session when they are less than a gap apart.
func TestSessionsDoNotDependOnTheOrderOfArrival(t *testing.T) {
	const gap = 5
	sessions := windowing.Sessions{Gap: gap * 1000}
	rapid.Check(t, func(t *rapid.T) {
		times := rapid.SliceOfN(rapid.IntRange(0, 100), 1, 20).Draw(t, "times")

		var open []model.Window
		for _, at := range times {
			open = sessions.AssignWindows(open, model.Timestamp(at))
			slices.SortFunc(open, func(a, b model.Window) int { return int(a.Start - b.Start) })
			into := slices.Clone(open)
			sessions.MergeWindows(open, into)
			open = slices.Compact(into)
		}

		slices.Sort(times)
		var want []model.Window
		for i, at := range times {
			if i == 0 || at-times[i-1] >= gap {
				want = append(want, model.Window{Start: model.Timestamp(at)})
			}
			want[len(want)-1].End = model.Timestamp(at + gap)
		}
		if !slices.Equal(open, want) {
			t.Fatalf("sessions of %v are %v, want %v", times, open, want)
		}
	})
}

func TestSessionsThatOnlyTouchStayApart(t *testing.T) {
	touching := []model.Window{{Start: 0, End: 5}, {Start: 5, End: 10}}
	into := make([]model.Window, 2)
	windowing.MergeOverlapping(touching, into)
	if !slices.Equal(into, touching) {
		t.Errorf("%v became %v", touching, into)
	}
}
