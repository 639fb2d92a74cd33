package model_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/millrace/millrace/model"
)

// window is [start, end), in seconds since the epoch.
func window(start, end int64) model.Window {
	return model.Window{Start: model.Timestamp(start * 1_000_000), End: model.Timestamp(end * 1_000_000)}
}

func windows() *rapid.Generator[model.Window] {
	return rapid.Custom(func(t *rapid.T) model.Window {
		start := rapid.Int64Range(-5, 5).Draw(t, "start")
		return model.Window{Start: model.Timestamp(start), End: model.Timestamp(start + rapid.Int64Range(1, 5).Draw(t, "size"))}
	})
}

func TestWindowHoldsItsStartButNotItsEnd(t *testing.T) {
	w := window(0, 10)
	if !w.Contains(w.Start) || w.Contains(w.Start-1) {
		t.Errorf("%v should begin at its start", w)
	}
	if w.Contains(w.End) || !w.Contains(w.MaxTimestamp()) {
		t.Errorf("%v should end before its end", w)
	}
}

// Windows are sets of instants; what they say of each other follows from those.
func TestWindowsOverlapWhenTheyShareAnInstant(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := windows().Draw(t, "a"), windows().Draw(t, "b")

		shared := false
		span := model.Window{Start: 100, End: -100}
		for at := model.Timestamp(-20); at < 20; at++ {
			shared = shared || a.Contains(at) && b.Contains(at)
			if a.Contains(at) || b.Contains(at) {
				span = model.Window{Start: min(span.Start, at), End: max(span.End, at+1)}
			}
		}

		if a.Overlaps(b) != shared || b.Overlaps(a) != shared {
			t.Fatalf("%v overlaps %v: %v and %v, want %v", a, b, a.Overlaps(b), b.Overlaps(a), shared)
		}
		if a.Span(b) != span || b.Span(a) != span {
			t.Fatalf("%v and %v span %v and %v, want %v", a, b, a.Span(b), b.Span(a), span)
		}
	})
}

func TestWindowsAreOrderedByEndThenStart(t *testing.T) {
	want := []model.Window{window(1, 2), window(0, 3), window(1, 3), window(2, 3), window(0, 4)}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, model.Window.Compare)
	if !slices.Equal(got, want) {
		t.Errorf("sorted: %v, want %v", got, want)
	}
}

func TestOnlyTheZeroWindowIsZero(t *testing.T) {
	if !(model.Window{}).IsZero() {
		t.Error("the zero Window says that it is not")
	}
	if window(0, 1).IsZero() || model.GlobalWindow.IsZero() {
		t.Error("a window says that it is the zero one")
	}
}

func TestWindowReadsAsAnInterval(t *testing.T) {
	if got, want := window(0, 60).String(), "[1970-01-01T00:00:00Z, 1970-01-01T00:01:00Z)"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := model.GlobalWindow.String(); got != "global" {
		t.Errorf("the global window reads %s", got)
	}
}

func TestPaneReadsAsTimingAndIndex(t *testing.T) {
	for _, tt := range []struct {
		pane model.Pane
		want string
	}{
		{model.NoPane, "unknown #0 last"},
		{model.Pane{Timing: model.Early, NonSpeculativeIndex: -1, First: true}, "early #0"},
		{model.Pane{Index: 1, Timing: model.OnTime, Last: true}, "on-time #1 last"},
		{model.Pane{Index: 2, Timing: model.Late}, "late #2"},
		{model.Pane{Index: 2, Timing: model.Late, Retraction: true}, "retraction of late #2"},
		{model.Pane{Timing: 9}, "Timing(9) #0"},
	} {
		if got := tt.pane.String(); got != tt.want {
			t.Errorf("%+v reads %q, want %q", tt.pane, got, tt.want)
		}
	}
}

// every is windows of a duration, for a strategy to name.
type every time.Duration

func (e every) AssignWindows(dst []model.Window, at model.Timestamp) []model.Window {
	return append(dst, model.Window{Start: at, End: at.Add(time.Duration(e))})
}
func (every) Validate() error  { return nil }
func (e every) String() string { return "every " + time.Duration(e).String() }

func TestStrategyReadsAsWhatIsSet(t *testing.T) {
	for _, tt := range []struct {
		strategy model.WindowingStrategy
		want     string
	}{
		{model.WindowingStrategy{}, "global"},
		{model.WindowingStrategy{Windows: every(time.Minute)}, "every 1m0s"},
		{model.WindowingStrategy{Windows: every(time.Minute), Lateness: time.Hour, Panes: model.Accumulating}, "every 1m0s lateness=1h0m0s accumulating"},
		{model.WindowingStrategy{Windows: every(time.Minute), Trigger: leaf("daily"), Panes: model.Discarding}, "every 1m0s trigger=daily discarding"},
		{model.WindowingStrategy{Panes: model.Retracting, Timestamps: model.Earliest}, "global retracting timestamps=earliest"},
		{model.WindowingStrategy{OnTime: model.FireAlways, Closing: model.FireAlways, Timestamps: model.Latest}, "global on-time=always closing=always timestamps=latest"},
		{model.WindowingStrategy{Panes: 7, Timestamps: 8}, "global PaneMode(7) timestamps=TimestampCombiner(8)"},
	} {
		if got := tt.strategy.String(); got != tt.want {
			t.Errorf("%#v reads %q, want %q", tt.strategy, got, tt.want)
		}
	}
}

func TestWindowExpiresItsLatenessAfterItsEnd(t *testing.T) {
	s := model.WindowingStrategy{Lateness: time.Minute}
	if got, want := s.Expiry(window(0, 60)), window(0, 120).End; got != want {
		t.Errorf("expires at %v, want %v", got, want)
	}
	if got := s.Expiry(model.Window{Start: 0, End: model.MaxTimestamp}); got != model.MaxTimestamp {
		t.Errorf("a window up to the end of time expires at %v", got)
	}
}
