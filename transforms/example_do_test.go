package transforms_test

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/windowing"
)

// Do sees where an element stands in time, and emits as many as it likes.
func ExampleDo() {
	day := func(n int) time.Time { return time.Date(2026, time.May, n, 12, 0, 0, 0, time.UTC) }

	var p model.Pipeline
	sales := transforms.WithTimestamps(transforms.Create(&p, 1, 1, 2), day)
	daily := transforms.Window(sales, model.WindowingStrategy{Windows: windowing.Fixed{Size: 24 * time.Hour}})
	counts := transforms.CombineGlobally(daily, transforms.Counting)
	rows := transforms.Do(counts, transforms.DoFunc[int64, string](
		func(_ context.Context, e transforms.Element[int64], out transforms.Output[string]) error {
			out.Emit(fmt.Sprintf("%s: %d sales", e.Window.Start.Time().Format(time.DateOnly), e.Value))
			return nil
		}))

	printAll(rows)
	// Unordered output:
	// 2026-05-01: 2 sales
	// 2026-05-02: 1 sales
}

// A second output takes what cannot be parsed, so that the run goes on.
func ExampleDo2() {
	parse := func(_ context.Context, e transforms.Element[string], parsed transforms.Output[int], bad transforms.Output[string]) error {
		n, err := strconv.Atoi(e.Value)
		if err != nil {
			bad.Emit(e.Value)
			return nil
		}
		parsed.Emit(n)
		return nil
	}

	var p model.Pipeline
	lines := transforms.Create(&p, "12", "twelve", "30")
	numbers, rejected := transforms.Do2(lines, parse)
	total := transforms.CombineGlobally(numbers, transforms.Sum)
	report := transforms.Flatten(
		transforms.Map(total, func(n int) string { return fmt.Sprint("total ", n) }),
		transforms.Map(rejected, func(s string) string { return "cannot read " + s }))

	printAll(report)
	// Unordered output:
	// total 42
	// cannot read twelve
}

func ExampleDo3() {
	type Temperature = int
	triage := func(_ context.Context, e transforms.Element[Temperature], cold, mild, hot transforms.Output[Temperature]) error {
		switch {
		case e.Value < 10:
			cold.Emit(e.Value)
		case e.Value < 25:
			mild.Emit(e.Value)
		default:
			hot.Emit(e.Value)
		}
		return nil
	}

	var p model.Pipeline
	cold, _, hot := transforms.Do3(transforms.Create(&p, 4, 17, 31, 22), triage)
	extremes := transforms.Flatten(cold, hot)

	printAll(extremes)
	// Unordered output:
	// 4
	// 31
}

// What a job will do is known when it starts, and timed when it does it.
func ExampleOutput_EmitAt() {
	type Job struct {
		Name  string
		Start time.Time
		Takes time.Duration
	}
	noon := time.Date(2026, time.May, 1, 12, 0, 0, 0, time.UTC)

	var p model.Pipeline
	jobs := transforms.WithTimestamps(transforms.Create(&p,
		Job{"bake", noon, 50 * time.Minute},
		Job{"mill", noon.Add(30 * time.Minute), 2 * time.Hour},
	), func(j Job) time.Time { return j.Start })
	ends := transforms.Do(jobs, transforms.DoFunc[Job, string](
		func(_ context.Context, e transforms.Element[Job], out transforms.Output[string]) error {
			out.EmitAt(e.Timestamp.Add(e.Value.Takes), e.Value.Name)
			return nil
		}))
	schedule := transforms.Do(ends, transforms.DoFunc[string, string](
		func(_ context.Context, e transforms.Element[string], out transforms.Output[string]) error {
			out.Emit(e.Timestamp.Time().Format("15:04 ") + e.Value)
			return nil
		}))

	printAll(schedule)
	// Unordered output:
	// 12:50 bake
	// 14:30 mill
}
