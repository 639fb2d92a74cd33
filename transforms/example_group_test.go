package transforms_test

import (
	"cmp"
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/transforms"
)

func ExampleGroupByKey() {
	var p model.Pipeline
	scores := transforms.Create(&p, model.KVOf("ann", 3), model.KVOf("bob", 5), model.KVOf("ann", 1))
	groups := transforms.GroupByKey(scores)
	sorted := transforms.Map(groups, func(g model.KV[string, iter.Seq[int]]) string {
		return fmt.Sprint(g.Key, slices.Sorted(g.Value))
	})

	printAll(sorted)
	// Unordered output:
	// ann[1 3]
	// bob[5]
}

// Spread is a combiner of one's own: the distance between the smallest and the
// largest value. Its accumulator is the two of them.
type Spread struct{}

type Bounds struct{ Lo, Hi int }

func (Spread) New() Bounds                             { return Bounds{math.MaxInt, math.MinInt} }
func (Spread) Add(b Bounds, v int) Bounds              { return Bounds{min(b.Lo, v), max(b.Hi, v)} }
func (Spread) Merge(a, b Bounds) Bounds                { return Bounds{min(a.Lo, b.Lo), max(a.Hi, b.Hi)} }
func (Spread) Result(b Bounds) int                     { return b.Hi - b.Lo }
func NewSpread() transforms.Combiner[int, Bounds, int] { return Spread{} }

func ExampleCombinePerKey() {
	var p model.Pipeline
	temperatures := transforms.Create(&p,
		model.KVOf("Lima", 15), model.KVOf("Lima", 22),
		model.KVOf("Oslo", -6), model.KVOf("Oslo", 3), model.KVOf("Oslo", 1))
	spreads := transforms.CombinePerKey(temperatures, NewSpread)

	printAll(spreads)
	// Unordered output:
	// Lima: 7
	// Oslo: 9
}

func ExampleCombineGlobally() {
	var p model.Pipeline
	cents := transforms.Create(&p, 120, 80, 500)
	total := transforms.CombineGlobally(cents, transforms.Sum)

	printAll(total)
	// Output: 700
}

func ExampleReduce() {
	longer := func(a, b string) string {
		if len(b) > len(a) {
			return b
		}
		return a
	}

	var p model.Pipeline
	words := transforms.Create(&p, "mill", "race", "miller", "river")
	byInitial := transforms.KeyBy(words, func(w string) string { return w[:1] })
	longest := transforms.Reduce(byInitial, longer)

	printAll(longest)
	// Unordered output:
	// m: miller
	// r: river
}

func ExampleAdd() {
	var p model.Pipeline
	cents := transforms.Create(&p, model.KVOf("ann", 120), model.KVOf("bob", 80), model.KVOf("ann", 500))

	printAll(transforms.Reduce(cents, transforms.Add))
	// Unordered output:
	// ann: 620
	// bob: 80
}

func ExampleCount() {
	var p model.Pipeline
	words := transforms.Create(&p, "to", "be", "or", "not", "to", "be")

	printAll(transforms.Count(words))
	// Unordered output:
	// to: 2
	// be: 2
	// or: 1
	// not: 1
}

func ExampleDistinct() {
	var p model.Pipeline
	visitors := transforms.Create(&p, "ann", "bob", "ann", "ann")

	printAll(transforms.Distinct(visitors))
	// Unordered output:
	// ann
	// bob
}

// purchases are what customers paid, in cents.
func purchases(p *model.Pipeline) model.PCollection[model.KV[string, int]] {
	return transforms.Create(p, model.KVOf("ann", 120), model.KVOf("bob", 80), model.KVOf("ann", 500))
}

func ExampleCounting() {
	var p model.Pipeline
	printAll(transforms.CombinePerKey(purchases(&p), transforms.Counting))
	// Unordered output:
	// ann: 2
	// bob: 1
}

func ExampleSum() {
	var p model.Pipeline
	printAll(transforms.CombinePerKey(purchases(&p), transforms.Sum))
	// Unordered output:
	// ann: 620
	// bob: 80
}

func ExampleMean() {
	var p model.Pipeline
	printAll(transforms.CombinePerKey(purchases(&p), transforms.Mean))
	// Unordered output:
	// ann: 310
	// bob: 80
}

func ExampleMin() {
	var p model.Pipeline
	printAll(transforms.CombinePerKey(purchases(&p), transforms.Min))
	// Unordered output:
	// ann: 120
	// bob: 80
}

func ExampleMax() {
	var p model.Pipeline
	printAll(transforms.CombinePerKey(purchases(&p), transforms.Max))
	// Unordered output:
	// ann: 500
	// bob: 80
}

func ExampleTop() {
	type Player struct {
		Name   string
		Points int
	}
	byPoints := func(a, b Player) int {
		return cmp.Or(cmp.Compare(a.Points, b.Points), strings.Compare(b.Name, a.Name))
	}

	var p model.Pipeline
	players := transforms.Create(&p, Player{"ann", 40}, Player{"bob", 75}, Player{"cid", 60}, Player{"dee", 10})
	podium := transforms.CombineGlobally(players, transforms.Top(3, byPoints))

	printAll(podium)
	// Output: [{bob 75} {cid 60} {ann 40}]
}

func ExampleCoGroup() {
	var p model.Pipeline
	emails := transforms.Create(&p, model.KVOf("ann", "ann@example.org"))
	phones := transforms.Create(&p, model.KVOf("ann", "555-1234"), model.KVOf("ann", "555-5678"), model.KVOf("bob", "555-9999"))
	contacts := transforms.CoGroup(emails, phones, func(name string, emails, phones []string, emit func(string)) {
		emit(fmt.Sprintf("%s has %d emails, %d phones", name, len(emails), len(phones)))
	})

	printAll(contacts)
	// Unordered output:
	// ann has 1 emails, 2 phones
	// bob has 0 emails, 1 phones
}

func ExampleJoin() {
	var p model.Pipeline
	names := transforms.Create(&p, model.KVOf(1, "ann"), model.KVOf(2, "bob"))
	orders := transforms.Create(&p, model.KVOf(1, "flour"), model.KVOf(1, "salt"), model.KVOf(3, "yeast"))
	lines := transforms.Join(names, orders, func(_ int, name, order string) string {
		return name + " ordered " + order
	})

	printAll(lines)
	// Unordered output:
	// ann ordered flour
	// ann ordered salt
}

func ExampleLeftJoin() {
	var p model.Pipeline
	names := transforms.Create(&p, model.KVOf(1, "ann"), model.KVOf(2, "bob"))
	orders := transforms.Create(&p, model.KVOf(1, "flour"), model.KVOf(3, "yeast"))
	lines := transforms.LeftJoin(names, orders, func(_ int, name, order string, found bool) string {
		if !found {
			return name + " ordered nothing"
		}
		return name + " ordered " + order
	})

	printAll(lines)
	// Unordered output:
	// ann ordered flour
	// bob ordered nothing
}
