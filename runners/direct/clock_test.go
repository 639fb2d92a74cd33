package direct_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
	"github.com/millrace/millrace/model/state"
	"github.com/millrace/millrace/runners/direct"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/triggers"
	"github.com/millrace/millrace/windowing"
)

// A wall is a clock on the wall, which can be set.
type wall struct {
	mu    sync.Mutex
	off   time.Duration
	begun time.Time
}

func newWall(off time.Duration) *wall { return &wall{off: off, begun: time.Now()} }

func (w *wall) set(by time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.off += by
}

func (w *wall) read() (time.Time, time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Now().Add(w.off).Round(0), time.Since(w.begun)
}

const year = 365 * 24 * time.Hour

// byTheClock is what goes by processing time: how much had passed when each said something.
type byTheClock struct {
	mu   sync.Mutex
	said []string
}

func (b *byTheClock) say(what string, begun time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.said = append(b.said, fmt.Sprintf("%s after %v", what, time.Since(begun).Round(time.Second)))
}

// alarms sets a timer for a minute after each element.
type alarms struct{ timer state.ProcessingTimer }

func (a alarms) Cells() []state.Cell { return []state.Cell{a.timer} }
func (a alarms) Process(_ context.Context, e *transforms.Keyed[int, int], _ transforms.Output[int]) error {
	a.timer.Set(e, state.Now(e).Add(time.Minute))
	return nil
}

func (alarms) OnTimer(_ context.Context, _ *transforms.Firing[int], out transforms.Output[int]) error {
	out.Emit(0)
	return nil
}

func (alarms) OnWindowExpiration(context.Context, *transforms.Firing[int], transforms.Output[int]) error {
	return nil
}

// build is a pipeline of elements that come, one of each source, ten seconds after the run began. Each has a
// timer, a pane or a window by wall time that is over up to a minute later.
func (b *byTheClock) build(begun time.Time) *model.Pipeline {
	var p model.Pipeline
	one := func() *numbers {
		return &numbers{n: 2, unbounded: true, onRead: func(_ context.Context, next int) (*source.Status, error) {
			wait := 10*time.Second - time.Since(begun)
			if next == 1 {
				wait = time.Second
			}
			if wait > 0 {
				return &source.Status{ResumeAfter: wait}, nil
			}
			return nil, nil
		}}
	}
	timed := transforms.DoKeyed(transforms.KeyBy(one().read(&p), byUnits), alarms{state.NewProcessingTimer("alarm")})
	b.told(timed, "a timer", begun)
	strategy := model.WindowingStrategy{
		Windows: windowing.Global{}, Panes: model.Discarding,
		Trigger: triggers.Repeatedly{Trigger: triggers.AfterProcessingTime{Delay: time.Minute}},
	}
	paned := transforms.Read(&p, one(), model.Name("Paned"))
	b.told(transforms.CombineGlobally(transforms.Window(paned, strategy), transforms.Sum), "a pane", begun)
	none := func(int) model.Timestamp { return model.MinTimestamp }
	arrived := transforms.Read(&p, source.WithEventTime(one(), none, source.WallTime(0)), model.Name("Arrived"))
	minutes := model.WindowingStrategy{Windows: windowing.Fixed{Size: time.Minute}}
	b.told(transforms.CombineGlobally(transforms.Window(arrived, minutes), transforms.Sum), "a window", begun)
	return &p
}

func (b *byTheClock) told(c model.PCollection[int], what string, begun time.Time) {
	transforms.ForEach(c, func(context.Context, transforms.Element[int]) error {
		b.say(what, begun)
		return nil
	})
}

func TestNothingWaitsForAClockThatIsSetBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun, w, log, out := time.Now(), newWall(0), newLogged(), &byTheClock{}
		stop := make(chan struct{})
		time.AfterFunc(10*time.Minute, func() { close(stop) })
		time.AfterFunc(30*time.Second, func() { w.set(-time.Hour) })
		r := direct.Runner{Parallelism: 2, SourceBatch: 1, Stop: stop, Logger: log.Logger}.By(w.read)
		if _, err := r.Run(t.Context(), out.build(begun)); !errors.Is(err, direct.ErrStopped) {
			t.Fatal(err)
		}
		out.want(t, "a timer after 1m10s", "a pane after 1m10s", "a window after 1m0s")
		for _, want := range []string{"level=WARN", "the clock was set back", "by=1h0m0s ahead=1h0m0s"} {
			if log.count(want) != 1 {
				t.Errorf("the log has %q %d times, want it once:\n%s", want, log.count(want), log.lines.String())
			}
		}
	})
}

// want wants these to have been said, in any order.
func (b *byTheClock) want(t *testing.T, want ...string) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	got := map[string]int{}
	for _, s := range b.said {
		got[s]++
	}
	for _, s := range want {
		got[s]--
	}
	for s, n := range got {
		if n != 0 {
			t.Errorf("%q came %d times more than wanted; all that came is %q", s, n, b.said)
		}
	}
}

// A run by a clock that is a year ahead leaves a checkpoint of next year. The run that
// goes on from it by the right clock does not wait until then.
func TestARunGoesOnFromACheckpointOfTheFuture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := vfs.NewMem()
		ahead := newWall(year)
		stop := make(chan struct{})
		time.AfterFunc(5*time.Second, func() { close(stop) }) // before the element comes
		first := savedIn(fs).By(ahead.read)
		first.Stop = stop
		if _, err := first.Run(t.Context(), new(byTheClock).build(time.Now())); !errors.Is(err, direct.ErrStopped) {
			t.Fatal(err)
		}
		begun, log, out := time.Now(), newLogged(), &byTheClock{}
		stopped := make(chan struct{})
		time.AfterFunc(10*time.Minute, func() { close(stopped) })
		second := savedIn(fs).By(newWall(0).read)
		second.Stop, second.Logger, second.SourceBatch = stopped, log.Logger, 1
		if _, err := second.Run(t.Context(), out.build(begun)); !errors.Is(err, direct.ErrStopped) {
			t.Fatal(err)
		}
		out.want(t, "a timer after 1m10s", "a pane after 1m10s", "a window after 55s")
		if log.count("the clock is behind that of the run which took the checkpoint") != 1 || log.count("by=8760h0m0s") != 1 {
			t.Errorf("the log has\n%s", log.lines.String())
		}
	})
}

// The clock is set back and forward, by a little and by much.
func TestProcessingTimeNeverGoesBack(t *testing.T) {
	log := newLogged()
	var at time.Time
	var passed time.Duration
	now := direct.ProcessingTime(func() (time.Time, time.Duration) { return at, passed }, log.Logger)
	epoch := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		passed, wall, want time.Duration
		warnings           int
	}{
		{0, 0, 0, 0},
		{10, 10, 10, 0},
		{20, -80, 20, 1},  // back by 100
		{30, -70, 30, 1},  // and on
		{40, -90, 40, 2},  // back by 30
		{50, 0, 50, 2},    // forward by 80
		{60, 60, 60, 2},   // forward by 50: it is right again
		{70, 200, 200, 2}, // and by 130, which is followed
		{80, 210, 210, 2},
	} {
		at, passed = epoch.Add(tc.wall*time.Second), tc.passed*time.Second
		if got := now().Time().Sub(epoch); got != tc.want*time.Second || log.count("was set back") != tc.warnings {
			t.Errorf("after %ds, with %ds on the wall, it is %v and there are %d warnings; want %ds and %d",
				tc.passed, tc.wall, got, log.count("was set back"), tc.want, tc.warnings)
		}
	}
	passed += 10 * time.Millisecond
	if got := now().Time().Sub(epoch); got != 210*time.Second+10*time.Millisecond || log.count("was set back") != 2 {
		t.Errorf("ten milliseconds back: it is %v, with\n%s", got, log.lines.String())
	}
}
