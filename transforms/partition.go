package transforms

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/millrace/millrace/internal/engine"
	"github.com/millrace/millrace/model"
)

// Partition splits a collection in n: PCollection[T] -> PCollection[T] × n.
// Element v goes to output part(v), which must be in [0, n); anything else ends
// the run.
func Partition[T any](c model.PCollection[T], n int, part func(T) int, opts ...model.Option) []model.PCollection[T] {
	d := model.Definition{
		Kind:    "Partition",
		Class:   model.Fused,
		Detail:  fmt.Sprintf("%d ways", n),
		Spec:    partition[T]{part},
		Inputs:  in(c),
		Err:     required(part == nil),
		Options: opts,
	}
	if n < 1 {
		d.Err = errors.Join(fmt.Errorf("%d parts were asked for; it needs at least 1", n), d.Err)
	}
	for range n {
		d.Outputs = append(d.Outputs, reflect.TypeFor[T]())
	}
	p := c.Pipeline()
	node := p.Add(d)
	out := make([]model.PCollection[T], max(n, 0))
	for i := range out {
		out[i] = model.OutputOf[T](p, node, i)
	}
	return out
}

type partition[T any] struct{ part func(T) int }

// Fuse implements engine.FusedSpec.
func (s partition[T]) Fuse(op *engine.Op, outs [][]any) any {
	nexts := make([]engine.Emit[T], len(outs))
	for i := range outs {
		nexts[i] = engine.Tee[T](outs[i])
	}
	return engine.Emit[T](func(m *model.Meta, v *T) {
		op.Enter(m, v)
		i := s.part(*v)
		if i < 0 || i >= len(nexts) {
			op.Fail(m, *v, fmt.Errorf("the function chose part %d of %d", i, len(nexts)))
			return
		}
		nexts[i](m, v)
	})
}
