package engine_test

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/windowing"
)

// A testCase is a pipeline, its input, and how it is run.
type testCase struct {
	seed     uint64
	strategy model.WindowingStrategy
	shape    shape
	splits   [][]event
	sources  int
	layout   layout
	// drained says that what a step of a source causes is done before the next.
	drained bool
	// exact says that what comes out follows from the input alone: there is one
	// split, and no way for elements and watermarks to overtake each other, so that an
	// element is late by the script or not at all.
	exact bool
	// fastest is the watermark of all splits, of the planted bug of that name.
	fastest *model.Timestamp
}

func (c testCase) String() string {
	return fmt.Sprintf("seed %d: %v, %v\n  exact %t, %d sources, drained %t, %+v\n%s",
		c.seed, c.shape, c.strategy, c.exact, c.sources, c.drained, c.layout, printScript(c.splits))
}

// one is an element of list.
func one[T any](rng *rand.Rand, list ...T) T { return list[rng.IntN(len(list))] }

func us(n int) time.Duration { return time.Duration(n) * time.Microsecond }

// drawWindows draws a WindowFn that can stand any timestamp, or one that wants
// ordinary ones.
func drawWindows(rng *rand.Rand) (fn model.WindowFn, anytime bool) {
	size := us(1 + rng.IntN(15))
	every := us(1 + rng.IntN(15))
	gap := model.Timestamp(1 + rng.IntN(8))
	switch rng.IntN(14) {
	case 0, 1:
		return windowing.Fixed{Size: size, Offset: us(rng.IntN(int(size/1000))) * one(rng, time.Duration(-1), 1)}, true
	case 2, 3, 4, 5: // with gaps, or without
		return windowing.Sliding{Size: size, Every: every, Offset: us(rng.IntN(int(every/1000))) * one(rng, time.Duration(-1), 1)}, true
	case 6, 7, 8:
		return windowing.Sessions{Gap: us(int(gap))}, true
	case 9:
		return windowing.Global{}, true
	case 10:
		return spread{model.Timestamp(rng.IntN(6)), model.Timestamp(1 + rng.IntN(6))}, false
	case 11:
		return nested{gap, model.Timestamp(2 + rng.IntN(3))}, false
	case 12:
		return one[model.WindowFn](rng, searched{gap}, capped{gap, gap + model.Timestamp(rng.IntN(12))}), false
	}
	return stars{gap, model.Timestamp(rng.IntN(6)), model.Timestamp(rng.IntN(20))}, false
}

// drawBase is about when elements are: mostly soon after the epoch, now and then
// where time begins or ends.
func drawBase(rng *rand.Rand, anytime bool) model.Timestamp {
	if !anytime || rng.IntN(4) > 0 {
		return model.Timestamp(rng.IntN(100) - 50)
	}
	return one(rng, model.MinTimestamp, model.EndOfGlobalWindow-30, model.MaxTimestamp-60)
}

func drawCase(seed uint64) testCase {
	rng := rand.New(rand.NewPCG(seed, 1))
	c := testCase{seed: seed, sources: 1}
	fn, anytime := drawWindows(rng)
	c.strategy.Windows = fn
	if rng.IntN(3) > 0 {
		c.strategy.Lateness = one(rng, us(1), us(5), us(20), us(60), 250*365*24*time.Hour)
	}
	c.strategy.Panes = one(rng, model.Discarding, model.Accumulating, model.Accumulating, model.Retracting)
	c.strategy.Timestamps = one(rng, model.EndOfWindow, model.EndOfWindow, model.EndOfWindow, model.Earliest, model.Latest)
	c.shape = shape(rng.IntN(int(shapes)))
	if c.shape == rewindowed {
		c.strategy.Panes = model.Discarding
	}
	c.layout = layout{parallelism: 1 + rng.IntN(4), batch: 1 + rng.IntN(6), groups: one(rng, 1, 3, 128), limit: 1 + rng.IntN(8)}
	base := drawBase(rng, anytime)
	if c.exact = rng.IntN(2) == 0 && !c.shape.held(c.strategy); c.exact {
		c.splits = [][]event{drawEvents(rng, base, rng.IntN(40), true)}
		c.layout.stopped = rng.IntN(4) == 0
		c.drained = rng.IntN(2) == 0 || c.shape.branches() && c.layout.parallelism > 1 || c.shape == cogroup
		if c.drained && c.shape.branches() || c.shape == cogroup {
			c.layout.limit = 1
		}
		return c
	}
	late := rng.IntN(2) == 0
	for range 1 + rng.IntN(5) {
		c.splits = append(c.splits, drawEvents(rng, base, rng.IntN(15), late))
	}
	for i, events := range c.splits { // values are unique
		for j := range events {
			events[j].value += 1000 * i
		}
	}
	c.sources = 1 + rng.IntN(2)
	c.layout.pulled = rng.IntN(3) == 0
	c.layout.stopped = !c.layout.pulled && rng.IntN(4) == 0
	c.drained = rng.IntN(4) == 0
	return c
}

// drawEvents draws n events of one split. Unless late, no element is behind the
// watermark.
func drawEvents(rng *rand.Rand, base model.Timestamp, n int, late bool) (events []event) {
	keys := 1 + rng.IntN(5)
	watermark := model.MinTimestamp
	now := base
	for i := range n {
		if rng.IntN(2) == 0 {
			now = shifted(now, rng.IntN(6))
		}
		if rng.IntN(3) == 0 {
			to := shifted(now, rng.IntN(20)-12)
			watermark = max(watermark, to)
			events = append(events, event{mark: true, at: to})
			continue
		}
		at := shifted(now, one(rng, 0, 0, 0, 3, 10, -3, -10, -25))
		if !late {
			at = max(at, watermark)
		}
		events = append(events, event{at: at, key: rng.IntN(keys), value: i})
	}
	return events
}

// shifted is t moved by n, within time.
func shifted(t model.Timestamp, n int) model.Timestamp { return t.Add(us(n)) }
