package direct_test

import (
	"context"
	"iter"
	"runtime"
	"sync"
	"testing"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
	"github.com/millrace/millrace/runners/direct"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/windowing"
)

// scaled is n, or less of it where time is short.
func scaled(n int) int {
	if testing.Short() || raceDetector {
		return n / 20
	}
	return n
}

// A gauge measures the highest that the live heap gets to while a pipeline runs,
// above what there was before.
type gauge struct {
	mu         sync.Mutex
	base, peak uint64
}

func live() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func newGauge() *gauge {
	live() // what pools hold goes with the second collection
	return &gauge{base: live()}
}

func (g *gauge) measure() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.peak = max(g.peak, live())
}

// every returns a hook for a source that measures times times while it is read.
func (g *gauge) every(n, times int) func(context.Context, int) (*source.Status, error) {
	var mu sync.Mutex
	at := n / times
	return func(_ context.Context, next int) (*source.Status, error) {
		mu.Lock()
		defer mu.Unlock()
		if next >= at {
			at += n / times
			g.measure()
		}
		return nil, nil
	}
}

// within fails the test if the peak was above most MB.
func (g *gauge) within(t *testing.T, most float64) {
	t.Helper()
	mb := float64(g.peak-min(g.base, g.peak)) / 1e6
	t.Logf("the heap peaked at %.1f MB above what it was; the bound is %.0f MB", mb, most)
	if mb > most && !raceDetector {
		t.Errorf("the heap peaked at %.1f MB, want at most %.0f MB", mb, most)
	}
}

const shapeTasks = 2

func runShape(t *testing.T, p *model.Pipeline) direct.Report {
	t.Helper()
	report, err := direct.Runner{Parallelism: shapeTasks}.Run(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func TestADeepPipelineOfMaps(t *testing.T) {
	n := scaled(100_000)
	g := newGauge()
	var p model.Pipeline
	c := (&numbers{n: n, splits: 4, onRead: g.every(n, 5)}).read(&p)
	for range 500 {
		c = transforms.Map(c, func(v int) int { return v + 1 })
	}
	out := &ledger{}
	transforms.Write(c, out)
	runShape(t, &p)
	if got := out.results(); len(got) != n || got[0] != 500 || got[n-1] != n+499 {
		t.Fatalf("%d elements came out, want %d, each 500 more", len(got), n)
	}
	g.within(t, 8)
}

func TestADeepPipelineOfGroupings(t *testing.T) {
	n := scaled(50_000)
	g := newGauge()
	var p model.Pipeline
	c := transforms.KeyBy((&numbers{n: n, splits: 4, onRead: g.every(n, 5)}).read(&p), func(v int) int { return v % 1000 })
	for range 50 {
		c = transforms.CombinePerKey(c, transforms.Sum)
	}
	total := transforms.CombineGlobally(transforms.Values(c), transforms.Sum)
	sum := summed(transforms.Map(total, func(v int) int64 { g.measure(); return int64(v) }))
	runShape(t, &p)
	if want := int64(n) * int64(n-1) / 2; sum.Load() != want {
		t.Fatalf("the sum is %d, want %d", sum.Load(), want)
	}
	g.within(t, 40)
}

func TestAWidePipeline(t *testing.T) {
	n := scaled(20_000)
	g := newGauge()
	var p model.Pipeline
	c := (&numbers{n: n, splits: 4, onRead: g.every(n, 5)}).read(&p)
	var branches []model.PCollection[int64]
	for i := range 200 {
		branch := transforms.Map(c, func(v int) int { return v + i })
		perKey := transforms.CombinePerKey(transforms.KeyBy(branch, byUnits), transforms.Sum)
		branches = append(branches, transforms.Map(perKey, func(kv model.KV[int, int]) int64 { return int64(kv.Value) }))
	}
	sum := summed(transforms.Flatten(branches...))
	runShape(t, &p)
	if want := 200*int64(n)*int64(n-1)/2 + int64(n)*199*200/2; sum.Load() != want {
		t.Fatalf("the sum is %d, want %d", sum.Load(), want)
	}
	g.within(t, 100)
}

func TestOneHugeKey(t *testing.T) {
	n := scaled(4_000_000)
	g := newGauge()
	var p model.Pipeline
	keyed := transforms.KeyBy((&numbers{n: n, splits: 4, onRead: g.every(n, 8)}).read(&p), func(int) string { return "everything" })
	groups := transforms.GroupByKey(keyed)
	sum := summed(transforms.Map(groups, func(kv model.KV[string, iter.Seq[int]]) (sum int64) {
		g.measure()
		for v := range kv.Value {
			sum += int64(v)
		}
		return sum
	}))
	runShape(t, &p)
	if want := int64(n) * int64(n-1) / 2; sum.Load() != want {
		t.Fatalf("the sum is %d, want %d", sum.Load(), want)
	}
	g.within(t, 3*8*float64(n)/1e6+16) // the values, what append keeps in reserve and copies from, and batches
}

func TestAMillionTinyWindows(t *testing.T) {
	for _, c := range []struct {
		name     string
		promises bool
		perEach  float64 // bytes for each window
		rest     float64 // MB
	}{
		{"all open at once", false, 700, 16},
		{"one after another", true, 0, 16},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := scaled(1_000_000)
			g := newGauge()
			var p model.Pipeline
			src := &numbers{n: n, promises: c.promises, onRead: g.every(n, 8)}
			windows := transforms.Window(src.read(&p), model.WindowingStrategy{Windows: windowing.Fixed{Size: micro}})
			counts := transforms.CombinePerKey(transforms.KeyBy(windows, byUnits), transforms.Counting)
			first := sync.OnceFunc(g.measure)
			sum := summed(transforms.Map(counts, func(kv model.KV[int, int64]) int64 { first(); return kv.Value }))
			report := runShape(t, &p)
			if g := report.Groupings[0]; sum.Load() != int64(n) || g.Panes != int64(n) {
				t.Fatalf("%d elements came out in %d panes, want %d", sum.Load(), g.Panes, n)
			}
			g.within(t, c.perEach*float64(n)/1e6+c.rest)
		})
	}
}
