package reference_test

import (
	"fmt"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/testing/reference"
	"github.com/millrace/millrace/triggers"
	"github.com/millrace/millrace/windowing"
)

// A testCase is a pipeline, its input, and how it is run.
type testCase struct {
	strategy model.WindowingStrategy
	shape    shape
	second   second
	late     bool // what is dropped is asked for, so that nothing is folded beforehand
	steps    []reference.Step
	layout   layout
	seed     uint64
}

func (c testCase) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%v may-finish=%t\nshape %d, second %d, late %t, %+v, seed %d\n", c.strategy, c.strategy.MayFinish, c.shape, c.second, c.late, c.layout, c.seed)
	now, wm := model.MinTimestamp, model.MinTimestamp
	for i, s := range c.steps {
		fmt.Fprintf(&b, "%3d", i)
		if s.Now > now {
			now = s.Now
			fmt.Fprintf(&b, "  time %d", now)
		}
		for _, e := range s.Elements {
			fmt.Fprintf(&b, "  add %d:%d at %d", e.Key, e.Value, e.At)
		}
		if s.Watermark > wm {
			wm = s.Watermark
			fmt.Fprintf(&b, "  watermark %d", wm)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// A draw draws from t under a label that says what for.
type draw struct{ t *rapid.T }

func (d draw) upTo(n int, label string) int { return rapid.IntRange(0, n).Draw(d.t, label) }

func (d draw) between(from, to int, label string) int {
	return rapid.IntRange(from, to).Draw(d.t, label)
}

func (d draw) yes(label string) bool { return rapid.Bool().Draw(d.t, label) }

func pick[T any](d draw, label string, list ...T) T {
	return list[d.upTo(len(list)-1, label)]
}

func us(n int) time.Duration { return time.Duration(n) * time.Microsecond }

// drawCase draws a case. What shrinks does so to the simplest: fixed windows, the
// default trigger, one task.
func drawCase(t *rapid.T) testCase {
	d := draw{t}
	c := testCase{
		strategy: d.strategy(),
		shape:    pick(d, "shape", grouped, combined, combined, joined, chained, chained),
		second:   second(d.upTo(int(seconds)-1, "second")),
		late:     d.upTo(2, "late") == 0,
		layout: layout{
			parallelism: pick(d, "parallelism", 1, 1, 2, 3),
			batch:       1 + d.upTo(3, "batch"),
			groups:      pick(d, "groups", 128, 1, 3),
			drained:     true,
		},
		seed: uint64(d.upTo(1000, "seed")),
	}
	switch {
	case c.exactOnly():
		c.layout.drained = d.upTo(2, "drained") == 0
	case c.shape == chained:
		c.layout.batch += 12 // or an element's windows do not go over together, and what one lets go of makes others late
	}
	c.steps = d.steps(c)
	c.layout.restart = d.upTo(len(c.steps), "restart")
	c.layout.room = int64(d.upTo(3, "room")) * 1200
	c.layout.rescales = c.exactOnly() && c.layout.drained
	return c
}

// exactOnly says that what comes out follows from the order of steps alone: there
// is one way to the grouping, and no other behind it, whose elements and watermarks
// might be late.
func (c testCase) exactOnly() bool { return c.shape == grouped || c.shape == combined }

func (d draw) strategy() model.WindowingStrategy {
	s := model.WindowingStrategy{
		Windows:    d.windows(),
		Lateness:   us(pick(d, "lateness", 0, 1, 3, 8, 30)),
		Panes:      pick(d, "panes", model.Discarding, model.Accumulating, model.Retracting),
		OnTime:     pick(d, "on-time", model.IfNotEmpty, model.FireAlways),
		Closing:    pick(d, "closing", model.IfNotEmpty, model.IfNotEmpty, model.FireAlways),
		Timestamps: pick(d, "timestamps", model.EndOfWindow, model.EndOfWindow, model.Earliest, model.Latest),
	}
	s.Trigger = triggerDraw{d}.root()
	s.MayFinish = s.Trigger != nil && s.Trigger.Finishes(s.Lateness)
	return s
}

func (d draw) windows() model.WindowFn {
	size := d.between(1, 12, "size")
	switch d.upTo(6, "windows") {
	case 0, 1:
		return windowing.Fixed{Size: us(size), Offset: us(d.upTo(size-1, "offset"))}
	case 2, 3:
		every := d.between(1, 8, "every")
		return windowing.Sliding{Size: us(size), Every: us(every), Offset: us(d.upTo(every-1, "offset"))}
	case 4:
		return windowing.Global{}
	}
	return windowing.Sessions{Gap: us(d.between(1, 6, "gap"))}
}

// steps draws what happens, and the end of it.
func (d draw) steps(c testCase) []reference.Step {
	var steps []reference.Step
	keys := pick(d, "keys", 1, 2, 4)
	if c.shape == chained && c.layout.parallelism > 1 {
		keys = 1 // or what one task lets go of makes late what another has still to emit
	}
	front, now, value := model.Timestamp(-d.upTo(20, "front")), model.Timestamp(0), 0
	add := func() reference.Element {
		value++
		at := front + model.Timestamp(d.upTo(14, "at")) - 8
		return reference.Element{Key: d.upTo(keys-1, "key"), Value: value, At: at}
	}
	most := 24
	if c.shape == chained { // which multiplies what the reference goes through
		most = 16
	}
	for range d.upTo(most, "steps") {
		var s reference.Step
		s.Now, s.Watermark = now, model.MinTimestamp
		switch kind := d.upTo(9, "kind"); {
		case kind <= 5:
			s.Elements = []reference.Element{add()}
			for c.exactOnly() && d.upTo(3, "more") == 0 {
				s.Elements = append(s.Elements, add())
			}
		case kind <= 7 || !goesByTime(c.strategy.Trigger):
			front += model.Timestamp(d.upTo(7, "rise"))
			s.Watermark = front
		default:
			now += model.Timestamp(1 + d.upTo(6, "elapse"))
			s.Now = now
		}
		steps = append(steps, s)
	}
	return append(steps, reference.Step{Now: now, Watermark: model.MaxTimestamp})
}

// goesByTime reports whether processing time means anything to t.
func goesByTime(t model.Trigger) bool {
	switch t.(type) {
	case nil:
		return false
	case triggers.AfterProcessingTime, triggers.AfterSynchronizedProcessingTime:
		return true
	}
	for _, s := range t.Subtriggers() {
		if goesByTime(s) {
			return true
		}
	}
	return false
}

// A triggerDraw draws triggers, three deep.
type triggerDraw struct{ draw }

func (d triggerDraw) root() model.Trigger {
	switch d.upTo(11, "root") {
	case 0, 1:
		return nil
	case 2:
		return pick[model.Trigger](d.draw, "plain", triggers.Default{}, triggers.Never{}, triggers.Always{})
	case 3, 4:
		return d.watermark(2)
	case 5:
		return triggers.OrFinally{Main: d.lasting(1), Until: d.once(1)}
	case 6, 7:
		return d.once(2)
	case 8, 9:
		return triggers.AfterCount{N: int64(1 + d.upTo(1, "n"))}
	}
	return triggers.Repeatedly{Trigger: d.once(2)}
}

// lasting draws a trigger that does not finish, as a rule.
func (d triggerDraw) lasting(depth int) model.Trigger {
	switch d.upTo(4, "lasting") {
	case 0:
		return pick[model.Trigger](d.draw, "plain", triggers.Default{}, triggers.Never{}, triggers.Always{})
	case 1:
		return d.watermark(depth)
	}
	return triggers.Repeatedly{Trigger: d.once(depth)}
}

func (d triggerDraw) watermark(depth int) model.Trigger {
	var t triggers.AfterWatermark
	if d.yes("early") {
		t.Early = d.part(depth)
	}
	if d.upTo(3, "late") > 0 {
		t.Late = d.part(depth)
	}
	return t
}

func (d triggerDraw) part(depth int) model.Trigger {
	if d.upTo(4, "part") == 0 {
		return d.lasting(depth - 1)
	}
	return d.once(depth)
}

// once draws a trigger that finishes.
func (d triggerDraw) once(depth int) model.Trigger {
	n := 8
	if depth <= 0 {
		n = 4
	}
	switch d.upTo(n, "once") {
	case 0, 1:
		return triggers.AfterCount{N: int64(1 + d.upTo(3, "n"))}
	case 2:
		if d.yes("watermark") {
			return triggers.AfterWatermark{}
		}
		fallthrough
	case 3:
		return triggers.AfterProcessingTime{Delay: us(d.between(0, 6, "delay")), Align: us(pick(d.draw, "align", 0, 0, 4, 5))}
	case 4:
		return triggers.AfterSynchronizedProcessingTime{}
	case 5:
		return triggers.AfterAll(d.parts(depth))
	case 6:
		return triggers.AfterAny(d.parts(depth))
	case 7:
		list := d.parts(depth)
		if d.yes("lasts") {
			list = append(list, d.repeated(depth-1))
		}
		return triggers.AfterEach(list)
	}
	return triggers.OrFinally{Main: d.repeated(depth - 1), Until: d.once(depth - 1)}
}

func (d triggerDraw) repeated(depth int) model.Trigger {
	return triggers.Repeatedly{Trigger: d.once(depth)}
}

// parts draws the parts of a composite.
func (d triggerDraw) parts(depth int) (list []model.Trigger) {
	for range 1 + d.upTo(2, "parts") {
		if d.upTo(3, "lasting part") == 1 {
			list = append(list, d.lasting(depth-1))
			continue
		}
		list = append(list, d.once(depth-1))
	}
	return list
}
