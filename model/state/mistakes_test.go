package state_test

import (
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/state"
)

type counter struct{}

// lists are methods Cells with mistakes.
var lists = map[string]func() []state.Cell{
	"no constructor": func() []state.Cell { return []state.Cell{state.Value[int]{}} },
	"nil":            func() []state.Cell { return []state.Cell{nil} },
	"no name":        func() []state.Cell { return []state.Cell{state.NewValue[int]("")} },
	"twice": func() []state.Cell {
		v := state.NewValue[int]("count")
		return []state.Cell{v, v}
	},
	"one name": func() []state.Cell {
		return []state.Cell{state.NewValue[int]("count"), state.NewEventTimer("count")}
	},
	"two DoFns": func() []state.Cell {
		v := state.NewValue[int]("count")
		if _, err := state.Bind(reflect.TypeFor[counter](), []state.Cell{v}); err != nil {
			panic(err)
		}
		return []state.Cell{v}
	},
	"another list": func() []state.Cell {
		v := state.NewBag[int]("values")
		if l := state.NewLocal(v); l.Err() != nil {
			panic(l.Err())
		}
		return []state.Cell{state.NewValue[int]("count"), v}
	},
	"no encoding": func() []state.Cell {
		type line struct {
			Text string
			Stop chan bool
		}
		type page struct{ Lines []line }
		return []state.Cell{state.NewValue[page]("page"), state.NewMap[float64, func()]("callbacks"), state.NewSet[*int]("pointers")}
	},
	"expiry": func() []state.Cell { return []state.Cell{state.NewBag[int]("values", state.ExpireAfterEventTime(0))} },
	"two expiries": func() []state.Cell {
		return []state.Cell{state.NewBag[int]("values", state.ExpireAfterEventTime(hour), state.ExpireAfterProcessingTime(hour))}
	},
	"nil combiner": func() []state.Cell { return []state.Cell{state.NewCombining[int, int, int]("sum", nil)} },
	"bad combiner": func() []state.Cell { return []state.Cell{state.NewCombining("sum", choosy{})} },
	"several kinds": func() []state.Cell {
		return []state.Cell{state.NewBag[int]("a"), state.NewProcessingTimerFamily("b"), state.NewOrderedList[chan int]("c")}
	},
}

type choosy struct{ sums }

func (choosy) Validate() error { return errChoosy }

type stringError string

func (e stringError) Error() string { return string(e) }

const errChoosy = stringError("the combiner is not in the mood")

// uses are calls that use cells as they must not. A and b are those that Cells
// lists.
var uses = map[string]func(l *state.Local, a state.Value[int], b state.EventTimer){
	"unlisted": func(l *state.Local, _ state.Value[int], _ state.EventTimer) { state.NewBag[int]("other").Add(l, 1) },
	"another of the name": func(l *state.Local, _ state.Value[int], _ state.EventTimer) {
		state.NewValue[int]("a").Set(l, 1)
	},
	"no constructor": func(l *state.Local, _ state.Value[int], _ state.EventTimer) {
		var v state.Value[int]
		v.Set(l, 1)
	},
	"timer past its window": func(l *state.Local, _ state.Value[int], b state.EventTimer) { b.Set(l, state.Expiry(l)) },
	"the first counts": func(l *state.Local, a state.Value[int], b state.EventTimer) {
		b.Set(l, model.MaxTimestamp)
		state.NewBag[int]("other").Clear(l)
		a.Set(l, 7)
		if a.Get(l) != 0 {
			panic("reads are not empty after a mistake")
		}
	},
}

var line = regexp.MustCompile(`\w+_test\.go:\d+`)

// TestMistakes tells what is wrong with lists of cells and with using them, with
// LINE for lines of this file.
//
//	list NAME   what Cells returned
//	use NAME    what a call did
func TestMistakes(t *testing.T) {
	seen := map[string]bool{}
	datadriven.RunTest(t, "testdata/mistakes", func(t *testing.T, d *datadriven.TestData) string {
		var words []string
		for _, a := range d.CmdArgs {
			words = append(words, a.Key)
		}
		name := strings.Join(words, " ")
		seen[d.Cmd+" "+name] = true
		var err error
		if d.Cmd == "list" {
			_, err = state.Bind(reflect.TypeFor[run](), lists[name]())
		} else {
			a, b := state.NewValue[int]("a"), state.NewEventTimer("b")
			l := state.NewLocal(a, b)
			uses[name](l, a, b)
			err = l.Err()
		}
		if err == nil {
			return "ok"
		}
		return line.ReplaceAllString(err.Error(), "LINE")
	})
	for name := range lists {
		if !seen["list "+name] {
			t.Errorf("testdata/mistakes does not tell of the list %q", name)
		}
	}
	for name := range uses {
		if !seen["use "+name] {
			t.Errorf("testdata/mistakes does not tell of the use %q", name)
		}
	}
}

func TestCellUsedOutsideACall(t *testing.T) {
	v, timer := state.NewValue[int]("v"), state.NewProcessingTimer("t")
	h := newHost(t, v, timer)
	if err := h.End(); err != nil {
		t.Fatal(err)
	}
	for what, use := range map[string]func(){
		"a value":  func() { v.Set(h, 1) },
		"a timer":  func() { timer.SetAfter(h, time.Second) },
		"Expiry":   func() { state.Expiry(h) },
		"the time": func() { state.Now(h) },
	} {
		use()
		if err := h.End(); err == nil || !strings.Contains(err.Error(), "outside a call") || !strings.Contains(err.Error(), "mistakes_test.go") {
			t.Errorf("%s: %v", what, err)
		}
	}
	h.Begin()
	if v.Set(h, 1); v.Get(h) != 1 || h.End() != nil {
		t.Error("the next call suffers")
	}
}

func TestCellsKeepTheirPlacesInAnotherPipeline(t *testing.T) {
	cells := []state.Cell{state.NewValue[int]("a"), state.NewEventTimer("t"), state.NewBag[int]("b")}
	local := state.NewLocal(cells...)
	if err := local.Err(); err != nil {
		t.Fatal(err)
	}
	owner := reflect.TypeFor[counter]()
	l, err := state.Bind(owner, cells)
	if err != nil {
		t.Fatal(err)
	}
	again, err := state.Bind(owner, cells)
	if err != nil || again != l || !l.Is(cells) || l.Is(cells[:2]) {
		t.Errorf("bound again: %v, %v", again, err)
	}
	if got := l.String(); got != "value a, event timer t, bag b" {
		t.Errorf("the layout reads %q", got)
	}
	if got := l.Unmergeable(); len(got) != 2 {
		t.Errorf("these cannot be merged: %q", got)
	}
}

func TestHintsAreHandedOn(t *testing.T) {
	for _, tt := range []struct {
		cell state.Cell
		want state.Fetch
	}{
		{state.NewValue[int]("v"), state.FetchEarly},
		{state.NewCombining("c", sums{}), state.FetchEarly},
		{state.NewBag[int]("b"), state.FetchLazily},
		{state.NewValue[int]("v", state.Lazy()), state.FetchLazily},
		{state.NewBag[int]("b", state.Prefetched()), state.FetchEarly},
	} {
		if got := newHost(t, tt.cell).layout.Specs[0].Fetch; got != tt.want {
			t.Errorf("%s is fetched %v, want %v", tt.cell.Name(), got, tt.want)
		}
	}
}
