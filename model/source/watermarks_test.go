package source_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
)

func skip(*int, model.Timestamp) {}

func tell[T any](t *testing.T, r source.Reader[T], now model.Timestamp) {
	t.Helper()
	k, ok := r.(source.Clocked)
	if !ok {
		t.Fatal("the reader does not go by processing time")
	}
	k.AdvanceProcessingTime(now)
}

func TestWallTimeTrailsProcessingTime(t *testing.T) {
	src := source.WithEventTime(events{10, none, 99}, seconds, source.WallTime(5*time.Second))
	r := open(t, src, only(t, src))
	if w := r.Watermark(); w != model.MinTimestamp {
		t.Errorf("before the time is known, the watermark is %v", w)
	}
	var stamps []model.Timestamp
	for _, now := range []int{20, 30, 25} { // the last one does not count
		tell(t, r, seconds(now))
		if _, err := r.Read(context.Background(), 1, func(_ *int, at model.Timestamp) { stamps = append(stamps, at) }); err != nil {
			t.Fatal(err)
		}
	}
	if stamps[0] != seconds(10) || stamps[1] != seconds(25) || stamps[2] != seconds(99) {
		t.Errorf("the elements are stamped %v: one without an event time should have the watermark", stamps)
	}
	if w := r.Watermark(); w != seconds(25) {
		t.Errorf("5 s behind 30 s, the watermark is %v", w)
	}
	resumed := open(t, src, r.Position())
	if w := resumed.Watermark(); w != seconds(25) {
		t.Errorf("resumed, before the time is known, the watermark is %v, and was at 25 s", w)
	}
}

// A reader that goes on from a position of a clock that was ahead does not wait for its
// own to catch up.
func TestWallTimeGoesOnThoughTheClockWasSetBack(t *testing.T) {
	src := source.WithEventTime(events{none}, seconds, source.WallTime(0))
	ahead := open(t, src, only(t, src))
	tell(t, ahead, seconds(1000))
	resumed := open(t, src, ahead.Position())
	for _, now := range []int{20, 30, 25} {
		tell(t, resumed, seconds(now))
	}
	if w := resumed.Watermark(); w != seconds(1010) {
		t.Errorf("ten seconds after it was at 1000 s, the watermark is at %v", w)
	}
	// Of two tasks of a run, one may have been told the time a little later.
	part := open(t, src, resumed.Position())
	tell(t, part, seconds(1010)-1000)
	tell(t, part, seconds(1020))
	if w := part.Watermark(); w != seconds(1020) {
		t.Errorf("at 1020 s, it is at %v", w)
	}
}

// promising is events whose reader knows its watermark: that of the list.
type promising struct {
	events
	watermarks []int
}

func (s promising) Open(ctx context.Context, split source.Split) (source.Reader[int], error) {
	r, err := s.events.Open(ctx, split)
	return promisingReader{r.(*eventsReader), s.watermarks}, err
}

type promisingReader struct {
	*eventsReader
	watermarks []int
}

func (r promisingReader) Watermark() model.Timestamp { return seconds(r.watermarks[r.next]) }

// TrySplit gives away all but one of what is left.
func (r promisingReader) TrySplit(float64) (source.Split, bool, error) {
	if len(r.events)-r.next < 2 {
		return source.Split{}, false, nil
	}
	residual := (&eventsReader{r.events, r.next + 1}).Position()
	residual.ID = "residual"
	r.events = r.events[:r.next+1]
	return residual, true, nil
}

func TestManualIsWhatTheReaderSays(t *testing.T) {
	src := source.WithEventTime(promising{events{10, 20, 30}, []int{none, 5, 3, 8}}, seconds, source.Manual())
	r := open(t, src, only(t, src))
	for i, want := range []int{none, 5, 5, 8} { // it fell to 3
		if w := r.Watermark(); w != seconds(want) {
			t.Errorf("after %d elements, the watermark is %v, want %v", i, w, seconds(want))
		}
		resumed := open(t, src, r.Position())
		if w := resumed.Watermark(); w != seconds(want) {
			t.Errorf("resumed after %d elements, the watermark is %v, want %v", i, w, seconds(want))
		}
		if _, err := r.Read(context.Background(), 1, skip); err != nil {
			t.Fatal(err)
		}
	}
}

// What is cut off has the watermark of the whole, by whatever it is estimated.
func TestAResidualHasTheWatermarkOfTheWhole(t *testing.T) {
	for _, w := range []source.Watermarks{source.Monotonic(), source.BoundedOutOfOrderness(time.Second), source.Manual(), source.WallTime(time.Minute)} {
		src := source.WithEventTime(promising{events{10, 20, 30, 40}, []int{none, 5, 7, 9, 11}}, seconds, w)
		r := open(t, src, only(t, src))
		if k, ok := r.(source.Clocked); ok {
			k.AdvanceProcessingTime(seconds(100))
		}
		r.Read(context.Background(), 2, skip)
		before := r.Watermark()
		residual, ok, err := r.(source.Splitter).TrySplit(0.5)
		if !ok || err != nil {
			t.Fatalf("%v: TrySplit: %t, %v", w, ok, err)
		}
		rest := open(t, src, residual)
		if got := rest.Watermark(); w != source.Manual() && got != before || got < before {
			t.Errorf("%v: the watermark of the residual is %v, and was %v before the cut", w, got, before)
		}
		if got := story(t, rest); len(got) != 2 || !strings.HasPrefix(got[0], "40 ") {
			t.Errorf("%v: the residual is %v, want the last element", w, got)
		}
	}
}

func TestAReaderThatCannotBeCutCannotBeCutWrapped(t *testing.T) {
	src := source.WithEventTime(events{1, 2, 3}, seconds, source.Monotonic())
	r := open(t, src, only(t, src))
	if _, ok, err := r.(source.Splitter).TrySplit(0); ok || err != nil {
		t.Errorf("TrySplit: %t, %v", ok, err)
	}
	if _, ok := r.(source.Clocked); ok {
		t.Error("a reader that nothing of goes by processing time is told it")
	}
}

// silent is events that declare when they are idle.
type silent struct{ events }

func (silent) IdleAfter() time.Duration { return time.Minute }

func TestIdlenessIsThatOfTheWatermarksOrOfTheSource(t *testing.T) {
	for _, c := range []struct {
		src  source.Source[int]
		want time.Duration
	}{
		{source.WithWatermarks[int](events{}, source.Monotonic()), 0},
		{source.WithWatermarks[int](events{}, source.Monotonic().IdleAfter(time.Hour)), time.Hour},
		{source.WithWatermarks[int](silent{}, source.Monotonic()), time.Minute},
		{source.WithWatermarks[int](silent{}, source.Monotonic().IdleAfter(time.Hour)), time.Hour},
	} {
		if got := c.src.(source.Idling).IdleAfter(); got != c.want {
			t.Errorf("%v is idle after %v, want %v", c.src, got, c.want)
		}
	}
}

func TestWatermarksAreTold(t *testing.T) {
	for want, w := range map[string]source.Watermarks{
		"monotonic":                 {},
		"out of order by 1s":        source.BoundedOutOfOrderness(time.Second),
		"by the reader":             source.Manual(),
		"0s behind processing time": source.WallTime(0),
		"1s behind processing time, idle after 1m0s": source.WallTime(time.Second).IdleAfter(time.Minute),
	} {
		if w.String() != want || w.Validate() != nil {
			t.Errorf("%v, and %v; want %q", w, w.Validate(), want)
		}
	}
	for want, w := range map[string]source.Watermarks{
		"source.WallTime(-1s)":         source.WallTime(-time.Second),
		"Watermarks.IdleAfter(-1s)":    source.Monotonic().IdleAfter(-time.Second),
		"source.BoundedOutOfOrderness": source.BoundedOutOfOrderness(-time.Second),
	} {
		if err := w.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v is valid, or not for %q: %v", w, want, err)
		}
	}
}

func TestMistakesInSequencesAndInstants(t *testing.T) {
	early, late := time.Unix(0, 0), time.Unix(9, 0)
	for want, src := range map[string]source.Validator{
		"set Endless":           source.Sequence{From: 1},
		"is negative":           source.Sequence{Count: -1, Per: time.Second},
		"both Count and Per":    source.Sequence{Count: 1},
		"whole microseconds":    source.Sequence{Count: 1, Per: time.Nanosecond},
		"shorten Per":           source.Sequence{Count: 1 << 40, Per: time.Second},
		"must be positive":      source.Periodic{},
		"be whole microseconds": source.Periodic{Interval: 1500},
		"ends before it starts": source.Periodic{Interval: time.Second, Start: late, End: early},
	} {
		if err := src.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want one that says %q", src, err, want)
		}
	}
}

func TestPositionsOfOtherSequencesAreRefused(t *testing.T) {
	ctx := context.Background()
	for _, p := range []string{"", "sequence 2 0 0 9 1 0", "sequence 1 0 0 11 1 0", "sequence 1 5 4 9 1 0", "sequence 1 -1 0 9 1 0", "sequence 1 0 0 9 0 0", "sequence 1 0 0 9 11 0"} {
		if _, err := (source.Sequence{To: 10}).Open(ctx, source.Split{ID: "a", Position: []byte(p)}); err == nil || !strings.Contains(err.Error(), `split "a"`) {
			t.Errorf("the position %q is taken, or refused without its split: %v", p, err)
		}
	}
	if _, err := (source.Periodic{Interval: time.Second}).Open(ctx, source.Split{ID: "a", Position: []byte("periodic 1 5 4")}); err == nil {
		t.Error("the position of an instant before the first is taken")
	}
}

// A rate is kept for numbers of any size: number k is due k·Per/Count after the
// start, rounded down.
func TestARateIsKept(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := source.Sequence{
			From: rapid.Int64Range(-1<<40, 1<<40).Draw(rt, "from"), Endless: true,
			Count: rapid.Int64Range(1, 1000).Draw(rt, "count"),
			Per:   time.Duration(rapid.Int64Range(1, 1e7).Draw(rt, "per")) * time.Microsecond,
			Start: time.Unix(0, 0),
		}
		splits, err := s.Splits(context.Background(), 3)
		if err != nil || len(splits) != 1 {
			rt.Fatalf("%v, %v", splits, err)
		}
		r, err := s.Open(context.Background(), splits[0])
		if err != nil {
			rt.Fatal(err)
		}
		now := model.Timestamp(rapid.Int64Range(0, 1e6).Draw(rt, "now"))
		r.(source.Clocked).AdvanceProcessingTime(now)
		k := int64(0)
		emit := func(v *int64, at model.Timestamp) {
			want := model.Timestamp(k * int64(s.Per/time.Microsecond) / s.Count)
			if *v != s.From+k || at != want || at > now {
				rt.Fatalf("number %d comes as %d at %d, want at %d, and now is %d", k, *v, at, want, now)
			}
			k++
		}
		status, err := r.Read(context.Background(), 100, emit)
		if err != nil {
			rt.Fatal(err)
		}
		next := model.Timestamp(k * int64(s.Per/time.Microsecond) / s.Count)
		if k < 100 && (next <= now || status.ResumeAfter != next.Sub(now)) || r.Watermark() != next {
			rt.Fatalf("after %d numbers, at %d, the status is %+v and the watermark %v; the next is due at %v", k, now, status, r.Watermark(), next)
		}
	})
}
