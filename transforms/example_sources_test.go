package transforms_test

import (
	"context"
	"fmt"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/windowing"
)

func ExampleImpulse() {
	var p model.Pipeline
	once := transforms.Impulse(&p)
	printAll(transforms.Map(once, func(struct{}) string { return "once" }))
	// Output:
	// once
}

// A list of prices is asked for every quarter of an hour. Without an End, that would
// go on by the clock.
func ExamplePeriodicImpulse() {
	var p model.Pipeline
	quarters := transforms.PeriodicImpulse(&p, source.Periodic{
		Interval: 15 * time.Minute,
		Start:    time.Date(2013, 1, 1, 9, 0, 0, 0, time.UTC),
		End:      time.Date(2013, 1, 1, 9, 45, 0, 0, time.UTC),
	})
	prices := transforms.Map(quarters, func(at model.Timestamp) string { return "prices of " + at.Time().Format("15:04") })
	// Each list has a window of its own, in which others can look it up.
	printAll(transforms.Window(prices, model.WindowingStrategy{Windows: windowing.Fixed{Size: 15 * time.Minute}}))
	// Unordered output:
	// prices of 09:00
	// prices of 09:15
	// prices of 09:30
}

func ExampleGenerateSequence() {
	var p model.Pipeline
	numbers := transforms.GenerateSequence(&p, source.Sequence{From: 1, To: 1001})
	printAll(transforms.CombineGlobally(numbers, transforms.Sum[int64]))
	// Output:
	// 500500
}

// Ten numbers a second, each stamped with the time at which it is due.
func ExampleGenerateSequence_rate() {
	var p model.Pipeline
	numbers := transforms.GenerateSequence(&p, source.Sequence{
		To: 4, Count: 10, Per: time.Second,
		Start: time.Date(2013, 1, 1, 0, 0, 0, 0, time.UTC),
	})
	printAll(transforms.Do(numbers, transforms.DoFunc[int64, string](func(_ context.Context, e transforms.Element[int64], out transforms.Output[string]) error {
		out.Emit(fmt.Sprint(e.Value, " at ", e.Timestamp.Time().Format("15:04:05.0")))
		return nil
	})))
	// Unordered output:
	// 0 at 00:00:00.0
	// 1 at 00:00:00.1
	// 2 at 00:00:00.2
	// 3 at 00:00:00.3
}
