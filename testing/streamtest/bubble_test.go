package streamtest_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
	"github.com/millrace/millrace/runners/direct"
	"github.com/millrace/millrace/testing/streamtest"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/triggers"
)

// A poller is a source that finds something new every so often, for ever: each
// time the time, in whole hours since it was first asked. It asks package time.
type poller struct{ every time.Duration }

func (p poller) Bounded() bool { return false }

func (p poller) Splits(context.Context, int) ([]source.Split, error) {
	return []source.Split{{ID: "poller"}}, nil
}

func (p poller) Open(_ context.Context, s source.Split) (source.Reader[int], error) {
	return &polling{poller: p, split: s, start: time.Now(), next: time.Now().Add(p.every)}, nil
}

type polling struct {
	poller
	split       source.Split
	start, next time.Time
}

func (p *polling) Read(_ context.Context, _ int, emit func(*int, model.Timestamp)) (source.Status, error) {
	now := time.Now()
	if !now.Before(p.next) {
		hours := int(now.Sub(p.start).Hours())
		emit(&hours, model.TimestampOf(now))
		p.next = p.next.Add(p.every)
	}
	return source.Status{ResumeAfter: time.Until(p.next)}, nil
}

func (p *polling) Position() source.Split     { return p.split }
func (p *polling) Watermark() model.Timestamp { return model.TimestampOf(p.next.Add(-p.every)) }
func (p *polling) Progress() source.Progress  { return source.Progress{} }
func (p *polling) Close() error               { return nil }

// early are windows of a minute with early panes, of what came in the last d.
func early(d time.Duration) model.WindowingStrategy {
	return model.WindowingStrategy{
		Windows: fixed(time.Minute),
		Trigger: triggers.AfterWatermark{Early: triggers.Repeatedly{Trigger: triggers.AfterProcessingTime{Delay: d}}},
		Panes:   model.Accumulating,
	}
}

func TestSourceThatPollsForADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p model.Pipeline
		hours := streamtest.Capture(transforms.Read(&p, poller{8 * time.Hour}))
		streamtest.Run(t, &p, streamtest.StopAfter(24*time.Hour+time.Minute))
		hours.Want(t, 8, 16, 24)
	})
}

func TestSourceThatPollsBesideAScript(t *testing.T) {
	for _, n := range []int{1, 2, 5} {
		synctest.Test(t, func(t *testing.T) {
			var p model.Pipeline
			polled := transforms.Read(&p, poller{8 * time.Hour})
			words := streamtest.NewStream[int](&p).
				Add(0, -1).           // step 1
				Elapse(12*time.Hour). // step 2
				Add(0, -2).           // step 3
				Elapse(12*time.Hour). // step 4
				Add(0, -3).           // step 5
				End()
			all := streamtest.Capture(transforms.Flatten(polled, words))
			streamtest.Run(t, &p, streamtest.BubbleClock(), streamtest.Parallelism(n))
			var got []string
			for _, e := range all.Elements() {
				got = append(got, fmt.Sprintf("%d at %d", e.Value, e.Step))
			}
			want := "-1 at 1, 8 at 2, -2 at 3, 16 at 4, 24 at 4, -3 at 5"
			if got := strings.Join(got, ", "); got != want {
				t.Errorf("\n got %s\nwant %s", got, want)
			}
		})
	}
}

func TestElapseWaitsForSourcesAndTimersInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var p model.Pipeline
		words := streamtest.NewStream[string](&p).
			Add(10*second, "a").          // step 1
			Elapse(9*time.Second).        // step 2
			Add(20*second, "a").          // step 3
			Elapse(24*time.Hour).         // step 4
			Add(30*second, "a").          // step 5
			Elapse(10*time.Second - 1e3). // step 6
			Elapse(time.Microsecond).     // step 7
			Watermark(60 * second).       // step 8
			End()
		perMinute := count(words, early(10*time.Second))
		counts := streamtest.Capture(perMinute)
		// What waits for a timer's pane waits from when that fired.
		counted := streamtest.Capture(transforms.Count(transforms.Keys(perMinute)))
		streamtest.Run(t, &p, streamtest.BubbleClock())
		counts.WantPanes(t,
			streamtest.Early(between(0, 60), of("a", 2)).AtStep(4),
			streamtest.Early(between(0, 60), of("a", 3)).AtStep(7),
		)
		counted.WantPanes(t,
			streamtest.Early(between(0, 60), of("a", 1)).AtStep(4),
			streamtest.OnTime(between(0, 60), of("a", 2)).AtStep(8))
		if took := time.Since(began).Truncate(time.Millisecond); took != 24*time.Hour+19*time.Second {
			t.Errorf("took %v of the bubble's time", took)
		}
	})
}

func TestPanesDoNotDependOnTheClock(t *testing.T) {
	var p model.Pipeline
	captured := everything(&p)
	streamtest.Run(t, &p)
	synctest.Test(t, func(t *testing.T) {
		for _, n := range []int{1, 2, 5} {
			var q model.Pipeline
			again := everything(&q)
			streamtest.Run(t, &q, streamtest.BubbleClock(), streamtest.Parallelism(n))
			for i := range captured {
				again[i].WantPanes(t, captured[i].Panes()...)
			}
		}
	})
}

func TestSourceThatGoesOnIsStoppedWithTheScript(t *testing.T) {
	var p model.Pipeline
	polled := transforms.Read(&p, poller{time.Hour})
	words := streamtest.NewStream[int](&p).Add(10*second, 1, 2).Watermark(60 * second).End()
	streamtest.WantPanes(t, transforms.CombineGlobally(transforms.Window(words, minutes(0, 0)), transforms.Sum),
		streamtest.OnTime(between(0, 60), 3).AtStep(2))
	streamtest.WantEmpty(t, polled)
}

func TestMisuseOfTheOptionsOfARun(t *testing.T) {
	for want, opts := range map[string][]streamtest.Option{
		"BubbleClock outside of a bubble: run the test, or this part of it, by synctest.Test": {streamtest.BubbleClock()},
		"StopAfter does not reach into a run by RunBy; stop it there":                         {streamtest.RunBy(direct.Run), streamtest.StopAfter(time.Hour)},
	} {
		var p model.Pipeline
		streamtest.NewStream[int](&p).Add(0, 1).End()
		said := failure(t, func(t testing.TB) { streamtest.Run(t, &p, opts...) })
		if said := strings.TrimSpace(said); said != want {
			t.Errorf("\n got %s\nwant %s", said, want)
		}
	}
}

// A pipeline that was run by a bubble's clock can be run by its own again.
func TestRunsByBothClocks(t *testing.T) {
	var p model.Pipeline
	words := streamtest.NewStream[string](&p).Add(0, "a").Elapse(time.Hour).End()
	counts := streamtest.Capture(count(words, early(time.Minute)))
	synctest.Test(t, func(t *testing.T) { streamtest.Run(t, &p, streamtest.BubbleClock()) })
	want := counts.Panes()
	for range 2 {
		streamtest.Run(t, &p)
		counts.WantPanes(t, want...)
	}
}
