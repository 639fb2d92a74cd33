package triggers_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/triggers"
)

// known are the triggers of the scenarios, found by what they print.
var known = []model.Trigger{
	triggers.Default{},
	triggers.Always{},
	triggers.Never{},
	triggers.AfterCount{N: 3},
	triggers.Repeatedly{Trigger: triggers.AfterCount{N: 3}},
	triggers.Repeatedly{Trigger: triggers.AfterProcessingTime{Delay: 5 * time.Second}},
	triggers.AfterProcessingTime{Delay: 5 * time.Second},
	triggers.AfterProcessingTime{Align: 10 * time.Second},
	triggers.AfterSynchronizedProcessingTime{},
	triggers.AfterWatermark{},
	triggers.AfterWatermark{Early: triggers.AfterCount{N: 3}},
	triggers.AfterWatermark{Late: triggers.AfterCount{N: 3}},
	triggers.AfterWatermark{Early: triggers.AfterProcessingTime{Delay: 5 * time.Second}, Late: triggers.Always{}},
	triggers.AfterAll{triggers.AfterCount{N: 3}, triggers.AfterProcessingTime{Delay: 5 * time.Second}},
	triggers.AfterAny{triggers.AfterCount{N: 3}, triggers.AfterProcessingTime{Delay: 5 * time.Second}},
	triggers.AfterEach{triggers.AfterCount{N: 3}, triggers.AfterProcessingTime{Delay: 5 * time.Second}},
	triggers.OrFinally{Main: triggers.Repeatedly{Trigger: triggers.AfterCount{N: 3}}, Until: triggers.AfterWatermark{}},
}

// TestScenarios plays triggers through elements, watermarks and processing time,
// all in seconds, and prints which windows fire how many elements, and what they
// wait for.
//
//	new              begins anew with the trigger given below
//	element [a [b]]  adds an element to the windows of those names; a if none
//	watermark 60     advances the watermark
//	time 5           advances processing time
//	merge a b ab     merges windows a and b into ab
//
// Window a is [0, 60), b [30, 90), c [60, 120), a merged one spans its parts.
func TestScenarios(t *testing.T) {
	datadriven.Walk(t, "testdata/scenarios", func(t *testing.T, path string) {
		var s *scenario
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			var args []string
			for _, a := range d.CmdArgs {
				args = append(args, a.Key)
			}
			switch d.Cmd {
			case "new":
				s = newScenario(t, d.Input)
				return s.story()
			case "element":
				if len(args) == 0 {
					args = []string{"a"}
				}
				for _, name := range args {
					s.element(name)
				}
			case "watermark":
				s.watermark = at(t, args[0])
				s.lookAtAll()
			case "time":
				s.now = at(t, args[0])
				s.lookAtAll()
			case "merge":
				s.merge(args[:len(args)-1], args[len(args)-1])
			default:
				d.Fatalf(t, "no command %q", d.Cmd)
			}
			return s.story()
		})
	})
}

func at(t *testing.T, seconds string) (ts model.Timestamp) {
	t.Helper()
	if _, err := fmt.Sscan(seconds, &ts); err != nil {
		t.Fatal(err)
	}
	return ts * 1_000_000
}

// A scenario does with a trigger what the engine does.
type scenario struct {
	tree           *model.TriggerTree
	watermark, now model.Timestamp
	windows        map[string]*window
	told           []string
}

type window struct {
	bounds model.Window
	cells  []model.TriggerCell
	wake   model.Wakeups
	fresh  int // elements since it fired
}

func newScenario(t *testing.T, trigger string) *scenario {
	t.Helper()
	i := slices.IndexFunc(known, func(k model.Trigger) bool { return k.String() == strings.TrimSpace(trigger) })
	if i < 0 {
		t.Fatalf("no trigger is %q", trigger)
	}
	return &scenario{tree: model.NewTriggerTree(known[i]), watermark: model.MinTimestamp, windows: map[string]*window{}}
}

func (s *scenario) window(name string) *window {
	w := s.windows[name]
	if w == nil {
		start := model.Timestamp(strings.Index("abc", name[:1])) * 30_000_000
		w = &window{bounds: model.Window{Start: start, End: start + 60_000_000}, cells: make([]model.TriggerCell, s.tree.Size())}
		s.windows[name] = w
	}
	return w
}

func (s *scenario) context(w *window) *model.TriggerContext {
	return s.tree.Root(w.bounds, s.watermark, s.now, w.cells, &w.wake)
}

func (s *scenario) element(name string) {
	w := s.window(name)
	if w.cells[0].Finished {
		s.told = append(s.told, name+" takes no more")
		return
	}
	c := s.context(w)
	w.fresh++
	c.Trigger().OnElement(c)
	s.look(name, w)
}

func (s *scenario) lookAtAll() {
	for name, w := range s.windows {
		s.look(name, w)
	}
}

func (s *scenario) look(name string, w *window) {
	w.wake = model.Wakeups{}
	c := s.context(w)
	if w.cells[0].Finished || !c.Trigger().ShouldFire(c) {
		return
	}
	if w.fresh > 0 {
		s.told = append(s.told, fmt.Sprintf("%s fires %d", name, w.fresh))
		w.fresh = 0
	}
	c.Trigger().OnFire(c)
	w.wake = model.Wakeups{}
	if w.cells[0].Finished {
		s.told = append(s.told, name+" finishes")
		return
	}
	c.Trigger().ShouldFire(c)
}

func (s *scenario) merge(names []string, into string) {
	merged := &window{bounds: s.window(names[0]).bounds, cells: make([]model.TriggerCell, s.tree.Size())}
	for _, name := range names {
		merged.bounds = merged.bounds.Span(s.window(name).bounds)
	}
	c := s.context(merged)
	for _, name := range names {
		merged.fresh += s.windows[name].fresh
		c.Trigger().OnMerge(c, s.windows[name].cells)
		delete(s.windows, name)
	}
	s.windows[into] = merged
	if merged.fresh > 0 { // windows merge as an element comes
		s.look(into, merged)
	}
}

// story is what happened since it was last told, and what windows wait for.
func (s *scenario) story() string {
	told := s.told
	s.told = nil
	slices.SortStableFunc(told, func(a, b string) int { return strings.Compare(a[:strings.Index(a, " ")], b[:strings.Index(b, " ")]) })
	var waits []string
	for name, w := range s.windows {
		if w.cells[0].Finished {
			continue
		}
		if w.wake.HasEvent {
			waits = append(waits, fmt.Sprintf("%s waits for watermark %d", name, w.wake.EventTime/1_000_000))
		}
		if w.wake.HasProcessing {
			waits = append(waits, fmt.Sprintf("%s waits for time %v", name, w.wake.ProcessingTime.Sub(0)))
		}
	}
	slices.Sort(waits)
	if told = append(told, waits...); len(told) == 0 {
		return "nothing"
	}
	return strings.Join(told, "\n")
}
