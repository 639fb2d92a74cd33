package model_test

import (
	"slices"
	"testing"
	"time"

	"github.com/millrace/millrace/model"
)

// A named is a trigger that does nothing but have a name and parts.
type named struct {
	name  string
	parts []model.Trigger
}

func leaf(name string) model.Trigger                           { return named{name: name} }
func branch(name string, parts ...model.Trigger) model.Trigger { return named{name, parts} }

func (n named) String() string                                     { return n.name }
func (n named) Validate() error                                    { return nil }
func (n named) Subtriggers() []model.Trigger                       { return n.parts }
func (n named) OnElement(*model.TriggerContext)                    {}
func (n named) OnMerge(*model.TriggerContext, []model.TriggerCell) {}
func (n named) ShouldFire(*model.TriggerContext) bool              { return false }
func (n named) OnFire(*model.TriggerContext)                       {}
func (n named) Finishes(time.Duration) bool                        { return false }

// layout lists the names of the triggers in the order of their cells: each marks
// its cell with the turn in which it was reached, parents first.
func layout(tree *model.TriggerTree, cells []model.TriggerCell) []string {
	names := make([]string, tree.Size())
	turn := int64(0)
	var visit func(c *model.TriggerContext)
	visit = func(c *model.TriggerContext) {
		turn++
		c.Cell().Count = turn
		names[turn-1] = c.Trigger().String()
		for i := range c.Trigger().Subtriggers() {
			visit(c.Sub(i))
		}
	}
	visit(tree.Root(window(0, 1), 0, 0, cells, &model.Wakeups{}))
	return names
}

func TestTriggerTreeIsLaidOutParentsFirst(t *testing.T) {
	tree := model.NewTriggerTree(
		branch("all",
			branch("repeat", leaf("count")),
			branch("any", leaf("delay"), leaf("end")),
			leaf("never")))

	cells := make([]model.TriggerCell, tree.Size())
	names := layout(tree, cells)

	if want := []string{"all", "repeat", "count", "any", "delay", "end", "never"}; !slices.Equal(names, want) {
		t.Errorf("triggers in order: %v, want %v", names, want)
	}
	for i, c := range cells {
		if c.Count != int64(i+1) {
			t.Errorf("cell %d is that of trigger %d: the layout is not parents first", i, c.Count-1)
		}
	}
}

func TestTriggerResetForgetsItselfAndWhatIsBelow(t *testing.T) {
	tree := model.NewTriggerTree(branch("all", leaf("before"), branch("any", leaf("delay"), leaf("end")), leaf("after")))
	cells := make([]model.TriggerCell, tree.Size())
	names := layout(tree, cells)

	tree.Root(window(0, 1), 0, 0, cells, nil).Sub(1).Reset()

	var remember []string
	for i, c := range cells {
		if c != (model.TriggerCell{}) {
			remember = append(remember, names[i])
		}
	}
	if want := []string{"all", "before", "after"}; !slices.Equal(remember, want) {
		t.Errorf("%v remember something, want %v", remember, want)
	}
}

func TestTriggerFindsWhatItsPartsRememberedElsewhere(t *testing.T) {
	tree := model.NewTriggerTree(branch("all", leaf("before"), branch("any", leaf("delay"), leaf("end")), leaf("after")))
	elsewhere := make([]model.TriggerCell, tree.Size())
	names := layout(tree, elsewhere)
	c := tree.Root(window(0, 1), 0, 0, make([]model.TriggerCell, tree.Size()), nil)

	told := func(cells []model.TriggerCell) (out []string) {
		for _, cell := range cells {
			out = append(out, names[cell.Count-1])
		}
		return out
	}
	part := c.SubCells(elsewhere, 1)
	if got, want := told(part), []string{"any", "delay", "end"}; !slices.Equal(got, want) {
		t.Errorf("the second part's cells are those of %v, want %v", got, want)
	}
	if got, want := told(c.Sub(1).SubCells(part, 1)), []string{"end"}; !slices.Equal(got, want) {
		t.Errorf("its own second part's cells are those of %v, want %v", got, want)
	}
}

func TestTriggerContextCanBeSetToAnotherWindow(t *testing.T) {
	tree := model.NewTriggerTree(branch("any", leaf("delay"), leaf("end")))
	c := tree.Root(window(0, 1), 0, 0, make([]model.TriggerCell, tree.Size()), nil)
	other := make([]model.TriggerCell, tree.Size())
	c.Set(window(1, 2), 5, 6, other, &model.Wakeups{})

	end := c.Sub(1)
	end.Cell().Count = 7
	if end.Window != window(1, 2) || end.Watermark != 5 || end.Now != 6 || other[2].Count != 7 {
		t.Errorf("the part sees %v, watermark %v, now %v, and wrote to %v", end.Window, end.Watermark, end.Now, other)
	}
}

func TestTriggerContextOfAPartSeesTheSameWindowAndTime(t *testing.T) {
	tree := model.NewTriggerTree(branch("any", leaf("end")))
	c := tree.Root(window(0, 60), 30, 40, make([]model.TriggerCell, tree.Size()), nil).Sub(0)
	if c.Window != window(0, 60) || c.Watermark != 30 || c.Now != 40 {
		t.Errorf("the part sees %v, watermark %v, now %v", c.Window, c.Watermark, c.Now)
	}
}

func TestTriggerIsWokenAtTheEarliestTimeThatAnyPartAskedFor(t *testing.T) {
	tree := model.NewTriggerTree(branch("any", leaf("a"), leaf("b")))
	var wake model.Wakeups
	c := tree.Root(window(0, 60), 0, 0, make([]model.TriggerCell, tree.Size()), &wake)

	if wake.HasEvent || wake.HasProcessing {
		t.Fatal("wakeups are set before anyone asked")
	}
	c.Sub(0).WakeAtEventTime(20)
	c.Sub(1).WakeAtEventTime(10)
	c.Sub(0).WakeAtProcessingTime(-5)
	c.Sub(1).WakeAtProcessingTime(5)

	want := model.Wakeups{EventTime: 10, HasEvent: true, ProcessingTime: -5, HasProcessing: true}
	if wake != want {
		t.Errorf("got %+v, want %+v", wake, want)
	}
}

// ended fires once the watermark has reached the end of the window, or time has reached 10.
type ended struct{ named }

func (ended) ShouldFire(c *model.TriggerContext) bool {
	c.WakeAtEventTime(c.Window.End)
	return c.Watermark >= c.Window.End || c.Now >= 10
}

func TestTriggerIsAskedWhetherItFiresBeforeTheEndOfItsWindow(t *testing.T) {
	tree := model.NewTriggerTree(branch("any", ended{}))
	for _, tt := range []struct {
		watermark, now model.Timestamp
		want           bool
	}{
		{60_000_000, 0, false},
		{70_000_000, 0, false},
		{70_000_000, 10, true},
		{59_000_000, 10, true},
	} {
		var wake model.Wakeups
		c := tree.Root(window(0, 60), tt.watermark, tt.now, make([]model.TriggerCell, tree.Size()), &wake).Sub(0)
		if got := c.FiresBeforeEnd(); got != tt.want {
			t.Errorf("watermark %d, time %d: it fires before the end: %t, want %t", tt.watermark, tt.now, got, tt.want)
		}
		if c.Watermark != tt.watermark || wake != (model.Wakeups{}) {
			t.Errorf("asking left watermark %d, and asked to be woken: %+v", c.Watermark, wake)
		}
	}
}
