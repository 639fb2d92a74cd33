package reference_test

import (
	"cmp"
	"flag"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/millrace/millrace/internal/engine"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/testing/reference"
	"github.com/millrace/millrace/windowing"
)

var cases = flag.Int("cases", 3000, "how many random cases the engine is compared with the reference on")

// TestEngineAgreesWithReference runs random pipelines over random scripts, cut up at
// random, and compares what they emit and drop, and how far they let the watermark
// go, with what the reference says.
func TestEngineAgreesWithReference(t *testing.T) {
	check(t, func(t *rapid.T) {
		c := drawCase(t)
		if err := c.check(); err != nil {
			t.Fatalf("%v\n%v", c, err)
		}
	})
}

// check runs a property on as many random cases as asked for.
func check(t *testing.T, property func(*rapid.T)) {
	n := *cases
	if testing.Short() {
		n /= 6
	}
	for name, value := range map[string]string{"rapid.checks": strconv.Itoa(n), "rapid.nofailfile": "true"} {
		if err := flag.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	rapid.Check(t, property)
}

// check runs c, and says what is wrong with what came out.
func (c testCase) check() error {
	var p model.Pipeline
	var got recording
	c.build(&p, &got)
	if err := p.Err(); err != nil {
		return err
	}
	r, err := newRig(&p, c.layout, c.seed)
	if err != nil {
		return err
	}
	got.rig = r
	var watermarks []model.Timestamp
	last := len(r.tasks) - 1
	if err := r.play(c.steps, func() { watermarks = append(watermarks, r.watermark(last)) }); err != nil {
		return err
	}
	want := reference.Evaluate(c.strategy, c.steps)
	errs := []error{c.sameCounts(firstName, want, r), c.sameDrops(want, &got)}
	if c.strategy.Panes == model.Retracting {
		errs = append(errs, c.settled(want))
	}
	if c.shape == chained {
		want = reference.Evaluate(c.strategy, again(c.steps, want))
		for i := range want.Panes {
			want.Panes[i].Values = c.second.values(want.Panes[i].Values)
		}
		errs = append(errs, c.sameCounts(secondName, want, r), nothingExpired(want))
	}
	if c.layout.drained {
		errs = append(errs, same("watermarks", want.Watermarks, watermarks))
	}
	return firstOf(append(errs, same("panes", c.byKey(want.Panes), c.byKey(got.panes())))...)
}

func firstOf(errs ...error) error {
	slices.Reverse(errs) // panes tell most
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// same compares what was wanted with what came.
func same[T any](what string, want, got []T) error {
	if reflect.DeepEqual(want, got) || len(want)+len(got) == 0 {
		return nil
	}
	lines := func(list []T) (lines []string) {
		for _, v := range list {
			lines = append(lines, fmt.Sprint(v))
		}
		return lines
	}
	return fmt.Errorf("%s (-want +got):\n%s", what, gocmp.Diff(lines(want), lines(got)))
}

// nothingExpired checks that a second grouping, under the same strategy, still has
// the windows of all that the first emits or takes back.
func nothingExpired(second reference.Result) error {
	for _, d := range second.Drops {
		if d.Reason == model.WindowExpired {
			return fmt.Errorf("the second grouping dropped what the first emitted: %v", drop(d))
		}
	}
	return nil
}

// again is what a grouping made of steps, as the steps of another behind it.
func again(steps []reference.Step, first reference.Result) []reference.Step {
	var out []reference.Step
	for i, s := range steps {
		out = append(out, reference.Step{Now: s.Now, Watermark: first.Watermarks[i]})
	}
	for _, p := range first.Panes {
		s := &out[p.Step]
		s.Elements = append(s.Elements, reference.Element{Key: p.Key, Value: total(p.Values), At: p.At, Window: p.Window, Retraction: p.Retraction})
	}
	return out
}

// byKey are panes in the order of their keys and, of each key, in their own. Where
// steps were not told apart, nor are they here.
func (c testCase) byKey(panes []reference.Pane) []pane {
	var out []pane
	for _, p := range panes {
		if !c.layout.drained {
			p.Step = 0
		}
		p.Values = slices.Sorted(slices.Values(p.Values))
		out = append(out, pane(p))
	}
	slices.SortStableFunc(out, func(a, b pane) int { return cmp.Compare(a.Key, b.Key) })
	return out
}

// A pane is a Pane that prints its times as numbers.
type pane reference.Pane

func (p pane) String() string {
	return fmt.Sprintf("key %d, step %d: [%d, %d) %v (%d) first=%t at %d: %d", p.Key, p.Step, p.Window.Start, p.Window.End, p.Pane, p.NonSpeculativeIndex, p.First, p.At, p.Values)
}

// sameDrops compares the drops of each key.
func (c testCase) sameDrops(want reference.Result, got *recording) error {
	if !c.late {
		return nil
	}
	byKey := func(drops []reference.Drop) (out []drop) {
		for _, d := range drops {
			if !c.layout.drained {
				d.Step = 0
			}
			out = append(out, drop(d))
		}
		slices.SortStableFunc(out, func(a, b drop) int { return cmp.Compare(a.Key, b.Key) })
		return out
	}
	return same("drops", byKey(want.Drops), byKey(got.drops))
}

// A drop is a Drop that prints its times as numbers.
type drop reference.Drop

func (d drop) String() string {
	return fmt.Sprintf("key %d, step %d: %d at %d of [%d, %d), watermark %d: %v", d.Key, d.Step, d.Value, d.At, d.Window.Start, d.Window.End, d.Watermark, d.Reason)
}

// sameCounts compares what the grouping of that name counted.
func (c testCase) sameCounts(name string, want reference.Result, r *rig) error {
	got := r.counts(name)
	counts := engine.Counts{OnTime: want.OnTime, Late: want.Late, Dropped: want.Dropped, Windowless: want.Windowless}
	for _, p := range want.Panes {
		if !p.Retraction {
			counts.Panes++
		}
	}
	if _, sliding := c.strategy.Windows.(windowing.Sliding); sliding { // an element of several windows may count once
		counts.OnTime, got.OnTime = 0, 0
	}
	return same("counts of "+name, []engine.Counts{counts}, []engine.Counts{got})
}
