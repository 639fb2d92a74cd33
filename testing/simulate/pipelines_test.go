package simulate_test

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
	"github.com/millrace/millrace/model/state"
	"github.com/millrace/millrace/testing/simulate"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/triggers"
	"github.com/millrace/millrace/windowing"
)

// pipelines are what is simulated: each kind of state that a pipeline can have.
var pipelines = []struct {
	name  string
	build func(*model.Pipeline)
	later func(*model.Pipeline) // the version that takes over, if there is one
}{
	{name: "fixed windows", build: func(p *model.Pipeline) {
		simulate.Output(transforms.Count(transforms.Window(words(p, 60), in(fixed))))
	}},
	{name: "sliding windows, with late elements", build: func(p *model.Pipeline) {
		late := source.WithWatermarks(simulate.Stream[string]{Events: events(60, 1)}, source.BoundedOutOfOrderness(time.Second))
		simulate.Output(transforms.Count(transforms.Window(transforms.Read(p, late), model.WindowingStrategy{
			Windows: windowing.Sliding{Size: 10 * time.Second, Every: 5 * time.Second}, Panes: model.Accumulating, Lateness: time.Hour,
		})), simulate.Latest(wordOf))
	}},
	{name: "early panes, discarding", build: func(p *model.Pipeline) {
		simulate.Output(transforms.Count(transforms.Window(words(p, 60), early(model.Discarding))), simulate.Reduce(total))
	}},
	{name: "early panes, accumulating, by processing time", build: func(p *model.Pipeline) {
		s := early(model.Accumulating)
		s.Trigger = triggers.AfterWatermark{Early: triggers.Repeatedly{Trigger: triggers.AfterProcessingTime{Delay: time.Millisecond}}}
		simulate.Output(transforms.Count(transforms.Window(words(p, 60), s)), simulate.Latest(wordOf))
	}},
	{name: "early panes, retracting", build: func(p *model.Pipeline) {
		simulate.Output(transforms.Count(transforms.Window(words(p, 60), early(model.Retracting))))
	}},
	{name: "sessions", build: func(p *model.Pipeline) {
		sessions := model.WindowingStrategy{Windows: windowing.Sessions{Gap: 6 * time.Second}}
		simulate.Output(transforms.Count(transforms.Window(words(p, 50), sessions)))
	}},
	{name: "a join of two inputs", build: func(p *model.Pipeline) {
		a := byWord(transforms.Window(words(p, 40), in(fixed)))
		b := byWord(transforms.Window(words(p, 15), in(fixed))) // which ends earlier
		simulate.Output(transforms.CoGroup(a, b, func(k string, a, b []string, emit func(string)) {
			emit(fmt.Sprintf("%s %d %d", k, len(a), len(b)))
		}))
	}},
	{name: "timers", build: func(p *model.Pipeline) {
		simulate.Output(transforms.DoKeyed(byWord(transforms.Window(words(p, 50), in(fixed))), newBuckets()))
	}},
	{name: "timers of processing time", build: func(p *model.Pipeline) {
		simulate.Output(transforms.DoKeyed(byWord(transforms.Window(words(p, 50), in(fixed))), newTicks()), simulate.Reduce(total))
	}},
	{name: "dedupe", build: func(p *model.Pipeline) {
		simulate.Output(transforms.Distinct(transforms.Window(words(p, 60), in(fixed))))
	}},
	{name: "side inputs", build: func(p *model.Pipeline) {
		counts := transforms.Count(transforms.Window(words(p, 40), in(fixed)))
		named := transforms.MapWith(transforms.Window(words(p, 50), in(fixed)), transforms.AsMap(counts),
			func(w string, counts transforms.MapView[string, int64]) string {
				n, _ := counts.Get(w)
				return fmt.Sprint(w, " of ", n)
			})
		simulate.Output(named)
	}},
	{name: "two groupings, one behind the other", build: func(p *model.Pipeline) {
		counts := transforms.Count(transforms.Window(words(p, 60), in(windowing.Fixed{Size: 4 * time.Second})))
		simulate.Output(transforms.Count(transforms.Window(transforms.Values(counts), in(windowing.Fixed{Size: 20 * time.Second}))))
	}},
	{name: "two sinks, of a bounded input", build: func(p *model.Pipeline) {
		all := transforms.Read(p, simulate.Stream[string]{Events: events(40, 1), Ends: true, Partitions: 2})
		simulate.Output(all)
		groups := transforms.GroupByKey(byWord(all))
		simulate.Output(transforms.Map(groups, func(g model.KV[string, iter.Seq[string]]) string {
			return g.Key + " " + strings.Join(slices.Sorted(g.Value), ",")
		}))
	}},
	{name: "state of an earlier version", build: func(p *model.Pipeline) {
		groups := byWord(transforms.Window(words(p, 50), in(fixed)))
		simulate.Output(transforms.DoKeyed(groups, newTallies[tallyV1]()))
	}, later: func(p *model.Pipeline) {
		groups := byWord(transforms.Window(words(p, 50), in(fixed)))
		simulate.Output(transforms.DoKeyed(groups, newTallies[tallyV2]()))
	}},
}

var fixed = windowing.Fixed{Size: 10 * time.Second}

func in(w model.WindowFn) model.WindowingStrategy { return model.WindowingStrategy{Windows: w} }

// early are windows with a pane for each two elements of a key.
func early(panes model.PaneMode) model.WindowingStrategy {
	return model.WindowingStrategy{
		Windows: windowing.Fixed{Size: 15 * time.Second}, Panes: panes,
		Trigger: triggers.AfterWatermark{Early: triggers.Repeatedly{Trigger: triggers.AfterCount{N: 2}}},
	}
}

// events are n events of a few words over as many seconds, not in order.
func events(n int, seed uint64) (list []simulate.Timed[string]) {
	r := rand.New(rand.NewPCG(seed, 1))
	for i := range n {
		at := time.Duration(i)*time.Second + time.Duration(r.IntN(8000)-4000)*time.Millisecond
		list = append(list, simulate.At(model.Timestamp(at.Microseconds()), fmt.Sprintf("w%d", r.IntN(5))))
	}
	return list
}

func words(p *model.Pipeline, n int) model.PCollection[string] {
	return transforms.Read(p, simulate.Stream[string]{Events: events(n, uint64(n))})
}

func byWord(words model.PCollection[string]) model.PCollection[model.KV[string, string]] {
	return transforms.KeyBy(words, func(w string) string { return w })
}

func wordOf(count model.KV[string, int64]) string { return count.Key }

// total adds up the panes of each window and word.
func total(results []simulate.Result[model.KV[string, int64]]) (lines []string) {
	sum := map[string]int64{}
	for _, r := range results {
		sum[fmt.Sprint(r.Value.Key, " in ", r.Window)] += r.Value.Value
	}
	for k, n := range sum {
		lines = append(lines, fmt.Sprint(k, ": ", n))
	}
	return lines
}

// buckets counts the elements of each two seconds of a key, and tells as they are over.
type buckets struct {
	counts state.Map[string, int64]
	over   state.EventTimerFamily
}

func newBuckets() *buckets {
	return &buckets{state.NewMap[string, int64]("counts"), state.NewEventTimerFamily("over")}
}

func (b *buckets) Cells() []state.Cell { return []state.Cell{b.counts, b.over} }

func (b *buckets) Process(_ context.Context, e *transforms.Keyed[string, string], _ transforms.Output[string]) error {
	const length = 2_000_000
	at := e.Timestamp - (e.Timestamp%length+length)%length
	n := b.counts.Get(e, fmt.Sprint(at))
	b.counts.Put(e, fmt.Sprint(at), n+1)
	b.over.Set(e, fmt.Sprint(at), min(at+length, e.Window.MaxTimestamp()))
	return nil
}

func (b *buckets) OnTimer(_ context.Context, f *transforms.Firing[string], out transforms.Output[string]) error {
	n := b.counts.Get(f, f.Tag)
	b.counts.Remove(f, f.Tag)
	out.Emit(fmt.Sprintf("%s: %d from %s", f.Key, n, f.Tag))
	return nil
}

// ticks tells some time after an element how many there have been, by the clock.
type ticks struct {
	seen state.Value[int64]
	tell state.ProcessingTimer
}

func newTicks() *ticks {
	return &ticks{state.NewValue[int64]("seen"), state.NewProcessingTimer("tell")}
}

func (c *ticks) Cells() []state.Cell { return []state.Cell{c.seen, c.tell} }

func (c *ticks) Process(_ context.Context, e *transforms.Keyed[string, string], _ transforms.Output[model.KV[string, int64]]) error {
	c.seen.Set(e, c.seen.Get(e)+1)
	c.tell.Set(e, state.Now(e).Add(time.Millisecond))
	return nil
}

func (c *ticks) OnTimer(_ context.Context, f *transforms.Firing[string], out transforms.Output[model.KV[string, int64]]) error {
	out.Emit(model.KVOf(f.Key, c.seen.Get(f)))
	c.seen.Clear(f)
	return nil
}

func (c *ticks) OnWindowExpiration(_ context.Context, f *transforms.Firing[string], out transforms.Output[model.KV[string, int64]]) error {
	out.Emit(model.KVOf(f.Key, c.seen.Get(f)))
	return nil
}

// tallyV1 and tallyV2 are what two versions keep of a key.
type (
	tallyV1 struct {
		N    int32
		Last string
	}
	tallyV2 struct {
		Sum float64
		N   int64
	}
)

func (t *tallyV1) add(string) int64 { t.N++; t.Last = "w"; return int64(t.N) }
func (t *tallyV2) add(string) int64 { t.N++; t.Sum++; return t.N }

// tallies numbers the elements of each key and window, and tells how many there were.
type tallies[T any, P interface {
	*T
	add(string) int64
}] struct {
	kept state.Value[T]
}

func newTallies[T any, P interface {
	*T
	add(string) int64
}]() *tallies[T, P] {
	return &tallies[T, P]{state.NewValue[T]("kept")}
}

func (c *tallies[T, P]) Cells() []state.Cell { return []state.Cell{c.kept} }

func (c *tallies[T, P]) Process(_ context.Context, e *transforms.Keyed[string, string], _ transforms.Output[string]) error {
	t := c.kept.Get(e)
	P(&t).add(e.Value)
	c.kept.Set(e, t)
	return nil
}

func (c *tallies[T, P]) OnWindowExpiration(_ context.Context, f *transforms.Firing[string], out transforms.Output[string]) error {
	t := c.kept.Get(f)
	out.Emit(fmt.Sprintf("%s: %d", f.Key, P(&t).add("")-1))
	return nil
}
