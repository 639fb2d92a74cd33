//go:build !race

package direct_test

import (
	"context"
	"runtime"
	"testing"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/runners/direct"
	"github.com/millrace/millrace/testing/nexmark"
	"github.com/millrace/millrace/testing/nexmark/pipeline"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/windowing"
)

// TestElementsAreNotAllocated compares runs over n and over twice as many
// elements: what a run costs once is in both.
func TestElementsAreNotAllocated(t *testing.T) {
	query := func(q nexmark.Query) func(*testing.T, int) {
		return func(t *testing.T, n int) {
			if _, err := pipeline.Run(t.Context(), q, nexmark.Config{Events: int64(n), Parallelism: 2}); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, c := range map[string]struct {
		run  func(t *testing.T, n int)
		most float64
	}{
		"map and filter":       {mapAndFilter, 0.01},
		"q1":                   {query(nexmark.Q1), 0.01},
		"lifted sliding count": {slidingCount, 0.01},
		"q5":                   {query(nexmark.Q5), 0.01},
		"join of few keys":     {fewKeys, 0.01},
		// Of every hundred events, eight reach the join, most of them under a key of their
		// own: what it keeps of a key is a slice on each side.
		"q8": {query(nexmark.Q8), 0.06},
	} {
		t.Run(name, func(t *testing.T) {
			const n = 1_000_000
			once, twice := mallocs(func() { c.run(t, n) }), mallocs(func() { c.run(t, 2*n) })
			each := (float64(twice) - float64(once)) / n
			t.Logf("%d objects for %d elements, %d for %d: %.4f each", once, n, twice, 2*n, each)
			if each > c.most {
				t.Errorf("%.4f objects are allocated for each element, want at most %g", each, c.most)
			}
		})
	}
}

func mallocs(run func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	run()
	runtime.ReadMemStats(&after)
	return after.Mallocs - before.Mallocs
}

func mapAndFilter(t *testing.T, n int) {
	var p model.Pipeline
	c := (&numbers{n: n, splits: 2, promises: true}).read(&p)
	for range 5 {
		c = transforms.Map(c, func(v int) int { return v + 1 })
		c = transforms.Filter(c, func(v int) bool { return v%10 != 0 })
	}
	transforms.ForEach(transforms.Reshuffle(c), func(context.Context, transforms.Element[int]) error { return nil })
	run(t, &p)
}

func slidingCount(t *testing.T, n int) {
	var p model.Pipeline
	windows := transforms.Window((&numbers{n: n, splits: 2, promises: true}).read(&p), model.WindowingStrategy{Windows: windowing.Sliding{Size: 50_000 * micro, Every: 10_000 * micro}})
	counts := transforms.Count(transforms.Map(windows, func(v int) int { return v % 1000 }))
	transforms.ForEach(counts, func(context.Context, transforms.Element[model.KV[int, int64]]) error { return nil })
	run(t, &p)
}

func fewKeys(t *testing.T, n int) {
	var p model.Pipeline
	keyed := transforms.KeyBy(transforms.Window((&numbers{n: n, splits: 2, promises: true}).read(&p), model.WindowingStrategy{Windows: windowing.Fixed{Size: 50_000 * micro}}), byUnits)
	some := transforms.Filter(keyed, func(kv model.KV[int, int]) bool { return kv.Value%1000 == 0 })
	pairs := transforms.Join(keyed, some, func(_, a, b int) int { return a + b })
	transforms.ForEach(pairs, func(context.Context, transforms.Element[int]) error { return nil })
	run(t, &p)
}

func run(t *testing.T, p *model.Pipeline) {
	t.Helper()
	if _, err := (direct.Runner{Parallelism: 2}).Run(t.Context(), p); err != nil {
		t.Fatal(err)
	}
}
