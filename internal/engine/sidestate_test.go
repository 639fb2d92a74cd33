package engine

import (
	"context"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/millrace/millrace/internal/engine/cells"
	"github.com/millrace/millrace/internal/plan"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/triggers"
	"github.com/millrace/millrace/windowing"
)

// A rig is one task of a transform with an iterable for a side input, and what
// it processed.
type rig struct {
	*sided
	seen  [][]int
	quiet bool // it keeps nothing of what was seen
}

const tick = 10 // the size of its windows

func newRig(lateness time.Duration, side model.WindowingStrategy) *rig {
	main := model.WindowingStrategy{Windows: windowing.Fixed{Size: tick * time.Microsecond}, Lateness: lateness}
	n := &model.Node{Class: model.Exchange, Inputs: []*model.Collection{{Windowing: &model.Windowing{Strategy: main}}, {Windowing: &model.Windowing{Strategy: side}}}}
	op := &Op{Node: n, task: &Task{cfg: Config{Context: context.Background(), Of: 1, KeyGroups: cells.DefaultKeyGroups, Store: nil}}}
	r := &rig{}
	spec := &SideSpec[int, []int]{
		View: NewSideView[int]("AsIterable", reflect.TypeFor[int](), NewSideList[int], func(l *SideList[int]) ([]int, error) { return l.Values(), nil }),
		Process: func(*Op, [][]any) func(*model.Meta, *int, *[]int) {
			return func(_ *model.Meta, _ *int, side *[]int) {
				if !r.quiet {
					r.seen = append(r.seen, *side)
				}
			}
		},
	}
	r.sided = spec.Receiver(op, [][]any{nil}).(*sided)
	return r
}

func fixedTicks(n int) model.WindowingStrategy {
	return model.WindowingStrategy{Windows: windowing.Fixed{Size: time.Duration(n*tick) * time.Microsecond}}
}

func (r *rig) add(at ...model.Timestamp) {
	b := &Records[shuffled[int]]{}
	for _, t := range at {
		b.Rows = append(b.Rows, shuffled[int]{meta: model.Meta{Timestamp: t}, v: 1})
	}
	r.Receive(0, b)
}

func (r *rig) addSide(at model.Timestamp) {
	r.Receive(1, &Records[sideRow]{Rows: []sideRow{{has: true, sideElement: sideElement{model.Meta{Timestamp: at}, new(int)}}}})
}

// windows is how many side windows are kept, and how many main ones wait.
func (r *rig) kept() (side, waiting int) {
	return r.tables[0].cells.Len(), r.waiting.Len()
}

func (r *rig) want(t *testing.T, when string, hold model.Timestamp, seen, side, waiting int) {
	t.Helper()
	keptSide, keptWaiting := r.kept()
	if r.Hold() != hold || len(r.seen) != seen || keptSide != side || keptWaiting != waiting {
		t.Errorf("%s: watermark %v, %d elements processed, %d side windows and %d that wait; want %v, %d, %d, %d",
			when, r.Hold(), len(r.seen), keptSide, keptWaiting, hold, seen, side, waiting)
	}
}

func TestSidedHoldsTheWatermarkAtTheEarliestThatWaits(t *testing.T) {
	r := newRig(0, fixedTicks(1))
	r.AdvancePort(0, 5)
	r.add(25, 15, 12, 8, 9)
	r.want(t, "elements of three windows", 5, 0, 0, 3)
	r.AdvancePort(0, 30)
	r.want(t, "the main input is past them", 8, 0, 0, 3)
	r.AdvancePort(1, 10)
	r.want(t, "the first is ready", 12, 2, 0, 2)
	r.AdvancePort(1, 29)
	r.want(t, "the second is ready", 25, 4, 0, 1)
	r.AdvancePort(1, 30)
	r.want(t, "the third is ready", 30, 5, 0, 0)
}

func TestSidedLetsGoOfWhatNobodyCanAskFor(t *testing.T) {
	r := newRig(3*time.Microsecond, fixedTicks(2))
	r.addSide(4)
	r.addSide(18)
	r.addSide(22)
	r.want(t, "two side windows", model.MinTimestamp, 0, 2, 0)
	r.AdvancePort(1, 60)
	r.AdvancePort(0, 22)
	r.want(t, "an element may be late by 3", 22, 0, 2, 0)
	r.add(2)
	r.AdvancePort(0, 23)
	r.want(t, "nor any more", 23, 1, 1, 0)
	r.add(2)
	if c := r.op.Counts; c.Late != 1 || c.Dropped != 1 {
		t.Errorf("counted %+v", c)
	}
	r.AdvancePort(0, model.MaxTimestamp)
	r.want(t, "at the end", model.MaxTimestamp, 1, 0, 0)
}

func TestSidedKeepsWhatSomebodyWaitsFor(t *testing.T) {
	r := newRig(0, fixedTicks(2))
	r.addSide(4)
	r.add(3, 13)
	r.AdvancePort(0, 100)
	r.want(t, "two windows wait for one", 3, 0, 1, 2)
	r.addSide(5)
	r.addSide(25)
	r.want(t, "what is of use to nobody is not kept", 3, 0, 1, 2)
	r.AdvancePort(1, 20)
	r.want(t, "it is ready", 100, 2, 0, 0)
	if len(r.seen[0]) != 2 || len(r.seen[1]) != 2 {
		t.Errorf("saw %v", r.seen)
	}
}

// A side window that opens only after the main input has passed it, for those
// that wait, goes with them.
func TestSidedLetsGoOfWindowsThatOpenTooLate(t *testing.T) {
	r := newRig(0, fixedTicks(1))
	r.add(3)
	r.AdvancePort(0, 100)
	r.addSide(5)
	r.want(t, "opened for the one that waits", 3, 0, 1, 1)
	r.AdvancePort(1, 10)
	r.AdvancePort(0, 101)
	r.want(t, "it is ready", 101, 1, 0, 0)
}

func TestSidedDoesNotAllocateWhenReady(t *testing.T) {
	r := newRig(0, fixedTicks(1))
	for at := range model.Timestamp(4 * tick) {
		r.addSide(at)
	}
	r.AdvancePort(1, 4*tick)
	r.quiet = true
	var at []model.Timestamp
	for i := range model.Timestamp(4 * tick) {
		at = append(at, i*7%(4*tick)) // hardly two of a window in turn
	}
	b := &Records[shuffled[int]]{}
	for _, t := range at {
		b.Rows = append(b.Rows, shuffled[int]{meta: model.Meta{Timestamp: t}, v: 1})
	}
	if n := testing.AllocsPerRun(10, func() { r.Receive(0, b) }); n > 0 {
		t.Errorf("%d elements take %v allocations", len(at), n)
	}
}

func TestEachPortHasItsOwnWatermark(t *testing.T) {
	r := newRig(0, fixedTicks(1))
	stage := &plan.Stage{Head: r.op.Node, Feeds: []plan.Feed{{Port: 1}, {Port: 0}, {Port: 1}}}
	p := newPortWatermarks(r, stage, 2)
	for _, channel := range []int{0, 1, 2, 4, 5} { // port 1 has four channels: 0, 1, 4 and 5
		p.advance(channel, model.Timestamp(100+channel))
	}
	r.want(t, "one channel of the main input is behind", model.MinTimestamp, 0, 0, 0)
	p.advance(3, 50)
	r.want(t, "the main input's own minimum", 50, 0, 0, 0)
	if w := p.ports[1].min; w != 100 {
		t.Errorf("the side input is at %v, want 100", w)
	}
}

func TestFiresAtEnd(t *testing.T) {
	again := func(of model.Trigger) model.Trigger { return triggers.Repeatedly{Trigger: of} }
	for _, tt := range []struct {
		trigger model.Trigger
		want    bool
	}{
		{nil, true},
		{triggers.Default{}, true},
		{triggers.Never{}, false},
		{triggers.Always{}, true},
		{triggers.AfterWatermark{}, true},
		{triggers.AfterWatermark{Early: again(triggers.AfterCount{N: 100})}, true},
		{again(triggers.AfterCount{N: 1}), true},
		{again(triggers.AfterCount{N: 2}), false},
		{again(triggers.AfterProcessingTime{Delay: time.Second}), false},
		{again(triggers.AfterAny{triggers.AfterCount{N: 2}, triggers.AfterWatermark{}}), true},
		{again(triggers.AfterAll{triggers.AfterCount{N: 2}, triggers.AfterWatermark{}}), false},
	} {
		if got := firesAtEnd(tt.trigger); got != tt.want {
			t.Errorf("%v: got %t", tt.trigger, got)
		}
	}
}

func TestStateOfATaskLiesUnderAKeyGroupOfItsOwn(t *testing.T) {
	for _, groups := range []int{1, 3, 7, 128, 1000} {
		for of := 1; of <= 5; of++ {
			for i := range of {
				op := &Op{task: &Task{cfg: Config{Index: i, Of: of, KeyGroups: groups}}}
				g := cells.KeyGroup(ownHash(op), groups)
				if owner := cells.Owner(g, groups, of); owner != i && groups >= of {
					t.Errorf("of %d tasks, the state of %d lies under group %d of %d, which is %d's", of, i, g, groups, owner)
				}
			}
		}
	}
}

// TestSideContents adds and takes back, and compares with a list of all that is left.
func TestSideContents(t *testing.T) {
	type pair = model.KV[int, int]
	rapid.Check(t, func(t *rapid.T) {
		same := func(a, b any) bool { return *a.(*pair) == *b.(*pair) }
		sameValue := func(a, b any) bool { return *a.(*int) == *b.(*int) }
		list, value := NewSideList[pair](same), NewSideValue[pair](same)
		byKey, multi := NewSideMap[int, int](sameValue), NewSideMultimap[int, int](sameValue)
		var left []pair
		for range rapid.IntRange(0, 30).Draw(t, "steps") {
			kv := pair{Key: rapid.IntRange(0, 3).Draw(t, "key"), Value: rapid.IntRange(0, 3).Draw(t, "value")}
			if rapid.Bool().Draw(t, "add") {
				left = append(left, kv)
				list.add(&kv, 0)
				value.add(&kv, 0)
				byKey.add(&kv, 0)
				multi.add(&kv, 0)
				continue
			}
			left = without(same, left, &kv)
			list.remove(&kv)
			value.remove(&kv)
			byKey.remove(&kv)
			multi.remove(&kv)
		}
		checkContents(t, left, list.Values(), value, byKey, multi)
	})
}

func checkContents(t *rapid.T, left, list []model.KV[int, int], value *SideValue[model.KV[int, int]], byKey *SideMap[int, int], multi *SideMultimap[int, int]) {
	if len(list) != len(left) {
		t.Fatalf("the list holds %v, want %v", list, left)
	}
	if v, n := value.Value(); n != len(left) || n > 0 && v != left[0] {
		t.Fatalf("the singleton is %v, of %d; want the first of %v", v, n, left)
	}
	keys := map[int][]int{}
	several := 0
	for i, kv := range left {
		if list[i] != kv {
			t.Fatalf("the list holds %v, want %v", list, left)
		}
		if keys[kv.Key] = append(keys[kv.Key], kv.Value); len(keys[kv.Key]) == 2 {
			several++
		}
	}
	if k, n := byKey.Ambiguous(); (n > 0) != (several > 0) || n > 0 && n != len(keys[k]) {
		t.Fatalf("the map has %d values of %d; want those of %v", n, k, keys)
	}
	if byKey.Len() != len(keys) || multi.Len() != len(keys) {
		t.Fatalf("%d and %d keys, want %d", byKey.Len(), multi.Len(), len(keys))
	}
	for k, vs := range multi.All() {
		v, ok := byKey.Get(k)
		if len(vs) != len(keys[k]) || len(multi.Get(k)) != len(vs) || !ok || v != keys[k][0] {
			t.Fatalf("key %d has %v and %d, want %v", k, vs, v, keys[k])
		}
	}
	if _, ok := byKey.Get(9); ok || multi.Get(9) != nil {
		t.Fatal("there is something for a key that was never added")
	}
}

func TestPanesReplaceEarlierOnes(t *testing.T) {
	kv := model.KVOf("a", 1)
	byKey, multi := NewSideMap[string, int](nil), NewSideMultimap[string, int](nil)
	value := NewSideValue[model.KV[string, int]](nil)
	for i, pane := range []int64{0, 2, 1, 2, 3} { // 1 comes too late; 2 is twice
		kv.Value = i
		byKey.add(&kv, pane)
		multi.add(&kv, pane)
		value.add(&kv, pane)
		if _, n := byKey.Ambiguous(); (n > 0) != (i == 3) {
			t.Errorf("after pane %d there are %d values", pane, n)
		}
	}
	v, _ := byKey.Get("a")
	w, n := value.Value()
	if vs := multi.Get("a"); v != 4 || len(vs) != 1 || vs[0] != 4 || n != 1 || w.Value != 4 {
		t.Errorf("left are %d, %v and %v of %d", v, vs, w, n)
	}
}
