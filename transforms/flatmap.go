package transforms

import (
	"iter"

	"github.com/millrace/millrace/internal/engine"
	"github.com/millrace/millrace/model"
)

// FlatMap replaces each element by the values that fn yields for it:
// PCollection[T] -> PCollection[U]. Standard iterator functions fit:
// FlatMap(lines, strings.FieldsSeq).
func FlatMap[T, U any](c model.PCollection[T], fn func(T) iter.Seq[U], opts ...model.Option) model.PCollection[U] {
	return fused(c, "FlatMap", fn == nil, func(op *engine.Op, next engine.Emit[U]) engine.Emit[T] {
		var u U
		return func(m *model.Meta, v *T) {
			op.Enter(m, v)
			for u = range fn(*v) {
				next(m, &u)
				if op.Failed() {
					return
				}
				op.Enter(m, v)
			}
		}
	}, opts)
}
