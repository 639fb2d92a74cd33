package transforms_test

import (
	"context"
	"fmt"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/transforms"
)

func ExampleDoWith() {
	var p model.Pipeline
	rate := transforms.AsSingleton(transforms.Create(&p, 0.5))
	prices := transforms.Create(&p, 10.0, 20.0)
	printAll(transforms.DoWith(prices, rate, func(_ context.Context, e transforms.Element[float64], rate float64, out transforms.Output[string]) error {
		out.Emit(fmt.Sprintf("%v is %v", e.Value, e.Value*rate))
		return nil
	}))
	// Unordered output:
	// 10 is 5
	// 20 is 10
}

func ExampleMapWith() {
	var p model.Pipeline
	names := transforms.AsMap(transforms.Create(&p, model.KVOf("JFK", "John F. Kennedy"), model.KVOf("LGA", "LaGuardia")))
	codes := transforms.Create(&p, "LGA", "JFK")
	printAll(transforms.MapWith(codes, names, func(code string, names transforms.MapView[string, string]) string {
		name, _ := names.Get(code)
		return name
	}))
	// Unordered output:
	// LaGuardia
	// John F. Kennedy
}

func ExampleFilterWith() {
	var p model.Pipeline
	limit := transforms.AsSingletonOr(transforms.Create[int](&p), 10)
	printAll(transforms.FilterWith(transforms.Create(&p, 5, 15), limit, func(n, limit int) bool { return n < limit }))
	// Output:
	// 5
}

func ExampleAsSingleton() {
	var p model.Pipeline
	numbers := transforms.Create(&p, 1, 2, 5)
	total := transforms.AsSingleton(transforms.CombineGlobally(numbers, transforms.Sum[int]))
	printAll(transforms.MapWith(numbers, total, func(n, total int) string { return fmt.Sprint(n, " of ", total) }))
	// Unordered output:
	// 1 of 8
	// 2 of 8
	// 5 of 8
}

func ExampleAsSingletonOr() {
	var p model.Pipeline
	greeting := transforms.AsSingletonOr(transforms.Create[string](&p), "hello")
	printAll(transforms.MapWith(transforms.Create(&p, "miller"), greeting, func(name, greeting string) string { return greeting + ", " + name }))
	// Output:
	// hello, miller
}

func ExampleAsIterable() {
	var p model.Pipeline
	others := transforms.AsIterable(transforms.Create(&p, 1, 2, 3))
	printAll(transforms.MapWith(transforms.Create(&p, "a"), others, func(s string, ns []int) string { return fmt.Sprint(s, " beside ", len(ns)) }))
	// Output:
	// a beside 3
}

func ExampleAsMap() {
	var p model.Pipeline
	prices := transforms.AsMap(transforms.Create(&p, model.KVOf("tea", 3), model.KVOf("coffee", 4)))
	printAll(transforms.MapWith(transforms.Create(&p, "tea", "milk"), prices, func(what string, prices transforms.MapView[string, int]) string {
		price, ok := prices.Get(what)
		return fmt.Sprint(what, " ", price, " ", ok)
	}))
	// Unordered output:
	// tea 3 true
	// milk 0 false
}

func ExampleAsMultimap() {
	var p model.Pipeline
	kids := transforms.AsMultimap(transforms.Create(&p, model.KVOf("ann", "tim"), model.KVOf("ann", "tom")))
	printAll(transforms.MapWith(transforms.Create(&p, "ann", "bob"), kids, func(name string, kids transforms.MultimapView[string, string]) string {
		return fmt.Sprint(name, " has ", len(kids.Get(name)))
	}))
	// Unordered output:
	// ann has 2
	// bob has 0
}

func ExampleBoth() {
	var p model.Pipeline
	rate := transforms.AsSingleton(transforms.Create(&p, 2))
	fee := transforms.AsSingleton(transforms.Create(&p, 1))
	printAll(transforms.MapWith(transforms.Create(&p, 10), transforms.Both(rate, fee), func(n int, s transforms.Pair[int, int]) int {
		return n*s.A + s.B
	}))
	// Output:
	// 21
}

func ExampleMapViewOf() {
	prices := transforms.MapViewOf(map[string]int{"tea": 3})
	price, ok := prices.Get("tea")
	fmt.Println(price, ok)
	// Output:
	// 3 true
}

func ExampleMultimapViewOf() {
	kids := transforms.MultimapViewOf(map[string][]string{"ann": {"tim", "tom"}})
	fmt.Println(kids.Get("ann"))
	// Output:
	// [tim tom]
}
