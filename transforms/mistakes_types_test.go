package transforms_test

import (
	"iter"
	"sync"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/transforms"
)

// Types that cannot be keys, or cannot be kept as state.

type (
	point  struct{ X, Y float64 }
	tagged struct{ Tag any }
	nested struct {
		Name  string
		Where [2]point
	}
	callback struct {
		Name string
		Call func()
	}
	guarded struct {
		mu sync.Mutex //lint:ignore U1000 it is refused
		N  int
	}
)

// keyedBy is an element with a key of type K.
func keyedBy[K comparable](p *model.Pipeline) model.PCollection[model.KV[K, int]] {
	return transforms.Create[model.KV[K, int]](p)
}

// valued is an element with a value of type V.
func valued[V any](p *model.Pipeline) model.PCollection[model.KV[string, V]] {
	return transforms.Create[model.KV[string, V]](p)
}

var keyMistakes = map[string]func(*model.Pipeline){
	"float":                func(p *model.Pipeline) { used(transforms.GroupByKey(keyedBy[float64](p))) },
	"interface":            func(p *model.Pipeline) { used(transforms.GroupByKey(keyedBy[any](p))) },
	"pointer":              func(p *model.Pipeline) { used(transforms.GroupByKey(keyedBy[*point](p))) },
	"struct of arrays":     func(p *model.Pipeline) { used(transforms.GroupByKey(keyedBy[nested](p))) },
	"struct of interfaces": func(p *model.Pipeline) { used(transforms.GroupByKey(keyedBy[tagged](p))) },
	"CombinePerKey":        func(p *model.Pipeline) { used(transforms.CombinePerKey(keyedBy[float64](p), transforms.Sum)) },
	"Reduce":               func(p *model.Pipeline) { used(transforms.Reduce(keyedBy[float64](p), transforms.Add)) },
	"Join": func(p *model.Pipeline) {
		used(transforms.Join(keyedBy[float64](p), keyedBy[float64](p), func(float64, int, int) int { return 0 }))
	},
	"KeyBy": func(p *model.Pipeline) {
		byLength := transforms.KeyBy(ones(p), func(n int) float64 { return float64(n) })
		used(transforms.GroupByKey(byLength))
	},
	"Count": func(p *model.Pipeline) {
		prices := transforms.Create(p, 9.99, 5.00)
		used(transforms.Count(prices))
	},
	"Count named": func(p *model.Pipeline) { used(transforms.Count(transforms.Create(p, 9.99), model.Name("per price"))) },
	"Distinct":    func(p *model.Pipeline) { used(transforms.Distinct(transforms.Create(p, 9.99))) },
}

// A hoard is a combiner whose accumulator is of type A.
type hoard[A any] struct{}

func (hoard[A]) New() (a A)                             { return a }
func (hoard[A]) Add(a A, _ int) A                       { return a }
func (hoard[A]) Merge(a, _ A) A                         { return a }
func (hoard[A]) Result(A) int                           { return 0 }
func hoarding[A any]() transforms.Combiner[int, A, int] { return hoard[A]{} }

var valueMistakes = map[string]func(*model.Pipeline){
	"interface":        func(p *model.Pipeline) { used(transforms.GroupByKey(valued[any](p))) },
	"slice of structs": func(p *model.Pipeline) { used(transforms.GroupByKey(valued[[]callback](p))) },
	"lock":             func(p *model.Pipeline) { used(transforms.GroupByKey(valued[*guarded](p))) },
	"several": func(p *model.Pipeline) {
		used(transforms.GroupByKey(valued[struct {
			A callback
			B any
		}](p)))
	},
	"key and value": func(p *model.Pipeline) {
		used(transforms.GroupByKey(transforms.Create[model.KV[float64, any]](p)))
	},
	"sides of a Join": func(p *model.Pipeline) {
		used(transforms.Join(valued[any](p), valued[func()](p), func(string, any, func()) int { return 0 }))
	},
	"accumulator":                func(p *model.Pipeline) { used(transforms.CombinePerKey(pairs(p), hoarding[callback])) },
	"Reduce":                     func(p *model.Pipeline) { used(transforms.Reduce(valued[any](p), func(a, _ any) any { return a })) },
	"GroupByKey into GroupByKey": func(p *model.Pipeline) { used(transforms.GroupByKey(transforms.GroupByKey(pairs(p)))) },
	"GroupByKey into KeyBy into GroupByKey": func(p *model.Pipeline) {
		groups := transforms.GroupByKey(pairs(p))
		byInitial := transforms.KeyBy(groups, func(g model.KV[string, iter.Seq[int]]) string { return g.Key[:1] })
		used(transforms.GroupByKey(byInitial))
	},
	"GroupByKey into Join": func(p *model.Pipeline) {
		groups := transforms.GroupByKey(pairs(p))
		used(transforms.Join(groups, pairs(p), func(string, iter.Seq[int], int) int { return 0 }))
	},
}
