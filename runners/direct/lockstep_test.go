package direct_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
	"github.com/millrace/millrace/runners/direct"
	"github.com/millrace/millrace/transforms"
)

// A stepwise source is numbers, of which one is read at a time, when nothing else
// is under way.
type stepwise struct{ *numbers }

func (stepwise) Lockstep() {}

func (s stepwise) Open(ctx context.Context, split source.Split) (source.Reader[int], error) {
	r, err := s.numbers.Open(ctx, split)
	return oneByOne{r}, err
}

type oneByOne struct{ source.Reader[int] }

func (r oneByOne) Read(ctx context.Context, _ int, emit func(*int, model.Timestamp)) (source.Status, error) {
	return r.Reader.Read(ctx, 1, emit)
}

// arrivals counts what comes out behind several exchanges.
func arrivals(c model.PCollection[int]) *atomic.Int64 {
	n := new(atomic.Int64)
	for range 3 {
		c = transforms.Reshuffle(c)
	}
	transforms.ForEach(c, func(context.Context, transforms.Element[int]) error {
		n.Add(1)
		return nil
	})
	return n
}

func TestALockstepSourceIsReadWhenAllElseIsDone(t *testing.T) {
	for _, parallelism := range []int{1, 2, 4} {
		var arrived *atomic.Int64
		src := &numbers{n: 200, onRead: func(_ context.Context, next int) (*source.Status, error) {
			if n := arrived.Load(); n != int64(next) {
				t.Errorf("number %d is read when only %d have arrived", next, n)
			}
			return nil, nil
		}}
		var p model.Pipeline
		arrived = arrivals(transforms.Read(&p, stepwise{src}))
		if _, err := (direct.Runner{Parallelism: parallelism}).Run(t.Context(), &p); err != nil {
			t.Fatal(err)
		}
		if arrived.Load() != 200 {
			t.Errorf("%d numbers arrived, want 200", arrived.Load())
		}
	}
}

func TestALockstepSourceComesAfterAllOthers(t *testing.T) {
	for _, parallelism := range []int{1, 3} {
		var others *atomic.Int64
		last := &numbers{n: 10, onRead: func(context.Context, int) (*source.Status, error) {
			if n := others.Load(); n != 50_000 {
				t.Errorf("the source is read when %d elements of the other have arrived", n)
			}
			return nil, nil
		}}
		var p model.Pipeline
		mine := arrivals(transforms.Read(&p, stepwise{last}))
		others = arrivals(transforms.Read(&p, &numbers{n: 50_000, splits: 7}))
		if _, err := (direct.Runner{Parallelism: parallelism}).Run(t.Context(), &p); err != nil {
			t.Fatal(err)
		}
		if mine.Load() != 10 {
			t.Errorf("%d numbers arrived, want 10", mine.Load())
		}
	}
}

func TestLockstepSourcesTakeTurns(t *testing.T) {
	for _, parallelism := range []int{1, 3} {
		var p model.Pipeline
		var arrived [2]*atomic.Int64
		for i := range arrived {
			src := &numbers{n: 50, onRead: func(_ context.Context, next int) (*source.Status, error) {
				if mine, other := arrived[i].Load(), arrived[1-i].Load(); mine != int64(next) || mine > other+1 {
					t.Errorf("number %d of source %d is read when %d of it have arrived, and %d of the other", next, i, mine, other)
				}
				return nil, nil
			}}
			arrived[i] = arrivals(transforms.Read(&p, stepwise{src}))
		}
		if _, err := (direct.Runner{Parallelism: parallelism}).Run(t.Context(), &p); err != nil {
			t.Fatal(err)
		}
	}
}

func TestALockstepSourceCanBeStopped(t *testing.T) {
	stop, onRead := stopAt(20)
	src := &numbers{n: 1 << 40, onRead: onRead}
	var p model.Pipeline
	out := &ledger{}
	transforms.Write(transforms.Read(&p, stepwise{src}), out)
	if _, err := (direct.Runner{Parallelism: 2, Stop: stop}).Run(t.Context(), &p); err != direct.ErrStopped {
		t.Errorf("the run returned %v, want ErrStopped", err)
	}
	settled(t, src, out)
}
