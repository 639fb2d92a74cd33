package direct_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
	"github.com/millrace/millrace/runners/direct"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/windowing"
)

// A ticking source has two splits: one has a number each second, whose event time is
// that of its arrival since the epoch, and the other has nothing.
type ticking struct {
	*numbers
	begun time.Time
}

func (s ticking) Splits(context.Context, int) ([]source.Split, error) {
	return []source.Split{{ID: "busy", Position: []byte("0 1000")}, {ID: "silent", Position: []byte("0 0")}}, nil
}

func (s ticking) Open(ctx context.Context, split source.Split) (source.Reader[int], error) {
	r, err := s.numbers.Open(ctx, split)
	return tickingReader{r.(*numbersReader), s}, err
}

type tickingReader struct {
	*numbersReader
	source ticking
}

func (r tickingReader) Read(ctx context.Context, _ int, emit func(*int, model.Timestamp)) (source.Status, error) {
	due := time.Duration(r.next) * time.Second
	if wait := due - time.Since(r.source.begun); wait > 0 || r.next == r.end {
		return source.Status{ResumeAfter: max(wait, time.Second)}, nil
	}
	v := r.next
	r.next++
	emit(&v, model.Timestamp(due/time.Microsecond))
	return source.Status{}, nil
}

var perMinute = model.WindowingStrategy{Windows: windowing.Fixed{Size: time.Minute}}

// watch runs p for d, and returns the reports of each second and when panes fired.
func watch(t *testing.T, c model.PCollection[int], d time.Duration, parallelism int) (reports []direct.Report, fired []time.Duration) {
	begun := time.Now()
	counts := transforms.CombineGlobally(transforms.Window(c, perMinute), transforms.Counting)
	transforms.ForEach(counts, func(context.Context, transforms.Element[int64]) error {
		fired = append(fired, time.Since(begun))
		return nil
	})
	stop := make(chan struct{})
	time.AfterFunc(d, func() { close(stop) })
	runner := direct.Runner{Parallelism: parallelism, Stop: stop, Progress: func(r direct.Report) { reports = append(reports, r) }}
	if _, err := runner.Run(t.Context(), c.Pipeline()); err != direct.ErrStopped {
		t.Fatal(err)
	}
	return reports, fired
}

func TestASilentSplitHoldsWindowsUntilItIsIdle(t *testing.T) {
	for _, parallelism := range []int{1, 2} {
		synctest.Test(t, func(t *testing.T) {
			src := ticking{&numbers{unbounded: true}, time.Now()}
			var p model.Pipeline
			c := transforms.Read(&p, source.WithWatermarks[int](src, source.Monotonic().IdleAfter(90*time.Second)))
			reports, fired := watch(t, c, 150*time.Second, parallelism)
			// The minute is over after 60 s, and the watermark passes it when silent is idle.
			if len(fired) != 2 || fired[0].Round(time.Second) != 90*time.Second || fired[1].Round(time.Second) != 120*time.Second {
				t.Errorf("parallelism %d: panes fired after %v, want 90 s and 120 s", parallelism, fired)
			}
			for i, at := range []int{80, 100} {
				s := reports[at].Sources[0]
				if len(s.Splits) != 2 {
					t.Fatalf("after %d s, the report tells of the splits %+v", at, s.Splits)
				}
				for _, x := range s.Splits {
					if want := x.ID == "silent" && i == 1; x.Idle != want {
						t.Errorf("after %d s, the report says of %s that it is idle: %t", at, x.ID, x.Idle)
					}
				}
				if told := strings.Contains(reports[at].String(), "1 of 2 splits idle"); told != (i == 1) {
					t.Errorf("after %d s, the report reads %q", at, reports[at])
				}
			}
		})
	}
}

func TestWithoutIdlenessASilentSplitHoldsWindows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p model.Pipeline
		c := transforms.Read(&p, source.WithWatermarks[int](ticking{&numbers{unbounded: true}, time.Now()}, source.Monotonic()))
		if _, fired := watch(t, c, time.Hour, 2); len(fired) > 0 {
			t.Errorf("panes fired after %v, though a split promises nothing", fired)
		}
	})
}

// By wall time, the watermark passes whether or not there are elements. Those that
// have no event time have that of their arrival.
func TestWallTimeFiresWindowsByTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p model.Pipeline
		// The bubble begins at a full minute.
		untimed := func(int) model.Timestamp { return model.MinTimestamp }
		c := transforms.Read(&p, source.WithEventTime[int](ticking{&numbers{unbounded: true}, time.Now()}, untimed, source.WallTime(10*time.Second)))
		_, fired := watch(t, c, 135*time.Second, 2)
		if len(fired) != 3 || fired[1].Round(time.Second) != 70*time.Second || fired[2].Round(time.Second) != 130*time.Second {
			t.Errorf("panes fired after %v, want that of the minute before the first, and then after 70 s and 130 s", fired)
		}
	})
}

func TestPeriodicInstantsComeWhenTheyAreDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		var p model.Pipeline
		start := begun.Add(-10 * time.Minute)
		c := transforms.Read[model.Timestamp](&p, source.Periodic{Interval: 4 * time.Minute, Start: start, End: begun.Add(7 * time.Minute)})
		var came []time.Duration
		transforms.ForEach(c, func(_ context.Context, e transforms.Element[model.Timestamp]) error {
			if e.Value != e.Timestamp {
				t.Errorf("the instant %v is stamped %v", e.Value, e.Timestamp)
			}
			came = append(came, time.Since(begun))
			if due := max(0, e.Value.Sub(model.TimestampOf(begun))); came[len(came)-1].Round(time.Millisecond) != due.Round(time.Millisecond) {
				t.Errorf("the instant %v came after %v", e.Value, came[len(came)-1])
			}
			return nil
		})
		if _, err := (direct.Runner{Parallelism: 2}).Run(t.Context(), &p); err != nil {
			t.Fatal(err)
		}
		if len(came) != 5 { // at -10, -6 and -2 min, caught up with, and at 2 and 6
			t.Errorf("instants came after %v, want 5", came)
		}
	})
}
