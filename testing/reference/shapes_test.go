package reference_test

import (
	"iter"
	"slices"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/transforms"
)

// A shape is a pipeline around a grouping.
type shape uint8

const (
	grouped shape = iota
	combined
	joined // even values with odd ones
	chained
	shapes
)

// A second is what stands behind the first grouping of a chained shape: a grouping
// of the sums of its panes.
type second uint8

const (
	groupedAgain second = iota
	inverted            // a combiner with an inverse
	recomputed          // one without
	seconds
)

type lists = model.KV[int, []int]

const (
	firstName  = "first"
	secondName = "second"
)

// build builds c's pipeline, which records what comes out.
func (c testCase) build(p *model.Pipeline, rec *recording) {
	in := transforms.Window(transforms.Read(p, &script{steps: c.steps}), c.strategy)
	opts := []model.Option{model.Name(firstName)}
	var late model.LateData[number]
	if c.late {
		opts = append(opts, late.To())
	}
	var out model.PCollection[lists]
	switch c.shape {
	case grouped, chained:
		out = listed(transforms.GroupByKey(in, opts...))
	case combined:
		out = transforms.CombinePerKey(in, bags, opts...)
	case joined:
		even := transforms.Filter(in, func(n number) bool { return n.Value%2 == 0 })
		odd := transforms.Filter(in, func(n number) bool { return n.Value%2 != 0 })
		out = transforms.CoGroup(even, odd, join, opts...)
	}
	if c.shape == chained {
		out = c.second.of(transforms.Map(out, func(l lists) number { return number{Key: l.Key, Value: total(l.Value)} }))
	}
	rec.record(out)
	if c.late {
		rec.recordDrops(late)
	}
}

func (s second) of(in model.PCollection[number]) model.PCollection[lists] {
	switch s {
	case inverted:
		sums := transforms.CombinePerKey(in, transforms.Sum[int], model.Name(secondName))
		return transforms.Map(sums, func(n number) lists { return lists{Key: n.Key, Value: []int{n.Value}} })
	case recomputed:
		return transforms.CombinePerKey(in, bags, model.Name(secondName))
	}
	return listed(transforms.GroupByKey(in, model.Name(secondName)))
}

// values is what a pane of the second grouping says of what is in it.
func (s second) values(in []int) []int {
	if s == inverted {
		return []int{total(in)}
	}
	return in
}

func listed(groups model.PCollection[model.KV[int, iter.Seq[int]]]) model.PCollection[lists] {
	return transforms.Map(groups, func(g model.KV[int, iter.Seq[int]]) lists {
		return model.KVOf(g.Key, slices.Collect(g.Value))
	})
}

func join(k int, even, odd []int, emit func(lists)) {
	for _, v := range even {
		if v%2 != 0 {
			panic("an odd value came in on the even side")
		}
	}
	emit(model.KVOf(k, slices.Concat(even, odd)))
}

func total(values []int) (sum int) {
	for _, v := range values {
		sum += v
	}
	return sum
}

// A bag keeps values, behind a flag. Its combiner uses up what it may: an
// accumulator that was the first argument of Add or Merge is spoiled.
type bag = []int

const (
	sound = iota
	spoiled
)

type bagging struct{}

func bags() transforms.Combiner[int, bag, []int] { return bagging{} }

func (bagging) New() bag { return bag{sound} }

func (bagging) Add(a bag, v int) bag { return renewed(a, v) }

func (bagging) Merge(a, b bag) bag { return renewed(a, read(b)...) }

func (bagging) Result(a bag) []int { return slices.Clone(read(a)) }

func read(a bag) []int {
	if a[0] == spoiled {
		panic("an accumulator was used after it had been given away")
	}
	return a[1:]
}

func renewed(a bag, more ...int) bag {
	n := append(bag{sound}, slices.Concat(read(a), more)...)
	a[0] = spoiled
	return n
}
