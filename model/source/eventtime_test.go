package source_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
)

// events is a source with one split of event times in seconds; none is the
// element without one.
type events []int

const none = -1

func (events) Bounded() bool { return true }

func (e events) Splits(context.Context, int) ([]source.Split, error) {
	return []source.Split{{ID: "all", Position: []byte("0"), Size: int64(len(e))}}, nil
}

func (e events) Open(_ context.Context, s source.Split) (source.Reader[int], error) {
	next, err := strconv.Atoi(string(s.Position))
	return &eventsReader{e, next}, err
}

type eventsReader struct {
	events
	next int
}

func (r *eventsReader) Read(_ context.Context, max int, emit func(*int, model.Timestamp)) (source.Status, error) {
	for ; max > 0 && r.next < len(r.events); max-- {
		emit(&r.events[r.next], model.MinTimestamp)
		r.next++
	}
	return source.Status{Done: r.next == len(r.events)}, nil
}

func (r *eventsReader) Position() source.Split {
	return source.Split{ID: "all", Position: strconv.AppendInt(nil, int64(r.next), 10), Size: int64(len(r.events) - r.next)}
}

func (r *eventsReader) Watermark() model.Timestamp { return model.MinTimestamp }
func (r *eventsReader) Progress() source.Progress {
	return source.Progress{Done: int64(r.next), Total: int64(len(r.events))}
}
func (r *eventsReader) Close() error { return nil }

func seconds(s int) model.Timestamp {
	if s == none {
		return model.MinTimestamp
	}
	return model.Timestamp(s) * 1_000_000
}

func open[T any](t testing.TB, src source.Source[T], s source.Split) source.Reader[T] {
	t.Helper()
	r, err := src.Open(context.Background(), s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func only[T any](t testing.TB, src source.Source[T]) source.Split {
	t.Helper()
	splits, err := src.Splits(context.Background(), 1)
	if err != nil || len(splits) != 1 {
		t.Fatalf("splits: %v, %v", splits, err)
	}
	return splits[0]
}

// story reads r to the end, one element at a time, and tells what it saw.
func story[T any](t testing.TB, r source.Reader[T]) (lines []string) {
	t.Helper()
	for {
		status, err := r.Read(context.Background(), 1, func(v *T, at model.Timestamp) {
			lines = append(lines, fmt.Sprintf("%v at %v", *v, at.Sub(0)))
		})
		if err != nil {
			t.Fatal(err)
		}
		if w := r.Watermark(); w == model.MinTimestamp {
			lines = append(lines, "  watermark -inf")
		} else {
			lines = append(lines, fmt.Sprintf("  watermark %v", w.Sub(0)))
		}
		if status.Done {
			return lines
		}
	}
}

func TestTheWatermarkTrailsTheLatestEventTime(t *testing.T) {
	src := source.WithEventTime(events{none, 10, 7, none, 30, 12}, seconds, source.BoundedOutOfOrderness(5*time.Second))
	min := model.MinTimestamp.Sub(0).String()
	want := []string{
		"-1 at " + min, "  watermark -inf",
		"10 at 10s", "  watermark 5s",
		"7 at 7s", "  watermark 5s",
		"-1 at 5s", "  watermark 5s",
		"30 at 30s", "  watermark 25s",
		"12 at 12s", "  watermark 25s",
	}
	if diff := cmp.Diff(want, story(t, open(t, src, only(t, src)))); diff != "" {
		t.Error(diff)
	}
}

func TestMonotonicIsTheLatestEventTime(t *testing.T) {
	src := source.WithEventTime(events{10, 10, 20}, seconds, source.Monotonic())
	want := []string{
		"10 at 10s", "  watermark 10s",
		"10 at 10s", "  watermark 10s",
		"20 at 20s", "  watermark 20s",
	}
	if diff := cmp.Diff(want, story(t, open(t, src, only(t, src)))); diff != "" {
		t.Error(diff)
	}
}

func TestResumingKeepsTheWatermark(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		e := events(rapid.SliceOfN(rapid.IntRange(none, 50), 1, 30).Draw(rt, "events"))
		w := source.BoundedOutOfOrderness(rapid.SampledFrom([]time.Duration{0, 1, time.Second, time.Hour}).Draw(rt, "slack"))
		stop := rapid.IntRange(0, len(e)).Draw(rt, "stop")
		src := source.WithEventTime(e, seconds, w)

		whole := open(t, src, only(t, src))
		first := open(t, src, only(t, src))
		var before model.Timestamp = model.MinTimestamp
		for i := range stop {
			emit := func(*int, model.Timestamp) {}
			if _, err := first.Read(context.Background(), 1, emit); err != nil {
				rt.Fatal(err)
			}
			if _, err := whole.Read(context.Background(), 1, emit); err != nil {
				rt.Fatal(err)
			}
			if first.Watermark() < before {
				rt.Fatalf("the watermark went back to %v at element %d", first.Watermark(), i)
			}
			before = first.Watermark()
		}
		second := open(t, src, first.Position())
		if got, want := second.Watermark(), whole.Watermark(); got != want {
			rt.Errorf("resumed after %d elements, the watermark is %v; it was %v", stop, got, want)
		}
		if diff := cmp.Diff(story(t, whole), story(t, second)); diff != "" {
			rt.Error(diff)
		}
		if stop < len(e) && first.Position().Size != int64(len(e)-stop) {
			rt.Errorf("the position's size is %d", first.Position().Size)
		}
	})
}

func TestEventTimesAreKeptInsideTime(t *testing.T) {
	far := func(int) model.Timestamp { return model.MaxTimestamp + 1 }
	src := source.WithEventTime(events{0}, far, source.BoundedOutOfOrderness(1<<63-1))
	r := open(t, src, only(t, src))
	r.Read(context.Background(), 1, func(_ *int, at model.Timestamp) {
		if at != model.MaxTimestamp {
			t.Errorf("stamped with %d, beyond the end of time", at)
		}
	})
	if got, want := r.Watermark(), model.MaxTimestamp.Add(-1<<63+1); got != want {
		t.Errorf("watermark %v; the end of time less the longest duration is %v", got, want)
	}
}

func TestSlackIsRoundedUp(t *testing.T) {
	src := source.WithEventTime(events{10}, seconds, source.BoundedOutOfOrderness(1500*time.Nanosecond))
	r := open(t, src, only(t, src))
	r.Read(context.Background(), 1, func(*int, model.Timestamp) {})
	if got, want := r.Watermark(), seconds(10)-2; got != want {
		t.Errorf("watermark %d; 1.5 µs before 10 s is %d at the latest", got, want)
	}
}

func TestPositionsOfOthersAreRefused(t *testing.T) {
	src := source.WithEventTime(events{1}, seconds, source.Monotonic())
	for _, c := range []struct{ position, want string }{
		{"", `split "all": the position "" was not made by source.WithEventTime: was it added since the checkpoint? Take the one that fits, or start without the checkpoint`},
		{"7", `split "all": the position "7" was not made by source.WithEventTime: was it added since the checkpoint? Take the one that fits, or start without the checkpoint`},
		{"eventtime 2 5\n0", `split "all": the position "eventtime 2 5\n0" is of version "2" of source.WithEventTime, and this program reads version 1: run the program that made it, or a newer one`},
		{"eventtime 1 noon\n0", `split "all": the position "eventtime 1 noon\n0" is damaged: "noon" is no event time; go back to an earlier checkpoint`},
		{"eventtime 1 9223372036854775807\n0", `split "all": the position "eventtime 1 9223372036854775807\n0" is damaged: "9223372036854775807" is no event time; go back to an earlier checkpoint`},
	} {
		_, err := src.Open(context.Background(), source.Split{ID: "all", Position: []byte(c.position)})
		if err == nil || err.Error() != c.want {
			t.Errorf("position %q:\n got %v\nwant %s", c.position, err, c.want)
		}
	}
}

func FuzzEventTimePosition(f *testing.F) {
	src := source.WithEventTime(events{1, 2}, seconds, source.Monotonic())
	f.Add([]byte("eventtime 1 5\n0"))
	f.Add([]byte("eventtime 1 -5\n1"))
	f.Add([]byte("eventtime 9"))
	f.Fuzz(func(t *testing.T, p []byte) {
		r, err := src.Open(context.Background(), source.Split{Position: p})
		if err != nil {
			return
		}
		again, err := src.Open(context.Background(), r.Position())
		if err != nil || again.Watermark() != r.Watermark() {
			t.Errorf("position %q was accepted, and what it was written as was not: %v", p, err)
		}
	})
}

func TestMistakesAreReportedBeforeReading(t *testing.T) {
	bad := source.WithEventTime[int](events{1}, nil, source.BoundedOutOfOrderness(-time.Second))
	err := bad.(source.Validator).Validate()
	if err == nil || !strings.Contains(err.Error(), "nil") || !strings.Contains(err.Error(), "must not be negative") {
		t.Errorf("Validate: %v", err)
	}
	if _, err := bad.Splits(context.Background(), 1); err == nil {
		t.Error("Splits of a mistaken source")
	}
	if _, err := bad.Open(context.Background(), source.Split{}); err == nil {
		t.Error("Open of a mistaken source")
	}
}

// scripted is a lockstep source whose readers keep the time.
type scripted struct{ events }

func (scripted) Lockstep() {}

func (s scripted) Open(ctx context.Context, split source.Split) (source.Reader[int], error) {
	r, err := s.events.Open(ctx, split)
	return scriptedReader{r}, err
}

type scriptedReader struct{ source.Reader[int] }

func (scriptedReader) Now() model.Timestamp { return 42 }

func TestWhatASourceSaysOfItselfIsKept(t *testing.T) {
	src := source.WithEventTime(scripted{events{1}}, seconds, source.Monotonic())
	if _, ok := src.(source.Lockstep); !ok {
		t.Error("the source is no longer read in lockstep")
	}
	k, ok := open(t, src, only(t, src)).(source.Timekeeper)
	if !ok || k.Now() != 42 {
		t.Error("its readers no longer keep the time")
	}
	side := source.WithEventTime(sideBySide{events{1}}, seconds, source.Monotonic())
	if _, ok := side.(source.Concurrent); !ok {
		t.Error("a concurrent source is one no longer")
	}
	if _, ok := side.(source.Lockstep); ok {
		t.Error("a concurrent source is read in lockstep")
	}
	plain := source.WithEventTime(events{1}, seconds, source.Monotonic())
	if _, ok := plain.(source.Lockstep); ok {
		t.Error("a plain source is read in lockstep")
	}
	if _, ok := open(t, plain, only(t, plain)).(source.Timekeeper); ok {
		t.Error("readers of a plain source keep the time")
	}
}

type sideBySide struct{ events }

func (sideBySide) Concurrent() {}

type broken struct{ events }

func (broken) Splits(context.Context, int) ([]source.Split, error) {
	return nil, errors.New("no splits")
}

func TestErrorsOfTheSourcePassThrough(t *testing.T) {
	src := source.WithEventTime(broken{}, seconds, source.Monotonic())
	if _, err := src.Splits(context.Background(), 1); err == nil || err.Error() != "no splits" {
		t.Errorf("Splits: %v", err)
	}
	if _, err := src.Open(context.Background(), source.Split{Position: []byte("eventtime 1 0\nx")}); err == nil {
		t.Error("Open with a position that the source refuses")
	}
}

func TestNoAllocationPerElement(t *testing.T) {
	src := source.WithEventTime(make(events, 10_000), seconds, source.Monotonic())
	r := open(t, src, only(t, src))
	n := 0
	emit := func(*int, model.Timestamp) { n++ }
	if allocs := testing.AllocsPerRun(50, func() { r.Read(context.Background(), 100, emit) }); allocs != 0 {
		t.Errorf("%v allocations per Read", allocs)
	}
}
