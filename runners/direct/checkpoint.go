package direct

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/millrace/millrace/internal/checkpoint"
	"github.com/millrace/millrace/internal/engine"
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
	// Retain is how many checkpoints are kept; 0 is 2.
	Retain int

	fs vfs.FS // of tests
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
	// carried is what sinks prepared for checkpoints that failed.
	carried map[*model.Node][]sink.Committable
	taken   atomic.Int64
	last    atomic.Int64 // nanoseconds
}

func openCheckpoints(r *run) (*checkpoints, error) {
	c := &checkpoints{run: r, cfg: r.cfg.Checkpoints, ids: map[string]uint32{}, carried: map[*model.Node][]sink.Committable{}}
	if c.cfg.fs == nil {
		c.cfg.fs = vfs.Default
	}
	if c.cfg.Every <= 0 {
		c.cfg.Every = 10 * time.Second
	}
	if c.cfg.Retain <= 0 {
		c.cfg.Retain = 2
	}
	if err := c.refuse(); err != nil {
		return nil, err
	}
	store, err := checkpoint.Open(c.cfg.fs, c.cfg.Dir, checkpoint.Options{
		KeyGroups: engine.DefaultKeyGroups, Retain: c.cfg.Retain, Logger: r.cfg.Logger,
	})
	if err != nil {
		return nil, err
	}
	c.store = store
	if c.from = store.Recovered(); c.from == nil {
		return c, nil
	}
	c.cells = c.from.Cells
	for _, cell := range c.cells {
		c.ids[cell.Name] = cell.ID
	}
	if err := c.matches(); err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return c, nil
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

// matches says how the pipeline differs from the one that the checkpoint is of.
func (c *checkpoints) matches() error {
	was, is := c.from.Graph, graphOf(c.run.plan.Pipeline)
	for i := range max(len(was), len(is)) {
		switch {
		case i >= len(was):
			return fmt.Errorf("%s holds the state of another pipeline: this one has also %q; use another directory", c.cfg.Dir, is[i])
		case i >= len(is):
			return fmt.Errorf("%s holds the state of another pipeline: that one has also %q; use another directory", c.cfg.Dir, was[i])
		case was[i] != is[i]:
			return fmt.Errorf("%s holds the state of another pipeline: there it says %q, here %q; use another directory", c.cfg.Dir, was[i], is[i])
		}
	}
	return nil
}

// graphOf says of each transform what state depends on: its name, types and windows.
func graphOf(p *model.Pipeline) (lines []string) {
	for _, n := range p.Nodes() {
		line := n.Name + " " + n.Kind
		for _, in := range n.Inputs {
			line += fmt.Sprintf(" < %s.%d", in.Producer.Name, in.Port)
		}
		for _, out := range n.Outputs {
			line += fmt.Sprintf(" > %v", out.Type)
			if w := out.Windowing; w != nil && w.Strategy.Windows != nil {
				line += fmt.Sprintf(" in %v", w.Strategy)
			}
		}
		lines = append(lines, line)
	}
	return lines
}

// cellID is the number of a cell of s.
func (c *checkpoints) cellID(s *stage, cell string) uint32 {
	name := s.Head.Name + "/" + cell
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
		return false, nil
	}
	if !c.store.SinksCommitted() {
		err = c.recommit(c.run.ctx)
	}
	if err == nil && c.from.Finished {
		c.run.cfg.Logger.Info("the pipeline had come to its end already; remove the state directory to run it again", "dir", c.cfg.Dir)
	}
	return c.from.Finished, err
}

func (c *checkpoints) recommit(ctx context.Context) error {
	for _, s := range c.from.Sinks {
		n := c.node(s.Name)
		if err := guarded(func() error { return n.Spec.(engine.SinkSpec).Commit(ctx, s.Prepared) }); err != nil {
			return fmt.Errorf("%v: %s: committing what checkpoint %d prepared: %w", n.Site, n.Name, c.from.ID, err)
		}
	}
	return nil
}

func (c *checkpoints) node(name string) *model.Node {
	nodes := c.run.plan.Pipeline.Nodes()
	return nodes[slices.IndexFunc(nodes, func(n *model.Node) bool { return n.Name == name })]
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
	return nil, true
}

// restore loads a task's cells, and takes it to where the checkpoint was.
func (c *checkpoints) restore(t *task) error {
	if err := t.durable.Err(); err != nil {
		return fmt.Errorf("%v: %s: %w; run without a state directory to keep it in memory", t.stage.Head.Site, t.stage.Head.Name, err)
	}
	if err := c.describe(t); err != nil || c.from == nil {
		return err
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
	at := c.stageAt(t.stage.Head.Name)
	// What a task sends is late for whoever it feeds if it was at the checkpoint.
	out := at.Out
	for _, tail := range t.stage.Tails {
		out = max(out, c.stageAt(tail.To.Head.Name).Watermark)
	}
	t.Restore(at.Watermark, out, at.Now)
	return nil
}

// describe notes how t's cells are saved, and refuses those that were saved in another
// way.
func (c *checkpoints) describe(t *task) (err error) {
	t.durable.Schemas(func(id uint32, schema string) {
		cell := &c.cells[slices.IndexFunc(c.cells, func(cell checkpoint.Cell) bool { return cell.ID == id })]
		switch {
		case cell.Schema == "":
			cell.Schema = schema
		case cell.Schema != schema && err == nil:
			err = fmt.Errorf("%v: %s: the state %q was saved as\n%s\nand is now\n%s\ngo back to the types that it was saved with, or begin with another directory than %s",
				t.stage.Head.Site, t.stage.Head.Name, cell.Name, cell.Schema, schema, c.cfg.Dir)
		}
	})
	return err
}

func (c *checkpoints) stageAt(name string) checkpoint.Stage {
	for _, s := range c.from.Stages {
		if s.Name == name {
			return s
		}
	}
	return checkpoint.Stage{Name: name, Watermark: model.MinTimestamp, Out: model.MinTimestamp, Now: model.MinTimestamp}
}

func (c *checkpoints) report() CheckpointReport {
	if c == nil {
		return CheckpointReport{}
	}
	r := CheckpointReport{Taken: c.taken.Load(), Last: time.Duration(c.last.Load()), Bytes: c.store.Stats().Bytes}
	for _, s := range c.run.stages {
		for _, t := range s.tasks {
			r.LongestPause = max(r.LongestPause, time.Duration(t.pause.Load()))
		}
	}
	return r
}

// loop takes checkpoints until done is closed, and a last one when stop is.
func (c *checkpoints) loop(done, stop <-chan struct{}) error {
	tick := time.NewTicker(c.cfg.Every)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return nil
		case <-stop:
			err := c.take(done)
			if err == nil {
				err = ErrStopped
			}
			c.run.sched.fail(err)
			return err
		case <-tick.C:
			if err := c.take(done); err != nil {
				c.run.sched.fail(err)
				return err
			}
		}
	}
}

// take takes one checkpoint, unless the run fails before all tasks are through.
func (c *checkpoints) take(done <-chan struct{}) error {
	begun := time.Now()
	x := c.run.sched.cross(c.store.NextID())
	if x == nil {
		return nil
	}
	select {
	case <-x.complete:
	case <-done:
		select {
		case <-x.complete: // the run ended well, and the checkpoint is whole
		default:
			return nil
		}
	}
	m := c.manifest(x)
	for _, s := range c.run.stages {
		for _, t := range s.tasks {
			if err := c.store.Apply(&x.parts[t].changes); err != nil {
				return c.failed(x, err)
			}
		}
	}
	if err := c.commit(m); err != nil {
		return c.failed(x, err)
	}
	c.last.Store(int64(time.Since(begun)))
	return nil
}

func (c *checkpoints) failed(x *crossing, err error) error {
	return fmt.Errorf("checkpoint %d: %w", x.id, err)
}

// manifest is the checkpoint without its cells.
func (c *checkpoints) manifest(x *crossing) *checkpoint.Manifest {
	m := &checkpoint.Manifest{ID: x.id, Created: time.Now(), Cells: c.cells, Graph: graphOf(c.run.plan.Pipeline), KeyGroups: engine.DefaultKeyGroups}
	for _, s := range c.run.stages {
		at := checkpoint.Stage{Name: s.Head.Name, Watermark: model.MaxTimestamp, Out: model.MaxTimestamp, Now: model.MinTimestamp}
		var left []source.Split
		for _, t := range s.tasks {
			p := x.parts[t]
			at.Watermark = min(at.Watermark, p.Watermark) // of all the same, where there is an input
			at.Out = min(at.Out, p.Out)
			at.Now = max(at.Now, p.Now)
			left = append(left, p.Splits...)
			for _, prepared := range p.Prepared {
				c.carried[prepared.Node] = append(c.carried[prepared.Node], prepared.Committable)
			}
		}
		m.Stages = append(m.Stages, at)
		if s.splits != nil {
			m.Sources = append(m.Sources, checkpoint.Source{Name: s.Head.Name, Splits: append(left, x.unread[s]...)})
		}
	}
	for _, n := range c.run.plan.Pipeline.Nodes() {
		if prepared := c.carried[n]; len(prepared) > 0 {
			m.Sinks = append(m.Sinks, checkpoint.Sink{Name: n.Name, Prepared: prepared})
		}
	}
	return m
}

// commit makes m durable, and then has the sinks commit.
func (c *checkpoints) commit(m *checkpoint.Manifest) error {
	if err := c.store.Commit(m); err != nil {
		return err
	}
	c.taken.Add(1)
	clear(c.carried)
	ctx := context.WithoutCancel(c.run.ctx)
	for _, s := range m.Sinks {
		n := c.node(s.Name)
		if err := guarded(func() error { return n.Spec.(engine.SinkSpec).Commit(ctx, s.Prepared) }); err != nil {
			return fmt.Errorf("%v: %s: committing: %w", n.Site, n.Name, err)
		}
	}
	return c.store.NoteCommitted(m.ID)
}

// end takes the last checkpoint, of a run that has come to its end.
func (c *checkpoints) end() error {
	x := &crossing{id: c.store.NextID(), parts: map[*task]*part{}}
	for _, s := range c.run.stages {
		for _, t := range s.tasks {
			if err := t.captureFinished(x.id); err != nil {
				return err
			}
			x.parts[t] = t.part
			if err := c.store.Apply(&t.part.changes); err != nil {
				return c.failed(x, err)
			}
		}
	}
	m := c.manifest(x)
	m.Finished = true
	if err := c.commit(m); err != nil {
		return c.failed(x, err)
	}
	return nil
}
