package direct_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
	"github.com/millrace/millrace/runners/direct"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/windowing"
)

func TestParallelismMustNotBeNegative(t *testing.T) {
	var p model.Pipeline
	transforms.Create(&p, 1)
	_, err := direct.Runner{Parallelism: -1}.Run(t.Context(), &p)
	if err == nil || !strings.Contains(err.Error(), "Parallelism") {
		t.Errorf("the run returned %v", err)
	}
}

func TestParallelismIsTheNumberOfCoresByDefault(t *testing.T) {
	var p model.Pipeline
	out := &ledger{}
	transforms.Write((&numbers{n: 10}).read(&p), out)
	if err := direct.Run(t.Context(), &p); err != nil {
		t.Fatal(err)
	}
	if n := runtime.GOMAXPROCS(0); len(out.open) != n {
		t.Errorf("%d shards were opened, want %d", len(out.open), n)
	}
}

func TestAPipelineWithMistakesDoesNotStart(t *testing.T) {
	var p model.Pipeline
	src := &numbers{n: 10}
	c := src.read(&p)
	transforms.Map[int, int](c, nil)
	transforms.Write(c, &ledger{})
	var mistake *model.BuildError
	if err := direct.Run(t.Context(), &p); !errors.As(err, &mistake) {
		t.Errorf("the run returned %v, want the mistake", err)
	}
	if src.opened.Load() > 0 {
		t.Error("the source was opened")
	}
}

// varied builds a pipeline with some of everything, whose results it collects in
// lines.
func varied(p *model.Pipeline) (lines func() []string) {
	var mu sync.Mutex
	var out []string
	say := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		out = append(out, fmt.Sprintf(format, args...))
	}
	src := &numbers{n: 3000, splits: 7, promises: true}
	c := transforms.Flatten(src.read(p), transforms.Read(p, &numbers{n: 500, promises: true}))
	windowed := func(fn model.WindowFn) model.PCollection[model.KV[int, int]] {
		return transforms.KeyBy(transforms.Window(c, model.WindowingStrategy{Windows: fn}), byUnits)
	}
	sums := transforms.CombinePerKey(windowed(windowing.Sliding{Size: 50 * micro, Every: 20 * micro}), transforms.Sum)
	transforms.ForEach(sums, func(_ context.Context, e transforms.Element[model.KV[int, int]]) error {
		say("sum %v %v %v", e.Window, e.Value, e.Pane)
		return nil
	})
	groups := transforms.GroupByKey(windowed(windowing.Sessions{Gap: 30 * micro}))
	transforms.ForEach(groups, func(_ context.Context, e transforms.Element[model.KV[int, iter.Seq[int]]]) error {
		say("session %v %v %v", e.Window, e.Value.Key, slices.Sorted(e.Value.Value))
		return nil
	})
	fixed := windowed(windowing.Fixed{Size: 100 * micro})
	pairs := transforms.Join(fixed, transforms.Reshuffle(fixed), func(k, a, b int) int { return a * b })
	totals := transforms.CombineGlobally(pairs, transforms.Sum)
	best := transforms.CombineGlobally(totals, transforms.Top(3, cmp.Compare[int]))
	transforms.ForEach(best, func(_ context.Context, e transforms.Element[[]int]) error {
		say("best %v %v", e.Window, e.Value)
		return nil
	})
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		lines := slices.Sorted(slices.Values(out))
		out = nil
		return lines
	}
}

func TestResultsDoNotDependOnParallelism(t *testing.T) {
	var want []string
	for parallelism := 1; parallelism <= 8; parallelism++ {
		for _, sourceBatch := range []int{0, 7} {
			var p model.Pipeline
			lines := varied(&p)
			if _, err := (direct.Runner{Parallelism: parallelism, SourceBatch: sourceBatch}).Run(t.Context(), &p); err != nil {
				t.Fatal(err)
			}
			got := lines()
			if want == nil {
				want = got
			}
			if !slices.Equal(got, want) {
				t.Errorf("with %d tasks that read %d elements at a time there are %d results, with one %d, or they differ", parallelism, sourceBatch, len(got), len(want))
			}
		}
	}
	if len(want) < 1000 {
		t.Errorf("there are only %d results", len(want))
	}
}

// A pipeline is only a description: it can be run again, and twice at once.
func TestAPipelineCanBeRunAgain(t *testing.T) {
	var p model.Pipeline
	lines := varied(&p)
	var want []string
	for range 3 {
		if err := direct.Run(t.Context(), &p); err != nil {
			t.Fatal(err)
		}
		got := lines()
		if want == nil {
			want = got
		}
		if !slices.Equal(got, want) {
			t.Fatal("the results of two runs differ")
		}
	}
	var runs sync.WaitGroup
	for range 2 {
		runs.Go(func() {
			if err := direct.Run(t.Context(), &p); err != nil {
				t.Error(err)
			}
		})
	}
	runs.Wait()
	if twice := slices.Sorted(slices.Values(slices.Concat(want, want))); !slices.Equal(lines(), twice) {
		t.Error("two runs at once have other results than two runs one after another")
	}
}

func TestEmptyPipelines(t *testing.T) {
	for name, build := range map[string]func(p *model.Pipeline){
		"nothing at all":           func(*model.Pipeline) {},
		"a source nobody reads":    func(p *model.Pipeline) { transforms.Create(p, 1, 2, 3) },
		"no values":                func(p *model.Pipeline) { counted(transforms.Create[int](p)) },
		"no splits":                func(p *model.Pipeline) { counted(transforms.Read(p, noSplits{})) },
		"no splits side by side":   func(p *model.Pipeline) { counted(transforms.Read(p, sideBySide{&numbers{}})) },
		"a filter that keeps none": func(p *model.Pipeline) { counted(transforms.Filter((&numbers{n: 100}).read(p), isNegative)) },
		"a join of nothing":        func(p *model.Pipeline) { joined(transforms.Create[int](p), transforms.Create[int](p)) },
	} {
		t.Run(name, func(t *testing.T) {
			var p model.Pipeline
			build(&p)
			report, err := direct.Runner{}.Run(t.Context(), &p)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range report.Sources {
				if s.Watermark != model.MaxTimestamp {
					t.Errorf("the watermark of %s ends at %v", s.Name, s.Watermark)
				}
			}
			for _, g := range report.Groupings {
				if g.Panes != 0 || g.Watermark != model.MaxTimestamp {
					t.Errorf("the grouping's report is %+v", g)
				}
			}
		})
	}
}

type noSplits struct{ *numbers }

func (noSplits) Bounded() bool                                       { return true }
func (noSplits) Splits(context.Context, int) ([]source.Split, error) { return nil, nil }

func isNegative(v int) bool { return v < 0 }

func joined(a, b model.PCollection[int]) {
	transforms.Join(transforms.KeyBy(a, byUnits), transforms.KeyBy(b, byUnits), func(int, int, int) int { return 0 })
}

// sideBySide are numbers whose splits are to be read at the same time.
type sideBySide struct{ *numbers }

func (sideBySide) Concurrent() {}

// All splits of a concurrent source are open before any is read to its end,
// though there is only one task, and windows fire as the slowest of them gets on.
func TestSplitsOfAConcurrentSourceAreReadTogether(t *testing.T) {
	for _, parallelism := range []int{1, 2, 3} {
		src := &numbers{n: 10_000, splits: 5, promises: true}
		src.onRead = func(context.Context, int) (*source.Status, error) {
			if opened := src.opened.Load(); parallelism == 1 && opened != 5 {
				t.Errorf("a split is read when %d of 5 are open", opened)
			}
			return nil, nil
		}
		var p model.Pipeline
		total := summed(transforms.CombineGlobally(transforms.Window(transforms.Read(&p, sideBySide{src}), tens), transforms.Counting))
		report, err := direct.Runner{Parallelism: parallelism, SourceBatch: 100}.Run(t.Context(), &p)
		if err != nil {
			t.Fatal(err)
		}
		if g := report.Groupings[0]; total.Load() != 10_000 || g.Late+g.Dropped > 0 {
			t.Errorf("%d elements were counted, and the report is %+v", total.Load(), g)
		}
	}
}
