package triggers_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/triggers"
)

// A composite of one trigger does what that trigger does, in sessions too, which merge and
// grow.

// gap is that of the sessions of these tests.
const gap = 10

// A sessionStep is an element at a time, or else how far the two clocks move.
type sessionStep struct {
	element        bool
	at             model.Timestamp
	watermark, now int
}

func sessionSteps() *rapid.Generator[[]sessionStep] {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) sessionStep {
		if rapid.IntRange(0, 2).Draw(t, "kind") > 0 {
			return sessionStep{element: true, at: model.Timestamp(rapid.IntRange(0, 40).Draw(t, "at"))}
		}
		return sessionStep{watermark: rapid.IntRange(0, 12).Draw(t, "watermark"), now: rapid.IntRange(0, 3).Draw(t, "now")}
	}), 1, 20)
}

// playSessions runs a trigger for the sessions of one key, as the engine does, and lists
// what each step does.
func playSessions(trigger model.Trigger, steps []sessionStep) (told []string) {
	s := newStory(trigger)
	s.watermark = 0
	for i, st := range steps {
		if st.element {
			s.arrive(st.at)
		}
		for range st.watermark {
			s.watermark++
			s.lookInOrder()
		}
		for range st.now {
			s.now++
			s.lookInOrder()
		}
		for _, line := range s.told {
			told = append(told, fmt.Sprintf("%d %s", i, line))
		}
		s.told = nil
	}
	return told
}

// arrive adds an element at a time to its session, which takes in those that it overlaps.
func (s *scenario) arrive(at model.Timestamp) {
	added := model.Window{Start: at, End: at + gap}
	span := added
	var parts []string
	for _, name := range s.inOrder() {
		if w := s.windows[name]; w.bounds.Overlaps(added) {
			parts = append(parts, name)
			span = span.Span(w.bounds)
		}
	}
	name := span.String()
	if len(parts) != 1 || parts[0] != name {
		merged := &window{bounds: span, cells: make([]model.TriggerCell, s.tree.Size())}
		for _, part := range parts {
			c := s.context(merged)
			merged.fresh += s.windows[part].fresh
			c.Trigger().OnMerge(c, s.windows[part].cells)
			delete(s.windows, part)
		}
		s.windows[name] = merged
	}
	s.element(name)
}

func (s *scenario) lookInOrder() {
	for _, name := range s.inOrder() {
		s.look(name, s.windows[name])
	}
}

func (s *scenario) inOrder() (names []string) {
	for name := range s.windows {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return s.windows[a].bounds.Compare(s.windows[b].bounds) })
	return names
}

// onceTrigger draws triggers that finish as they first fire.
func onceTrigger(depth int) *rapid.Generator[model.Trigger] {
	simple := rapid.Custom(func(t *rapid.T) model.Trigger {
		n := rapid.IntRange(1, 3).Draw(t, "n")
		return rapid.SampledFrom([]model.Trigger{
			triggers.AfterWatermark{}, triggers.AfterCount{N: int64(n)}, triggers.AfterProcessingTime{Delay: 2000},
		}).Draw(t, "simple")
	})
	if depth == 0 {
		return simple
	}
	return rapid.OneOf(simple, rapid.Custom(func(t *rapid.T) model.Trigger {
		a, b := anyTrigger(depth-1).Draw(t, "a"), anyTrigger(depth-1).Draw(t, "b")
		return rapid.SampledFrom([]model.Trigger{
			triggers.AfterAll{a, b}, triggers.AfterAny{a, b}, triggers.OrFinally{Main: triggers.Never{}, Until: a},
		}).Draw(t, "composite")
	}))
}

func sameInSessions(t *rapid.T, bare model.Trigger, composites ...model.Trigger) {
	steps := sessionSteps().Draw(t, "steps")
	want := playSessions(bare, steps)
	for _, c := range composites {
		if got := playSessions(c, steps); !slices.Equal(got, want) {
			t.Fatalf("%v does\n%q\nbut %v does\n%q", c, got, bare, want)
		}
	}
}

func TestACompositeOfOneTriggerIsThatTrigger(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bare := anyTrigger(2).Draw(t, "trigger")
		sameInSessions(t, bare, triggers.AfterEach{bare}, triggers.OrFinally{Main: bare, Until: triggers.Never{}})
	})
}

func TestACompositeOfOneTriggerThatFiresOnceIsThatTrigger(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bare := onceTrigger(2).Draw(t, "trigger")
		sameInSessions(t, bare,
			triggers.AfterAll{bare}, triggers.AfterAny{bare}, triggers.AfterEach{bare},
			triggers.OrFinally{Main: bare, Until: triggers.Never{}}, triggers.OrFinally{Main: triggers.Never{}, Until: bare},
			triggers.AfterEach{triggers.AfterAny{triggers.AfterAll{bare}}})
	})
}

func TestRepeatingWhatNeverFinishesChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		late := anyTrigger(1).Draw(t, "late")
		bare := rapid.SampledFrom([]model.Trigger{
			triggers.Default{}, triggers.Always{}, triggers.Never{}, triggers.AfterWatermark{Late: late},
			triggers.AfterWatermark{Early: anyTrigger(1).Draw(t, "early"), Late: late},
		}).Draw(t, "trigger")
		sameInSessions(t, bare, triggers.Repeatedly{Trigger: bare})
	})
}
