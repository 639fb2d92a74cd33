package transforms_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/state"
	"github.com/millrace/millrace/runners/direct"
	"github.com/millrace/millrace/testing/streamtest"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/triggers"
	"github.com/millrace/millrace/windowing"
)

// misnamed has methods that would never be called.
type misnamed struct{ remembering }

func (misnamed) OnTimer(context.Context, firing, lines) error                             { return nil }
func (misnamed) OnWindowExpiration(context.Context, *transforms.Firing[int], lines) error { return nil }
func (misnamed) Instance() transforms.DoFn[order, string]                                 { return nil }
func (misnamed) Open() error                                                              { return nil }

// otherFn has the cells of another DoFn.
type otherFn struct{ remembering }

// instances makes instances, of another list of cells if it is told to.
type instances struct {
	remembering
	fresh bool
}

func (d instances) Instance() transforms.KeyedDoFn[string, int, string] {
	if d.fresh {
		d.cells = []state.Cell{state.NewValue[int]("count")}
	}
	return d
}

// impostors makes instances of another type.
type impostors struct{ remembering }

func (d impostors) Instance() transforms.KeyedDoFn[string, int, string] { return d.remembering }

// flushing uses a cell when there is no call.
type flushing struct {
	remembering
	kept  *keyedOrder
	count state.Value[int]
}

func (d *flushing) Process(_ context.Context, e *keyedOrder, _ lines) error {
	d.kept = e
	return nil
}

func (d *flushing) Flush(context.Context) error {
	d.count.Set(d.kept, 1)
	return nil
}

// failing fails where it is told to.
type failing struct {
	whole
	process, timer, expiry error
}

func (d failing) Process(ctx context.Context, e *keyedOrder, out lines) error {
	_ = d.whole.Process(ctx, e, out)
	return d.process
}

func (d failing) OnTimer(context.Context, *firing, lines) error            { return d.timer }
func (d failing) OnWindowExpiration(context.Context, *firing, lines) error { return d.expiry }

func rememberIn(c orders, cells []state.Cell, process func(e *keyedOrder, out lines)) {
	transforms.DoKeyed(c, remembering{cells, process})
}

func timerIn(c orders, t state.Cell, process func(e *keyedOrder)) {
	nothing := func(*firing, lines) {}
	transforms.DoKeyed(c, whole{timed{remembering{[]state.Cell{t}, func(e *keyedOrder, _ lines) { process(e) }}, nothing}, nothing})
}

// keyedMistakes are DoKeyeds that are not built, or that fail.
var keyedMistakes = map[string]func(orders){
	"nil": func(c orders) { transforms.DoKeyed[string, int, string](c, nil) },
	"a cell twice": func(c orders) {
		v := state.NewValue[int]("count")
		rememberIn(c, []state.Cell{v, v}, nil)
	},
	"one name": func(c orders) {
		rememberIn(c, []state.Cell{state.NewValue[int]("count"), state.NewBag[int]("count")}, nil)
	},
	"two DoFns": func(c orders) {
		v := state.NewValue[int]("count")
		rememberIn(c, []state.Cell{v}, nil)
		transforms.DoKeyed(c, otherFn{remembering{cells: []state.Cell{v}}})
	},
	"no encoding": func(c orders) {
		type visit struct {
			Pages []struct{ Done chan bool }
		}
		rememberIn(c, []state.Cell{state.NewValue[visit]("visit")}, nil)
	},
	"no OnTimer": func(c orders) { rememberIn(c, []state.Cell{state.NewEventTimer("alarm")}, nil) },
	"no OnWindowExpiration": func(c orders) {
		transforms.DoKeyed(c, timed{remembering: remembering{cells: []state.Cell{state.NewProcessingTimer("soon"), state.NewEventTimer("alarm")}}})
	},
	"other signatures": func(c orders) {
		transforms.DoKeyed(c, misnamed{remembering{cells: []state.Cell{state.NewEventTimer("alarm"), state.NewProcessingTimer("soon")}}})
	},
	"merging windows": func(c orders) {
		rememberIn(inWindows(c, windowing.Sessions{Gap: time.Minute}), []state.Cell{
			state.NewValue[int]("count"), state.NewBag[int]("all"), state.NewMap[int, int]("map"),
		}, nil)
	},
	"merging windows and a timer": func(c orders) {
		timerIn(inWindows(c, windowing.Sessions{Gap: time.Minute}), state.NewEventTimerFamily("alarms"), nil)
	},
	"retractions": func(c orders) {
		sums := transforms.CombinePerKey(transforms.Window(c, model.WindowingStrategy{
			Windows: windowing.Fixed{Size: time.Minute}, Trigger: triggers.Repeatedly{Trigger: triggers.AfterCount{N: 1}}, Panes: model.Retracting,
		}), transforms.Sum)
		rememberIn(sums, nil, nil)
	},
	"values": func(c orders) {
		type bad struct{ F func() }
		transforms.DoKeyed(transforms.Map(c, func(o order) model.KV[string, bad] { return model.KV[string, bad]{} }), unencodable[bad]{})
	},
	"unlisted": func(c orders) {
		v := state.NewValue[int]("count")
		rememberIn(c, nil, func(e *keyedOrder, _ lines) { v.Set(e, 1) })
	},
	"another of the name": func(c orders) {
		v := state.NewValue[int]("count")
		rememberIn(c, []state.Cell{state.NewValue[int]("count")}, func(e *keyedOrder, _ lines) { v.Set(e, 1) })
	},
	"outside a call": func(c orders) {
		v := state.NewValue[int]("count")
		transforms.DoKeyed(c, &flushing{remembering: remembering{cells: []state.Cell{v}}, count: v})
	},
	"another instance": func(c orders) {
		transforms.DoKeyed(c, instances{remembering{cells: []state.Cell{state.NewValue[int]("count")}}, true})
	},
	"another type": func(c orders) {
		transforms.DoKeyed(c, impostors{remembering{cells: []state.Cell{state.NewValue[int]("count")}}})
	},
	"past the window": func(c orders) {
		t := state.NewEventTimer("alarm")
		timerIn(c, t, func(e *keyedOrder) { t.Set(e, e.Window.End) })
	},
	"for ever": func(c orders) {
		t := state.NewEventTimer("tick")
		transforms.DoKeyed(inWindows(c, windowing.Global{}), timed{
			remembering{[]state.Cell{t}, func(e *keyedOrder, _ lines) { t.Set(e, e.Timestamp+second) }},
			func(f *firing, _ lines) { t.Set(f, f.At+second) },
		})
	},
	"in OnWindowExpiration": func(c orders) {
		t := state.NewProcessingTimer("soon")
		transforms.DoKeyed(c, whole{timed{remembering{[]state.Cell{t}, func(e *keyedOrder, _ lines) { t.SetAfter(e, time.Hour) }}, func(*firing, lines) {}},
			func(f *firing, _ lines) { t.SetAfter(f, time.Hour) }})
	},
	"output before the element": func(c orders) {
		t := state.NewEventTimer("alarm")
		timerIn(c, t, func(e *keyedOrder) { t.SetWithOutput(e, e.Timestamp+second, e.Timestamp-1) })
	},
	"output after the window": func(c orders) {
		t := state.NewProcessingTimerFamily("soon")
		timerIn(c, t, func(e *keyedOrder) { t.SetWithOutput(e, "a", 0, e.Window.End) })
	},
	"error in Process": func(c orders) { transforms.DoKeyed(c, failing{process: errBroken}) },
	"error in OnTimer": func(c orders) {
		t := state.NewEventTimerFamily("alarms")
		d := failing{timer: errBroken}
		d.cells, d.whole.process = []state.Cell{t}, func(e *keyedOrder, _ lines) { t.Set(e, "first", e.Timestamp+second) }
		transforms.DoKeyed(c, d)
	},
	"error in OnWindowExpiration": func(c orders) {
		v := state.NewValue[int]("count")
		d := failing{expiry: errBroken}
		d.cells, d.whole.process = []state.Cell{v}, func(e *keyedOrder, _ lines) { v.Set(e, 1) }
		transforms.DoKeyed(c, d)
	},
	"panic in Process": func(c orders) { rememberIn(c, nil, func(*keyedOrder, lines) { broken() }) },
	"panic in OnTimer": func(c orders) {
		t := state.NewEventTimer("alarm")
		transforms.DoKeyed(c, timed{remembering{[]state.Cell{t}, func(e *keyedOrder, _ lines) { t.Set(e, e.Timestamp) }}, func(*firing, lines) { broken() }})
	},
	"panic after an Emit": func(c orders) {
		emitted := transforms.DoKeyed(c, remembering{nil, func(_ *keyedOrder, out lines) { out.Emit("x"); broken() }})
		transforms.Map(emitted, func(s string) string { return s })
	},
	"panic downstream": func(c orders) {
		boom(transforms.DoKeyed(c, remembering{nil, func(_ *keyedOrder, out lines) { out.Emit("x") }}))
	},
	"EmitAt": func(c orders) {
		rememberIn(c, nil, func(e *keyedOrder, out lines) { out.EmitAt(e.Timestamp-1, "x") })
	},
}

type unencodable[V any] struct{}

func (unencodable[V]) Cells() []state.Cell { return nil }

func (unencodable[V]) Process(context.Context, *transforms.Keyed[string, V], transforms.Output[string]) error {
	return nil
}

// TestKeyedMistakes tells what a DoKeyed says that is built wrongly, or whose DoFn
// does what it must not, with LINE for the user's file and line.
func TestKeyedMistakes(t *testing.T) {
	seen := map[string]bool{}
	datadriven.RunTest(t, "testdata/dokeyed", func(t *testing.T, d *datadriven.TestData) string {
		name := []string{d.Cmd}
		for _, a := range d.CmdArgs {
			name = append(name, a.Key)
		}
		what := strings.Join(name, " ")
		build := keyedMistakes[what]
		if build == nil {
			d.Fatalf(t, "no such mistake")
		}
		seen[what] = true
		var p model.Pipeline
		build(annsOrder(&p))
		_, err := direct.Runner{Parallelism: 1}.Run(context.Background(), &p)
		if err == nil {
			return "ok"
		}
		said, _, _ := strings.Cut(err.Error(), "\ngoroutine ")
		return userLine.ReplaceAllString(said, "LINE")
	})
	for name := range keyedMistakes {
		if !seen[name] {
			t.Errorf("testdata/dokeyed does not tell of %q", name)
		}
	}
}

// A DoFn may be in a pipeline several times, and each has its own state.
func TestOneDoFnInSeveralPlaces(t *testing.T) {
	count := state.NewValue[int]("count")
	d := remembering{[]state.Cell{count}, func(e *keyedOrder, out lines) {
		count.Set(e, count.Get(e)+1)
		if count.Get(e) > 1 {
			out.Emit("again")
		}
	}}
	for range 2 {
		var p model.Pipeline
		a, b := orderScript(&p).Add(0, buy("ann", 1)).End(), orderScript(&p).Add(0, buy("ann", 1)).End()
		streamtest.WantEmpty(t, transforms.Flatten(transforms.DoKeyed(a, d), transforms.DoKeyed(b, d)))
	}
}

// An instance for each task is opened, flushed and closed as one of Do is.
func TestInstancesOfAKeyedDoFn(t *testing.T) {
	count := state.NewValue[int]("count")
	var p model.Pipeline
	life := &lifelog{}
	out := transforms.DoKeyed(orderScript(&p).Add(0, buy("ann", 1)).Add(0, buy("ann", 2)).End(), living{
		remembering{[]state.Cell{count}, func(e *keyedOrder, _ lines) { count.Set(e, e.Value) }}, life, 0,
	})
	k := streamtest.Capture(out)
	streamtest.Run(t, &p, streamtest.Parallelism(1))
	k.WantEmpty(t)
	if want := []string{"open 1", "flush 1", "close 1"}; !slices.Equal(life.log, want) {
		t.Errorf("%q, want %q", life.log, want)
	}
}

type lifelog struct {
	made int
	log  []string
}

type living struct {
	remembering
	*lifelog
	n int
}

func (d living) Instance() transforms.KeyedDoFn[string, int, string] {
	d.made++
	d.n = d.made
	return d
}

func (d living) note(what string) error {
	if d.n == 0 {
		return errors.New("the original is called")
	}
	d.log = append(d.log, what+" "+string(rune('0'+d.n)))
	return nil
}

func (d living) Open(context.Context) error  { return d.note("open") }
func (d living) Flush(context.Context) error { return d.note("flush") }
func (d living) Close() error                { return d.note("close") }

var (
	_ transforms.KeyedInstancer[string, int, string] = living{}
	_ transforms.Opener                              = living{}
)
