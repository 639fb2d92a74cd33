package simulate

import (
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/runners/direct"
)

// An Option adjusts a [Run].
type Option func(*options)

type options struct {
	seeds  int
	first  uint64
	replay *string
	next   func(*model.Pipeline)
}

// Seeds is how many schedules are drawn; 200 by default.
func Seeds(n int) Option { return func(o *options) { o.seeds = n } }

// From is the first seed; 0 by default.
func From(seed uint64) Option { return func(o *options) { o.first = seed } }

// Upgrade has a later version of the pipeline take over from some process on, which goes
// on from the checkpoints of the first. Undisturbed, both must make the same.
func Upgrade(next func(p *model.Pipeline)) Option { return func(o *options) { o.next = next } }

// Replay plays the one schedule that a failed Run has printed, and has the run's log in
// the test's.
func Replay(schedule string) Option { return func(o *options) { o.replay = &schedule } }

// Run runs the pipeline that build makes: once undisturbed, and then by many schedules,
// each drawn from its seed. In each, processes come one after the other: they take
// checkpoints at drawn moments, crash or are stopped, and the next goes on. What the
// outputs have committed when the last has come to its end must be what they have of the
// undisturbed run. If not, the test fails, with the seed and the schedule, of which
// nothing can be left out, as [Replay] takes it.
//
// Half of the processes have memory for a few keys, or none, so that cells by key leave it
// and come back all the time.
//
// Build is called for each process, by several goroutines at the same time. It must make
// the same pipeline each time, with at least one [Output], and sources that are a
// [Stream] or as good at being read again. User functions that ask package time, or
// draw, make a schedule that cannot be replayed.
//
// A seed costs some milliseconds for a few dozen events. Seeds are run on all cores.
func Run(t testing.TB, build func(p *model.Pipeline), opts ...Option) {
	t.Helper()
	o := options{seeds: 200}
	for _, opt := range opts {
		opt(&o)
	}
	c := &campaign{build: build, next: o.next}
	if err := c.undisturbed(); err != nil {
		t.Fatal(err)
	}
	if o.replay != nil {
		s, err := parseSchedule(*o.replay)
		if err != nil {
			t.Fatalf("simulate.Replay: %v", err)
		}
		if err := c.play(s, &trace{t}, &tally{}); err != nil {
			t.Fatal(err)
		}
		return
	}
	var sum tally
	failed, err := c.seeds(o.first, o.seeds, &sum)
	if err == nil {
		t.Logf("%v", &sum)
		return
	}
	s := c.shrink(c.draw(failed))
	if again := c.play(s, nil, &tally{}); again != nil {
		err = again
	}
	t.Fatalf("seed %d: %v\nto play what leads to it:\n\tsimulate.Replay(%q)", failed, err, s)
}

// A campaign is the pipeline of one Run, and what it makes undisturbed.
type campaign struct {
	build func(*model.Pipeline)
	next  func(*model.Pipeline) // the later version; or nil
	want  map[string][]string   // by output
	steps int
}

// outputsOf are what a pipeline's results are read from.
func outputsOf(p *model.Pipeline) (list []output) {
	for _, n := range p.Nodes() {
		if s, ok := n.Spec.(interface{ output() output }); ok {
			list = append(list, s.output())
		}
	}
	return list
}

// undisturbed runs the pipeline without a state directory.
func (c *campaign) undisturbed() error {
	l := born(0, nil, newMedium(), 0, nil)
	if err := l.live(c.build, false); err != nil {
		return fmt.Errorf("the undisturbed run failed: %w", err)
	}
	if len(l.outputs) == 0 {
		return errors.New("the pipeline has no simulate.Output, so there is nothing to compare")
	}
	c.steps = l.steps
	var err error
	if c.want, err = committed(l.left().mem, l.outputs); err != nil || c.next == nil {
		return err
	}
	l = born(0, nil, newMedium(), 0, nil)
	if err := l.live(c.next, false); err != nil {
		return fmt.Errorf("the undisturbed run of the later version failed: %w", err)
	}
	got, err := committed(l.left().mem, l.outputs)
	if err == nil {
		err = c.differs(got)
	}
	if err != nil {
		return fmt.Errorf("the later version, to which nothing happened: %w", err)
	}
	return nil
}

func (c *campaign) draw(seed uint64) schedule { return draw(seed, c.steps, c.next != nil) }

// committed is what the outputs have committed.
func committed(fs vfs.FS, outputs []output) (map[string][]string, error) {
	got := map[string][]string{}
	for _, o := range outputs {
		name, lines, err := o.committed(fs)
		if err != nil {
			return nil, err
		}
		got[name] = lines
	}
	return got, nil
}

// seeds plays n seeds, on all cores, and returns the one that failed.
func (c *campaign) seeds(first uint64, n int, sum *tally) (failed uint64, err error) {
	var next atomic.Int64
	var mu sync.Mutex
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for {
				i := next.Add(1) - 1
				if i >= int64(n) {
					return
				}
				seed := first + uint64(i)
				var one tally
				e := c.play(c.draw(seed), nil, &one)
				mu.Lock()
				sum.add(one)
				if e != nil && (err == nil || seed < failed) {
					failed, err = seed, e
					next.Store(int64(n)) // those under way are the last
				}
				mu.Unlock()
			}
		})
	}
	workers.Wait()
	return failed, err
}

// play plays a schedule, and then as many lives without anything in them as it takes.
func (c *campaign) play(s schedule, t *trace, sum *tally) error {
	disk := newMedium()
	*sum = tally{seeds: 1}
	saved := false
	ended := 0
	build := c.build
	var l *life
	for n := 0; ended < 2; n++ {
		before := l
		l = born(n, s, disk, 0, t)
		if before != nil {
			l.passed, l.wall = before.passed, before.wall
		}
		t.life(n)
		if c.next != nil && s.upgrades(n) {
			build = c.next
			t.upgraded()
		}
		err := l.live(build, true)
		t.ended(err)
		disk = l.left()
		sum.lived(l, saved)
		saved = saved || l.commits > 0
		switch {
		case err == nil:
			ended++ // and begin again: nothing may come of that
		case !l.disturbed():
			return fmt.Errorf("process %d, to which nothing happened that it does not go on from, failed: %w", n, err)
		case l.stopped && l.failed == 0 && !l.harmed() && !errors.Is(err, direct.ErrStopped):
			return fmt.Errorf("process %d was stopped, and failed: %w", n, err)
		}
	}
	got, err := committed(disk.mem.CrashClone(vfs.CrashCloneCfg{}), l.outputs)
	if err != nil {
		return err
	}
	return c.differs(got)
}

// differs says how got differs from the undisturbed run.
func (c *campaign) differs(got map[string][]string) error {
	var texts []string
	for _, name := range slices.Sorted(maps.Keys(c.want)) {
		lost, extra := difference(c.want[name], got[name])
		for i, lines := range [][]string{lost, extra} {
			const most = 5
			for j, line := range lines {
				if j == most {
					texts = append(texts, fmt.Sprintf("... and %d more", len(lines)-most))
					break
				}
				texts = append(texts, fmt.Sprintf("%s: %s: %s", name, []string{"lost", "too many"}[i], line))
			}
		}
	}
	if len(texts) == 0 {
		return nil
	}
	return fmt.Errorf("what was committed differs from the undisturbed run:\n%s", strings.Join(texts, "\n"))
}

// difference is what is only in one of two sorted lists.
func difference(a, b []string) (onlyA, onlyB []string) {
	for len(a) > 0 || len(b) > 0 {
		switch {
		case len(b) == 0 || len(a) > 0 && a[0] < b[0]:
			onlyA, a = append(onlyA, a[0]), a[1:]
		case len(a) == 0 || b[0] < a[0]:
			onlyB, b = append(onlyB, b[0]), b[1:]
		default:
			a, b = a[1:], b[1:]
		}
	}
	return onlyA, onlyB
}

// A tally is what seeds came to.
type tally struct {
	seeds, lives, crashes, faults, stops, failures, restarts int
	resumed                                                  int // lives that went on from a checkpoint
	commits                                                  int
	evicted, loaded                                          int64 // cells by key
}

func (t *tally) lived(l *life, saved bool) {
	t.lives++
	t.commits += l.commits
	t.evicted += l.paged.Evicted
	t.loaded += l.paged.Loaded
	if l.Dead() {
		t.crashes++
	}
	if l.disk.faults > 0 {
		t.faults++
	}
	if l.stopped {
		t.stops++
	}
	t.failures += l.failed
	t.restarts += l.again
	if saved {
		t.resumed++
	}
}

func (t *tally) add(o tally) {
	t.seeds += o.seeds
	t.lives += o.lives
	t.crashes += o.crashes
	t.faults += o.faults
	t.stops += o.stops
	t.failures += o.failures
	t.restarts += o.restarts
	t.resumed += o.resumed
	t.commits += o.commits
	t.evicted += o.evicted
	t.loaded += o.loaded
}

func (t *tally) String() string {
	return fmt.Sprintf("%d seeds: %d processes, of which %d crashed, %d met a disk that failed and %d were stopped; user code failed %d times, and runs were started again %d times; %d checkpoints; %d went on from one; %d cells left memory, and %d came back",
		t.seeds, t.lives, t.crashes, t.faults, t.stops, t.failures, t.restarts, t.commits, t.resumed, t.evicted, t.loaded)
}
