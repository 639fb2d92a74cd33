package transforms

import (
	"context"

	"github.com/millrace/millrace/internal/engine"
	"github.com/millrace/millrace/model"
)

// Map applies fn to each element: PCollection[T] -> PCollection[U]. Timestamps
// and windows stay.
func Map[T, U any](c model.PCollection[T], fn func(T) U, opts ...model.Option) model.PCollection[U] {
	return mapKind(c, "Map", fn, opts)
}

func mapKind[T, U any](c model.PCollection[T], kind string, fn func(T) U, opts []model.Option) model.PCollection[U] {
	return fused(c, kind, fn == nil, func(op *engine.Op, next engine.Emit[U]) engine.Emit[T] {
		var u U
		return func(m *model.Meta, v *T) {
			op.Enter(m, v)
			u = fn(*v)
			next(m, &u)
		}
	}, opts)
}

// TryMap is [Map] for functions that can fail: PCollection[T] -> PCollection[U].
// An error ends the run; it names the transform, the element, its key, timestamp
// and window. To keep going instead, use [TryMapWithDeadLetters].
func TryMap[T, U any](c model.PCollection[T], fn func(context.Context, T) (U, error), opts ...model.Option) model.PCollection[U] {
	return fused(c, "TryMap", fn == nil, func(op *engine.Op, next engine.Emit[U]) engine.Emit[T] {
		var u U
		return func(m *model.Meta, v *T) {
			if op.Failed() {
				return
			}
			op.Enter(m, v)
			var err error
			if u, err = fn(op.Context(), *v); err != nil {
				op.Fail(m, *v, err)
				return
			}
			next(m, &u)
		}
	}, opts)
}
