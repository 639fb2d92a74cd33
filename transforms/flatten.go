package transforms

import (
	"github.com/millrace/millrace/internal/engine"
	"github.com/millrace/millrace/model"
)

// Flatten puts collections together: PCollection[T]... -> PCollection[T]. Their
// windows must be the same. Flatten of none is the zero PCollection: there is no
// pipeline that it could belong to.
func Flatten[T any](cs ...model.PCollection[T]) model.PCollection[T] {
	if len(cs) == 0 {
		return model.PCollection[T]{}
	}
	inputs := make([]model.Input, len(cs))
	for i, c := range cs {
		inputs[i] = c
	}
	err := sameWindows(inputs...)
	w := agreed(inputs...)
	for i, c := range cs {
		inputs[i] = conform(c, w)
	}
	return model.Add1[T](cs[0].Pipeline(), model.Definition{
		Kind:   "Flatten",
		Class:  model.Fused,
		Spec:   fuse[T, T](func(_ *engine.Op, next engine.Emit[T]) engine.Emit[T] { return next }),
		Inputs: inputs,
		Err:    err,
	})
}
