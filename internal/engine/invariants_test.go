package engine_test

import (
	"fmt"
	"slices"

	"github.com/millrace/millrace/model"
)

// Where several splits are read, how late an element is depends on the order of
// steps. These invariants hold in every order.

// invariants checks the panes of c, whose elements were late or not as it
// happened; all are the panes with the retractions among them.
func (c testCase) invariants(h *harness, panes, all []output) error {
	if c.shape == rewindowed {
		return c.nothingLate(h)
	}
	if err := c.inOrder(panes); err != nil {
		return err
	}
	if c.shape == twice && c.strategy.Panes != model.Retracting {
		return c.punctual(panes)
	}
	seen, err := c.seen(panes)
	if err != nil {
		return err
	}
	if c.strategy.Panes == model.Retracting {
		seen = standing(all)
	}
	check := c.accountedFor
	if _, merging := c.strategy.Windows.(model.MergingWindowFn); merging {
		check = c.accountedForByKey
	}
	if err := check(h, seen); err != nil {
		return err
	}
	return c.punctual(panes)
}

// seen is how often each value of a cell came, in its last pane or, if panes
// discard, in all.
func (c testCase) seen(panes []output) (map[cell]map[int]int, error) {
	seen := map[cell]map[int]int{}
	for _, o := range panes {
		at := cell{o.key, o.meta.Window}
		if seen[at] == nil || c.strategy.Panes != model.Discarding {
			old := seen[at]
			seen[at] = map[int]int{}
			for v := range old {
				if c.shape != twice && !slices.Contains(o.values, v) {
					return nil, fmt.Errorf("an accumulating pane of %v lost %d: %v", at, v, o)
				}
			}
		}
		for _, v := range o.values {
			seen[at][v]++
		}
	}
	return seen, nil
}

// last is the key of the last grouping under which a key of the first ends up.
func (c testCase) last(key int) int {
	if c.shape == twice {
		return key % 2
	}
	return key
}

// accountedForByKey is accountedFor where windows merge, so that nobody can tell
// beforehand which one an element ends up in: in one of its key.
func (c testCase) accountedForByKey(h *harness, seen map[cell]map[int]int) error {
	times := map[number]int{}
	for at, values := range seen {
		for v, n := range values {
			times[number{Key: at.key, Value: v}] += n
		}
	}
	missing := int64(0)
	for _, events := range c.splits {
		for _, e := range events {
			n := times[number{Key: c.last(e.key), Value: e.value}]
			if !e.mark && n == 0 {
				missing++
			}
			if n > 1 && c.strategy.Panes != model.Accumulating {
				return fmt.Errorf("value %d of key %d came %d times", e.value, e.key, n)
			}
		}
	}
	if dropped := c.counts(h).Dropped; dropped > missing || dropped < missing && !c.layout.stopped {
		return fmt.Errorf("%d elements are missing, but %d were counted as dropped", missing, dropped)
	}
	return nil
}

// inOrder checks that the panes of a cell come in the order of their indices, from
// 0 on, and that the on-time one is the first.
func (c testCase) inOrder(out []output) error {
	next := map[cell]int64{}
	for _, o := range out {
		at := cell{o.key, o.meta.Window}
		p := o.meta.Pane
		skips := p.Index > next[at] && c.shape == twice && c.strategy.Panes == model.Retracting // a pane with nothing left in it
		if p.Index != next[at] && p.Index != 0 && !skips {                                      // a session that merged away may come back
			return fmt.Errorf("pane %d of %v comes where pane %d should", p.Index, at, next[at])
		}
		if p.Timing == model.OnTime && p.Index > 0 {
			return fmt.Errorf("the on-time pane of %v has index %d", at, p.Index)
		}
		next[at] = p.Index + 1
	}
	return nil
}

// accountedFor checks that each element is in one pane of each of its windows, or
// was counted as dropped.
func (c testCase) accountedFor(h *harness, seen map[cell]map[int]int) error {
	want := map[cell]map[int]int{}
	pairs, missing, end := int64(0), int64(0), model.MaxTimestamp
	for _, events := range c.splits {
		for _, e := range events {
			if e.mark {
				continue
			}
			for _, w := range c.strategy.Windows.AssignWindows(nil, e.at) {
				at := cell{c.last(e.key), w}
				if want[at] == nil {
					want[at] = map[int]int{}
				}
				want[at][e.value]++
				pairs++
				if seen[at][e.value] == 0 {
					missing++
				}
			}
		}
	}
	for at, values := range seen {
		for v, times := range values {
			if times > want[at][v] {
				return fmt.Errorf("value %d came %d times in %v", v, times, at)
			}
		}
	}
	if c.layout.stopped {
		end = c.lowest()
	}
	counts := c.counts(h)
	if end == model.MaxTimestamp && counts.Dropped != missing {
		return fmt.Errorf("%d of %d elements and windows are missing, but %d were counted as dropped", missing, pairs, counts.Dropped)
	}
	if counts.Dropped > missing {
		return fmt.Errorf("%d elements were counted as dropped, but only %d are missing", counts.Dropped, missing)
	}
	return nil
}

// lowest is where the watermark of c can have got to.
func (c testCase) lowest() model.Timestamp {
	low := model.MaxTimestamp
	for _, events := range c.splits {
		w := model.MinTimestamp
		for _, e := range events {
			if e.mark {
				w = max(w, e.at)
			}
		}
		low = min(low, w)
	}
	return low
}

// punctual checks that what no split calls late is on time: if nothing is, exactly
// that comes out which the reference says.
func (c testCase) punctual(out []output) error {
	_, cap := c.strategy.Windows.(capped)
	if cap || c.late() { // what is merged first may fill a capped session
		return nil
	}
	if c.shape == twice && c.layout.stopped && c.strategy.Timestamps != model.EndOfWindow {
		return nil // windows that never fire hold back the watermark of the second grouping
	}
	if c.strategy.Timestamps != model.EndOfWindow && c.behind() {
		return nil // whether an element counts for the timestamp depends on the other splits
	}
	one := c
	one.splits = [][]event{c.together()}
	one.layout.stopped = false // the last of the events says where the watermark is
	want, _ := one.reference()
	if c.layout.stopped {
		want = slices.DeleteFunc(want, func(p pane) bool { return p.window.End > c.lowest() })
	}
	var got []pane
	for _, o := range out {
		got = append(got, o.pane())
	}
	sorted(got)
	sorted(want)
	if !slices.EqualFunc(got, want, samePane) {
		return fmt.Errorf("nothing is late, and the panes are\n%+v\nwant\n%+v", got, want)
	}
	return nil
}

func samePane(a, b pane) bool {
	return a.key == b.key && a.window == b.window && a.timing == b.timing && a.index == b.index &&
		a.first == b.first && a.last == b.last && a.at == b.at && slices.Equal(a.values, b.values)
}

// behind reports whether a split of c has an element behind its own watermark.
func (c testCase) behind() bool {
	for _, events := range c.splits {
		watermark := model.MinTimestamp
		for _, e := range events {
			if !e.mark && e.at < watermark {
				return true
			}
			if e.mark {
				watermark = max(watermark, e.at)
			}
		}
	}
	return false
}

// late reports whether a split of c has an element that its own watermark makes
// late, or that comes too late to be merged or to hold back the watermark.
func (c testCase) late() bool {
	_, merging := c.strategy.Windows.(model.MergingWindowFn)
	behind := merging || c.shape == rewindowed
	for _, events := range c.splits {
		watermark := model.MinTimestamp
		for _, e := range events {
			if e.mark {
				watermark = max(watermark, e.at)
				continue
			}
			windows := c.strategy.Windows.AssignWindows(nil, e.at)
			if behind && e.at < watermark || slices.ContainsFunc(windows, func(w model.Window) bool { return w.End <= watermark }) {
				return true
			}
		}
	}
	return false
}

// together is all elements of c, with the watermark behind them.
func (c testCase) together() (events []event) {
	for _, split := range c.splits {
		events = append(events, slices.DeleteFunc(slices.Clone(split), func(e event) bool { return e.mark })...)
	}
	return events
}
