package direct_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
	"github.com/millrace/millrace/runners/direct"
	"github.com/millrace/millrace/transforms"
)

// stopAt returns a hook that closes the returned channel once a source is past n.
func stopAt(n int) (stop chan struct{}, onRead func(context.Context, int) (*source.Status, error)) {
	stop = make(chan struct{})
	var once sync.Once // readers of several splits call it side by side
	return stop, func(_ context.Context, next int) (*source.Status, error) {
		if next > n {
			once.Do(func() { close(stop) })
		}
		return nil, nil
	}
}

func TestStoppingABoundedInputDiscardsTheResult(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stop, onRead := stopAt(100_000)
		src := &numbers{n: 1 << 40, onRead: onRead}
		var p model.Pipeline
		out := &ledger{}
		transforms.Write(transforms.Reshuffle(src.read(&p)), out)
		_, err := direct.Runner{Parallelism: 2, Stop: stop}.Run(t.Context(), &p)
		if err != direct.ErrStopped {
			t.Errorf("the run returned %v, want ErrStopped", err)
		}
		settled(t, src, out)
		if len(out.aborts) == 0 {
			t.Error("what was prepared was not aborted")
		}
	})
}

func TestStoppingAnUnboundedInputKeepsWhatWasRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stop := make(chan struct{})
		src := &numbers{n: 1000, unbounded: true}
		var p model.Pipeline
		out := &ledger{}
		transforms.Write(transforms.Reshuffle(src.read(&p)), out)
		go func() {
			synctest.Wait() // until all is read
			close(stop)
		}()
		report, err := direct.Runner{Parallelism: 2, Stop: stop}.Run(t.Context(), &p)
		if err != direct.ErrStopped {
			t.Errorf("the run returned %v, want ErrStopped", err)
		}
		if got := out.results(); len(got) != 1000 {
			t.Errorf("%d elements were committed, want the 1000 that were read", len(got))
		}
		if report.Sources[0].Elements != 1000 || report.Sinks[0].Elements != 1000 {
			t.Errorf("the report is %+v", report)
		}
		if src.opened.Load() != src.closed.Load() {
			t.Errorf("%d readers were opened and %d closed", src.opened.Load(), src.closed.Load())
		}
	})
}

// What has no end beside it makes a part of a bounded input no more of a whole.
func TestStoppingABoundedInputBesideAnUnboundedOneDiscardsTheResult(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stop, onRead := stopAt(100_000)
		bounded := &numbers{n: 1 << 40, onRead: onRead}
		endless := &numbers{n: 1000, unbounded: true}
		var p model.Pipeline
		out := &ledger{}
		transforms.Write(transforms.Flatten(bounded.read(&p), transforms.Read(&p, endless, model.Name("Endless"))), out)
		_, err := direct.Runner{Parallelism: 2, Stop: stop}.Run(t.Context(), &p)
		if err != direct.ErrStopped {
			t.Errorf("the run returned %v, want ErrStopped", err)
		}
		if got := out.results(); len(got) > 0 {
			t.Errorf("%d elements were committed", len(got))
		}
	})
}

// Of a window that is still open nobody knows what else will come.
func TestStoppingFiresNoOpenWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stop := make(chan struct{})
		src := &numbers{n: 25, unbounded: true, promises: true}
		var p model.Pipeline
		total := summed(transforms.CombineGlobally(transforms.Window(src.read(&p), tens), transforms.Counting))
		go func() {
			synctest.Wait()
			close(stop)
		}()
		report, err := direct.Runner{Parallelism: 2, Stop: stop}.Run(t.Context(), &p)
		if err != direct.ErrStopped {
			t.Errorf("the run returned %v, want ErrStopped", err)
		}
		if total.Load() != 20 {
			t.Errorf("windows of %d elements fired, want the 20 of the two that ended", total.Load())
		}
		if w := report.Groupings[0].Watermark; w != 25 {
			t.Errorf("the watermark was left at %v, want 25 µs", w)
		}
	})
}

func TestStoppingAfterTheInputHasEndedChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stop := make(chan struct{})
		src := &numbers{n: 1000, splits: 3}
		var p model.Pipeline
		out := &ledger{}
		written := make(chan struct{})
		out.onWrite = func(_ context.Context, v int) {
			if v == 999 { // by now everything was read
				close(stop)
				<-written
			}
		}
		transforms.Write(transforms.Reshuffle(src.read(&p)), out)
		go func() {
			synctest.Wait() // until the run has noticed
			close(written)
		}()
		if _, err := (direct.Runner{Parallelism: 1, Stop: stop}).Run(t.Context(), &p); err != nil {
			t.Errorf("the run returned %v, but its input had been read to the end", err)
		}
		if got := out.results(); len(got) != 1000 {
			t.Errorf("%d elements were committed, want 1000", len(got))
		}
	})
}

func TestStoppingBeforehandReadsNothing(t *testing.T) {
	stop := make(chan struct{})
	close(stop)
	var p model.Pipeline
	src := &numbers{n: 1 << 40}
	out := &ledger{}
	transforms.Write(src.read(&p), out)
	if _, err := (direct.Runner{Stop: stop}).Run(t.Context(), &p); err != direct.ErrStopped {
		t.Errorf("the run returned %v, want ErrStopped", err)
	}
	settled(t, src, out)
}

// What goes wrong at the end of a stopped run is told, and keeps it from
// committing.
func TestStoppingTellsOfErrors(t *testing.T) {
	for name, c := range map[string]struct {
		src *numbers
		out *ledger
	}{
		"closing a reader": {&numbers{n: 10, unbounded: true, closeErr: errBroken}, &ledger{}},
		"closing a writer": {&numbers{n: 10, unbounded: true}, &ledger{closeErr: errBroken}},
		"preparing":        {&numbers{n: 10, unbounded: true}, &ledger{prepareErr: errBroken}},
		"committing":       {&numbers{n: 10, unbounded: true}, &ledger{commitErr: errBroken}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				stop := make(chan struct{})
				var p model.Pipeline
				transforms.Write(c.src.read(&p), c.out)
				go func() {
					synctest.Wait()
					close(stop)
				}()
				_, err := direct.Runner{Parallelism: 1, Stop: stop}.Run(t.Context(), &p)
				if !errors.Is(err, errBroken) {
					t.Errorf("the run returned %v, want %v", err, errBroken)
				}
				if len(c.out.committed) > 0 {
					t.Errorf("%d elements were committed", len(c.out.committed))
				}
			})
		})
	}
}

// A run that is stopped while a full mailbox holds its source back empties it.
func TestStoppingEndsARunUnderBackpressure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stop := make(chan struct{})
		open := make(chan struct{})
		src := &numbers{n: 1 << 40}
		out := &ledger{onWrite: func(context.Context, int) { <-open }}
		var p model.Pipeline
		transforms.Write(transforms.Reshuffle(src.read(&p)), out)
		go func() {
			synctest.Wait() // until the sink is blocked, and the source by it
			close(stop)
			synctest.Wait()
			close(open)
		}()
		if _, err := (direct.Runner{Parallelism: 3, Stop: stop}).Run(t.Context(), &p); err != direct.ErrStopped {
			t.Errorf("the run returned %v, want ErrStopped", err)
		}
		settled(t, src, out)
	})
}
