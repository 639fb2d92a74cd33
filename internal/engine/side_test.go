package engine_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/transforms"
)

// A sideCase is a main input beside a side input.
type sideCase struct {
	seed       uint64
	main, side model.WindowFn
	// mainSplits and sideSplits have no element behind its watermark, unless late.
	mainSplits, sideSplits [][]event
	late                   bool
	layout                 layout
}

func (c sideCase) String() string {
	return fmt.Sprintf("seed %d: %v beside %v, late %t, %+v\nmain input:\n%sside input:\n%s",
		c.seed, c.main, c.side, c.late, c.layout, printScript(c.mainSplits), printScript(c.sideSplits))
}

func drawSideCase(seed uint64) sideCase {
	rng := rand.New(rand.NewPCG(seed, 3))
	c := sideCase{seed: seed, late: rng.IntN(4) == 0}
	main, anytime := drawWindows(rng)
	c.main, c.side = main, main
	if rng.IntN(5) > 0 || merges(main) {
		for c.side = nil; c.side == nil || merges(c.side) || isGlobal(c.main) && !isGlobal(c.side); {
			var any bool
			c.side, any = drawWindows(rng)
			anytime = anytime && any
		}
	}
	base := drawBase(rng, anytime && !isGlobal(c.side)) // the global window ends before time does
	for range 1 + rng.IntN(3) {
		c.mainSplits = append(c.mainSplits, drawEvents(rng, base, rng.IntN(12), c.late))
		c.sideSplits = append(c.sideSplits, drawEvents(rng, shifted(base, rng.IntN(20)-10), rng.IntN(12), c.late))
	}
	for i := range c.mainSplits { // values are unique
		for j := range c.mainSplits[i] {
			c.mainSplits[i][j].value += 1000 * i
		}
		for j := range c.sideSplits[i] {
			c.sideSplits[i][j].value += 1000 * i
		}
	}
	c.layout = layout{parallelism: 1 + rng.IntN(4), batch: 1 + rng.IntN(6), groups: one(rng, 1, 3, 128), limit: 1 + rng.IntN(8), pulled: rng.IntN(3) == 0}
	return c
}

func merges(fn model.WindowFn) bool {
	_, merging := fn.(model.MergingWindowFn)
	return merging
}

func isGlobal(fn model.WindowFn) bool {
	return slices.Equal(fn.AssignWindows(nil, 0), []model.Window{model.GlobalWindow})
}

// A sight is what an element of the main input saw.
type sight struct {
	Value int
	Meta  model.Meta
	Seen  []int
}

// TestSideInputsAgreeWithReference runs random inputs beside each other, and
// compares what each element sees with a search through all of the side input. A
// grouping behind must not find an element late that was not.
func TestSideInputsAgreeWithReference(t *testing.T) {
	n := *cases / 4
	if testing.Short() {
		n /= 6
	}
	for i := range n {
		c := drawSideCase(*firstSeed + uint64(i))
		if err := c.check(); err != nil {
			t.Fatalf("%v\n%v", c, err)
		}
	}
}

func (c sideCase) check() error {
	var p model.Pipeline
	var got []sight
	main := transforms.Window(transforms.Read(&p, &script{splits: c.mainSplits}), model.WindowingStrategy{Windows: c.main})
	side := transforms.Window(transforms.Read(&p, &script{splits: c.sideSplits}), model.WindowingStrategy{Windows: c.side})
	type seen = transforms.Pair[[]number, transforms.MultimapView[int, int]]
	out := transforms.DoWith(main, transforms.Both(transforms.AsIterable(side), transforms.AsMultimap(side)), func(_ context.Context, e transforms.Element[number], s seen, out transforms.Output[number]) error {
		var all, values []int
		for _, n := range s.A {
			all = append(all, n.Value)
		}
		for _, vs := range s.B.All() {
			values = append(values, vs...)
		}
		slices.Sort(all)
		if slices.Sort(values); !c.late && !slices.Equal(all, values) {
			return fmt.Errorf("the iterable holds %v, the multimap %v", all, values)
		}
		got = append(got, sight{e.Value.Value, e.Meta, all})
		out.Emit(e.Value)
		return nil
	})
	transforms.GroupByKey(out)
	h, err := newHarness(&p, c.layout, rand.New(rand.NewPCG(c.seed, 4)))
	if err != nil {
		return err
	}
	if err := h.run(c.seed%3 == 0); err != nil {
		return err
	}
	slices.SortFunc(got, bySight)
	want := c.reference()
	if c.late {
		return c.within(want, got, h.counts("DoWith").Dropped)
	}
	if diff := gocmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		return fmt.Errorf("what is seen (-want +got):\n%s", diff)
	}
	counts := h.counts("DoWith")
	if counts.Dropped != 0 || counts.OnTime != int64(len(want)) || counts.Late != 0 || counts.Waiting != 0 {
		return fmt.Errorf("%d elements were on time, but the counts are %+v", len(want), counts)
	}
	if behind := h.counts("GroupByKey"); behind.Dropped+behind.Late > 0 {
		return fmt.Errorf("the watermark overtook elements: %+v", behind)
	}
	return nil
}

func bySight(a, b sight) int {
	if a.Value != b.Value {
		return a.Value - b.Value
	}
	return byStart(a.Meta.Window, b.Meta.Window)
}

// within checks what holds for late elements, too: each is seen or dropped, and
// what it sees is of its window.
func (c sideCase) within(want, got []sight, dropped int64) error {
	all := map[string]sight{}
	for _, w := range want {
		all[fmt.Sprint(w.Value, w.Meta)] = w
	}
	for _, g := range got {
		w, ok := all[fmt.Sprint(g.Value, g.Meta)]
		if !ok {
			return fmt.Errorf("%v is nothing that was read", g)
		}
		for _, v := range g.Seen {
			if !slices.Contains(w.Seen, v) {
				return fmt.Errorf("%v is not in the window that goes with %v", v, g)
			}
		}
	}
	lost := int64(len(want) - len(got))
	side := int64(0)
	for _, events := range c.sideSplits {
		for _, e := range events {
			side += int64(len(c.side.AssignWindows(nil, e.at)))
		}
	}
	if lost < 0 || dropped < lost || dropped > lost+2*side {
		return fmt.Errorf("%d elements are missing, but %d were counted as dropped", lost, dropped)
	}
	return nil
}

// reference is what each element sees.
func (c sideCase) reference() (want []sight) {
	for _, events := range c.mainSplits {
		for _, e := range events {
			if e.mark {
				continue
			}
			for _, w := range c.main.AssignWindows(nil, e.at) {
				s := sight{Value: e.value, Meta: model.Meta{Timestamp: e.at, Window: w, Pane: model.NoPane}}
				if sw, ok := c.goesWith(w); ok {
					s.Seen = c.valuesIn(sw)
				}
				want = append(want, s)
			}
		}
	}
	slices.SortFunc(want, bySight)
	return want
}

// goesWith is the window of the side input that goes with w.
func (c sideCase) goesWith(w model.Window) (found model.Window, ok bool) {
	if reflect.DeepEqual(c.main, c.side) {
		return w, true
	}
	for _, sw := range c.side.AssignWindows(nil, w.End-1) {
		if !ok || sw.End < found.End || sw.End == found.End && sw.Start < found.Start {
			found, ok = sw, true
		}
	}
	return found, ok
}

func (c sideCase) valuesIn(w model.Window) (values []int) {
	for _, events := range c.sideSplits {
		for _, e := range events {
			if !e.mark && slices.Contains(c.side.AssignWindows(nil, e.at), w) {
				values = append(values, e.value)
			}
		}
	}
	slices.Sort(values)
	return values
}
