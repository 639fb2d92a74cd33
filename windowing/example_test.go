package windowing_test

import (
	"context"
	"fmt"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/runners/direct"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/windowing"
)

// at are elements that are the time they happened.
func at(p *model.Pipeline, times ...string) model.PCollection[string] {
	return transforms.WithTimestamps(transforms.Create(p, times...), func(s string) time.Time {
		t, _ := time.Parse("15:04", s)
		return t
	})
}

// printCounts prints how many elements each window of c has.
func printCounts(p *model.Pipeline, c model.PCollection[string], windows model.WindowFn) {
	windowed := transforms.Window(c, model.WindowingStrategy{Windows: windows})
	counts := transforms.CombineGlobally(windowed, transforms.Counting)
	transforms.ForEach(counts, func(_ context.Context, e transforms.Element[int64]) error {
		fmt.Printf("%v to %v: %d\n", clock(e.Window.Start), clock(e.Window.End), e.Value)
		return nil
	})
	if err := direct.Run(context.Background(), p); err != nil {
		fmt.Println(err)
	}
}

func ExampleFixed() {
	var p model.Pipeline
	printCounts(&p, at(&p, "09:00", "09:14", "09:15", "10:01"), windowing.Fixed{Size: 15 * time.Minute})
	// Unordered output:
	// 09:00 to 09:15: 2
	// 09:15 to 09:30: 1
	// 10:00 to 10:15: 1
}

// With an offset, windows begin elsewhere than on the hour.
func ExampleFixed_offset() {
	var p model.Pipeline
	printCounts(&p, at(&p, "09:00", "09:14", "09:15"), windowing.Fixed{Size: time.Hour, Offset: 10 * time.Minute})
	// Unordered output:
	// 08:10 to 09:10: 1
	// 09:10 to 10:10: 2
}

func ExampleSliding() {
	var p model.Pipeline
	printCounts(&p, at(&p, "09:05", "09:25"), windowing.Sliding{Size: 30 * time.Minute, Every: 15 * time.Minute})
	// Unordered output:
	// 08:45 to 09:15: 1
	// 09:00 to 09:30: 2
	// 09:15 to 09:45: 1
}

func ExampleSessions() {
	var p model.Pipeline
	printCounts(&p, at(&p, "09:00", "09:08", "09:17", "09:30"), windowing.Sessions{Gap: 10 * time.Minute})
	// Unordered output:
	// 09:00 to 09:27: 3
	// 09:30 to 09:40: 1
}

func ExampleGlobal() {
	var p model.Pipeline
	hourly := transforms.Window(at(&p, "09:05", "10:25"), model.WindowingStrategy{Windows: windowing.Fixed{Size: time.Hour}})
	all := transforms.Window(hourly, model.WindowingStrategy{Windows: windowing.Global{}})

	count, err := direct.Collect(context.Background(), transforms.CombineGlobally(all, transforms.Counting))
	fmt.Println(count, err)
	// Output: [2] <nil>
}
