package state_test

import (
	"fmt"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/state"
	"github.com/millrace/millrace/transforms"
)

const minute = model.Timestamp(60_000_000)

func ExampleValue() {
	last := state.NewValue[string]("last")
	e := state.NewLocal(last) // in a DoFn, the element

	fmt.Printf("%q\n", last.Get(e))
	last.Set(e, "tea")
	fmt.Printf("%q\n", last.Get(e))
	last.Clear(e)
	_, set := last.Lookup(e)
	fmt.Println(set)
	// Output:
	// ""
	// "tea"
	// false
}

func ExampleBag() {
	items := state.NewBag[string]("items")
	e := state.NewLocal(items)

	items.Add(e, "tea")
	items.Add(e, "milk")
	for item := range items.All(e) {
		fmt.Println(item)
	}
	// Output:
	// tea
	// milk
}

func ExampleMap() {
	prices := state.NewMap[string, int]("prices")
	e := state.NewLocal(prices)

	prices.Put(e, "tea", 3)
	prices.Put(e, "milk", 1)
	prices.Put(e, "tea", 4)
	for item, price := range prices.All(e) {
		fmt.Println(item, price)
	}
	// Output:
	// tea 4
	// milk 1
}

func ExampleSet() {
	seen := state.NewSet[string]("seen")
	e := state.NewLocal(seen)

	for _, id := range []string{"a", "b", "a"} {
		if seen.Add(e, id) {
			fmt.Println(id)
		}
	}
	// Output:
	// a
	// b
}

func ExampleMultimap() {
	orders := state.NewMultimap[string, int]("orders")
	e := state.NewLocal(orders)

	orders.Add(e, "ann", 7)
	orders.Add(e, "bob", 1)
	orders.Add(e, "ann", 9)
	for amount := range orders.Values(e, "ann") {
		fmt.Println(amount)
	}
	// Output:
	// 7
	// 9
}

// Elements arrive in any order; an OrderedList sorts what of them is complete.
func ExampleOrderedList() {
	waiting := state.NewOrderedList[string]("waiting")
	e := state.NewLocal(waiting)

	waiting.Add(e, 2*minute, "second")
	waiting.Add(e, 1*minute, "first")
	waiting.Add(e, 3*minute, "third")
	for at, v := range waiting.Range(e, 0, 3*minute) {
		fmt.Println(at.Time().Format("15:04"), v)
	}
	waiting.ClearRange(e, 0, 3*minute)
	fmt.Println(waiting.Len(e), "left")
	// Output:
	// 00:01 first
	// 00:02 second
	// 1 left
}

func ExampleCombining() {
	mean := state.NewCombining("mean", transforms.Mean[int]())
	e := state.NewLocal(mean)

	mean.Add(e, 1)
	mean.Add(e, 4)
	fmt.Println(mean.Get(e))
	// Output:
	// 2.5
}

func ExampleExpireAfterEventTime() {
	seen := state.NewValue[bool]("seen", state.ExpireAfterEventTime(time.Minute))
	e := state.NewLocal(seen)

	e.Advance(state.EventTime, 0)
	seen.Set(e, true)
	e.Advance(state.EventTime, minute-1)
	fmt.Println(seen.Get(e))
	e.Advance(state.EventTime, minute)
	fmt.Println(seen.Get(e))
	// Output:
	// true
	// false
}

func ExampleEventTimerFamily() {
	retries := state.NewEventTimerFamily("retries")
	e := state.NewLocal(retries)

	retries.Set(e, "mail", 2*minute)
	retries.Set(e, "sms", 1*minute)
	retries.Set(e, "mail", 5*minute) // moves
	for _, t := range e.Timers() {
		fmt.Println(t.Tag, t.At.Time().Format("15:04"))
	}
	// Output:
	// sms 00:01
	// mail 00:05
}
