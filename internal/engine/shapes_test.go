package engine_test

import (
	"context"
	"iter"
	"maps"
	"slices"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/windowing"
)

// A shape is what a pipeline makes of its windowed numbers: lists of them by key.
type shape int

const (
	combined   shape = iota // folded before the exchange where that is possible
	grouped                 // never folded before
	cogroup                 // even values on the left, odd ones on the right
	carried                 // windows assigned in front of the combine
	reshuffled              // spread over the tasks before the combine
	twice                   // combined by key, and again by half as many keys
	rewindowed              // combined by key, and again in windows that the panes' timestamps say
	shapes
)

func (s shape) String() string {
	return [...]string{"combined", "grouped", "cogroup", "carried", "reshuffled", "twice", "rewindowed"}[s]
}

// branches says that elements take several ways, on which they overtake each other.
func (s shape) branches() bool { return s == twice || s == reshuffled || s == cogroup }

// held says that where the watermark of a second grouping is depends on what the
// first one holds back, or takes back, which the reference does not know.
func (s shape) held(w model.WindowingStrategy) bool {
	return s == rewindowed || s == twice && (w.Timestamps != model.EndOfWindow || w.Panes == model.Retracting)
}

// An output is what came out of a pipeline.
type output struct {
	key    int
	values []int
	meta   model.Meta
}

// build builds c's pipeline, which adds what comes out to out.
func (c testCase) build(p *model.Pipeline, out *[]output) {
	transforms.ForEach(c.shape.of(c.input(p)), func(_ context.Context, e transforms.Element[lists]) error {
		*out = append(*out, output{e.Value.Key, slices.Sorted(slices.Values(e.Value.Value)), e.Meta})
		return nil
	})
}

// input is c's numbers, windowed.
func (c testCase) input(p *model.Pipeline) model.PCollection[number] {
	var inputs []model.PCollection[number]
	for i := range c.sources {
		s := &script{open: c.layout.stopped, fastest: c.fastest}
		for j := i; j < len(c.splits); j += c.sources {
			s.splits = append(s.splits, c.splits[j])
		}
		inputs = append(inputs, transforms.Read(p, s))
	}
	return transforms.Window(transforms.Flatten(inputs...), c.strategy)
}

type lists = model.KV[int, []int]

func (s shape) of(c model.PCollection[number]) model.PCollection[lists] {
	switch s {
	case grouped:
		return transforms.Map(transforms.GroupByKey(c), func(g model.KV[int, iter.Seq[int]]) lists {
			return model.KVOf(g.Key, slices.Collect(g.Value))
		})
	case cogroup:
		even := transforms.Filter(c, func(n number) bool { return n.Value%2 == 0 })
		odd := transforms.Filter(c, func(n number) bool { return n.Value%2 != 0 })
		return transforms.CoGroup(even, odd, joinSides)
	case carried:
		c = transforms.Do(c, transforms.DoFunc[number, number](func(_ context.Context, e transforms.Element[number], out transforms.Output[number]) error {
			out.Emit(e.Value)
			return nil
		}))
	case reshuffled:
		c = transforms.Reshuffle(c)
	case twice:
		return transforms.CombinePerKey(halved(c), bagsOfLists)
	case rewindowed:
		small := model.WindowingStrategy{Windows: windowing.Fixed{Size: us(4)}}
		return transforms.CombinePerKey(transforms.Window(halved(c), small), bagsOfLists)
	}
	return transforms.CombinePerKey(c, bags)
}

// halved is c combined by key, under half as many keys.
func halved(c model.PCollection[number]) model.PCollection[lists] {
	return transforms.Map(transforms.CombinePerKey(c, bags), func(g lists) lists { return model.KVOf(g.Key%2, g.Value) })
}

func joinSides(k int, even, odd []int, emit func(lists)) {
	for _, v := range even {
		if v%2 != 0 {
			panic("an odd value came in on the even side")
		}
	}
	emit(model.KVOf(k, slices.Concat(even, odd)))
}

// A bag counts values. Its combiner uses up what it may: an accumulator that was the
// first argument of Add or Merge is spoiled for any further use.
type bag = map[int]int

// spoiled marks a bag that nobody may use any more.
const spoiled = -1 << 40

func renewed(a bag) bag {
	if _, bad := a[spoiled]; bad {
		panic("an accumulator was used after it had been given away")
	}
	n := maps.Clone(a)
	a[spoiled] = 1
	return n
}

type bagging struct{}

func bags() transforms.Combiner[int, bag, []int] { return bagging{} }

func (bagging) New() bag { return bag{} }

func (bagging) Add(a bag, v int) bag {
	n := renewed(a)
	n[v]++
	return n
}

func (bagging) Merge(a, b bag) bag {
	n := renewed(a)
	if _, bad := b[spoiled]; bad {
		panic("an accumulator was merged after it had been given away")
	}
	for v, times := range b {
		n[v] += times
	}
	return n
}

func (bagging) Result(a bag) (values []int) {
	if _, bad := a[spoiled]; bad {
		panic("an accumulator was read after it had been given away")
	}
	for v, times := range a {
		values = append(values, slices.Repeat([]int{v}, times)...)
	}
	return values
}

// bagsOfLists bags the elements of lists.
func bagsOfLists() transforms.Combiner[[]int, bag, []int] { return listBagging{} }

type listBagging struct{ bagging }

func (l listBagging) Add(a bag, values []int) bag {
	for _, v := range values {
		a = l.bagging.Add(a, v)
	}
	return a
}
