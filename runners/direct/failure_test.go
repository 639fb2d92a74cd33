package direct_test

import (
	"context"
	"errors"
	"iter"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/millrace/millrace/internal/engine"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
	"github.com/millrace/millrace/runners/direct"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/windowing"
)

var errBroken = errors.New("the wheel is broken")

// tens cuts numbers into windows of ten.
var tens = model.WindowingStrategy{Windows: windowing.Fixed{Size: 10 * micro}}

func byUnits(v int) int { return v % 10 }

func TestAnErrorOfAFunctionTellsTheElement(t *testing.T) {
	var p model.Pipeline
	src := &numbers{n: 1000, splits: 4}
	out := &ledger{}
	keyed := transforms.KeyBy(transforms.Window(src.read(&p), tens), byUnits)
	odd := transforms.TryMap(keyed, func(_ context.Context, kv model.KV[int, int]) (int, error) {
		if kv.Value == 437 {
			return 0, errBroken
		}
		return kv.Value, nil
	}, model.Name("Wheel"))
	transforms.Write(odd, out)
	_, err := direct.Runner{Parallelism: 3}.Run(t.Context(), &p)
	var e *engine.UserError
	if !errors.As(err, &e) || !errors.Is(err, errBroken) {
		t.Fatalf("the run returned %v, want a UserError of the wheel", err)
	}
	want := engine.UserError{Transform: "Wheel", Key: "7", Element: "7: 437", Timestamp: 437, Window: model.Window{Start: 430, End: 440}, Err: errBroken}
	got := *e
	got.Site = model.Site{}
	if got != want {
		t.Errorf("the error is\n%+v, want\n%+v", got, want)
	}
	if !strings.HasSuffix(e.Site.File, "failure_test.go") {
		t.Errorf("it was made at %v, want a line of this file", e.Site)
	}
	settled(t, src, out)
}

func TestAPanicTellsTheElement(t *testing.T) {
	var p model.Pipeline
	src := &numbers{n: 1000, splits: 4}
	out := &ledger{}
	keyed := transforms.KeyBy(transforms.Window(src.read(&p), tens), byUnits)
	transforms.Write(transforms.Map(keyed, breakAt437, model.Name("Wheel")), out)
	_, err := direct.Runner{Parallelism: 3}.Run(t.Context(), &p)
	var e *engine.UserError
	if !errors.As(err, &e) {
		t.Fatalf("the run returned %v, want a UserError", err)
	}
	if !e.Panic || e.Transform != "Wheel" || e.Key != "7" || e.Element != "7: 437" || e.Timestamp != 437 {
		t.Errorf("the error is %+v", e)
	}
	if !strings.Contains(e.Stack, "breakAt437") {
		t.Errorf("the stack does not show the function that panicked:\n%s", e.Stack)
	}
	settled(t, src, out)
}

func breakAt437(kv model.KV[int, int]) int {
	if kv.Value == 437 {
		panic("the wheel is broken")
	}
	return kv.Value
}

// settled checks that a run that failed let go of everything.
func settled(t *testing.T, src *numbers, out *ledger) {
	t.Helper()
	if err := out.left(); err != nil {
		t.Error("after a run that failed", err)
	}
	if src.opened.Load() != src.closed.Load() {
		t.Errorf("%d readers were opened and %d closed", src.opened.Load(), src.closed.Load())
	}
}

// A failure ends the run although another source would go on for ever.
func TestAFailureStopsTheOtherTasks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p model.Pipeline
		busy := &numbers{n: 1 << 40}
		idle := &numbers{n: 10, unbounded: true}
		failing := &numbers{n: 10, onRead: func(context.Context, int) (*source.Status, error) { return nil, errBroken }}
		out := &ledger{}
		transforms.Write(transforms.Reshuffle(transforms.Read(&p, busy)), out)
		transforms.Write(transforms.Read(&p, idle), &ledger{})
		transforms.Write(failing.read(&p), &ledger{})
		_, err := direct.Runner{Parallelism: 2}.Run(t.Context(), &p)
		if !errors.Is(err, errBroken) {
			t.Errorf("the run returned %v, want %v", err, errBroken)
		}
		settled(t, busy, out)
		settled(t, idle, out)
	})
}

// User code is called in many places, and a panic in any of them is told by the
// transform that it belongs to.
func TestAPanicIsToldByItsTransform(t *testing.T) {
	for _, c := range []struct {
		name  string
		build func(c model.PCollection[int])
		want  string // the transform
	}{
		{"a window", func(c model.PCollection[int]) {
			counted(transforms.Window(c, model.WindowingStrategy{Windows: brokenWindows{}}))
		}, "CombineGlobally/CombinePerKey"},
		{"a combiner's Add", combinedBy("Add"), "CombineGlobally/CombinePerKey"},
		{"a combiner's Merge", combinedBy("Merge"), "CombineGlobally/CombinePerKey"},
		{"a combiner's Result", combinedBy("Result"), "CombineGlobally/CombinePerKey"},
		{"what follows a grouping", func(c model.PCollection[int]) {
			groups := transforms.GroupByKey(transforms.KeyBy(c, byUnits))
			transforms.ForEach(groups, func(context.Context, transforms.Element[model.KV[int, iter.Seq[int]]]) error { panic("broken") })
		}, "ForEach"},
		{"a join's function", func(c model.PCollection[int]) {
			keyed := transforms.KeyBy(c, byUnits)
			transforms.Join(keyed, keyed, func(int, int, int) int { panic("broken") })
		}, "Join"},
		{"a sink's Write", func(c model.PCollection[int]) {
			transforms.Write(c, &ledger{panicAt: "Write"})
		}, "Write"},
		{"a sink's Open", func(c model.PCollection[int]) {
			transforms.Write(c, &ledger{panicAt: "Open"})
		}, "Write"},
		{"a sink's Prepare", func(c model.PCollection[int]) {
			transforms.Write(c, &ledger{panicAt: "Prepare"})
		}, "Write"},
		{"a sink's Close", func(c model.PCollection[int]) {
			transforms.Write(c, &ledger{panicAt: "Close"})
		}, "Write"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var p model.Pipeline
			src := &numbers{n: 100, splits: 3}
			c.build(transforms.Map(src.read(&p), func(v int) int { return v }))
			other := &ledger{}
			transforms.Write(src.read2(&p), other)
			_, err := direct.Runner{Parallelism: 2}.Run(t.Context(), &p)
			var e *engine.UserError
			if !errors.As(err, &e) || !e.Panic || e.Transform != c.want {
				t.Fatalf("the run returned %v, want a panic in %s", err, c.want)
			}
			settled(t, src, other)
		})
	}
}

func counted(c model.PCollection[int]) { transforms.CombineGlobally(c, transforms.Counting) }

func combinedBy(panicAt string) func(model.PCollection[int]) {
	return func(c model.PCollection[int]) {
		transforms.CombineGlobally(c, func() transforms.Combiner[int, int, int] { return brokenSum{panicAt} })
	}
}

type brokenSum struct{ panicAt string }

func (b brokenSum) panics(at string) {
	if b.panicAt == at {
		panic("the combiner's " + at + " went wrong")
	}
}

func (brokenSum) New() int             { return 0 }
func (b brokenSum) Add(a, v int) int   { b.panics("Add"); return a + v }
func (b brokenSum) Merge(a, o int) int { b.panics("Merge"); return a + o }
func (b brokenSum) Result(a int) int   { b.panics("Result"); return a }

// brokenWindows is a WindowFn that cannot place what comes after 50 µs.
type brokenWindows struct{}

func (brokenWindows) AssignWindows(dst []model.Window, t model.Timestamp) []model.Window {
	if t > 50 {
		panic("no window there")
	}
	return append(dst, model.Window{Start: t, End: t + 1})
}

func (brokenWindows) Validate() error { return nil }
func (brokenWindows) String() string  { return "broken" }
