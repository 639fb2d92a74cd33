package simulate

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/millrace/millrace/internal/drive"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/runners/direct"
)

// stateDir is where a simulated run keeps its checkpoints.
const stateDir = "/state"

// A life is one process: it begins with its start and ends with its crash, or as the
// run does. It is the [drive.Driver] of its run.
type life struct {
	number   int
	disk     *disk
	events   []event // at steps, those to come
	trace    *trace
	tasks    int
	limits   drive.Limits
	batch    int   // elements that are read in a step
	tolerate int   // checkpoints that fail
	restarts int   // that are tried
	failed   int   // how often the run was made to fail
	again    int   // how often it was started again
	memory   int64 // for state by key; 0 is as much as it takes
	steps    int
	passed   time.Duration // since the first life began, as a stopwatch has it
	wall     time.Duration // how far the clock on the wall is off
	timers   []*timer
	wanted   []event // checkpoints to begin
	waits    int     // steps until the one under way is committed
	shuffled int     // how many steps are still drawn
	luck     *rand.Rand
	slow     map[int]time.Duration // by split, until when it has nothing
	stopped  bool
	outputs  []output // of the pipeline
	// commits is how many checkpoints were committed.
	commits int
	paged   direct.PagingReport
}

var _ drive.Driver = (*life)(nil)

// errFailed is what a run is made to fail of.
var errFailed = errors.New("simulate: user code has failed")

// epoch is when the first life begins.
var epoch = time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)

// maxSteps is when a life is taken not to end.
const maxSteps = 1_000_000

// born is life n of a schedule.
func born(n int, s schedule, m medium, passed time.Duration, t *trace) *life {
	steps, ops, names := s.of(n)
	l := &life{
		number: n, disk: newDisk(m, ops, names, t), events: steps, trace: t, passed: passed,
		tasks: 2, limits: drive.Limits{Batch: 4, Mailbox: 4, Messages: 2, Cells: 8}, batch: 4, slow: map[int]time.Duration{},
	}
	for len(l.events) > 0 && (l.events[0].kind == doSetup || l.events[0].kind == doUpgrade) {
		e := l.events[0]
		l.events = l.events[1:]
		if e.kind != doSetup {
			continue
		}
		r := rand.New(rand.NewPCG(uint64(e.b), 2))
		l.tasks = min(max(1, e.a), 8)
		l.limits = drive.Limits{Batch: 1 + r.IntN(5), Mailbox: 1 + r.IntN(6), Messages: 1 + r.IntN(4), Cells: 1 + r.IntN(10)}
		l.batch = 1 + r.IntN(6)
		l.tolerate = r.IntN(3)
		l.restarts = r.IntN(4)
		if r.IntN(2) == 0 {
			l.memory = 1 + int64(r.IntN(5))*3000 // a few keys, or none
		}
	}
	return l
}

// live runs the pipeline until it ends or the process does. Saved says that there is a
// state directory.
func (l *life) live(build func(*model.Pipeline), saved bool) (err error) {
	err = errors.New("user code ended the goroutine that called it, as t.FailNow does; have it return an error")
	done := make(chan struct{})
	go func() { // one that user code may end
		defer close(done)
		var p model.Pipeline
		build(&p)
		l.outputs = outputsOf(&p)
		r := direct.Runner{Parallelism: l.tasks, SourceBatch: l.batch, Logger: l.trace.logger()}
		if saved {
			r.Checkpoints = direct.Checkpoints{Dir: stateDir, Tolerate: l.tolerate, Memory: l.memory}
			if l.restarts > 0 {
				r.Restart = direct.FixedDelay{Attempts: l.restarts, Delay: 5 * time.Millisecond}
			}
		}
		var report direct.Report
		report, err = r.Run(drive.With(context.Background(), l), &p)
		l.again = report.Restart.Restarts
		l.paged = report.Checkpoints.Paging
	}()
	<-done
	return err
}

// disturbed reports whether the life may end otherwise than well.
func (l *life) disturbed() bool { return l.harmed() || l.stopped || l.failed > l.restarts }

// left is the disk as the life leaves it.
func (l *life) left() medium {
	if l.Dead() {
		return l.disk.left
	}
	return l.disk.medium
}

// FS implements [drive.Driver], as do the next five.
func (l *life) FS() vfs.FS           { return l.disk }
func (l *life) Now() time.Time       { return epoch.Add(l.passed + l.wall) }
func (l *life) Limits() drive.Limits { return l.limits }
func (l *life) Dead() bool           { return l.disk.isDead() }

// A timer is one that AfterFunc set.
type timer struct {
	life *life
	at   time.Duration
	f    func()
}

func (l *life) AfterFunc(d time.Duration, f func()) drive.Timer {
	t := &timer{l, l.passed + max(0, d), f}
	i, _ := slices.BinarySearchFunc(l.timers, t, func(a, b *timer) int {
		if a.at <= b.at {
			return -1
		}
		return 1
	})
	l.timers = slices.Insert(l.timers, i, t)
	return t
}

// Stop implements [drive.Timer].
func (t *timer) Stop() bool {
	i := slices.Index(t.life.timers, t)
	if i < 0 {
		return false
	}
	t.life.timers = slices.Delete(t.life.timers, i, i+1)
	return true
}

func (l *life) Next(m drive.Moment) (drive.Action, error) {
	if l.Dead() {
		return drive.Action{}, errCrashed
	}
	if l.steps++; l.steps > maxSteps {
		return drive.Action{}, fmt.Errorf("simulate: the run has not ended after %d steps", maxSteps)
	}
	l.passed += 100 * time.Microsecond
	for len(l.events) > 0 && l.events[0].at <= l.steps {
		e := l.events[0]
		l.events = l.events[1:]
		l.trace.step(l.steps, e.kind.String())
		if a, err := l.happen(e); err != nil || a.Do != drive.Wait {
			return a, err
		}
	}
	if m.Phase == drive.Committing {
		if m.Ready > 0 && l.shuffled > 0 && l.luck.IntN(4) > 0 {
			return l.step(m), nil
		}
		return drive.Action{}, nil
	}
	if l.ring() {
		return drive.Action{}, nil
	}
	switch {
	case m.Phase == drive.Crossed && (l.waits == 0 || m.Ready == 0):
		l.commits++
		l.trace.step(l.steps, "commit the checkpoint")
		return drive.Action{Do: drive.Commit}, nil
	case m.Phase == drive.Crossed:
		l.waits--
	case m.Phase == drive.Between && len(l.wanted) > 0:
		l.waits = l.wanted[0].a
		l.wanted = l.wanted[1:]
		l.trace.step(l.steps, "begin a checkpoint")
		return drive.Action{Do: drive.Begin}, nil
	}
	switch {
	case m.Ready > 0:
		return l.step(m), nil
	case len(l.timers) > 0:
		l.passed = l.timers[0].at
		l.ring()
		return drive.Action{}, nil
	}
	return drive.Action{}, errors.New("simulate: the run has not ended, and none of its tasks has anything to do, now or later")
}

// happen has an event of a step happen.
func (l *life) happen(e event) (drive.Action, error) {
	switch e.kind {
	case doCheckpoint:
		l.wanted = append(l.wanted, e)
	case doShuffle:
		l.shuffled, l.luck = e.a, rand.New(rand.NewPCG(uint64(e.b), 3))
	case doSlow:
		l.slow[e.a] = l.passed + time.Duration(e.b)*time.Millisecond
	case doClock:
		l.wall += time.Duration(e.a) * time.Millisecond
	case doFail:
		l.failed++
		return drive.Action{}, errFailed
	case doStop:
		l.stopped = true
		return drive.Action{Do: drive.Stop}, nil
	case doCrash:
		l.disk.mu.Lock()
		l.disk.crash(e.a, e.b)
		l.disk.mu.Unlock()
		return drive.Action{}, errCrashed
	case doKill:
		l.disk.mu.Lock()
		l.disk.kill()
		l.disk.mu.Unlock()
		return drive.Action{}, errCrashed
	}
	return drive.Action{}, nil
}

// ring calls the timers that are due, and reports whether there were any.
func (l *life) ring() (any bool) {
	for len(l.timers) > 0 && l.timers[0].at <= l.passed {
		t := l.timers[0]
		l.timers = l.timers[1:]
		t.f()
		any = true
	}
	return any
}

func (l *life) step(m drive.Moment) drive.Action {
	a := drive.Action{Do: drive.Step}
	if l.shuffled > 0 {
		l.shuffled--
		a.Task = l.luck.IntN(m.Ready)
	}
	return a
}

// nothing is how long the split of a [Stream] has nothing.
func (l *life) nothing(split int) time.Duration { return max(0, l.slow[split]-l.passed) }

// harmed reports whether the process has crashed, or its disk failed.
func (l *life) harmed() bool {
	l.disk.mu.Lock()
	defer l.disk.mu.Unlock()
	return l.disk.dead || l.disk.faults > 0
}
