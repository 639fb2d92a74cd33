package transforms

import (
	"github.com/millrace/millrace/internal/engine"
	"github.com/millrace/millrace/model"
)

// Flatten puts collections together: PCollection[T]... -> PCollection[T]. Their
// windows must be the same.
func Flatten[T any](cs ...model.PCollection[T]) model.PCollection[T] {
	if len(cs) == 0 {
		// There is no pipeline to report to but the one that uses the result.
		p := &model.Pipeline{}
		return model.Add1[T](p, model.Definition{Kind: "Flatten", Err: errNoInputs})
	}
	inputs := make([]model.Input, len(cs))
	assigned, plain := false, false
	for i, c := range cs {
		inputs[i] = c
		if col := c.Collection(); col != nil {
			assigned = assigned || col.Windowing.Assigned
			plain = plain || !col.Windowing.Assigned
		}
	}
	if assigned && plain { // elements must all carry their windows, or none
		for i, c := range cs {
			if col := c.Collection(); col != nil && !col.Windowing.Assigned {
				inputs[i] = assignWindows(c)
			}
		}
	}
	return model.Add1[T](cs[0].Pipeline(), model.Definition{
		Kind:   "Flatten",
		Class:  model.Fused,
		Spec:   fuse[T, T](func(_ *engine.Op, next engine.Emit[T]) engine.Emit[T] { return next }),
		Inputs: inputs,
		Err:    sameWindows(inputs...),
	})
}

// assignWindows has each element carry its window.
func assignWindows[T any](c model.PCollection[T]) model.PCollection[T] {
	return model.Add1[T](c.Pipeline(), model.Definition{
		Kind:      "AssignWindows",
		Class:     model.Fused,
		Windowing: carried(c),
		Inputs:    in(c),
		Spec: fuse[T, T](func(op *engine.Op, next engine.Emit[T]) engine.Emit[T] {
			return engine.Explode(op.Node.Inputs[0].Windowing, next)
		}),
	})
}
