package engine_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/transforms"
)

// TestARestoredRunSeesItsSideInputs checkpoints random pipelines with side inputs while
// elements wait for them, throws them away and goes on with others, of as many tasks or
// more or fewer. Each element must see, once, what it sees in a run that nothing happened to.
func TestARestoredRunSeesItsSideInputs(t *testing.T) {
	n := *cases / 4
	if testing.Short() {
		n /= 6
	}
	runs, crashes := 0, 0
	for i := range n {
		c := drawSideCase(*firstSeed + uint64(i))
		if c.late {
			continue
		}
		c.layout.pulled = false                   // which a life does not go on with
		c.layout.groups = max(4, c.layout.groups) // one for each task, or they are refused
		l := newLife(testCase{seed: c.seed, layout: c.layout, drained: c.seed%2 == 0})
		l.sides = &c
		if err := l.live(); err != nil {
			t.Fatalf("%v\n%v", c, err)
		}
		runs++
		crashes += l.crashes
	}
	if crashes < runs/4 {
		t.Errorf("only %d crashes in %d runs", crashes, runs)
	}
}

// build is the pipeline of c, with what each element of the main input sees.
func (c *sideCase) build(p *model.Pipeline) model.PCollection[lists] {
	main := transforms.Window(transforms.Read(p, &script{splits: c.mainSplits}), model.WindowingStrategy{Windows: c.main})
	side := transforms.Window(transforms.Read(p, &script{splits: c.sideSplits}), model.WindowingStrategy{Windows: c.side})
	type seen = transforms.Pair[[]number, transforms.MultimapView[int, int]]
	return transforms.DoWith(main, transforms.Both(transforms.AsIterable(side), transforms.AsMultimap(side)), func(_ context.Context, e transforms.Element[number], s seen, out transforms.Output[lists]) error {
		var all, values []int
		for _, n := range s.A {
			all = append(all, n.Value)
		}
		for _, vs := range s.B.All() {
			values = append(values, vs...)
		}
		slices.Sort(all)
		if slices.Sort(values); !slices.Equal(all, values) {
			return fmt.Errorf("the iterable holds %v, the multimap %v", all, values)
		}
		out.Emit(model.KVOf(e.Value.Value, all))
		return nil
	})
}

func (c *sideCase) verify(out []output) error {
	var got []sight
	for _, o := range out {
		got = append(got, sight{o.key, o.meta, o.values})
	}
	slices.SortFunc(got, bySight)
	if diff := gocmp.Diff(c.reference(), got, cmpopts.EquateEmpty()); diff != "" {
		return fmt.Errorf("what is seen (-want +got):\n%s", diff)
	}
	return nil
}
