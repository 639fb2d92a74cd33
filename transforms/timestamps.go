package transforms

import (
	"time"

	"github.com/millrace/millrace/internal/engine"
	"github.com/millrace/millrace/model"
)

// WithTimestamps gives each element the event time that fn says: PCollection[T]
// -> PCollection[T]. The watermark is the source's business and does not follow:
// an element whose new time is behind it is late. A source that should derive its
// watermark from the elements' times is given them by source.WithEventTime.
func WithTimestamps[T any](c model.PCollection[T], fn func(T) time.Time, opts ...model.Option) model.PCollection[T] {
	d := model.Definition{
		Kind:    "WithTimestamps",
		Class:   model.Fused,
		Inputs:  in(c),
		Err:     required(fn == nil),
		Options: opts,
		Spec: fuse[T, T](func(op *engine.Op, next engine.Emit[T]) engine.Emit[T] {
			var out model.Meta
			return func(m *model.Meta, v *T) {
				op.Enter(m, v)
				t := fn(*v)
				out = *m
				out.Timestamp = model.TimestampOf(t)
				next(&out, v)
			}
		}),
	}
	if col := c.Collection(); col != nil && normal(col.Windowing.Strategy).Windows != nil {
		d.Inputs = in(conform(c, col.Windowing.Carried())) // windows follow from the old timestamps
	}
	return model.Add1[T](c.Pipeline(), d)
}
