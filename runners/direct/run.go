package direct

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/millrace/millrace/internal/drive"
	"github.com/millrace/millrace/internal/engine"
	"github.com/millrace/millrace/internal/engine/cells"
	"github.com/millrace/millrace/internal/plan"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/sink"
	"github.com/millrace/millrace/model/source"
)

// A run is one execution of a plan.
type run struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	caller context.Context // that ctx is made from
	cfg    Runner
	plan   *plan.Plan
	stages []*stage
	pools  map[poolKey]*batchPool
	sched  *scheduler
	start  time.Time
	saves  *checkpoints // nil where everything is in memory only
	host   host
	// began says that it got so far that its failure may be an accident.
	began    bool
	restarts RestartReport // before it
	// guarantees are those of its sinks.
	guarantees []Guarantee
}

// A stage is the tasks of a plan's stage.
type stage struct {
	*plan.Stage
	tasks  []*task
	splits *splits // of a source
	rank   int     // the highest is stepped first
	batch  int     // elements a source task reads in a step
	full   int     // how many of its tasks' mailboxes are full; the scheduler's
	// holding is how many of its tasks hold back as much as they may, behind a barrier.
	holding  int
	spacings []spacing // between its tasks
}

// A task is an engine task with its mailbox. All but the engine task itself
// belongs to the scheduler.
type task struct {
	*engine.Task
	stage   *stage
	index   int
	mailbox []engine.Message
	state   taskState
	// parked says that a source has nothing to read until it is woken.
	parked      bool
	timer       drive.Timer     // that wakes it
	resumeAfter time.Duration   // set by the step
	starved     bool            // a source that has nothing to read until others share; set by the step
	hungry      bool            // starved as of its last step
	cut         bool            // a source that was stopped before its end; set by the step
	measured    source.Progress // of a source; set by the step
	lockstep    bool
	taken       []engine.Message // in the step
	finished    bool
	wakeAt      model.Timestamp // processing time at which it is to be woken
	counts      []nodeCounts
	progress    taskProgress
	prepared    []engine.Prepared

	// Of a run with checkpoints:
	durable  *cells.Durable
	paging   *cells.Paging
	settling *settling
	frozen   uint64       // the checkpoint that the cells belong to; 0 once it is durable
	paged    PagingReport // as of its last step
	crowded  bool         // it has no room left, as of its last step
	over     bool         // it takes more memory than it may, as of its last step
	toCross  uint64       // the barrier that a source's task is to cross
	crossed  bool         // it has crossed the one under way
	part     *part        // its part of that checkpoint, until it is saved
	saving   bool         // it has cells to save
	saved    bool         // part is complete; set by the step
	holding  bool         // it holds back as much as it may
	pause    atomic.Int64 // the longest time it spent on a checkpoint at a stretch, in nanoseconds
}

type taskState uint8

const (
	idle taskState = iota
	queued
	running
)

type poolKey struct {
	node *model.Node
	port int
}

// A batchPool is an engine.Pool that tasks share.
type batchPool struct{ sync.Pool }

func (p *batchPool) Put(b any) { p.Pool.Put(b) }
func (p *batchPool) Get() any  { return p.Pool.Get() }

func newRun(caller context.Context, cfg Runner, pl *plan.Plan) *run {
	r := &run{caller: caller, cfg: cfg, plan: pl, pools: map[poolKey]*batchPool{}, host: hostOf(caller)}
	r.ctx, r.cancel = context.WithCancelCause(caller)
	r.start = r.host.Now()
	if r.cfg.clock == nil {
		r.cfg.clock = newClock(r.host, cfg.read, cfg.logger())
	}
	for _, s := range pl.Stages {
		rank := s.ID
		if s.Head.Class == model.Source {
			rank = -1 // sources come last and take turns, so that none is read alone
		}
		r.stages = append(r.stages, &stage{Stage: s, rank: rank, batch: cfg.SourceBatch})
	}
	r.sched = newScheduler(r)
	return r
}

// bounded reports whether s reads a source that has an end.
func (s *stage) bounded() bool {
	spec, ok := s.Head.Spec.(engine.SourceSpec)
	return ok && spec.Bounded()
}

func (r *run) pool(n *model.Node, port int) engine.Pool {
	k := poolKey{n, port}
	p, ok := r.pools[k]
	if !ok {
		p = &batchPool{}
		r.pools[k] = p
	}
	return p
}

// run does everything, and leaves nothing behind.
func (r *run) run() (Report, error) {
	err := context.Cause(r.ctx)
	if err == nil && r.cfg.Checkpoints.Dir != "" {
		r.saves, err = openCheckpoints(r)
	}
	if err == nil && r.saves != nil {
		r.began = r.saves.from != nil
		if ended, cerr := r.saves.resume(); ended || cerr != nil {
			return r.report(), errors.Join(cerr, r.saves.close(cerr))
		}
	}
	if err == nil {
		err = r.build()
	}
	if err == nil {
		r.began = true
		err = r.work()
	}
	if err == nil && r.saves != nil {
		err = r.saves.end()
	}
	stopped := err == ErrStopped
	closeErr := r.closeTasks()
	switch {
	case err == nil:
		err = closeErr
	case closeErr != nil:
		err = errors.Join(err, closeErr)
	}
	if r.saves == nil {
		err = r.settle(err, err == nil || stopped && closeErr == nil && !r.sched.cutShort)
	} else {
		if err != nil {
			err = r.settle(err, false)
		}
		err = errors.Join(err, r.saves.close(err))
	}
	report := r.report()
	if perr := r.show(report); perr != nil {
		err = errors.Join(err, perr)
	}
	return report, err
}

// build makes the tasks and opens what they write to.
func (r *run) build() error {
	for _, s := range r.stages {
		if spec, ok := s.Head.Spec.(engine.SourceSpec); ok {
			var err error
			if s.splits, err = r.splitsOf(s, spec); err != nil {
				return err
			}
		}
		for i := range r.cfg.Parallelism {
			var durable *cells.Durable // nil keeps all in memory
			var paging *cells.Paging
			if r.saves != nil {
				durable = cells.NewDurable(r.saves.cellID, cells.DefaultKeyGroups, i, r.cfg.Parallelism)
				durable.Upgrade(r.saves.stored)
				paging = r.saves.page(durable)
			}
			s.spacings = append(s.spacings, newSpacing())
			t, err := engine.NewTask(engine.Config{
				Context:      r.ctx,
				Stage:        s.Stage,
				Index:        i,
				Of:           r.cfg.Parallelism,
				KeyGroups:    cells.DefaultKeyGroups,
				BatchSize:    r.host.limits.Batch,
				Store:        durable,
				Resumed:      r.saves.known,
				FirstPrepare: r.saves.nextPrepare(),
				Owner:        r.saves.owner(),
				Pool:         r.pool,
			})
			if err != nil {
				return err
			}
			dt := &task{Task: t, stage: s, index: i, wakeAt: model.MaxTimestamp, lockstep: s.splits != nil && s.splits.lockstep, durable: durable}
			s.tasks = append(s.tasks, dt)
			if r.saves != nil {
				dt.paging, dt.settling = paging, &r.saves.settling
				if err := r.saves.restore(dt); err != nil {
					return err
				}
			}
			if err := t.Begin(); err != nil {
				return err
			}
		}
	}
	r.shareMemory()
	return nil
}

// work steps the tasks until all are done.
func (r *run) work() error {
	r.sched.begin()
	if r.ctx.Err() != nil { // since the run began to be built
		r.sched.fail(context.Cause(r.ctx))
	}
	stopProgress := r.reportProgress()
	defer stopProgress()
	stopTelling := r.tellStandstill()
	defer stopTelling()
	stopWatch := context.AfterFunc(r.ctx, func() { r.sched.fail(context.Cause(r.ctx)) })
	defer stopWatch()
	if r.host.driver != nil {
		return r.drive()
	}
	if r.saves != nil {
		return r.workSaving()
	}
	if r.cfg.Stop != nil {
		ended := make(chan struct{})
		defer close(ended)
		go func() {
			select {
			case <-r.cfg.Stop:
				r.sched.stop()
			case <-ended:
			}
		}()
	}
	return r.sched.loop(r.cfg.Parallelism)
}

// workSaving is work with checkpoints in between.
func (r *run) workSaving() error {
	r.saves.listen()
	done, saved := make(chan struct{}), make(chan error, 1)
	if closed(r.cfg.Stop) {
		last := r.saves.begin() // before anything is read, or the run might come to its end first
		go func() { saved <- r.saves.stop(last, done) }()
	} else {
		go func() { saved <- r.saves.loop(done, r.cfg.Stop) }()
	}
	err := r.sched.loop(r.cfg.Parallelism)
	close(done)
	if saveErr := <-saved; err == nil {
		err = saveErr
	}
	return err
}

// splitsOf are the splits of a source, or what a checkpoint has left of them.
func (r *run) splitsOf(s *stage, spec engine.SourceSpec) (*splits, error) {
	if r.saves != nil {
		if left, resumed := r.saves.splitsOf(s); resumed {
			left, err := moved(s.Head, left)
			if err != nil {
				return nil, refusal{err}
			}
			return dealSplits(left, spec, r.cfg.Parallelism), nil
		}
	}
	return newSplits(r.ctx, s.Stage, spec, r.cfg.Parallelism)
}

func (r *run) closeTasks() error {
	var errs []error
	for _, s := range r.stages {
		for _, t := range s.tasks {
			if err := t.Close(); err != nil {
				errs = append(errs, err)
			}
		}
	}
	return errors.Join(errs...)
}

// settle commits what the sinks prepared, or aborts it.
func (r *run) settle(err error, commit bool) error {
	if r.host.dead() {
		return err
	}
	ctx := context.WithoutCancel(r.ctx)
	for _, n := range r.plan.Pipeline.Nodes() {
		spec, ok := n.Spec.(engine.SinkSpec)
		if !ok {
			continue
		}
		prepared := r.preparedBy(n)
		if commit {
			if cerr := guarded(func() error { return spec.Commit(ctx, prepared) }); cerr != nil {
				err = errors.Join(err, fmt.Errorf("%v: %s: committing: %w", n.Site, n.Name, cerr))
				commit = false
			}
			continue
		}
		if aerr := guarded(func() error { return spec.Abort(ctx, prepared) }); aerr != nil {
			err = errors.Join(err, fmt.Errorf("%v: %s: removing what was not committed: %w", n.Site, n.Name, aerr))
		}
	}
	return err
}

// guarded calls user code that no task runs, and returns a panic in it as an error.
func guarded(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	return f()
}

// preparedBy lists what the tasks of n's stages prepared, in shard order.
func (r *run) preparedBy(n *model.Node) []sink.Committable {
	out := r.saves.uncommitted(n)
	for _, s := range r.stages {
		for _, t := range s.tasks {
			prepared := t.prepared
			if t.part != nil { // of a checkpoint that came to nothing
				prepared = append(slices.Clip(prepared), t.part.Prepared...)
			}
			for _, p := range prepared {
				if p.Node == n {
					out = append(out, p.Committable)
				}
			}
		}
	}
	return inShardOrder(out)
}
