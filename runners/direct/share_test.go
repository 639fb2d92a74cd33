package direct_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
	"github.com/millrace/millrace/runners/direct"
	"github.com/millrace/millrace/transforms"
)

// A divisible source is numbers whose readers give away the end of their splits, in
// pieces of at least so many numbers.
type divisible struct {
	*numbers
	least    int
	splitErr error
	// greedy makes readers keep as little as they can.
	greedy bool
}

func (s divisible) Open(ctx context.Context, split source.Split) (source.Reader[int], error) {
	r, err := s.numbers.Open(ctx, split)
	if err != nil {
		return nil, err
	}
	return &divisibleReader{r.(*numbersReader), s}, nil
}

type divisibleReader struct {
	*numbersReader
	source divisible
}

func (r *divisibleReader) TrySplit(fraction float64) (source.Split, bool, error) {
	r.panics("TrySplit")
	if r.source.splitErr != nil {
		return source.Split{}, false, r.source.splitErr
	}
	at := r.next + int(fraction*float64(r.end-r.next))
	if r.source.greedy {
		at = max(r.next, r.first+r.source.least)
	}
	if at-r.first < r.source.least || r.end-at < r.source.least {
		return source.Split{}, false, nil
	}
	s := source.Split{ID: fmt.Sprint("from ", at), Position: fmt.Appendf(nil, "%d %d", at, r.end), Size: int64(r.end - at)}
	r.end = at
	return s, true, nil
}

// afterTheOthers makes a first Read wait until no worker can do anything else, so
// that the tasks without a split wait by then.
func afterTheOthers() func(context.Context, int) (*source.Status, error) {
	return func(_ context.Context, next int) (*source.Status, error) {
		if next == 0 {
			time.Sleep(time.Nanosecond) // in a bubble, where it takes no time
		}
		return nil, nil
	}
}

// A split that is alone is shared: with three workers, each reads a third of what is
// left after the first step.
func TestALongSplitIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &numbers{n: 3100, onRead: afterTheOthers()}
		var p model.Pipeline
		out := &ledger{}
		transforms.Write(transforms.Read(&p, divisible{src, 1000, nil, false}), out)
		report, err := direct.Runner{Parallelism: 3, SourceBatch: 100}.Run(t.Context(), &p)
		if err != nil {
			t.Fatal(err)
		}
		if opened := src.opened.Load(); opened != 3 {
			t.Errorf("%d readers were opened, want 3 that share 3000 numbers", opened)
		}
		wantNumbers(t, out, 3100)
		if s := report.Sources[0]; s.Done != 3100 || s.Total != 3100 {
			t.Errorf("the progress at the end is %d of %d, want 3100 of 3100", s.Done, s.Total)
		}
	})
}

func wantNumbers(t *testing.T, out *ledger, n int) {
	t.Helper()
	got := map[int]int{}
	for _, v := range out.results() {
		got[v]++
	}
	for v := range n {
		if got[v] != 1 {
			t.Fatalf("number %d was written %d times", v, got[v])
		}
	}
	if len(got) != n {
		t.Errorf("%d numbers were written, want %d", len(got), n)
	}
}

// A split that cannot be cut keeps nobody waiting, and is read as it ever was.
func TestASplitThatCannotBeCutIsReadWhole(t *testing.T) {
	for name, src := range map[string]source.Source[int]{
		"too short":     divisible{&numbers{n: 1999, onRead: afterTheOthers()}, 1000, nil, false},
		"no splitter":   &numbers{n: 1999, onRead: afterTheOthers()},
		"in lockstep":   stepwise{&numbers{n: 1999, onRead: afterTheOthers()}},
		"several whole": &numbers{n: 1999, splits: 5, onRead: afterTheOthers()},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var p model.Pipeline
				out := &ledger{}
				transforms.Write(transforms.Read(&p, src), out)
				if _, err := (direct.Runner{Parallelism: 3, SourceBatch: 100}).Run(t.Context(), &p); err != nil {
					t.Fatal(err)
				}
				wantNumbers(t, out, 1999)
			})
		})
	}
}

// However a source is shared, the watermark waits for all of it: numbers that come in
// order in a split are never late, and what comes out is the same.
func TestNothingIsLateWhereSplitsAreShared(t *testing.T) {
	for seed := range 40 {
		synctest.Test(t, func(t *testing.T) {
			turn := 0
			pause := func(_ context.Context, next int) (*source.Status, error) {
				if turn++; (turn*7+next+seed)%5 == 0 {
					return &source.Status{ResumeAfter: time.Duration(1+(turn*seed)%11) * time.Millisecond}, nil
				}
				return nil, nil
			}
			src := &numbers{n: 2000, splits: 1 + seed%6, promises: true}
			if seed%4 > 0 {
				src.onRead = func(ctx context.Context, next int) (*source.Status, error) {
					time.Sleep(time.Duration((next+seed)%7) * time.Millisecond)
					return nil, nil
				}
			}
			parallelism := 2 + seed%4
			if seed%8 == 0 {
				src.onRead, parallelism = pause, 1
			}
			var p model.Pipeline
			counts := transforms.CombineGlobally(transforms.Window(transforms.Read(&p, divisible{src, 10, nil, seed%3 == 0}), tens), transforms.Counting)
			total := summed(counts)
			report, err := direct.Runner{Parallelism: parallelism, SourceBatch: 7}.Run(t.Context(), &p)
			if err != nil {
				t.Fatal(err)
			}
			if g := report.Groupings[0]; g.Late != 0 || g.Dropped != 0 || g.OnTime != 2000 || total.Load() != 2000 {
				t.Fatalf("seed %d: %d elements were counted in windows, by the report %+v, want 2000 on time", seed, total.Load(), g)
			}
			if opened := src.opened.Load(); parallelism > 1 && seed%4 > 0 && opened <= int64(src.splits) {
				t.Errorf("seed %d: %d readers were opened for %d splits: nothing was shared", seed, opened, src.splits)
			}
		})
	}
}

func TestErrorsOfSharing(t *testing.T) {
	for name, src := range map[string]divisible{
		"error": {&numbers{n: 3000, onRead: afterTheOthers()}, 10, errBroken, false},
		"panic": {&numbers{n: 3000, onRead: afterTheOthers(), panicAt: "TrySplit"}, 10, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var p model.Pipeline
				out := &ledger{}
				transforms.Write(transforms.Read(&p, src, model.Name("Numbers")), out)
				_, err := direct.Runner{Parallelism: 2, SourceBatch: 100}.Run(t.Context(), &p)
				if err == nil || !strings.Contains(err.Error(), "Numbers: ") || name == "error" && !errors.Is(err, errBroken) {
					t.Errorf("the run returned %v, want one that tells the transform and the cause", err)
				}
				settled(t, src.numbers, out)
			})
		})
	}
}

// Stopped while tasks wait for each other, all of them end.
func TestASharedSourceCanBeStopped(t *testing.T) {
	stop, onRead := stopAt(200)
	src := &numbers{n: 1 << 40, onRead: onRead}
	var p model.Pipeline
	out := &ledger{}
	transforms.Write(transforms.Read(&p, divisible{src, 1 << 30, nil, false}), out)
	if _, err := (direct.Runner{Parallelism: 4, SourceBatch: 10, Stop: stop}).Run(t.Context(), &p); err != direct.ErrStopped {
		t.Errorf("the run returned %v, want ErrStopped", err)
	}
	settled(t, src, out)
}
