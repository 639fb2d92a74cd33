package reference_test

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/testing/reference"
	"github.com/millrace/millrace/windowing"
)

// What is left in the end of panes that are taken back.

// standing are the panes that are not taken back. Each retraction must take back one
// that stands, and no window may have two that do.
func standing(panes []reference.Pane) (stand []reference.Pane, err error) {
	for _, p := range panes {
		i := slices.IndexFunc(stand, func(s reference.Pane) bool { return s.Key == p.Key && s.Window == p.Window })
		switch {
		case !p.Retraction && i < 0:
			stand = append(stand, p)
		case !p.Retraction:
			return nil, fmt.Errorf("%v is emitted while %v stands", pane(p), pane(stand[i]))
		case i < 0 || stand[i].Index != p.Index || stand[i].At != p.At || !slices.Equal(stand[i].Values, p.Values):
			return nil, fmt.Errorf("%v does not take back what stands", pane(p))
		default:
			stand = slices.Delete(stand, i, i+1)
		}
	}
	return stand, nil
}

// settled checks the whole of what a grouping said.
func (c testCase) settled(all reference.Result) error {
	stands, err := standing(all.Panes)
	if err != nil {
		return err
	}
	return c.everyElementStands(stands, all.Drops)
}

// everyElementStands checks that each element stands in, or was dropped from, each of
// its windows, or one that those were merged into.
func (c testCase) everyElementStands(stands []reference.Pane, drops []reference.Drop) error {
	seen := map[int][]model.Window{}
	for _, p := range stands {
		for _, v := range p.Values {
			seen[v] = append(seen[v], p.Window)
		}
	}
	for _, d := range drops {
		seen[d.Value] = append(seen[d.Value], d.Window)
	}
	for _, e := range c.elements() {
		for _, w := range batch(nil, c.strategy, []reference.Element{e}) {
			covers := func(s model.Window) bool { return s == w.Window || merges(c.strategy) && s.Span(w.Window) == s }
			i := slices.IndexFunc(seen[e.Value], covers)
			if i < 0 {
				return fmt.Errorf("%d:%d at %d is gone from [%d, %d)", e.Key, e.Value, e.At, w.Window.Start, w.Window.End)
			}
			seen[e.Value] = slices.Delete(seen[e.Value], i, i+1)
		}
		if left := seen[e.Value]; len(left) > 0 {
			return fmt.Errorf("%d:%d at %d stands where it does not belong, or too often: %v", e.Key, e.Value, e.At, left)
		}
	}
	return nil
}

func merges(s model.WindowingStrategy) bool {
	_, merging := s.Windows.(model.MergingWindowFn)
	return merging
}

func (c testCase) elements() (list []reference.Element) {
	for _, s := range c.steps {
		list = append(list, s.Elements...)
	}
	return list
}

// batch is what the default trigger makes of elements that are all there before time
// begins, in the windows of strategy unless there are others.
func batch(others *windowing.Fixed, strategy model.WindowingStrategy, elements []reference.Element) []reference.Pane {
	windows := strategy.Windows
	if others != nil {
		windows = *others
	}
	all := reference.Step{Elements: elements, Now: model.MinTimestamp, Watermark: model.MaxTimestamp}
	return reference.Evaluate(model.WindowingStrategy{Windows: windows}, []reference.Step{all}).Panes
}

// contents are what panes say, by key and window.
func contents(panes []reference.Pane) (list []content) {
	for _, p := range panes {
		list = append(list, content{p.Key, p.Window, slices.Sorted(slices.Values(p.Values))})
	}
	slices.SortFunc(list, func(a, b content) int {
		return cmp.Or(cmp.Compare(a.key, b.key), a.window.Compare(b.window), slices.Compare(a.values, b.values))
	})
	return list
}

type content struct {
	key    int
	window model.Window
	values []int
}

func (c content) String() string {
	return fmt.Sprintf("key %d: [%d, %d) %d", c.key, c.window.Start, c.window.End, c.values)
}
