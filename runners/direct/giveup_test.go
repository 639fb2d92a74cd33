package direct_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/millrace/millrace/internal/checkpoint"
	"github.com/millrace/millrace/runners/direct"
)

// A disk that is full fails checkpoints, and nothing else: what they had is in the one
// that there is room for again.
func TestARunGoesOnWhileTheDiskIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mem := vfs.NewMem()
		fs, out, log := &failingFS{FS: mem}, &book{}, newLogged()
		r := savedIn(fs)
		r.Logger = log.Logger
		r.Checkpoints.Tolerate = 10
		r.ProgressEvery = 300 * time.Millisecond // not at the moments of checkpoints
		var full, after direct.Report
		r.Progress = func(rep direct.Report) {
			if rep.Checkpoints.InARow == 3 {
				full = rep
			}
			after = rep
		}
		time.AfterFunc(2500*time.Millisecond, func() { fs.fail(syscall.ENOSPC) })
		time.AfterFunc(5500*time.Millisecond, func() { fs.fail(nil) })
		if _, err := r.Run(t.Context(), copied(&counter{n: 100, pause: 100 * time.Millisecond}, nil, out)); err != nil {
			t.Fatal(err)
		}
		out.want(t, 100)
		if c := full.Checkpoints; c.Taken != 2 || c.InARow != 3 || !errors.Is(c.LastFailure, syscall.ENOSPC) {
			t.Errorf("with a full disk the report says %+v, want 2 taken and 3 failures in a row for want of space", c)
		}
		if text := full.String(); !strings.Contains(text, "the last 3 checkpoints failed: checkpoint 5: ") {
			t.Errorf("it prints %q", text)
		}
		if c := after.Checkpoints; c.Failed != 3 || c.InARow != 0 || c.Taken < 6 {
			t.Errorf("at the end the report says %+v", c)
		}
		if log.count("a checkpoint failed") != 3 || log.count("checkpoints succeed again") != 1 {
			t.Errorf("the log says:\n%s", log.lines.String())
		}
	})
}

// What a run leaves that ends with the disk full is whole, and the next goes on from it.
func TestARunThatEndsWithAFullDiskLeavesWhatItHad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mem := vfs.NewMem()
		fs, out := &failingFS{FS: mem}, &book{}
		r := savedIn(fs)
		r.Checkpoints.Tolerate = 2
		time.AfterFunc(2500*time.Millisecond, func() { fs.fail(syscall.ENOSPC) })
		began := time.Now()
		_, err := r.Run(t.Context(), copied(&counter{n: 100, pause: 100 * time.Millisecond}, nil, out))
		if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "3 checkpoints failed in a row, and 2 are tolerated") {
			t.Errorf("the run returned %v", err)
		}
		if took := time.Since(began).Round(100 * time.Millisecond); took != 5*time.Second {
			t.Errorf("it ended after %v, want 5 s, with the third failure", took)
		}
		report, err := savedIn(mem).Run(t.Context(), copied(&counter{n: 100, onRead: func(_ context.Context, next int) error {
			if next < 15 {
				t.Errorf("%d is read again, and was in a checkpoint", next)
			}
			return nil
		}}, nil, out))
		if err != nil {
			t.Fatal(err)
		}
		if report.Checkpoints.Failed != 0 {
			t.Errorf("the report says %+v", report.Checkpoints)
		}
		out.want(t, 100)
	})
}

// With restarts, a run outlasts a disk that is full even though it tolerates nothing.
func TestARunIsStartedAgainUntilThereIsSpace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs, out := &failingFS{FS: vfs.NewMem()}, &book{}
		r := savedIn(fs)
		r.Restart = direct.ExponentialDelay{}
		time.AfterFunc(2500*time.Millisecond, func() { fs.fail(syscall.ENOSPC) })
		time.AfterFunc(time.Minute, func() { fs.fail(nil) })
		report, err := r.Run(t.Context(), copied(&counter{n: 100, pause: 100 * time.Millisecond}, nil, out))
		if err != nil || report.Restart.Restarts < 4 {
			t.Errorf("it was started again %d times: %v", report.Restart.Restarts, err)
		}
		out.want(t, 100)
	})
}

// A checkpoint that is not through in time is given up, and what sinks prepared for it
// is committed with the next.
func TestACheckpointThatTakesTooLongIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &book{}
		r := savedIn(vfs.NewMem())
		r.Checkpoints.Timeout, r.Checkpoints.Tolerate = 10*time.Second, 100
		var slow atomic.Bool
		step := func(_ context.Context, v int) (int, error) {
			if v == 50 && slow.CompareAndSwap(false, true) {
				time.Sleep(34 * time.Second)
			}
			return v, nil
		}
		report, err := r.Run(t.Context(), copied(&counter{n: 100, pause: 100 * time.Millisecond}, step, out))
		if err != nil {
			t.Fatal(err)
		}
		out.want(t, 100)
		// It has 3 times 10 s, and is through in the fourth.
		if c := report.Checkpoints; c.Failed != 3 || c.InARow != 0 || c.LastFailure == nil || !strings.Contains(c.LastFailure.Error(), "it was not through all tasks in time, which are 10s") {
			t.Errorf("the report says %+v, want 3 failures", c)
		}
	})
}

// A run that ends in the middle of a checkpoint, which one writer has prepared for and
// another has not, has aborted what was prepared.
func TestACheckpointThatTakesTooLongEndsARunThatToleratesNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out, fs := &book{}, vfs.NewMem()
		var stuck atomic.Bool
		out.onWrite = func(ctx context.Context, v int) {
			if v >= 50 && stuck.CompareAndSwap(false, true) {
				<-ctx.Done()
			}
		}
		r := savedIn(fs)
		r.Checkpoints.Timeout = 10 * time.Second
		if _, err := r.Run(t.Context(), copied(&counter{n: 100, pause: 100 * time.Millisecond}, nil, out)); err == nil || !strings.Contains(err.Error(), "not through all tasks in time") {
			t.Fatal(err)
		}
		if len(out.aborted) == 0 {
			t.Error("no writer had prepared for the checkpoint, or nothing was aborted")
		}
		if _, err := savedIn(fs).Run(t.Context(), copied(&counter{n: 100}, nil, out)); err != nil {
			t.Fatal(err)
		}
		out.want(t, 100)
	})
}

// Of a checkpoint that is in doubt nothing is committed, for it may be gone after a
// crash, and nothing aborted, for it may be there.
func TestACheckpointInDoubt(t *testing.T) {
	for _, tolerate := range []int{0, 1} {
		synctest.Test(t, func(t *testing.T) {
			fs, out := &failingFS{FS: vfs.NewMem(), unsynced: "/checkpoints"}, &book{}
			var commits []time.Duration
			start := time.Now()
			out.onCommit = func() error {
				commits = append(commits, time.Since(start).Round(time.Second))
				return nil
			}
			time.AfterFunc(1500*time.Millisecond, func() {
				fs.mu.Lock()
				defer fs.mu.Unlock()
				fs.syncErr = syscall.EIO
			})
			r := savedIn(fs)
			r.Checkpoints.Tolerate = tolerate
			_, err := r.Run(t.Context(), copied(&counter{n: 100, pause: 100 * time.Millisecond}, nil, out))
			if tolerate == 0 {
				if !errors.Is(err, checkpoint.ErrInDoubt) {
					t.Fatalf("the run returned %v", err)
				}
				_, err = savedIn(fs).Run(t.Context(), copied(&counter{n: 100}, nil, out))
			}
			if err != nil {
				t.Fatal(err)
			}
			if tolerate == 1 && (commits[0] != time.Second || commits[1] != 3*time.Second) {
				t.Errorf("the sink committed after %v, and not after 2 s", commits)
			}
			out.want(t, 100)
		})
	}
}

// Where checkpoints take long, the pause leaves time to work in between.
func TestThePauseBetweenCheckpoints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &book{}
		var begun, ended []time.Duration
		start := time.Now()
		out.onCommit = func() error {
			begun = append(begun, time.Since(start))
			time.Sleep(3 * time.Second)
			ended = append(ended, time.Since(start))
			return nil
		}
		r := savedIn(vfs.NewMem())
		r.Checkpoints.MinPause = 2 * time.Second
		if _, err := r.Run(t.Context(), copied(&counter{n: 250, pause: 100 * time.Millisecond}, nil, out)); err != nil {
			t.Fatal(err)
		}
		out.want(t, 250)
		for i := 1; i < len(begun)-1; i++ { // the last is that of the end
			if pause := (begun[i] - ended[i-1]).Round(100 * time.Millisecond); pause != 2*time.Second {
				t.Errorf("pause %d took %v", i, pause)
			}
		}
		if len(begun) < 5 {
			t.Errorf("there were %d checkpoints", len(begun))
		}
	})
}

// What a durable checkpoint has is never aborted, though a sink fails to commit it, be it
// in the middle or at the end.
func TestWhatASinkCouldNotCommitIsCommittedLater(t *testing.T) {
	for name, c := range map[string]struct {
		fails    func(commit int, allRead bool) bool
		tolerate int
		ends     bool // the run, with the failure
	}{
		"by the next checkpoint":     {func(i int, _ bool) bool { return i == 2 || i == 3 }, 2, false},
		"by the next run":            {func(i int, _ bool) bool { return i == 2 }, 0, true},
		"after the end of the input": {func(_ int, allRead bool) bool { return allRead }, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				out, fs := &book{}, vfs.NewMem()
				commits, failed := 0, 0
				var allRead atomic.Bool
				out.onCommit = func() error {
					if commits++; failed < 2 && c.fails(commits, allRead.Load()) {
						failed++
						return errSink
					}
					return nil
				}
				pipeline := func() *counter {
					return &counter{n: 95, pause: 100 * time.Millisecond, onRead: func(_ context.Context, next int) error {
						allRead.Store(next == 94)
						return nil
					}}
				}
				var err error
				for runs := range 3 {
					r := savedIn(fs)
					r.Checkpoints.Tolerate = c.tolerate
					_, err = r.Run(t.Context(), copied(pipeline(), nil, out))
					if err == nil {
						if (runs > 0) != c.ends {
							t.Errorf("it took %d runs", runs+1)
						}
						break
					}
					if !errors.Is(err, errSink) {
						t.Fatal(err)
					}
				}
				if err != nil || failed == 0 {
					t.Fatalf("%d commits failed, and then the run did: %v", failed, err)
				}
				out.want(t, 95)
			})
		})
	}
}

// The last checkpoint of a run whose input has ended may be in doubt, too, or the end may
// fail after it. What it has is committed by the next run, which finds nothing to do.
func TestWhatTheLastCheckpointHasIsNotAborted(t *testing.T) {
	for name, c := range map[string]struct{ unsynced, unclosed bool }{
		"its durability is in doubt": {unsynced: true},
		"a writer cannot be closed":  {unclosed: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fs, out := &failingFS{FS: vfs.NewMem(), unsynced: "/checkpoints"}, &book{}
				if c.unclosed {
					out.onClose = func() error { return errSink }
				}
				input := &counter{n: 5, onRead: func(_ context.Context, next int) error {
					fs.mu.Lock()
					defer fs.mu.Unlock()
					if c.unsynced && next == 4 {
						fs.syncErr = syscall.EIO
					}
					return nil
				}}
				_, err := savedIn(fs).Run(t.Context(), copied(input, nil, out))
				if c.unsynced && !errors.Is(err, checkpoint.ErrInDoubt) || c.unclosed && !errors.Is(err, errSink) {
					t.Fatalf("the run returned %v", err)
				}
				if len(out.aborted) > 0 {
					t.Errorf("aborted were %v", out.aborted)
				}
				out.onClose = nil
				if _, err := savedIn(fs).Run(t.Context(), copied(&counter{n: 5}, nil, out)); err != nil {
					t.Fatal(err)
				}
				out.want(t, 5)
			})
		})
	}
}
