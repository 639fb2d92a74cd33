package transforms

import (
	"errors"
	"reflect"

	"github.com/millrace/millrace/internal/engine"
	"github.com/millrace/millrace/model"
)

// CoGroup gathers the values that two collections have for each key in each
// pane, and emits what fn makes of them: PCollection[KV[K, A]],
// PCollection[KV[K, B]] -> PCollection[R]. Fn may use a and b during the call only.
// A key that has values on one side only has an empty other one.
//
// State: every value of both sides, until the window has fired and its allowed
// lateness is over.
func CoGroup[K comparable, A, B, R any](a model.PCollection[model.KV[K, A]], b model.PCollection[model.KV[K, B]], fn func(k K, a []A, b []B, emit func(R)), opts ...model.Option) model.PCollection[R] {
	return coGroup(a, b, "CoGroup", fn == nil, fn, opts)
}

func coGroup[K comparable, A, B, R any](a model.PCollection[model.KV[K, A]], b model.PCollection[model.KV[K, B]], kind string, missing bool, fn func(k K, a []A, b []B, emit func(R)), opts []model.Option) model.PCollection[R] {
	hash, err := hashOf[K]()
	encodeA, errA := encodeOf(reflect.TypeFor[A](), "left value")
	encodeB, errB := encodeOf(reflect.TypeFor[B](), "right value")
	err = errors.Join(required(missing), err, errA, errB, sameWindows(a, b), groupable(a), groupable(b))
	w := agreed(a, b)
	inputs := in(conform(a, w), conform(b, w))
	return model.Add1[R](a.Pipeline(), model.Definition{
		Kind:      kind,
		Class:     model.Exchange,
		TakesLate: true,
		Detail:    placed(inputs[0], false),
		Spec:      &engine.CoGroupSpec[K, A, B, R]{Hash: hash, EncodeA: encodeA, EncodeB: encodeB, Fire: fn},
		Inputs:    inputs,
		Windowing: grouped(inputs[0]),
		Err:       err,
		Options:   opts,
	})
}

// Join pairs the values of a key that share a pane: PCollection[KV[K, A]],
// PCollection[KV[K, B]] -> PCollection[R]. Fn is called for each pair.
//
// State: that of [CoGroup].
func Join[K comparable, A, B, R any](a model.PCollection[model.KV[K, A]], b model.PCollection[model.KV[K, B]], fn func(K, A, B) R, opts ...model.Option) model.PCollection[R] {
	return coGroup(a, b, "Join", fn == nil, func(k K, as []A, bs []B, emit func(R)) {
		for _, x := range as {
			for _, y := range bs {
				emit(fn(k, x, y))
			}
		}
	}, opts)
}

// LeftJoin is [Join] that also calls fn, with found false, for an a without a b.
func LeftJoin[K comparable, A, B, R any](a model.PCollection[model.KV[K, A]], b model.PCollection[model.KV[K, B]], fn func(k K, a A, b B, found bool) R, opts ...model.Option) model.PCollection[R] {
	return coGroup(a, b, "LeftJoin", fn == nil, func(k K, as []A, bs []B, emit func(R)) {
		for _, x := range as {
			for _, y := range bs {
				emit(fn(k, x, y, true))
			}
			if len(bs) == 0 {
				var none B
				emit(fn(k, x, none, false))
			}
		}
	}, opts)
}

// Composite builds a transform from others, under a name that is prefixed to
// theirs: build(in). Where the name is taken it is numbered, as a default name is,
// so that the same composite can be used twice.
func Composite[I model.Input, O any](name string, in I, build func(I) O) (out O) {
	p := in.Pipeline()
	if name == "" {
		name = "Composite"
		p.Fail(model.UserSite(), name, errors.New("it needs a name, which is prefixed to those of its parts"))
	}
	p.InScope(p.ScopeName(name, nil), func() { out = build(in) })
	return out
}
