package transforms

import (
	"github.com/millrace/millrace/internal/engine"
	"github.com/millrace/millrace/model"
)

// Filter keeps the elements for which keep is true: PCollection[T] ->
// PCollection[T].
func Filter[T any](c model.PCollection[T], keep func(T) bool, opts ...model.Option) model.PCollection[T] {
	return fused(c, "Filter", keep == nil, func(op *engine.Op, next engine.Emit[T]) engine.Emit[T] {
		return func(m *model.Meta, v *T) {
			op.Enter(m, v)
			if keep(*v) {
				next(m, v)
			}
		}
	}, opts)
}
