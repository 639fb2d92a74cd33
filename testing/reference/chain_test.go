package reference_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/testing/reference"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/triggers"
	"github.com/millrace/millrace/windowing"
)

// TestRetractionsEndAsBatch runs two groupings, one behind the other, whose panes are
// taken back, in any layout, and looks at what stands in the end: in the first, each
// element that was not dropped, once in each of its windows; in the second, what a
// batch makes of what stands in the first; and if nothing was too late, that what a
// batch makes of the elements stands in both.
func TestRetractionsEndAsBatch(t *testing.T) {
	check(t, func(t *rapid.T) {
		c := drawChain(t)
		if err := c.check(); err != nil {
			t.Fatalf("again by %v, reshuffled %v, key %% %d\n%v\n%v", c.again, c.reshuffled, c.fold, c.testCase, err)
		}
	})
}

// A chain is a case with two groupings under a trigger that does not finish.
type chain struct {
	testCase
	fold  int              // the second one's keys are the first one's modulo it
	again *windowing.Fixed // the second one's windows, if they are not the first one's
	// reshuffled says that what the first emits is spread over the tasks before it
	// gets to the second.
	reshuffled bool
}

// forever is more lateness than there is.
const forever = time.Hour

func drawChain(t *rapid.T) chain {
	d := draw{t}
	c := chain{
		testCase: testCase{
			strategy: d.strategy(),
			second:   second(d.upTo(int(seconds)-1, "second")),
			late:     true,
			layout: layout{
				parallelism: d.between(1, 3, "parallelism"),
				batch:       1 + d.upTo(6, "batch"),
				groups:      pick(d, "groups", 128, 1, 3),
				drained:     d.upTo(3, "drained") == 1,
			},
			seed: uint64(d.upTo(1000, "seed")),
		},
		fold: pick(d, "fold", 4, 2, 1),
	}
	c.reshuffled = d.yes("reshuffled")
	s := &c.strategy
	s.Panes, s.MayFinish = model.Retracting, false
	if d.yes("forever") {
		s.Lateness = forever
		if d.yes("again") {
			c.again = &windowing.Fixed{Size: us(d.between(1, 12, "size"))}
		}
	}
	if s.Trigger != nil && s.Trigger.Finishes(s.Lateness) {
		s.Trigger = triggers.Repeatedly{Trigger: s.Trigger}
	}
	c.steps = d.steps(c.testCase)
	return c
}

func (c chain) check() error {
	var p model.Pipeline
	var first, second recording
	c.build(&p, &first, &second)
	if err := p.Err(); err != nil {
		return err
	}
	r, err := newRig(&p, c.layout, c.seed)
	if err != nil {
		return err
	}
	first.rig, second.rig = r, r
	if err := r.play(c.steps, nil); err != nil {
		return err
	}
	stands, err := standing(first.panes())
	if err != nil {
		return err
	}
	standsAgain, err := standing(second.panes())
	if err != nil {
		return err
	}
	want := batch(c.again, c.strategy, c.rekeyed(stands))
	for i := range want {
		want[i].Values = c.second.values(want[i].Values)
	}
	errs := []error{
		c.everyElementStands(stands, first.drops),
		same("what stands in the end behind the second", contents(want), contents(standsAgain)),
		same("drops of the second", []int64{0}, []int64{r.counts(secondName).Dropped}),
	}
	if c.strategy.Lateness == forever {
		errs = append(errs, same("what stands in the end behind the first", contents(batch(nil, c.strategy, c.elements())), contents(stands)))
	}
	return firstOf(errs...)
}

func (c chain) build(p *model.Pipeline, first, second *recording) {
	var late model.LateData[number]
	in := transforms.Window(transforms.Read(p, &script{steps: c.steps}), c.strategy)
	groups := transforms.CombinePerKey(in, bags, model.Name(firstName), late.To())
	first.record(groups)
	first.recordDrops(late)
	sums := transforms.Map(groups, func(l lists) number { return number{Key: l.Key % c.fold, Value: total(l.Value)} })
	if c.reshuffled {
		sums = transforms.Reshuffle(sums)
	}
	if c.again != nil {
		sums = transforms.Window(sums, model.WindowingStrategy{Windows: *c.again, Lateness: forever, Panes: model.Retracting})
	}
	second.record(c.second.of(sums))
}

// rekeyed are panes as the second grouping takes them.
func (c chain) rekeyed(panes []reference.Pane) (list []reference.Element) {
	for _, p := range panes {
		e := reference.Element{Key: p.Key % c.fold, Value: total(p.Values), At: p.At}
		if c.again == nil {
			e.Window = p.Window
		}
		list = append(list, e)
	}
	return list
}
