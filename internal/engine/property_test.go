package engine_test

import (
	"cmp"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/millrace/millrace/internal/engine"
	"github.com/millrace/millrace/model"
)

var (
	cases     = flag.Int("cases", 12000, "how many random cases the engine is compared with its reference on")
	firstSeed = flag.Uint64("seed", 1, "the first of their seeds")
)

// TestEngineAgreesWithReference runs random pipelines over random scripts, in a
// random order of steps, and compares what comes out with what a reference finds
// by looking through all of the input.
func TestEngineAgreesWithReference(t *testing.T) {
	n := *cases
	if testing.Short() {
		n /= 6
	}
	for i := range n {
		c := drawCase(*firstSeed + uint64(i))
		if err := c.check(nil); err != nil {
			c = c.smallest()
			t.Fatalf("%v\n%v", c, c.check(nil))
		}
	}
}

// A tampering plants a bug in a harness.
type tampering func(*harness)

// check runs c, and says what is wrong with what came out.
func (c testCase) check(tamper tampering) error {
	var p model.Pipeline
	var out []output
	c.build(&p, &out)
	h, err := newHarness(&p, c.layout, rand.New(rand.NewPCG(c.seed, 2)))
	if err != nil {
		return err
	}
	if tamper != nil {
		tamper(h)
	}
	if c.exact {
		if err := h.endEmpty(); err != nil {
			return err
		}
	}
	if err := h.run(c.drained); err != nil {
		return err
	}
	for _, o := range out {
		if err := c.sane(o); err != nil {
			return err
		}
	}
	panes, err := withoutRetractions(out)
	switch {
	case err != nil:
		return err
	case c.exact:
		return c.compare(h, panes)
	}
	return c.invariants(h, panes, out)
}

// sane checks what holds for any pane.
func (c testCase) sane(o output) error {
	p, w := o.meta.Pane, o.meta.Window
	switch {
	case c.strategy.Timestamps == model.EndOfWindow && o.meta.Timestamp != w.MaxTimestamp():
		return fmt.Errorf("a pane of %v is stamped %v", w, o.meta.Timestamp)
	case p.First != (p.Index == 0), p.NonSpeculativeIndex != p.Index:
		return fmt.Errorf("the pane %+v is numbered wrongly", p)
	case p.Timing != model.OnTime && p.Timing != model.Late:
		return fmt.Errorf("the default trigger fired the pane %+v", p)
	case len(o.values) == 0:
		return fmt.Errorf("the pane %+v is empty", p)
	}
	return nil
}

// pane is o as the reference has it.
func (o output) pane() pane {
	p := o.meta.Pane
	return pane{o.key, o.meta.Window, p.Timing, p.Index, p.First, p.Last, o.meta.Timestamp, o.values}
}

// compare holds what came out against the reference.
func (c testCase) compare(h *harness, out []output) error {
	if err := c.comparePanes(out); err != nil {
		return err
	}
	_, counts := c.reference()
	if diff := gocmp.Diff(counts, c.counts(h)); diff != "" {
		return fmt.Errorf("counts (-want +got):\n%s", diff)
	}
	return nil
}

func (c testCase) comparePanes(out []output) error {
	var got []pane
	for _, o := range out {
		got = append(got, o.pane())
	}
	want, _ := c.reference()
	sorted(got)
	sorted(want)
	if diff := gocmp.Diff(want, got, gocmp.AllowUnexported(pane{}), cmpopts.EquateEmpty()); diff != "" {
		return fmt.Errorf("panes (-want +got):\n%s", diff)
	}
	return nil
}

func (c testCase) counts(h *harness) engine.Counts {
	switch c.shape {
	case grouped:
		return h.counts("GroupByKey")
	case cogroup:
		return h.counts("CoGroup")
	}
	return h.counts("CombinePerKey")
}

func sorted(panes []pane) {
	for i := range panes {
		slices.Sort(panes[i].values)
	}
	slices.SortFunc(panes, func(a, b pane) int {
		return cmp.Or(cmp.Compare(a.key, b.key), byStart(a.window, b.window), cmp.Compare(a.index, b.index), slices.Compare(a.values, b.values))
	})
}

// reference is what must come out of c, and be counted.
func (c testCase) reference() (panes []pane, counts engine.Counts) {
	first, end := c.firstVerdict()
	verdicts := []verdict{first}
	if c.shape == twice {
		verdicts = append(verdicts, groupReference(c.strategy, again(first.panes), end))
	}
	for i, v := range verdicts {
		onTime := v.onTime
		if i == 0 && c.sliced() {
			onTime = v.unfired
		}
		counts.Add(engine.Counts{OnTime: onTime, Late: v.late, Dropped: v.dropped, Panes: int64(len(v.panes))})
	}
	for _, e := range c.splits[0] {
		if c.shape != carried && !e.mark && len(c.strategy.Windows.AssignWindows(nil, e.at)) == 0 {
			counts.Windowless++ // at the grouping, if the windows are not carried to it
		}
	}
	for _, f := range verdicts[len(verdicts)-1].panes {
		panes = append(panes, f.pane)
	}
	return panes, counts
}

// sliced reports whether windows share slices, so that an element is counted once
// for all that are still to fire.
func (c testCase) sliced() bool {
	_, slicing := c.strategy.Windows.(model.SlicingWindowFn)
	return slicing && c.shape != carried && c.strategy.Panes != model.Retracting && c.strategy.Timestamps == model.EndOfWindow
}

func (c testCase) firstVerdict() (v verdict, end model.Timestamp) {
	events := c.splits[0]
	if !c.layout.stopped {
		events = append(slices.Clone(events), event{mark: true, at: model.MaxTimestamp})
	}
	list, end := arrivals(events, func(at model.Timestamp) []model.Window {
		return c.strategy.Windows.AssignWindows(nil, at)
	})
	if fn, ok := c.strategy.Windows.(model.MergingWindowFn); ok {
		return mergeReference(fn, c.strategy, events), end
	}
	return groupReference(c.strategy, list, end), end
}

// again is what panes bring to a grouping behind, which has half the keys.
func again(panes []firing) (list []arrival) {
	for _, f := range panes {
		list = append(list, arrival{f.event, f.at, f.key % 2, f.values, []model.Window{f.window}, f.watermark})
	}
	slices.SortStableFunc(list, func(a, b arrival) int { return cmp.Compare(a.event, b.event) })
	return list
}

// smallest leaves out of c whatever can go while c still fails.
func (c testCase) smallest() testCase {
	for split := range c.splits {
		for i := 0; i < len(c.splits[split]); {
			d := c
			d.splits = slices.Clone(c.splits)
			d.splits[split] = slices.Delete(slices.Clone(c.splits[split]), i, i+1)
			if d.check(nil) != nil {
				c = d
			} else {
				i++
			}
		}
	}
	return c
}
