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

// An Output receives what a [DoFn] produces. It is valid during the call only.
type Output[T any] struct{ s *outputState[T] }

type outputState[T any] struct {
	op   *engine.Op
	in   *model.Meta
	meta model.Meta
	next engine.Emit[T]
	call *doCall
}

// doCall says whether user code or what follows it is running.
type doCall struct{ inside bool }

// Emit produces v with the element's timestamp, window and pane.
func (o Output[T]) Emit(v T) {
	s := o.s
	s.call.inside = false
	s.next(s.in, v)
	s.call.inside = true
}

// EmitAt produces v with timestamp t, in the element's window and pane. An
// earlier timestamp than the element's may be behind the watermark, and late; it
// is an error, which ends the run.
func (o Output[T]) EmitAt(t model.Timestamp, v T) {
	s := o.s
	if t < s.in.Timestamp {
		s.op.Fail(s.in, v, fmt.Errorf("EmitAt(%v) is before the element's own timestamp, %v: what is emitted may not be earlier, since the watermark may have passed", t, s.in.Timestamp))
		return
	}
	s.meta = *s.in
	s.meta.Timestamp = t
	s.call.inside = false
	s.next(&s.meta, v)
	s.call.inside = true
}

// A DoFn processes elements one at a time, and sees where each stands in time.
//
// One DoFn serves all tasks at once. One that keeps something between elements,
// such as a buffer or a connection, implements [Instancer], and may implement
// [Opener], [Flusher] and [io.Closer].
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

// A Flusher is flushed when its task's input has ended, while everything behind
// it still works.
type Flusher interface{ Flush(context.Context) error }

// Do runs fn on each element: PCollection[T] -> PCollection[U]. An element in
// several windows is processed once in each. An error ends the run.
func Do[T, U any](c model.PCollection[T], fn DoFn[T, U], opts ...model.Option) model.PCollection[U] {
	d := doDefinition(c, "Do", fn == nil, opts)
	d.Outputs = []reflect.Type{reflect.TypeFor[U]()}
	d.Spec = doSpec[T](func(op *engine.Op, outs [][]any) func(context.Context, Element[T], *doCall) error {
		fn := fn
		if i, ok := fn.(Instancer[T, U]); ok {
			fn = i.Instance()
		}
		lifecycle(op, fn)
		out := newOutput[U](op, outs[0])
		return func(ctx context.Context, e Element[T], call *doCall) error {
			out.s.in, out.s.call = &e.Meta, call
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
	d.Spec = doSpec[T](func(op *engine.Op, outs [][]any) func(context.Context, Element[T], *doCall) error {
		a, b := newOutput[A](op, outs[0]), newOutput[B](op, outs[1])
		return func(ctx context.Context, e Element[T], call *doCall) error {
			a.s.in, a.s.call = &e.Meta, call
			b.s.in, b.s.call = &e.Meta, call
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
	d.Spec = doSpec[T](func(op *engine.Op, outs [][]any) func(context.Context, Element[T], *doCall) error {
		x, y, z := newOutput[A](op, outs[0]), newOutput[B](op, outs[1]), newOutput[C](op, outs[2])
		return func(ctx context.Context, e Element[T], call *doCall) error {
			x.s.in, x.s.call = &e.Meta, call
			y.s.in, y.s.call = &e.Meta, call
			z.s.in, z.s.call = &e.Meta, call
			return fn(ctx, e, x, y, z)
		}
	})
	p := c.Pipeline()
	n := p.Add(d)
	return model.OutputOf[A](p, n, 0), model.OutputOf[B](p, n, 1), model.OutputOf[C](p, n, 2)
}

func newOutput[U any](op *engine.Op, outs []any) Output[U] {
	return Output[U]{&outputState[U]{op: op, next: engine.Tee[U](outs)}}
}

func doDefinition[T any](c model.PCollection[T], kind string, missing bool, opts []model.Option) model.Definition {
	return model.Definition{
		Kind:      kind,
		Class:     model.Fused,
		Inputs:    in(c),
		Windowing: carried(c),
		Err:       required(kind, missing),
		Options:   opts,
	}
}

// A doSpec makes, for each task, the function that processes an element.
type doSpec[T any] func(op *engine.Op, outs [][]any) func(context.Context, Element[T], *doCall) error

// Fuse implements engine.FusedSpec.
func (s doSpec[T]) Fuse(op *engine.Op, outs [][]any) any {
	process := s(op, outs)
	call := &doCall{}
	return engine.Explode(op.Node.Inputs[0].Windowing, engine.Emit[T](func(m *model.Meta, v T) {
		if op.Failed() {
			return
		}
		call.inside = true
		defer func() {
			if call.inside {
				op.Blame(m, v)
			}
		}()
		err := process(op.Context(), Element[T]{Meta: *m, Value: v}, call)
		call.inside = false
		if err != nil {
			op.Fail(m, v, err)
		}
	}))
}

// lifecycle registers what fn wants to be told.
func lifecycle(op *engine.Op, fn any) {
	ctx := op.Context()
	if o, ok := fn.(Opener); ok {
		op.OnBegin(func() error {
			if err := o.Open(ctx); err != nil {
				return fmt.Errorf("%v: %s: opening: %w", op.Node.Site, op.Node.Name, err)
			}
			return nil
		})
	}
	if f, ok := fn.(Flusher); ok {
		op.OnFinish(func() {
			if err := f.Flush(ctx); err != nil {
				op.Fail(&model.Meta{}, nil, fmt.Errorf("flushing: %w", err))
			}
		})
	}
	if c, ok := fn.(interface{ Close() error }); ok {
		op.OnClose(c.Close)
	}
}

// ForEach calls fn with each element: PCollection[T] -> nothing. It is for side
// effects, which a run that fails has already had; a result that must be there
// exactly once goes to a sink with [Write]. Calls come from several tasks at once.
func ForEach[T any](c model.PCollection[T], fn func(context.Context, Element[T]) error, opts ...model.Option) {
	d := doDefinition(c, "ForEach", fn == nil, opts)
	d.Spec = doSpec[T](func(*engine.Op, [][]any) func(context.Context, Element[T], *doCall) error {
		return func(ctx context.Context, e Element[T], _ *doCall) error { return fn(ctx, e) }
	})
	c.Pipeline().Add(d)
}

var errNilSink = errors.New("Write was given a nil sink")
