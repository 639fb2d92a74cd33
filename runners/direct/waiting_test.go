package direct_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
	"github.com/millrace/millrace/runners/direct"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/triggers"
	"github.com/millrace/millrace/windowing"
)

// A sink that does not move holds the source back. How far the source can get is
// bounded by what fits between the two.
func TestASlowSinkHoldsTheSourceBack(t *testing.T) {
	for _, parallelism := range []int{1, 2, 4} {
		synctest.Test(t, func(t *testing.T) {
			const sourceBatch = 2048
			open := make(chan struct{})
			src := &numbers{n: 300_000, splits: 64}
			out := &ledger{onWrite: func(context.Context, int) { <-open }}
			var read atomic.Int64
			var p model.Pipeline
			counting := transforms.Map(src.read(&p), func(v int) int { read.Add(1); return v })
			transforms.Write(transforms.Reshuffle(counting), out)
			go func() {
				synctest.Wait()
				// The sink has one step's messages in hand. A source is stepped while no
				// mailbox is full, and a step may overfill it: each source task fills one batch
				// for each sink task and sends on what it reads.
				inHand := parallelism * direct.StepMessages
				mailboxes := parallelism * direct.MailboxLimit
				most := (inHand+mailboxes+parallelism*parallelism)*direct.BatchSize + parallelism*sourceBatch
				if n := read.Load(); n > int64(most) || n == 0 {
					t.Errorf("parallelism %d: %d elements were read before the sink took one; the bound is %d", parallelism, n, most)
				}
				close(open)
			}()
			_, err := direct.Runner{Parallelism: parallelism, SourceBatch: sourceBatch}.Run(t.Context(), &p)
			if got := out.results(); err != nil || len(got) != 300_000 {
				t.Errorf("%d elements were written, and the run returned %v", len(got), err)
			}
		})
	}
}

// An idle source is asked again when it said, and what it has read is not kept
// waiting for a batch to fill.
func TestAnIdleSourceIsAskedAgainInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		var asked []time.Duration
		src := &numbers{n: 3, unbounded: true, onRead: func(context.Context, int) (*source.Status, error) {
			asked = append(asked, time.Since(begun))
			return nil, nil
		}}
		stop := make(chan struct{})
		var written []time.Duration
		out := &ledger{onWrite: func(context.Context, int) { written = append(written, time.Since(begun)) }}
		var p model.Pipeline
		transforms.Write(transforms.Reshuffle(src.read(&p)), out)
		time.AfterFunc(2*aWhile+1, func() { close(stop) })
		if _, err := (direct.Runner{Parallelism: 1, Stop: stop}).Run(t.Context(), &p); err != direct.ErrStopped {
			t.Fatal(err)
		}
		if len(asked) != 3 || asked[0] != 0 || asked[1] != aWhile || asked[2] != 2*aWhile {
			t.Errorf("the source was read at %v, want every %v", asked, aWhile)
		}
		if len(written) != 3 || written[2] != 0 {
			t.Errorf("elements were written at %v, want 3 at once", written)
		}
	})
}

// threeSplits are splits of one source that a task reads together: one ends at
// once, one is idle, one is not.
type threeSplits struct{ *numbers }

func (s threeSplits) Splits(context.Context, int) ([]source.Split, error) {
	return []source.Split{{ID: "idle", Position: []byte("0 0")}, {ID: "brief", Position: []byte("0 1")}, {ID: "busy", Position: []byte("10 20")}}, nil
}

func (s threeSplits) Open(ctx context.Context, split source.Split) (source.Reader[int], error) {
	r, err := s.numbers.Open(ctx, split)
	if split.ID == "brief" {
		r.(*numbersReader).numbers = &numbers{} // it is done after its last number
	}
	return r, err
}

// That one of a task's splits is idle keeps none of the others waiting.
func TestAnIdleSplitHoldsUpNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		stop := make(chan struct{})
		var p model.Pipeline
		out := &ledger{onWrite: func(_ context.Context, v int) {
			if waited := time.Since(begun); waited > 0 {
				t.Errorf("%d was written after %v", v, waited)
			}
		}}
		transforms.Write(transforms.Read(&p, threeSplits{&numbers{unbounded: true}}), out)
		time.AfterFunc(2*aWhile, func() { close(stop) })
		if _, err := (direct.Runner{Parallelism: 1, Stop: stop}).Run(t.Context(), &p); err != direct.ErrStopped {
			t.Fatal(err)
		}
		if got := out.results(); len(got) != 11 {
			t.Errorf("%v were written, want 0 and 10 to 19", got)
		}
	})
}

// Two sources that always have something take turns, whichever comes first in the
// pipeline: neither is read alone.
func TestSourcesTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var read [2]int
		var p model.Pipeline
		for i := range read {
			src := &numbers{n: 1 << 40, onRead: func(context.Context, int) (*source.Status, error) {
				if read[i]++; read[i] > read[1-i]+2 {
					t.Errorf("source %d was read %d times, the other only %d times", i, read[i], read[1-i])
				}
				if t.Failed() || read[i] == 1000 {
					cancel()
				}
				return nil, nil
			}}
			transforms.Write(transforms.Reshuffle(transforms.Read(&p, src)), &ledger{})
		}
		if _, err := (direct.Runner{Parallelism: 1, SourceBatch: 100}).Run(ctx, &p); err != context.Canceled {
			t.Errorf("the run returned %v", err)
		}
	})
}

// A trigger that goes by processing time fires by the clock, though nothing
// arrives any more.
func TestProcessingTimePassesWhileNothingArrives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		stop := make(chan struct{})
		strategy := model.WindowingStrategy{
			Windows: windowing.Fixed{Size: aWhile},
			Trigger: triggers.Repeatedly{Trigger: triggers.AfterProcessingTime{Delay: time.Minute}},
			Panes:   model.Discarding,
		}
		var p model.Pipeline
		src := &numbers{n: 5, unbounded: true}
		counts := transforms.CombineGlobally(transforms.Window(src.read(&p), strategy), transforms.Counting)
		fired := 0
		transforms.ForEach(counts, func(_ context.Context, e transforms.Element[int64]) error {
			fired++
			if at := time.Since(begun); at < time.Minute || at > time.Minute+time.Millisecond || e.Value != 5 {
				t.Errorf("a pane of %d elements fired after %v, want 5 after a minute", e.Value, at)
			}
			return nil
		})
		time.AfterFunc(aWhile/2, func() { close(stop) })
		if _, err := (direct.Runner{Parallelism: 2, Stop: stop}).Run(t.Context(), &p); err != direct.ErrStopped {
			t.Fatal(err)
		}
		if fired != 1 {
			t.Errorf("%d panes fired, want one", fired)
		}
	})
}
