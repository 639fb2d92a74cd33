package transforms

import (
	"github.com/millrace/millrace/internal/engine"
	"github.com/millrace/millrace/model"
)

// FilterMap is [Filter] and [Map] in one, without copies: PCollection[T] ->
// PCollection[U]. Fn reads v in place, fills *out and says whether to keep it.
// It is for elements of many words, where it shows that a Filter copies each
// element into its function, and a Map the result out of it, too.
//
// What out points to holds an earlier result until fn overwrites it. Fn must not
// change v, and must keep neither v nor out.
func FilterMap[T, U any](c model.PCollection[T], fn func(v *T, out *U) (keep bool), opts ...model.Option) model.PCollection[U] {
	return fused(c, "FilterMap", fn == nil, func(op *engine.Op, next engine.Emit[U]) engine.Emit[T] {
		out := new(U)
		return func(m *model.Meta, v *T) {
			op.Enter(m, v)
			if fn(v, out) {
				next(m, out)
			}
		}
	}, opts)
}
