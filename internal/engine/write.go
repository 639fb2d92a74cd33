package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/sink"
)

// A SinkSpec is a FusedSpec whose tasks prepare what its runner commits.
type SinkSpec interface {
	FusedSpec
	Commit(ctx context.Context, prepared []sink.Committable) error
	Abort(ctx context.Context, prepared []sink.Committable) error
}

// WriteSpec is the SinkSpec of a [sink.Sink]. Each task is a shard.
type WriteSpec[T any] struct {
	Sink sink.Sink[T]
	// Shards is how many tasks get elements; 0 is all of them.
	Shards int
}

// Target is what the sink wants for itself, or "".
func (s *WriteSpec[T]) Target() string {
	if e, ok := any(s.Sink).(sink.Exclusive); ok {
		return e.Target()
	}
	return ""
}

// Commit implements [SinkSpec].
func (s *WriteSpec[T]) Commit(ctx context.Context, prepared []sink.Committable) error {
	return s.Sink.Commit(ctx, prepared)
}

// Abort implements [SinkSpec].
func (s *WriteSpec[T]) Abort(ctx context.Context, prepared []sink.Committable) error {
	return s.Sink.Abort(ctx, prepared)
}

// Sweep removes what earlier attempts of owner have left, if the sink can tell, and says
// how much that was.
func (s *WriteSpec[T]) Sweep(ctx context.Context, owner string) (int, error) {
	if sweeper, ok := any(s.Sink).(sink.Sweeper); ok {
		return sweeper.Sweep(ctx, owner)
	}
	return 0, nil
}

// Fuse implements [FusedSpec].
func (s *WriteSpec[T]) Fuse(op *Op, _ [][]any) any {
	w := &writer[T]{op: op, sink: s.Sink, ctx: op.Context()}
	w.shard = op.number()
	if s.Shards > 0 {
		w.shard.Of = min(w.shard.Of, s.Shards)
	}
	op.OnPrepare(w.shard, w.prepare)
	op.OnClose(w.close)
	op.OnBegin(w.begin)
	return Explode(op, op.Node.Inputs[0].Windowing, Emit[T](w.write))
}

type writer[T any] struct {
	op    *Op
	sink  sink.Sink[T]
	shard sink.Shard
	to    sink.Writer[T]
	ctx   context.Context
}

// number numbers the op among all the tasks, of whatever stage, that run its node.
func (o *Op) number() sink.Shard {
	index, of := o.Instance()
	c := o.task.cfg.Stage.Copies[o.Node]
	cfg := &o.task.cfg
	shard := sink.Shard{Index: c.Index*of + index, Of: c.Of * of, Owner: cfg.Owner}
	if cfg.Resumed != nil && cfg.Resumed(o.Node) {
		shard.Resumed, shard.FirstPrepare = true, cfg.FirstPrepare
	}
	return shard
}

// begin opens the writer before the first element, so that a place that cannot
// be written to is found out before the work is done, and an empty result is
// written too.
func (w *writer[T]) begin() error {
	if w.shard.Index >= w.shard.Of {
		return nil
	}
	to, err := w.sink.Open(w.op.Context(), w.shard)
	if err == nil && to == nil {
		err = errors.New("the sink returned neither a writer nor an error")
	}
	if err != nil {
		return fmt.Errorf("%s: %s: opening shard %d of %d: %w", w.op.Node.Site, w.op.Node.Name, w.shard.Index, w.shard.Of, err)
	}
	w.to = to
	return nil
}

func (w *writer[T]) write(m *model.Meta, v *T) {
	if w.op.Failed() {
		return
	}
	w.op.Enter(m, v)
	if err := w.to.Write(w.ctx, v, m); err != nil {
		w.op.Fail(m, *v, err)
		return
	}
	w.op.Counts.Written++
}

func (w *writer[T]) prepare() ([]byte, error) {
	if w.to == nil {
		return nil, nil
	}
	data, err := w.to.Prepare(w.op.Context())
	if err != nil {
		return nil, fmt.Errorf("%s: %s: preparing shard %d of %d: %w", w.op.Node.Site, w.op.Node.Name, w.shard.Index, w.shard.Of, err)
	}
	return data, nil
}

func (w *writer[T]) close() error {
	if w.to == nil {
		return nil
	}
	to := w.to
	w.to = nil
	if err := to.Close(); err != nil {
		return fmt.Errorf("%s: %s: closing shard %d of %d: %w", w.op.Node.Site, w.op.Node.Name, w.shard.Index, w.shard.Of, err)
	}
	return nil
}

// Begin opens what the task's operators need before its first step.
func (t *Task) Begin() error {
	for _, op := range t.ops {
		if op.begin == nil {
			continue
		}
		if err := t.guard(op, op.begin); err != nil {
			t.err = err
			return err
		}
	}
	return nil
}

// A Prepared is what a sink in a task is ready to commit.
type Prepared struct {
	Node *model.Node
	sink.Committable
}

// Prepare makes durable what the task's sinks were given, and says how to
// commit it.
func (t *Task) Prepare() (prepared []Prepared, err error) {
	for _, op := range t.ops {
		if op.prepare == nil {
			continue
		}
		var data []byte
		err = t.guard(op, func() (err error) {
			data, err = op.prepare()
			return err
		})
		if err != nil {
			return prepared, err
		}
		if data != nil {
			prepared = append(prepared, Prepared{op.Node, sink.Committable{Shard: op.shard, Data: data}})
		}
	}
	return prepared, nil
}

// Counts calls visit with the counts so far of each node of the task that
// counts: sources, groupings, sinks, and whatever was given elements without a window.
// A node whose two sides are in different stages counts all else at its head.
func (t *Task) Counts(visit func(*model.Node, Counts)) {
	for _, op := range t.ops {
		if op.Counts.Windowless > 0 {
			visit(op.Node, op.Counts)
			continue
		}
		if op.sends {
			continue
		}
		if op.Node.Class != model.Fused || op.prepare != nil {
			visit(op.Node, op.Counts)
		}
	}
}
