package triggers_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/triggers"
)

// anyTrigger draws triggers, composed up to a depth.
func anyTrigger(depth int) *rapid.Generator[model.Trigger] {
	simple := rapid.Custom(func(t *rapid.T) model.Trigger {
		n := rapid.IntRange(1, 3).Draw(t, "n")
		return rapid.SampledFrom([]model.Trigger{
			triggers.Default{}, triggers.Always{}, triggers.Never{}, triggers.AfterWatermark{},
			triggers.AfterCount{N: int64(n)},
			triggers.AfterProcessingTime{Delay: time.Duration(n) * time.Microsecond},
			triggers.AfterProcessingTime{Align: time.Duration(3*n) * time.Microsecond},
			triggers.AfterSynchronizedProcessingTime{},
		}).Draw(t, "simple")
	})
	if depth == 0 {
		return simple
	}
	part := anyTrigger(depth - 1)
	return rapid.OneOf(simple, rapid.Custom(func(t *rapid.T) model.Trigger {
		a, b := part.Draw(t, "a"), part.Draw(t, "b")
		return rapid.SampledFrom([]model.Trigger{
			triggers.Repeatedly{Trigger: a},
			triggers.AfterAll{a, b}, triggers.AfterAny{a, b}, triggers.AfterEach{a, b},
			triggers.OrFinally{Main: a, Until: b},
			triggers.AfterWatermark{Early: a}, triggers.AfterWatermark{Late: a}, triggers.AfterWatermark{Early: a, Late: b},
		}).Draw(t, "composite")
	}))
}

// A step is what happens at one instant: elements, then the two clocks.
type step struct{ elements, watermark, now int }

func steps() *rapid.Generator[[]step] {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) step {
		return step{rapid.IntRange(0, 2).Draw(t, "elements"), rapid.IntRange(0, 3).Draw(t, "watermark"), rapid.IntRange(0, 3).Draw(t, "now")}
	}), 1, 20)
}

// play runs a trigger for one window, [0, 10), as the engine does, and lists what
// fires when. It looks at the window when elements come, and when the trigger
// asked for it; if polling, at every instant while there is something to fire.
func play(trigger model.Trigger, story []step, polling bool) (fired []string) {
	s := &scenario{tree: model.NewTriggerTree(trigger)}
	w := &window{bounds: model.Window{Start: 0, End: 10}, cells: make([]model.TriggerCell, s.tree.Size())}
	s.windows = map[string]*window{"a": w}
	look := func() {
		if polling && w.fresh > 0 || w.wake.HasEvent && w.wake.EventTime <= s.watermark || w.wake.HasProcessing && w.wake.ProcessingTime <= s.now {
			s.look("a", w)
		}
	}
	for i, st := range story {
		for range st.elements {
			s.element("a")
		}
		for range st.watermark {
			s.watermark++
			look()
		}
		for range st.now {
			s.now++
			look()
		}
		for _, told := range s.told {
			fired = append(fired, fmt.Sprintf("%d: %s", i, told))
		}
		s.told = nil
	}
	return fired
}

func TestTriggersAskToBeWokenInTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		trigger, story := anyTrigger(2).Draw(t, "trigger"), steps().Draw(t, "story")
		woken, polled := play(trigger, story, false), play(trigger, story, true)
		if !slices.Equal(woken, polled) {
			t.Fatalf("%v, when it is asked only as it wants to be:\n%q, always:\n%q", trigger, woken, polled)
		}
	})
}

func TestAskingATriggerChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		trigger := anyTrigger(2).Draw(t, "trigger")
		tree := model.NewTriggerTree(trigger)
		cells := make([]model.TriggerCell, tree.Size())
		for range rapid.IntRange(0, 4).Draw(t, "elements") {
			c := tree.Root(model.Window{Start: 0, End: 10}, 0, 0, cells, &model.Wakeups{})
			trigger.OnElement(c)
		}
		before := slices.Clone(cells)
		watermark, now := model.Timestamp(rapid.IntRange(0, 12).Draw(t, "watermark")), model.Timestamp(rapid.IntRange(0, 12).Draw(t, "now"))
		ask := func() (bool, model.Wakeups) {
			var wake model.Wakeups
			c := tree.Root(model.Window{Start: 0, End: 10}, watermark, now, cells, &wake)
			return trigger.ShouldFire(c), wake
		}
		first, firstWake := ask()
		second, secondWake := ask()
		if first != second || firstWake != secondWake || !slices.Equal(before, cells) {
			t.Fatalf("%v: asked twice it says %v (%+v) and %v (%+v); its cells were %v and are %v",
				trigger, first, firstWake, second, secondWake, before, cells)
		}
	})
}

func TestTriggerThatSaysItDoesNotFinishDoesNot(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		trigger, story := anyTrigger(2).Draw(t, "trigger"), steps().Draw(t, "story")
		const late = time.Hour
		if trigger.Finishes(late) {
			return
		}
		for _, told := range play(trigger, story, true) {
			if told[len(told)-len("finishes"):] == "finishes" {
				t.Fatalf("%v says that it does not finish, and %s", trigger, told)
			}
		}
	})
}

func TestMergingOneWindowChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		trigger, story := anyTrigger(2).Draw(t, "trigger"), steps().Draw(t, "story")
		cut := rapid.IntRange(0, len(story)).Draw(t, "cut")
		whole, merged := newStory(trigger), newStory(trigger)
		for i, st := range story {
			if i == cut && merged.windows["a"] != nil {
				merged.merge([]string{"a"}, "a")
			}
			a, b := whole.step(st), merged.step(st)
			if !slices.Equal(a, b) {
				t.Fatalf("%v, step %d: %q, but %q after a merge of the window with nothing", trigger, i, a, b)
			}
		}
	})
}

func newStory(trigger model.Trigger) *scenario {
	return &scenario{tree: model.NewTriggerTree(trigger), windows: map[string]*window{}}
}

// step is a step of the story in seconds, of which a window has 60.
func (s *scenario) step(st step) []string {
	for range st.elements {
		s.element("a")
	}
	s.watermark += model.Timestamp(st.watermark) * 10_000_000
	s.now += model.Timestamp(st.now)
	s.lookAtAll()
	told := s.told
	s.told = nil
	return told
}
