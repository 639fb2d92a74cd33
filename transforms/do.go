package transforms

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/millrace/millrace/internal/engine"
	"github.com/millrace/millrace/model"
)

// An Element is a value with its timestamp, window and pane.
type Element[T any] = model.Element[T]

// An Output receives what a [DoFn] produces. It is valid during the call only, and in
// Flush as [Flusher] says.
type Output[T any] struct{ s *outputState[T] }

type outputState[T any] struct {
	op   *engine.Op
	in   *doInput
	meta model.Meta
	v    T
	next engine.Emit[T]
}

// A doInput is the element that a task's DoFn is given.
type doInput struct {
	meta *model.Meta // nil where nothing can be emitted
	v    any         // a pointer
	err  error       // of an output
	// Of a DoFn that is flushed, last is the meta of the element before; its pointer
	// does not outlive the call.
	flushed, given bool
	last           model.Meta
}

// take begins a call.
func (in *doInput) take(m *model.Meta, v any) {
	in.meta, in.v, in.err = m, v, nil
	if in.flushed {
		in.last, in.given = *m, true
	}
}

// flush calls f, which may emit in the global window.
func (in *doInput) flush(ctx context.Context, f Flusher) error {
	in.meta, in.v, in.err = nil, nil, nil
	if in.given && in.last.Window == model.GlobalWindow {
		in.meta = &in.last
	}
	return first(f.Flush(ctx), in)
}

// misplaced notes that something is emitted where nothing can be.
func (in *doInput) misplaced() {
	in.err = errors.New("an element is emitted in Flush, where its window is not known any more; only one in the global window can be: emit it in Process, or keep it in a cell of a DoKeyed until a timer fires")
}

// Emit produces v with the element's timestamp, window and pane.
func (o Output[T]) Emit(v T) {
	s := o.s
	if s.in.meta == nil {
		s.in.misplaced()
		return
	}
	s.v = v
	s.next(s.in.meta, &s.v)
	s.op.Enter(s.in.meta, s.in.v)
}

// EmitAt produces v with timestamp t, in the element's window and pane. A
// timestamp before the element's own may be behind the watermark; it is an error,
// which ends the run.
func (o Output[T]) EmitAt(t model.Timestamp, v T) {
	s := o.s
	if s.in.meta == nil {
		s.in.misplaced()
		return
	}
	if t < s.in.meta.Timestamp {
		s.in.err = fmt.Errorf("EmitAt(%v) is before the element's own timestamp, %v: what is emitted may not be earlier, since the watermark may have passed", t, s.in.meta.Timestamp)
		return
	}
	s.meta, s.v = *s.in.meta, v
	s.meta.Timestamp = t
	s.next(&s.meta, &s.v)
	s.op.Enter(s.in.meta, s.in.v)
}

// A DoFn processes elements one at a time, and sees where each stands in time.
//
// One DoFn serves all tasks at once. One that keeps something between elements,
// such as a buffer or a connection, implements [Instancer], and may implement
// [Opener], [Flusher] and [io.Closer]. Open and Close are called once for each task;
// Close however the run ended, unless Open failed.
//
// What a DoFn keeps in its fields is in no checkpoint: a run that goes on from one begins
// without it. A DoFn that keeps elements back is a [Flusher]. One that has to remember
// something from run to run is a [KeyedDoFn], with cells.
type DoFn[T, U any] interface {
	Process(ctx context.Context, e Element[T], out Output[U]) error
}

// DoFunc is a function as a [DoFn].
type DoFunc[T, U any] func(ctx context.Context, e Element[T], out Output[U]) error

// Process implements [DoFn].
func (f DoFunc[T, U]) Process(ctx context.Context, e Element[T], out Output[U]) error {
	return f(ctx, e, out)
}

// An Instancer makes a DoFn of the same type for each task.
type Instancer[T, U any] interface{ Instance() DoFn[T, U] }

// An Opener is opened before its task's first element.
type Opener interface{ Open(context.Context) error }

// A Flusher is flushed before each checkpoint, and when its task's input has ended,
// while everything behind it still works. A checkpoint has its sources behind all that
// came before: what Flush keeps back nevertheless is lost if the run ends. So a batch
// that is written to somewhere else is written by Flush, whatever its size; after a
// failure, what was written since the last checkpoint is written again.
//
// In the global window, Flush may emit, by the [Output] of the call before. What it
// emits has the timestamp and pane of the last element that was processed, and may be
// late for groupings behind. In other windows it is an error, which ends the run.
type Flusher interface{ Flush(context.Context) error }

// Do runs fn on each element: PCollection[T] -> PCollection[U]. An element in
// several windows is processed once in each. An error ends the run.
//
// A function is given as DoFunc[T, U](fn). Where the compiler says that the type of
// fn does not match DoFn, a line that says which one is meant has it tell why:
//
//	var _ transforms.DoFn[string, int] = fn
func Do[T, U any](c model.PCollection[T], fn DoFn[T, U], opts ...model.Option) model.PCollection[U] {
	f, isFunc := fn.(DoFunc[T, U])
	d := doDefinition(c, "Do", fn == nil || isFunc && f == nil, opts)
	d.Outputs = []reflect.Type{reflect.TypeFor[U]()}
	d.Spec = doSpec[T](func(op *engine.Op, outs [][]any, in *doInput) func(context.Context, Element[T]) error {
		fn := fn
		if i, ok := fn.(Instancer[T, U]); ok {
			fn = i.Instance()
		}
		lifecycle(op, fn, in)
		out := newOutput[U](op, in, outs[0])
		return func(ctx context.Context, e Element[T]) error {
			return fn.Process(ctx, e, out)
		}
	})
	return model.OutputOf[U](c.Pipeline(), c.Pipeline().Add(d), 0)
}

// Do2 runs fn on each element, with two outputs: PCollection[T] ->
// PCollection[A], PCollection[B].
func Do2[T, A, B any](c model.PCollection[T], fn func(ctx context.Context, e Element[T], a Output[A], b Output[B]) error, opts ...model.Option) (model.PCollection[A], model.PCollection[B]) {
	d := doDefinition(c, "Do2", fn == nil, opts)
	d.Outputs = []reflect.Type{reflect.TypeFor[A](), reflect.TypeFor[B]()}
	d.Spec = doSpec[T](func(op *engine.Op, outs [][]any, in *doInput) func(context.Context, Element[T]) error {
		a, b := newOutput[A](op, in, outs[0]), newOutput[B](op, in, outs[1])
		return func(ctx context.Context, e Element[T]) error {
			return fn(ctx, e, a, b)
		}
	})
	p := c.Pipeline()
	n := p.Add(d)
	return model.OutputOf[A](p, n, 0), model.OutputOf[B](p, n, 1)
}

// Do3 is [Do2] with three outputs.
func Do3[T, A, B, C any](c model.PCollection[T], fn func(ctx context.Context, e Element[T], a Output[A], b Output[B], c Output[C]) error, opts ...model.Option) (model.PCollection[A], model.PCollection[B], model.PCollection[C]) {
	d := doDefinition(c, "Do3", fn == nil, opts)
	d.Outputs = []reflect.Type{reflect.TypeFor[A](), reflect.TypeFor[B](), reflect.TypeFor[C]()}
	d.Spec = doSpec[T](func(op *engine.Op, outs [][]any, in *doInput) func(context.Context, Element[T]) error {
		x, y, z := newOutput[A](op, in, outs[0]), newOutput[B](op, in, outs[1]), newOutput[C](op, in, outs[2])
		return func(ctx context.Context, e Element[T]) error {
			return fn(ctx, e, x, y, z)
		}
	})
	p := c.Pipeline()
	n := p.Add(d)
	return model.OutputOf[A](p, n, 0), model.OutputOf[B](p, n, 1), model.OutputOf[C](p, n, 2)
}

func newOutput[U any](op *engine.Op, in *doInput, outs []any) Output[U] {
	return Output[U]{&outputState[U]{op: op, in: in, next: engine.Tee[U](outs)}}
}

func doDefinition[T any](c model.PCollection[T], kind string, missing bool, opts []model.Option) model.Definition {
	return model.Definition{
		Kind:      kind,
		Class:     model.Fused,
		Inputs:    in(c),
		Windowing: carried(c),
		Err:       required(missing),
		Options:   opts,
	}
}

// A doSpec makes, for each task, the function that processes an element.
type doSpec[T any] func(op *engine.Op, outs [][]any, in *doInput) func(context.Context, Element[T]) error

// Fuse implements engine.FusedSpec.
func (s doSpec[T]) Fuse(op *engine.Op, outs [][]any) any {
	in := &doInput{}
	process := s(op, outs, in)
	return engine.Explode(op, op.Node.Inputs[0].Windowing, engine.Emit[T](func(m *model.Meta, v *T) {
		if op.Failed() {
			return
		}
		in.take(m, v)
		op.Enter(m, v)
		err := process(op.Context(), Element[T]{Meta: *m, Value: *v})
		if err == nil {
			err = in.err
		}
		if err != nil {
			op.Fail(m, *v, err)
		}
	}))
}

// lifecycle registers what fn wants to be told.
func lifecycle(op *engine.Op, fn any, in *doInput) {
	ctx := op.Context()
	opener, opens := fn.(Opener)
	opened := !opens
	if opens {
		op.OnBegin(func() error {
			if err := opener.Open(ctx); err != nil {
				return fmt.Errorf("%v: %s: opening: %w", op.Node.Site, op.Node.Name, err)
			}
			opened = true
			return nil
		})
	}
	if f, ok := fn.(Flusher); ok {
		in.flushed = true
		op.OnFlush(func() {
			if err := in.flush(ctx, f); err != nil {
				op.Fail(&model.Meta{}, nil, fmt.Errorf("flushing: %w", err))
			}
		})
	}
	if c, ok := fn.(interface{ Close() error }); ok {
		op.OnClose(func() error {
			if !opened {
				return nil
			}
			if err := c.Close(); err != nil {
				return fmt.Errorf("%v: %s: closing: %w", op.Node.Site, op.Node.Name, err)
			}
			return nil
		})
	}
}

// ForEach calls fn with each element: PCollection[T] -> nothing. It is for side
// effects, which a run that fails has already had; a result that must be there
// exactly once goes to a sink with [Write]. Calls come from several tasks at once.
func ForEach[T any](c model.PCollection[T], fn func(context.Context, Element[T]) error, opts ...model.Option) {
	d := doDefinition(c, "ForEach", fn == nil, opts)
	d.Spec = doSpec[T](func(*engine.Op, [][]any, *doInput) func(context.Context, Element[T]) error {
		return func(ctx context.Context, e Element[T]) error { return fn(ctx, e) }
	})
	c.Pipeline().Add(d)
}
