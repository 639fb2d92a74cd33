package engine_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/triggers"
	"github.com/millrace/millrace/windowing"
)

// A logged script tells what it reads, in order.
type logged struct {
	script
	log func(number)
}

func (l *logged) Open(ctx context.Context, split source.Split) (source.Reader[number], error) {
	r, err := l.script.Open(ctx, split)
	return loggedReader{r, l.log}, err
}

type loggedReader struct {
	source.Reader[number]
	log func(number)
}

func (r loggedReader) Read(ctx context.Context, limit int, emit func(*number, model.Timestamp)) (source.Status, error) {
	return r.Reader.Read(ctx, limit, func(n *number, at model.Timestamp) {
		r.log(*n)
		emit(n, at)
	})
}

// An update is a side input that changes, and what it should show of all that
// was read of it so far.
type update struct {
	name string
	view func(model.PCollection[number]) transforms.Side[[]number]
	want func(read []number) []number
}

// triggered is the global window with a pane for each element.
func triggered(c model.PCollection[number], panes model.PaneMode) model.PCollection[number] {
	return transforms.Window(c, model.WindowingStrategy{Windows: windowing.Global{}, Trigger: triggers.Always{}, Panes: panes})
}

func all(read []number) []number { return read }

// latest is the sum of each key.
func latest(read []number) (sums []number) {
	byKey := map[int]int{}
	for _, n := range read {
		byKey[n.Key] += n.Value
	}
	for k, sum := range byKey {
		sums = append(sums, model.KVOf(k, sum))
	}
	return sums
}

var sideUpdates = []update{
	{"accumulating", func(c model.PCollection[number]) transforms.Side[[]number] {
		return transforms.AsIterable(triggered(c, model.Accumulating))
	}, all},
	{"discarding", func(c model.PCollection[number]) transforms.Side[[]number] {
		return transforms.AsIterable(triggered(c, model.Discarding))
	}, func(read []number) []number { return read[len(read)-1:] }},
	{"retracting sums", func(c model.PCollection[number]) transforms.Side[[]number] {
		return transforms.AsIterable(transforms.CombinePerKey(triggered(c, model.Retracting), transforms.Sum))
	}, latest},
	{"retracting sums, cut anew", func(c model.PCollection[number]) transforms.Side[[]number] {
		sums := transforms.CombinePerKey(triggered(c, model.Retracting), transforms.Sum)
		return transforms.AsIterable(triggered(sums, model.Retracting))
	}, latest},
}

// TestUpdatedSideInputsAgreeWithReference runs a main input beside side inputs
// that change, one element at a time: each sees what was read before it, and waits
// for the first of it.
func TestUpdatedSideInputsAgreeWithReference(t *testing.T) {
	for i := range *cases / 60 {
		seed := *firstSeed + uint64(i)
		for _, u := range sideUpdates {
			if err := u.check(seed); err != nil {
				t.Fatalf("seed %d, %s: %v", seed, u.name, err)
			}
		}
		if err := checkMap(seed); err != nil {
			t.Fatalf("seed %d, map: %v", seed, err)
		}
	}
}

func (u update) check(seed uint64) error {
	return checkUpdates(seed, u.view, func(n []number) []number { return slices.Clone(n) }, u.want)
}

// checkMap checks a map behind a grouping, whose panes replace each other key by key.
func checkMap(seed uint64) error {
	return checkUpdates(seed, func(c model.PCollection[number]) transforms.Side[transforms.MapView[int, int]] {
		return transforms.AsMap(transforms.CombinePerKey(triggered(c, model.Accumulating), transforms.Sum))
	}, func(m transforms.MapView[int, int]) (list []number) {
		for k, v := range m.All() {
			if again, ok := m.Get(k); !ok || again != v {
				panic("a map that does not agree with itself")
			}
			list = append(list, model.KVOf(k, v))
		}
		return list
	}, latest)
}

func checkUpdates[S any](seed uint64, view func(model.PCollection[number]) transforms.Side[S], read func(S) []number, want func([]number) []number) error {
	rng := rand.New(rand.NewPCG(seed, 5))
	var p model.Pipeline
	var sideRead []number
	due := map[int][]number{} // what the elements that were read should see
	got := map[int][]number{}
	var waiting []int
	main := &logged{script{splits: [][]event{unmarked(rng)}}, func(n number) {
		if len(sideRead) == 0 {
			waiting = append(waiting, n.Value)
			return
		}
		due[n.Value] = want(sideRead)
	}}
	side := &logged{script{splits: [][]event{unmarked(rng), unmarked(rng)}}, func(n number) {
		sideRead = append(sideRead, n)
		for _, v := range waiting {
			due[v] = want(sideRead)
		}
		waiting = nil
	}}
	out := transforms.MapWith(transforms.Read(&p, main), view(transforms.Read(&p, side)), func(n number, s S) int {
		got[n.Value] = read(s)
		return n.Value
	})
	transforms.ForEach(out, func(context.Context, transforms.Element[int]) error { return nil })
	l := layout{parallelism: 1 + rng.IntN(4), batch: 1 + rng.IntN(6), groups: 128, limit: 1, pulled: rng.IntN(2) == 0}
	h, err := newHarness(&p, l, rng)
	if err != nil {
		return err
	}
	if err := h.run(true); err != nil {
		return err
	}
	for _, v := range waiting { // the side input has ended without an element
		due[v] = nil
	}
	less := func(a, b number) bool { return fmt.Sprint(a) < fmt.Sprint(b) }
	if diff := gocmp.Diff(due, got, cmpopts.SortSlices(less), cmpopts.EquateEmpty()); diff != "" {
		return fmt.Errorf("what is seen (-want +got):\n%s", diff)
	}
	return nil
}

// unmarked is elements without watermarks.
func unmarked(rng *rand.Rand) (events []event) {
	for i := range rng.IntN(10) {
		events = append(events, event{at: 0, key: rng.IntN(3), value: i})
	}
	return events
}

// TestNobodySeesARetractionWithoutWhatReplacesIt runs a main input beside the
// count so far of a side input, in any order of steps: it is always one number.
func TestNobodySeesARetractionWithoutWhatReplacesIt(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 6))
		var events []event
		for i := range 40 {
			events = append(events, event{at: 0, value: i})
		}
		var p model.Pipeline
		main, side := transforms.Read(&p, &script{splits: [][]event{events}}), transforms.Read(&p, &script{splits: [][]event{events}})
		sums := transforms.CombinePerKey(triggered(side, model.Retracting), transforms.Sum)
		transforms.MapWith(main, transforms.AsIterable(sums), func(_ number, sums []number) int {
			if len(sums) != 1 {
				t.Errorf("seed %d: saw %v", seed, sums)
			}
			return 0
		})
		h, err := newHarness(&p, layout{parallelism: 1 + rng.IntN(3), batch: 1 + rng.IntN(6), groups: 128, limit: 5}, rng)
		if err != nil {
			t.Fatal(err)
		}
		if err := h.run(false); err != nil {
			t.Fatal(err)
		}
	}
}
