package transforms

import (
	"context"
	"errors"
	"reflect"

	"github.com/millrace/millrace/internal/engine"
	"github.com/millrace/millrace/model"
)

// DoWith runs fn on each element, with what side shows in the element's window:
// PCollection[T], Side[S] -> PCollection[U]. An element in several windows is
// processed once in each; outputs have its timestamp, window and pane. It waits
// until the side input is ready; [Side] says when that is, and what is seen.
//
// State: that of the side inputs, and the elements that wait for them.
func DoWith[T, S, U any](c model.PCollection[T], side Side[S], fn func(ctx context.Context, e Element[T], side S, out Output[U]) error, opts ...model.Option) model.PCollection[U] {
	return with[T, S, U](c, side, "DoWith", fn == nil, opts, func(op *engine.Op, outs [][]any) func(*model.Meta, *T, *S) {
		in := &doInput{}
		out := newOutput[U](op, in, outs[0])
		ctx := op.Context()
		return func(m *model.Meta, v *T, side *S) {
			in.meta, in.v, in.err = m, v, nil
			op.Enter(m, v)
			err := fn(ctx, Element[T]{Meta: *m, Value: *v}, *side, out)
			if err == nil {
				err = in.err
			}
			if err != nil {
				op.Fail(m, *v, err)
			}
		}
	})
}

// MapWith applies fn to each element and what side shows in its window:
// PCollection[T], Side[S] -> PCollection[U]. It is to [Map] what [DoWith] is to
// [Do].
func MapWith[T, S, U any](c model.PCollection[T], side Side[S], fn func(T, S) U, opts ...model.Option) model.PCollection[U] {
	return with[T, S, U](c, side, "MapWith", fn == nil, opts, func(op *engine.Op, outs [][]any) func(*model.Meta, *T, *S) {
		next := engine.Tee[U](outs[0])
		var u U
		return func(m *model.Meta, v *T, side *S) {
			op.Enter(m, v)
			u = fn(*v, *side)
			next(m, &u)
		}
	})
}

// FilterWith keeps the elements for which keep is true, given what side shows in
// their window: PCollection[T], Side[S] -> PCollection[T]. It is to [Filter] what
// [DoWith] is to [Do].
func FilterWith[T, S any](c model.PCollection[T], side Side[S], keep func(T, S) bool, opts ...model.Option) model.PCollection[T] {
	return with[T, S, T](c, side, "FilterWith", keep == nil, opts, func(op *engine.Op, outs [][]any) func(*model.Meta, *T, *S) {
		next := engine.Tee[T](outs[0])
		return func(m *model.Meta, v *T, side *S) {
			op.Enter(m, v)
			if keep(*v, *side) {
				next(m, v)
			}
		}
	})
}

// with adds a transform that looks things up in side.
func with[T, S, U any](c model.PCollection[T], side Side[S], kind string, missing bool, opts []model.Option, process func(op *engine.Op, outs [][]any) func(*model.Meta, *T, *S)) model.PCollection[U] {
	return model.Add1[U](c.Pipeline(), model.Definition{
		Kind:      kind,
		Class:     model.Exchange,
		TakesLate: true,
		Detail:    side.detail(),
		Spec:      &engine.SideSpec[T, S]{View: side.view, Process: process},
		Inputs:    in(c),
		Sides:     side.inputs(),
		Windowing: carried(c),
		Err:       errors.Join(required(missing), canEncode(reflect.TypeFor[T](), "element"), side.beside(c)),
		Options:   opts,
	})
}
