package transforms

import (
	"errors"
	"reflect"

	"github.com/millrace/millrace/internal/engine"
	"github.com/millrace/millrace/model"
)

// A Combiner folds values V into an accumulator A and reads a result O off it.
// It must be associative and commutative: in whatever order values are added and
// accumulators merged, the result is the same. One Combiner serves all tasks at
// once and keeps nothing itself.
//
// Add and Merge may change and return their first argument; it is not used again
// otherwise. They must not change or keep the second. Result must not change the
// accumulator, nor share memory with it: it may be added to again.
type Combiner[V, A, O any] interface {
	// New is an accumulator of nothing.
	New() A
	Add(A, V) A
	Merge(A, A) A
	Result(A) O
}

// An Inverter is a [Combiner] that can take a value out of an accumulator again.
// Over an input with retractions, a combine whose Combiner is none keeps the
// values themselves, and computes a pane from those that are left.
type Inverter[V, A any] = engine.Inverter[V, A]

// CombinePerKey reduces the values of each key in each pane: PCollection[KV[K,
// V]] -> PCollection[KV[K, O]]. It takes the combiner's constructor, so that a
// generic one needs no type arguments: CombinePerKey(amounts, transforms.Sum).
// The result carries the last timestamp of its window, or what Timestamps of the
// [model.WindowingStrategy] says.
//
// State: one accumulator per key and window or, for sliding windows, slice, until
// the window has fired and its allowed lateness is over. Under the default
// trigger and windows that do not merge, values are folded before they leave
// their task, so that a hot key costs little more than any other.
func CombinePerKey[K comparable, V, A, O any](c model.PCollection[model.KV[K, V]], by func() Combiner[V, A, O], opts ...model.Option) model.PCollection[model.KV[K, O]] {
	return combine(c, "CombinePerKey", by, opts)
}

func combine[K comparable, V, A, O any](c model.PCollection[model.KV[K, V]], kind string, by func() Combiner[V, A, O], opts []model.Option) model.PCollection[model.KV[K, O]] {
	d := model.Definition{
		Kind:      kind,
		Class:     model.Exchange,
		TakesLate: true,
		Detail:    placed(c, true),
		Inputs:    in(c),
		Windowing: grouped(c),
		Options:   opts,
	}
	hash, err := hashOf[K]()
	var combiner Combiner[V, A, O]
	if by != nil {
		combiner = by()
	}
	mistake := constructed(by == nil, combiner)
	spec := &engine.CombineSpec[K, V, A, O]{Combiner: combiner, Hash: hash}
	err = errors.Join(mistake, err, canEncode(reflect.TypeFor[A](), "accumulator"), groupable(c))
	if col := c.Collection(); col != nil && !engine.Lifts(col.Windowing) { // values cross, not accumulators
		var errV error
		spec.Encode, errV = encodeOf(reflect.TypeFor[V](), "value")
		err = errors.Join(err, errV)
	}
	d.Spec, d.Err = spec, err
	d.Outputs = []reflect.Type{reflect.TypeFor[model.KV[K, O]]()}
	p := c.Pipeline()
	n := p.Add(d)
	if n != nil && len(n.Outputs) > 1 { // who asks for what is dropped needs it whole
		n.Detail = placed(c, false)
	}
	return model.OutputOf[model.KV[K, O]](p, n, 0)
}

// constructed is what is wrong with the Combiner of a constructor, which may be missing. A
// Combiner that has a method Validate is asked by it what is wrong with its own fields.
func constructed(missing bool, combiner any) error {
	if missing {
		return errors.New("the combiner's constructor is nil")
	}
	if combiner == nil {
		return errors.New("the constructor returned a nil Combiner")
	}
	if v, ok := combiner.(interface{ Validate() error }); ok {
		return v.Validate()
	}
	return nil
}

// CombineGlobally reduces all elements of each pane: PCollection[T] ->
// PCollection[O]. A window without elements emits nothing.
//
// State: one accumulator per window.
func CombineGlobally[T, A, O any](c model.PCollection[T], by func() Combiner[T, A, O], opts ...model.Option) model.PCollection[O] {
	return globally(c, "CombineGlobally", by, opts)
}

func globally[T, A, O any](c model.PCollection[T], kind string, by func() Combiner[T, A, O], opts []model.Option) (out model.PCollection[O]) {
	late, opts := model.PartLate(opts)
	inScope(c, kind, opts, func() {
		keyed := mapKind(c, "WithVoidKey", func(v T) model.KV[struct{}, T] { return model.KV[struct{}, T]{Value: v} }, nil)
		var dropped model.LateData[model.KV[struct{}, T]]
		out = Values(combine(keyed, "CombinePerKey", by, droppedTo(&dropped, late)))
		if !giveLate(c, &dropped, late, func(kv model.KV[struct{}, T]) T { return kv.Value }) {
			out = model.OutputOf[O](c.Pipeline(), nil, 0)
		}
	})
	return out
}

// droppedTo is the option that has what is dropped go to l, where late is asked for.
func droppedTo[T any](l *model.LateData[T], late []model.Option) []model.Option {
	if len(late) == 0 {
		return nil
	}
	return []model.Option{l.To()}
}

// giveLate has late, options of a verb over c, have what went to dropped, as elements of
// c. It returns false after a mistake.
func giveLate[T, G any](c model.PCollection[T], dropped *model.LateData[G], late []model.Option, value func(G) T) bool {
	if len(late) == 0 {
		return true
	}
	return model.GiveLate(c.Pipeline(), late, func() model.PCollection[model.LateElement[T]] {
		return mapKind(dropped.Collection(), "Dropped", func(l model.LateElement[G]) model.LateElement[T] {
			return model.LateElement[T]{
				Value: value(l.Value), Timestamp: l.Timestamp, Window: l.Window, Watermark: l.Watermark, Reason: l.Reason, Retraction: l.Retraction,
			}
		}, nil)
	})
}

// inScope builds a verb that is made of others, under its own name.
func inScope(c model.Input, kind string, opts []model.Option, build func()) {
	p := c.Pipeline()
	p.InScope(p.ScopeName(kind, opts), build)
}

// Reduce is [CombinePerKey] with one associative and commutative function:
// PCollection[KV[K, V]] -> PCollection[KV[K, V]].
//
// State: one value per key and window.
func Reduce[K comparable, V any](c model.PCollection[model.KV[K, V]], fn func(V, V) V, opts ...model.Option) model.PCollection[model.KV[K, V]] {
	if err := errors.Join(required(fn == nil), canEncode(reflect.TypeFor[V](), "value")); err != nil {
		return model.Add1[model.KV[K, V]](c.Pipeline(), model.Definition{Kind: "Reduce", Inputs: in(c), Err: err, Options: opts})
	}
	return combine(c, "Reduce", func() Combiner[V, reduced[V], V] { return &reducer[V]{fn} }, opts)
}

type reduced[V any] struct {
	Some  bool
	Value V
}

type reducer[V any] struct{ fn func(V, V) V }

func (r *reducer[V]) New() reduced[V] { return reduced[V]{} }

func (r *reducer[V]) Add(a reduced[V], v V) reduced[V] {
	if !a.Some {
		return reduced[V]{true, v}
	}
	return reduced[V]{true, r.fn(a.Value, v)}
}

func (r *reducer[V]) Merge(a, b reduced[V]) reduced[V] {
	if !b.Some {
		return a
	}
	return r.Add(a, b.Value)
}

func (r *reducer[V]) Result(a reduced[V]) V { return a.Value }

// Count counts equal elements: PCollection[T] -> PCollection[KV[T, int64]].
//
// State: a number per distinct element and window.
func Count[T comparable](c model.PCollection[T], opts ...model.Option) (out model.PCollection[model.KV[T, int64]]) {
	late, opts := model.PartLate(opts)
	inScope(c, "Count", opts, func() { out = keyedByItself(c, Counting[struct{}], late) })
	return out
}

// Distinct drops repeated elements: PCollection[T] -> PCollection[T]. Each
// element comes once per pane of its window.
//
// State: each distinct element, once per window.
func Distinct[T comparable](c model.PCollection[T], opts ...model.Option) (out model.PCollection[T]) {
	late, opts := model.PartLate(opts)
	inScope(c, "Distinct", opts, func() {
		out = Keys(keyedByItself(c, func() Combiner[struct{}, struct{}, struct{}] { return anything{} }, late))
	})
	return out
}

// keyedByItself combines equal elements.
func keyedByItself[T comparable, A, O any](c model.PCollection[T], by func() Combiner[struct{}, A, O], late []model.Option) model.PCollection[model.KV[T, O]] {
	keyed := mapKind(c, "Key", func(v T) model.KV[T, struct{}] { return model.KV[T, struct{}]{Key: v} }, nil)
	var dropped model.LateData[model.KV[T, struct{}]]
	out := combine(keyed, "CombinePerKey", by, droppedTo(&dropped, late))
	if !giveLate(c, &dropped, late, func(kv model.KV[T, struct{}]) T { return kv.Key }) {
		return model.OutputOf[model.KV[T, O]](c.Pipeline(), nil, 0)
	}
	return out
}

type anything struct{}

func (anything) New() struct{}                { return struct{}{} }
func (anything) Add(_, _ struct{}) struct{}   { return struct{}{} }
func (anything) Merge(_, _ struct{}) struct{} { return struct{}{} }
func (anything) Result(a struct{}) struct{}   { return a }
