package engine

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	engcells "github.com/millrace/millrace/internal/engine/cells"
	"github.com/millrace/millrace/internal/plan"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/coder"
	"github.com/millrace/millrace/model/state"
	"github.com/millrace/millrace/windowing"
)

// A keyedTest is the operator of a DoFn on its own, whose elements are of type V.
type keyedTest[V any] struct {
	*keyedOp
	log []string
}

// newKeyedTest makes one. Calls is handed the Scope of all calls.
func newKeyedTest[V any](t interface{ Fatal(...any) }, s model.WindowingStrategy, cells []state.Cell, calls func(k *keyedTest[V], s state.Scope) KeyedCalls[string, V]) *keyedTest[V] {
	return newKeyedTestIn(nil, t, s, cells, calls)
}

func newKeyedTestIn[V any](store *engcells.Durable, t interface{ Fatal(...any) }, s model.WindowingStrategy, cells []state.Cell, calls func(k *keyedTest[V], s state.Scope) KeyedCalls[string, V]) *keyedTest[V] {
	layout, err := state.Bind(nil, cells)
	if err != nil {
		t.Fatal(err)
	}
	k := &keyedTest[V]{}
	op := &Op{
		task: &Task{cfg: Config{Store: store, Stage: &plan.Stage{Head: &model.Node{}}}, out: model.MinTimestamp},
		Node: &model.Node{Name: "DoKeyed", Inputs: []*model.Collection{{Windowing: &model.Windowing{Strategy: s}}}},
	}
	spec := KeyedSpec[string, V]{Layout: layout, Calls: func(_ *Op, _ [][]any, scope state.Scope) KeyedCalls[string, V] {
		return calls(k, scope)
	}}
	k.keyedOp = spec.Receiver(op, [][]any{nil}).(*keyedOp)
	return k
}

var stringKeys, _ = coder.ForKey[string]()

func hashOfString(s string) uint64 { return stringKeys.Hash(&s) }

// element hands over one element.
func (k *keyedTest[V]) element(key string, at model.Timestamp, w model.Window, v V) {
	k.Receive(0, &Records[KeyedElement[string, V]]{Rows: []KeyedElement[string, V]{{
		Hash: hashOfString(key), Key: key, Meta: model.Meta{Timestamp: at, Window: w, Pane: model.NoPane}, Value: v,
	}}})
}

// said is the log since it was asked last.
func (k *keyedTest[V]) said() []string {
	log := k.log
	k.log = nil
	return log
}

func (k *keyedTest[V]) err() error { return k.op.task.err }

func ticks(n model.Timestamp) time.Duration { return time.Duration(n) * time.Microsecond }

func global() model.WindowingStrategy { return model.WindowingStrategy{Windows: windowing.Global{}} }

func TestKeysWithoutStateAreNotKept(t *testing.T) {
	value := state.NewValue[int]("value", state.ExpireAfterEventTime(ticks(10)))
	byClock := state.NewValue[int]("by clock", state.ExpireAfterProcessingTime(ticks(10)))
	set := state.NewSet[int]("set")
	timer := state.NewEventTimer("timer")
	cells := []state.Cell{value, byClock, set, timer}
	k := newKeyedTest(t, global(), cells, func(k *keyedTest[string], s state.Scope) KeyedCalls[string, string] {
		return KeyedCalls[string, string]{
			Process: func(m *model.Meta, e *KeyedElement[string, string]) error {
				switch e.Value {
				case "read":
					set.Len(s)
					value.Get(s)
				case "value":
					value.Set(s, 1)
				case "by clock":
					byClock.Set(s, 1)
				case "clear value":
					value.Clear(s)
				case "add":
					set.Add(s, 1)
				case "remove":
					set.Remove(s, 1)
				case "timer":
					timer.Set(s, m.Timestamp+10)
				case "clear timer":
					timer.Clear(s)
				}
				return nil
			},
			OnTimer: func(*model.Meta, *KeyedFiring) error { return nil },
		}
	})
	k.AdvanceProcessingTime(0)
	for i, step := range []struct {
		do   string
		at   model.Timestamp
		keys int
	}{
		{"read", 0, 0},
		{"value", 0, 1},
		{"clear value", 0, 0},
		{"add", 0, 1},
		{"remove", 0, 0},
		{"timer", 0, 1},
		{"clear timer", 0, 0},
		{"timer", 1, 1},
		{"value", 2, 1},
		{"watermark", 11, 1}, // the timer fires
		{"watermark", 12, 0}, // the value expires
		{"by clock", 0, 1},
		{"time", 9, 1},
		{"time", 10, 0},
		{"timer", 2, 0}, // behind the watermark: it fires at once
	} {
		switch step.do {
		case "watermark":
			k.Advance(step.at)
		case "time":
			k.AdvanceProcessingTime(step.at)
		default:
			k.element("k", step.at, model.GlobalWindow, step.do)
		}
		if k.err() != nil {
			t.Fatal(k.err())
		}
		if k.keys.Len() != step.keys || k.open != step.keys {
			t.Errorf("after step %d, %s at %d: %d keys, %d windows, want %d", i, step.do, step.at, k.keys.Len(), k.open, step.keys)
		}
	}
}

// Entries of the queues that are of no use any more do not pile up.
func TestQueuesDoNotGrow(t *testing.T) {
	timer := state.NewEventTimer("timer")
	soon := state.NewProcessingTimer("soon")
	value := state.NewValue[int]("value")
	k := newKeyedTest(t, model.WindowingStrategy{Windows: windowing.Fixed{Size: ticks(1e9)}}, []state.Cell{timer, soon, value}, func(k *keyedTest[int], s state.Scope) KeyedCalls[string, int] {
		nothing := func(*model.Meta, *KeyedFiring) error { return nil }
		return KeyedCalls[string, int]{OnTimer: nothing, Process: func(m *model.Meta, e *KeyedElement[string, int]) error {
			timer.SetWithOutput(s, 1e8-model.Timestamp(e.Value), 1e7)
			timer.SetWithOutput(s, 1e8-model.Timestamp(e.Value), 1e7-model.Timestamp(e.Value))
			soon.Set(s, model.Timestamp(1e8-e.Value))
			if e.Value%2 == 0 {
				timer.Clear(s)
				soon.Clear(s)
			}
			return nil
		}}
	})
	w := model.Window{End: 1e9}
	held := map[int]model.Timestamp{}
	for i := range 10_000 {
		k.element([]string{"a", "b", "c"}[i%3], 0, w, i)
		held[i%3] = 1e7 - model.Timestamp(i)
		if i%2 == 0 {
			held[i%3] = model.MaxTimestamp
		}
		if got, want := k.Hold(), slices.Min(slices.Collect(maps.Values(held))); got != want {
			t.Fatalf("held at %d after element %d, want %d", got, i, want)
		}
	}
	if k.err() != nil {
		t.Fatal(k.err())
	}
	for what, n := range map[string]int{"event": len(k.due[0].items), "processing": len(k.due[1].items), "holds": len(k.holds.items)} {
		if n > 100 {
			t.Errorf("%s: %d entries for three keys", what, n)
		}
	}
	if k.holds.live > 3 || k.holds.live < 1 {
		t.Errorf("%d holds for up to three timers", k.holds.live)
	}
	k.Advance(2e9)
	if k.holds.live != 0 || k.Hold() != model.MaxTimestamp || k.keys.Len() != 0 {
		t.Errorf("in the end: %d holds, %v, %d keys", k.holds.live, k.Hold(), k.keys.Len())
	}
}

func TestValueOfAKnownKeyCostsNoAllocation(t *testing.T) {
	count := state.NewValue[int64]("count", state.ExpireAfterEventTime(time.Hour))
	sum := state.NewCombining("sum", adds{})
	flag := state.NewValue[bool]("flag")
	timer := state.NewEventTimer("timer")
	k := newKeyedTest(t, global(), []state.Cell{count, sum, flag, timer}, func(k *keyedTest[int], s state.Scope) KeyedCalls[string, int] {
		return KeyedCalls[string, int]{Process: func(m *model.Meta, e *KeyedElement[string, int]) error {
			count.Set(s, count.Get(s)+1)
			sum.Add(s, int64(e.Value))
			if !flag.Get(s) {
				flag.Set(s, true)
			} else {
				flag.Clear(s)
			}
			timer.Set(s, m.Timestamp+1000)
			return nil
		}}
	})
	batch := &Records[KeyedElement[string, int]]{}
	for i := range 100 {
		key := fmt.Sprint(i % 7)
		batch.Rows = append(batch.Rows, KeyedElement[string, int]{Hash: hashOfString(key), Key: key, Meta: model.Meta{Window: model.GlobalWindow}, Value: i})
	}
	k.Receive(0, batch)
	if n := testing.AllocsPerRun(100, func() { k.Receive(0, batch) }); n != 0 {
		t.Errorf("%v allocations for %d elements", n, len(batch.Rows))
	}
	if k.err() != nil {
		t.Fatal(k.err())
	}
}

// A key that comes and goes is given what another left.
func TestKeysThatComeAndGoCostNoAllocation(t *testing.T) {
	count := state.NewValue[int64]("count")
	timer := state.NewEventTimer("timer")
	k := newKeyedTest(t, global(), []state.Cell{count, timer}, func(k *keyedTest[int], s state.Scope) KeyedCalls[string, int] {
		return KeyedCalls[string, int]{
			Process: func(m *model.Meta, e *KeyedElement[string, int]) error {
				count.Set(s, 1)
				timer.Set(s, m.Timestamp+5)
				return nil
			},
			OnTimer: func(*model.Meta, *KeyedFiring) error {
				count.Clear(s)
				return nil
			},
		}
	})
	row := &Records[KeyedElement[string, int]]{Rows: make([]KeyedElement[string, int], 1)}
	at := model.Timestamp(0)
	names := []string{"a", "b", "c", "d", "e"}
	step := func() {
		at += 2
		key := names[at/2%5]
		row.Rows[0] = KeyedElement[string, int]{Hash: hashOfString(key), Key: key, Meta: model.Meta{Timestamp: at, Window: model.GlobalWindow}}
		k.Receive(0, row)
		k.Advance(at)
	}
	for range 100 {
		step()
	}
	// The list of a key's windows is all.
	if n := testing.AllocsPerRun(1000, step); n > 1 {
		t.Errorf("%v allocations for a key", n)
	}
	if k.err() != nil {
		t.Fatal(k.err())
	}
}

type adds struct{}

func (adds) New() int64             { return 0 }
func (adds) Add(a, v int64) int64   { return a + v }
func (adds) Merge(a, b int64) int64 { return a + b }
func (adds) Result(a int64) int64   { return a }

// again is a timer that is set for an element's timestamp, and by itself for by
// later, so many times.
func again(t *testing.T, by model.Timestamp, times int) *keyedTest[int] {
	timer := state.NewEventTimer("again")
	return newKeyedTest(t, global(), []state.Cell{timer}, func(k *keyedTest[int], s state.Scope) KeyedCalls[string, int] {
		return KeyedCalls[string, int]{
			Process: func(m *model.Meta, e *KeyedElement[string, int]) error {
				timer.Set(s, m.Timestamp)
				return nil
			},
			OnTimer: func(m *model.Meta, f *KeyedFiring) error {
				if times--; times >= 0 {
					timer.Set(s, f.At+by)
				}
				return nil
			},
		}
	})
}

func TestTimersThatNeverLetTimeGoOnEndTheRun(t *testing.T) {
	k := again(t, 0, math.MaxInt)
	k.element("k", 5, model.GlobalWindow, 0)
	k.Advance(10)
	if err := k.err(); err == nil || !strings.Contains(err.Error(), "without time moving on") {
		t.Fatalf("got %v", err)
	}
}

// What timers set when the input has ended fires, too, but not for ever. A
// timestamp of -1 has its horizon at 0.
func TestTimersAfterTheInput(t *testing.T) {
	k := again(t, 100, 5000)
	k.element("k", -1, model.GlobalWindow, 0)
	k.Advance(model.MaxTimestamp)
	if k.err() != nil || k.keys.Len() != 0 {
		t.Errorf("a long chain: %v", k.err())
	}
	k = again(t, 100, math.MaxInt)
	k.element("k", -1, model.GlobalWindow, 0)
	k.Advance(model.MaxTimestamp)
	if err := k.err(); err == nil || !strings.Contains(err.Error(), "since the input ended") {
		t.Errorf("an endless one: %v", err)
	}
}

// Sessions of a key that a new one connects become one, with all that they held.
func TestMergedWindowsHoldWhatTheirPartsHeld(t *testing.T) {
	bag := state.NewBag[int]("bag")
	k := newKeyedTest(t, model.WindowingStrategy{Windows: windowing.Sessions{Gap: ticks(10)}, Lateness: ticks(5)}, []state.Cell{bag}, func(k *keyedTest[int], s state.Scope) KeyedCalls[string, int] {
		return KeyedCalls[string, int]{
			Process: func(m *model.Meta, e *KeyedElement[string, int]) error {
				if e.Value > 0 {
					bag.Add(s, e.Value)
				}
				k.log = append(k.log, fmt.Sprintf("%s%d-%d", e.Key, m.Window.Start, m.Window.End))
				return nil
			},
			OnExpiry: func(m *model.Meta, f *KeyedFiring) error {
				k.log = append(k.log, fmt.Sprintf("%s%d-%d%v%d", FiringKey[string](f), m.Window.Start, m.Window.End, slices.Collect(bag.All(s)), f.At))
				return nil
			},
		}
	})
	add := func(key string, at model.Timestamp, v int) {
		k.element(key, at, model.Window{Start: at, End: at + 10}, v)
	}
	expect := func(want ...string) {
		t.Helper()
		if got := k.said(); !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
	add("a", 0, 1)
	add("a", 18, 2)
	add("b", 18, 3)
	add("a", 9, 4) // connects them
	expect("a0-10", "a18-28", "b18-28", "a0-28")
	k.Advance(15) // the end of the first and its lateness, if it had stayed alone
	expect()
	add("a", 2, 5) // late by itself
	expect("a0-28")
	add("c", 2, 6) // not by itself
	k.Advance(17)
	expect("c2-12", "c2-12[6]17")
	add("c", 2, 7)
	add("a", 40, 8)
	add("a", 60, 0) // nothing is kept
	expect("a40-50", "a60-70")
	k.Advance(50)
	expect("a0-28[1 2 4 5]33", "b18-28[3]33")
	k.Advance(55)
	expect("a40-50[8]55")
	if k.op.Counts.Dropped != 1 || k.op.Counts.Late != 1 || k.keys.Len() != 0 || k.open != 0 {
		t.Errorf("%+v, %d keys, %d windows", k.op.Counts, k.keys.Len(), k.open)
	}
}
