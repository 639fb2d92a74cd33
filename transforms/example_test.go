package transforms_test

import (
	"context"
	"fmt"
	"log"
	"slices"
	"strings"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/runners/direct"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/windowing"
)

// printAll runs the pipeline of c and prints the elements of c, a line each.
func printAll[T any](c model.PCollection[T]) {
	all, err := direct.Collect(context.Background(), c)
	if err != nil {
		fmt.Println(err)
	}
	for _, v := range all {
		fmt.Println(v)
	}
}

// The words of a text, counted. The examples of single verbs end in a function
// printAll, which does what this one does from ForEach on.
func Example() {
	var p model.Pipeline
	lines := transforms.Create(&p, "the mill by the race", "the wheel of the mill")
	words := transforms.FlatMap(lines, strings.FieldsSeq)
	counts := transforms.Count(words)
	transforms.ForEach(counts, func(_ context.Context, e transforms.Element[model.KV[string, int64]]) error {
		fmt.Println(e.Value)
		return nil
	})

	if err := direct.Run(context.Background(), &p); err != nil {
		log.Fatal(err)
	}
	// Unordered output:
	// the: 4
	// mill: 2
	// by: 1
	// race: 1
	// wheel: 1
	// of: 1
}

func ExampleCreate() {
	var p model.Pipeline
	printAll(transforms.Create(&p, "mill", "race", "wheel"))
	// Unordered output:
	// mill
	// race
	// wheel
}

func ExampleMap() {
	var p model.Pipeline
	words := transforms.Create(&p, "mill", "race")
	loud := transforms.Map(words, strings.ToUpper)

	printAll(loud)
	// Unordered output:
	// MILL
	// RACE
}

func ExampleTryMap() {
	var p model.Pipeline
	texts := transforms.Create(&p, "90s", "2h")
	durations := transforms.TryMap(texts, func(_ context.Context, s string) (time.Duration, error) {
		return time.ParseDuration(s)
	})

	printAll(durations)
	// Unordered output:
	// 1m30s
	// 2h0m0s
}

func ExampleFilter() {
	var p model.Pipeline
	temperatures := transforms.Create(&p, -3, 12, 0, 25)
	freezing := transforms.Filter(temperatures, func(celsius int) bool { return celsius <= 0 })

	printAll(freezing)
	// Unordered output:
	// -3
	// 0
}

// Reading and writing in place saves copies, which shows where elements are large.
func ExampleFilterMap() {
	type Sample struct {
		Sensor string
		Values [1000]float64
	}
	highest := func(s *Sample, out *float64) bool {
		*out = slices.Max(s.Values[:])
		return s.Sensor == "wheel"
	}

	var p model.Pipeline
	samples := transforms.Create(&p, Sample{"wheel", [1000]float64{7: 2.5}}, Sample{"sluice", [1000]float64{}})

	printAll(transforms.FilterMap(samples, highest))
	// Output: 2.5
}

func ExampleFlatMap() {
	var p model.Pipeline
	lines := transforms.Create(&p, "to be or", "not to be")
	words := transforms.FlatMap(lines, strings.FieldsSeq)

	printAll(words)
	// Unordered output:
	// to
	// be
	// or
	// not
	// to
	// be
}

func ExampleKeyBy() {
	var p model.Pipeline
	words := transforms.Create(&p, "mill", "race", "river")
	byLength := transforms.KeyBy(words, func(w string) int { return len(w) })

	printAll(byLength)
	// Unordered output:
	// 4: mill
	// 4: race
	// 5: river
}

func ExampleKeys() {
	var p model.Pipeline
	ages := transforms.Create(&p, model.KVOf("ann", 41), model.KVOf("bob", 7))

	printAll(transforms.Keys(ages))
	// Unordered output:
	// ann
	// bob
}

func ExampleValues() {
	var p model.Pipeline
	ages := transforms.Create(&p, model.KVOf("ann", 41), model.KVOf("bob", 7))

	printAll(transforms.Values(ages))
	// Unordered output:
	// 41
	// 7
}

func ExampleSwap() {
	var p model.Pipeline
	capitals := transforms.Create(&p, model.KVOf("France", "Paris"), model.KVOf("Peru", "Lima"))

	printAll(transforms.Swap(capitals))
	// Unordered output:
	// Paris: France
	// Lima: Peru
}

func ExampleFlatten() {
	var p model.Pipeline
	europe := transforms.Create(&p, "Paris", "Rome")
	america := transforms.Create(&p, "Lima")

	printAll(transforms.Flatten(europe, america))
	// Unordered output:
	// Paris
	// Rome
	// Lima
}

func ExamplePartition() {
	var p model.Pipeline
	ages := transforms.Create(&p, 41, 7, 12, 68)
	parts := transforms.Partition(ages, 2, func(age int) int {
		if age < 18 {
			return 0
		}
		return 1
	})
	children, adults := parts[0], parts[1]
	labelled := transforms.Flatten(
		transforms.Map(children, func(age int) string { return fmt.Sprint("child of ", age) }),
		transforms.Map(adults, func(age int) string { return fmt.Sprint("adult of ", age) }))

	printAll(labelled)
	// Unordered output:
	// child of 7
	// child of 12
	// adult of 41
	// adult of 68
}

// One file that cannot be split, and work on its pages that is dear: Reshuffle
// spreads the pages over all tasks.
func ExampleReshuffle() {
	var p model.Pipeline
	pages := transforms.Create(&p, "first page", "second page")
	spread := transforms.Reshuffle(pages)
	lengths := transforms.Map(spread, func(page string) int { return len(page) })

	printAll(lengths)
	// Unordered output:
	// 10
	// 11
}

func ExampleComposite() {
	// initials is a transform of one's own. In the plan, and in errors, its parts
	// are called initials/Map and initials/Distinct.
	initials := func(words model.PCollection[string]) model.PCollection[string] {
		return transforms.Composite("initials", words, func(words model.PCollection[string]) model.PCollection[string] {
			firsts := transforms.Map(words, func(w string) string { return w[:1] })
			return transforms.Distinct(firsts)
		})
	}

	var p model.Pipeline
	printAll(initials(transforms.Create(&p, "mill", "race", "river")))
	// Unordered output:
	// m
	// r
}

func ExampleWithTimestamps() {
	type Reading struct {
		At      time.Time
		Celsius int
	}
	noon := time.Date(2026, time.May, 1, 12, 0, 0, 0, time.UTC)

	var p model.Pipeline
	readings := transforms.Create(&p,
		Reading{noon, 18},
		Reading{noon.Add(20 * time.Minute), 21},
		Reading{noon.Add(70 * time.Minute), 19})
	timed := transforms.WithTimestamps(readings, func(r Reading) time.Time { return r.At })

	hourly := transforms.Window(timed, model.WindowingStrategy{Windows: windowing.Fixed{Size: time.Hour}})
	celsius := transforms.Map(hourly, func(r Reading) int { return r.Celsius })
	hottest := transforms.CombineGlobally(celsius, transforms.Max)

	printAll(hottest)
	// Unordered output:
	// 21
	// 19
}

func ExampleWindow() {
	minute := func(n int) time.Time { return time.Date(2026, time.May, 1, 12, n, 0, 0, time.UTC) }

	var p model.Pipeline
	clicks := transforms.WithTimestamps(transforms.Create(&p, 0, 3, 4, 8, 14), minute)
	perFiveMinutes := transforms.Window(clicks, model.WindowingStrategy{
		Windows:  windowing.Fixed{Size: 5 * time.Minute},
		Lateness: time.Hour,
		Panes:    model.Accumulating,
	})
	counts := transforms.CombineGlobally(perFiveMinutes, transforms.Counting)

	transforms.ForEach(counts, func(_ context.Context, e transforms.Element[int64]) error {
		fmt.Println(e.Window.Start.Time().Format("15:04"), e.Value)
		return nil
	})
	if err := direct.Run(context.Background(), &p); err != nil {
		log.Fatal(err)
	}
	// Unordered output:
	// 12:00 3
	// 12:05 1
	// 12:10 1
}

func ExampleForEach() {
	var p model.Pipeline
	orders := transforms.Create(&p, 250, 99)
	transforms.ForEach(orders, func(_ context.Context, e transforms.Element[int]) error {
		fmt.Println("charging", e.Value)
		return nil
	})

	if err := direct.Run(context.Background(), &p); err != nil {
		log.Fatal(err)
	}
	// Unordered output:
	// charging 250
	// charging 99
}
