package direct

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/millrace/millrace/internal/checkpoint"
	"github.com/millrace/millrace/internal/control"
	"github.com/millrace/millrace/internal/engine"
	"github.com/millrace/millrace/internal/engine/cells"
	"github.com/millrace/millrace/internal/plan"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/sink"
	"github.com/millrace/millrace/model/source"
)

// Checkpoints say how a run survives the end of its process. With a Dir, everything
// that the pipeline remembers is saved there from time to time, together with how far
// its sources were read; sinks commit what they wrote up to that moment once it is
// safe, and not before. A run that finds a checkpoint in Dir goes on from it.
type Checkpoints struct {
	// Dir is the state directory, of this pipeline alone. "" keeps everything in
	// memory only.
	Dir string
	// Every is the time from the beginning of one checkpoint to that of the next; 0
	// is 10 s.
	Every time.Duration
	// MinPause is the least time from the end of one to the beginning of the next, for
	// those that take long.
	MinPause time.Duration
	// Timeout is how long a checkpoint may take to come through all tasks; then it is
	// given up, and has failed. 0 is 10 min.
	Timeout time.Duration
	// Tolerate is how many checkpoints in a row may fail without the run failing. What
	// one has that failed is in the next; until then, sinks do not commit it.
	Tolerate int
	// Retain is how many checkpoints are kept; 0 is 2.
	Retain int
	// Memory is about how many bytes cells by key, and the cache of those that are not in
	// memory, may take, all tasks together; 0 is [DefaultMemory].
	Memory int64

	// Restore is the directory of a checkpoint, or a state directory with some: the run
	// begins from it, copied to Dir, which must not have state. Nothing of it is changed.
	// Or it is the URL that checkpoints were shipped to, with #NAME or #NUMBER at its end
	// for another than the newest.
	Restore string
	// Ship is the URL of an object store, as package objectstore opens them, that each
	// checkpoint is shipped to after it is durable, for the loss of the machine. That
	// delays no checkpoint, and fails none. What is there belongs to this state directory
	// alone; Retain holds there, too. A run that ends waits up to a minute for its last
	// checkpoint to be shipped.
	Ship string
	// CommitShipped has sinks commit what they wrote up to a checkpoint only once that is
	// shipped: then results are exactly once across the loss of the machine, too, and wait
	// for the object store. A checkpoint that is not shipped within Timeout has failed.
	CommitShipped bool
	// AllowDropped says that what was saved and nothing in the pipeline claims any more,
	// by its name, is to be lost. Otherwise the run does not start.
	AllowDropped bool
	// AllowChangedIO says that a source or a sink may be at another place, or of another
	// form, than what the checkpoint was taken with, as where files were moved: a
	// [source.Movable] is read on there, and a sink writes there from now on. Otherwise the
	// run does not start.
	AllowChangedIO bool

	ships         *ships        // of a call of Run
	fs            vfs.FS        // of tests
	shippingPause time.Duration // of tests
}

func (c Checkpoints) fileSystem() vfs.FS {
	if c.fs == nil {
		return vfs.Default
	}
	return c.fs
}

// checkpoints takes a run's checkpoints, in a goroutine of its own. What tasks do
// for it is the scheduler's (crossing.go).
//
// The order on which exactly-once rests: sinks prepare at the barrier; what they
// prepared is part of the checkpoint; they commit after the checkpoint is durable,
// and again when a run goes on from it.
type checkpoints struct {
	run   *run
	cfg   Checkpoints
	store *checkpoint.Store
	from  *checkpoint.Manifest // that the run goes on from, or nil
	ids   map[string]uint32    // of cells
	cells []checkpoint.Cell
	// schemas are those that cells had in from.
	schemas map[string][]string
	// transforms are those of the pipeline, as they are saved.
	transforms []checkpoint.Transform
	at         map[*plan.Stage]checkpoint.Stage // where the stages were; of a run that goes on
	// What sinks prepared and have not committed (giveup.go).
	carried, owed map[*model.Node][]sink.Committable
	tried         map[*model.Node]bool // a Commit of what is owed has failed
	// What is asked of the run from outside (asked.go).
	server    *control.Server
	asked     chan question
	over      chan struct{} // closed when nothing more is answered
	draining  *question
	savepoint string               // the name of the next checkpoint
	lastID    uint64               // that was given to a checkpoint
	newest    *checkpoint.Manifest // that was taken
	shipping  bool                 // what is taken is to be shipped
	crossing  *crossing            // under way, or late; nil once what it has was gathered
	taken     atomic.Int64
	last      atomic.Int64 // nanoseconds
	mu        sync.Mutex
	failed    failures // guarded by mu
	settling  settling
}

func openCheckpoints(r *run) (*checkpoints, error) {
	c := &checkpoints{
		run: r, cfg: r.cfg.Checkpoints, ids: map[string]uint32{}, schemas: map[string][]string{},
		transforms: transformsOf(r.plan.Pipeline),
		carried:    map[*model.Node][]sink.Committable{}, owed: map[*model.Node][]sink.Committable{},
		tried: map[*model.Node]bool{},
	}
	driver := r.host.driver
	if c.cfg.fs == nil && driver != nil {
		c.cfg.fs = driver.FS()
	}
	c.cfg.fs = c.cfg.fileSystem()
	if c.cfg.Every <= 0 {
		c.cfg.Every = 10 * time.Second
	}
	if c.cfg.Retain <= 0 {
		c.cfg.Retain = 2
	}
	if c.cfg.Timeout <= 0 {
		c.cfg.Timeout = 10 * time.Minute
	}
	if err := c.refuse(); err != nil {
		return nil, refusal{err}
	}
	var diff *PlanDiff
	store, err := checkpoint.Open(c.cfg.fs, c.cfg.Dir, checkpoint.Options{
		KeyGroups: cells.DefaultKeyGroups, Retain: c.cfg.Retain, Logger: r.cfg.Logger, Synchronous: driver != nil,
		CacheBytes: c.cfg.cacheBytes(),
		Accept: func(in checkpoint.Inspection) (err error) {
			diff, err = c.accept(in)
			return err
		},
	})
	if err != nil {
		return nil, err
	}
	c.store = store
	if c.from != nil {
		c.at = c.positions()
		c.setBack()
		err = c.takeCells(diff)
	}
	if err == nil {
		err = c.beginShipping()
	}
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return c, nil
}

// setBack has no stage go on from a processing time that has not come yet: what goes by
// it would be silent until then.
func (c *checkpoints) setBack() {
	most := time.Duration(0)
	for s, at := range c.at {
		var back time.Duration
		at.Now, back = c.run.cfg.clock.reached(at.Now)
		c.at[s], most = at, max(most, back)
	}
	if most >= adjusted {
		c.run.cfg.Logger.Warn("the clock is behind that of the run which took the checkpoint; processing time goes back to it",
			"by", most.Round(time.Millisecond), "checkpoint", c.from.ID,
			"to do", "look which of the two clocks is wrong; what was to happen at a processing time that was set before the checkpoint still happens at that time")
	}
}

// accept goes on from what is in the directory, unless the pipeline cannot.
func (c *checkpoints) accept(in checkpoint.Inspection) (*PlanDiff, error) {
	c.from = in.Manifest
	diff, err := c.run.compare(in)
	if err != nil {
		return nil, err
	}
	if err := diff.Err(c.cfg.AllowDropped); err != nil {
		return nil, refusal{err}
	}
	for _, change := range diff.Changes {
		if change.Verdict == Migrated || change.Verdict == Dropped || change.Verdict == New {
			c.run.cfg.Logger.Info("going on from another version of the pipeline", "verdict", change.Verdict.String(),
				"what", change.What, "name", change.Name, "details", change.Details)
		}
	}
	return diff, nil
}

// takeCells goes on with the cells of the checkpoint, and has those be gone that
// nothing claims.
func (c *checkpoints) takeCells(diff *PlanDiff) error {
	claims := func(cell checkpoint.Cell) bool {
		name := cell.Name
		if of, ok := cells.IndexOf(cell.Name, cell.Schemas); ok {
			name = of
		}
		return slices.ContainsFunc(diff.Changes, func(x PlanChange) bool {
			return x.What == "state" && x.Name == name && (x.Verdict == Kept || x.Verdict == Migrated || x.Verdict == Dropped && len(x.Details) > 0)
		})
	}
	for _, cell := range c.from.Cells {
		if !claims(cell) {
			if err := c.store.Write(dropped(cell.ID)); err != nil { // its number may be given anew
				return err
			}
			continue
		}
		c.cells = append(c.cells, cell)
		c.ids[cell.Name], c.schemas[cell.Name] = cell.ID, cell.Schemas
	}
	return nil
}

// refuse says which parts of the pipeline cannot be saved, for reasons that have
// nothing to do with types.
func (c *checkpoints) refuse() error {
	var errs []error
	for _, n := range c.run.plan.Pipeline.Nodes() {
		if spec, ok := n.Spec.(engine.SourceSpec); ok && spec.Lockstep() {
			errs = append(errs, fmt.Errorf("%v: %s: a scripted source cannot be resumed", n.Site, n.Name))
		}
	}
	return errors.Join(errs...)
}

// cellID is the number of a cell.
func (c *checkpoints) cellID(name string) uint32 {
	id, ok := c.ids[name]
	if !ok {
		for _, cell := range c.cells {
			id = max(id, cell.ID)
		}
		id++
		c.ids[name] = id
		c.cells = append(c.cells, checkpoint.Cell{ID: id, Name: name})
	}
	return id
}

// resume commits what was prepared for the checkpoint that the run goes on from: the
// process may have died in between. It reports whether that was the end of the
// pipeline.
func (c *checkpoints) resume() (ended bool, err error) {
	if c.from == nil {
		return false, c.sweep(c.run.ctx)
	}
	if !c.store.SinksCommitted() {
		if err = c.beforeSinks(c.from); err == nil {
			err = c.recommit(c.run.ctx)
		}
		if err == nil {
			err = c.store.NoteCommitted(c.from.ID)
		}
	}
	if err == nil {
		err = c.sweep(c.run.ctx)
	}
	if err == nil && c.from.Finished {
		c.run.cfg.Logger.Info("the pipeline had come to its end already; remove the state directory to run it again", "dir", c.cfg.Dir)
	}
	return c.from.Finished, err
}

// splitsOf are the splits of a source that are still to be read.
func (c *checkpoints) splitsOf(s *stage) (list []source.Split, resumed bool) {
	if c.from == nil {
		return nil, false
	}
	for _, src := range c.from.Sources {
		if src.Name == s.Head.Name {
			return src.Splits, true
		}
	}
	return nil, false // it is new
}

// restore loads a task's cells, and takes it to where the checkpoint was.
func (c *checkpoints) restore(t *task) error {
	if err := t.durable.Err(); err != nil {
		return refusal{fmt.Errorf("%v: %s: %w; run without a state directory to keep it in memory", t.stage.Head.Site, t.stage.Head.Name, err)}
	}
	c.describe(t)
	if c.from == nil {
		return nil
	}
	var failed []func() error
	err := t.durable.Load(func(start, end []byte) iter.Seq2[[]byte, []byte] {
		entries, err := c.store.Scan(start, end)
		failed = append(failed, err)
		return entries
	})
	for _, f := range failed {
		err = errors.Join(err, f())
	}
	if err != nil {
		return fmt.Errorf("%v: %s: reading checkpoint %d: %w", t.stage.Head.Site, t.stage.Head.Name, c.from.ID, err)
	}
	// What a task sends is late for whoever it feeds if it was at the checkpoint.
	at := c.at[t.stage.Stage]
	t.Restore(at.Watermark, at.Out, at.Now)
	for _, tail := range t.stage.Tails {
		t.Raise(c.at[tail.To].Watermark)
	}
	return nil
}

// describe notes how t's cells are saved.
func (c *checkpoints) describe(t *task) {
	t.durable.Schemas(func(id uint32, schemas []string) {
		c.cells[slices.IndexFunc(c.cells, func(cell checkpoint.Cell) bool { return cell.ID == id })].Schemas = schemas
	})
}

// loop takes checkpoints until done is closed, and a last one when stop is.
func (c *checkpoints) loop(done, stop <-chan struct{}) error {
	due := time.NewTimer(c.cfg.Every)
	defer due.Stop()
	for {
		select {
		case <-done:
			return nil
		case <-stop:
			return c.stopped(c.take(done))
		case q := <-c.asked:
			if err := c.do(q, done); err != nil {
				c.run.sched.fail(err)
				return err
			}
		case <-due.C:
			begun := time.Now()
			if err := c.tolerate(c.take(done)); err != nil {
				c.run.sched.fail(err)
				return err
			}
			due.Reset(max(c.cfg.Every-time.Since(begun), c.cfg.MinPause))
		}
	}
}

// take takes one checkpoint, unless the run fails before all tasks are through.
func (c *checkpoints) take(done <-chan struct{}) error {
	begun := time.Now()
	if through, err := c.afterLate(done); !through || err != nil {
		return err
	}
	return c.complete(c.begin(), begun, done)
}

// complete takes a checkpoint that has begun; nil is none.
func (c *checkpoints) complete(x *crossing, begun time.Time, done <-chan struct{}) error {
	if x == nil {
		return nil
	}
	if through, err := c.await(x, done); !through {
		return err
	}
	if err := c.finish(x); err != nil {
		return err
	}
	c.last.Store(int64(time.Since(begun)))
	return nil
}

// finish commits a checkpoint that all tasks are through with.
func (c *checkpoints) finish(x *crossing) error {
	err := c.gather(x)
	m := c.manifest(x)
	if err == nil {
		err = c.run.interleave()
	}
	if err == nil {
		err = c.commit(m)
	}
	if err != nil {
		return fmt.Errorf("checkpoint %d: %w", x.id, err)
	}
	return nil
}

// manifest is the checkpoint without its cells.
func (c *checkpoints) manifest(x *crossing) *checkpoint.Manifest {
	m := &checkpoint.Manifest{ID: x.id, Created: c.run.host.Now(), Cells: c.cells, Transforms: c.transforms, KeyGroups: cells.DefaultKeyGroups, Savepoint: c.savepoint}
	for _, s := range c.run.stages {
		at := checkpoint.Stage{Name: s.Head.Name, Watermark: model.MaxTimestamp, Out: model.MaxTimestamp, Now: model.MinTimestamp}
		var left []source.Split
		for _, t := range s.tasks {
			p := x.parts[t]
			at.Watermark = min(at.Watermark, p.Watermark) // of all the same, where there is an input
			at.Out = min(at.Out, p.Out)
			at.Now = max(at.Now, p.Now)
			left = append(left, p.Splits...)
		}
		m.Stages = append(m.Stages, at)
		if s.splits != nil {
			m.Sources = append(m.Sources, checkpoint.Source{Name: s.Head.Name, Splits: append(left, x.unread[s]...)})
		}
	}
	for _, n := range c.run.plan.Pipeline.Nodes() {
		if prepared := c.preparedFor(n); len(prepared) > 0 {
			m.Sinks = append(m.Sinks, checkpoint.Sink{Name: n.Name, Prepared: prepared})
		}
	}
	return m
}

// commit makes m durable, and then has the sinks commit.
func (c *checkpoints) commit(m *checkpoint.Manifest) error {
	err := c.store.Commit(m)
	c.owe(err)
	if err != nil {
		return err
	}
	c.settled(m.ID)
	c.taken.Add(1)
	c.newest = m
	if err := c.run.interleave(); err != nil {
		return err
	}
	if err := c.beforeSinks(m); err != nil {
		return err
	}
	committed := false
	defer func() { c.afterSinks(m, committed) }()
	ctx := context.WithoutCancel(c.run.ctx)
	for _, s := range m.Sinks {
		n := c.node(s.Name)
		if err := c.commitTo(ctx, n, s.Prepared, c.tried[n]); err != nil {
			c.tried[n] = true
			return fmt.Errorf("%v: %s: committing: %w", n.Site, n.Name, err)
		}
		delete(c.owed, n)
		delete(c.tried, n)
	}
	committed = true
	return c.store.NoteCommitted(m.ID)
}

// end takes the last checkpoint, of a run that has come to its end.
func (c *checkpoints) end() error {
	if c.crossing != nil { // and was late
		if err := c.gather(c.crossing); err != nil {
			return err
		}
	}
	x := &crossing{id: c.nextID(), parts: map[*task]*part{}}
	c.crossing = x
	for _, s := range c.run.stages {
		for _, t := range s.tasks {
			if err := t.captureFinished(x.id); err != nil {
				return err
			}
			x.parts[t], t.part = t.part, nil
		}
	}
	if c.draining != nil {
		c.savepoint = c.draining.Savepoint
	}
	err := c.gather(x)
	if err == nil {
		m := c.manifest(x)
		m.Finished = true
		err = c.commit(m)
	}
	if err != nil {
		return fmt.Errorf("checkpoint %d: %w", x.id, err)
	}
	c.drained()
	return nil
}
