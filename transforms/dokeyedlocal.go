package transforms

import (
	"github.com/millrace/millrace/internal/engine"
	"github.com/millrace/millrace/model"
)

// OutputTo is an Output that hands what is emitted to take: for unit tests that
// call the methods of a DoFn themselves, a [KeyedDoFn]'s with a state.Local. What
// Emit produces has no timestamp, window or pane then; what EmitAt does has the
// timestamp that it is given.
func OutputTo[T any](take func(e Element[T])) Output[T] {
	next := engine.Emit[T](func(m *model.Meta, v *T) { take(Element[T]{Meta: *m, Value: *v}) })
	in := &doInput{meta: &model.Meta{Timestamp: model.MinTimestamp}}
	return newOutput[T](engine.LooseOp(), in, []any{next})
}
