package engine

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"testing"

	engcells "github.com/millrace/millrace/internal/engine/cells"
	"github.com/millrace/millrace/internal/plan"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/coder"
	"github.com/millrace/millrace/model/state"
)

// A savedCells is a state directory in a map: what was saved of one declaration, and
// with which schemas.
type savedCells struct {
	entries map[string][]byte
	schemas []string
}

// open is the store of the next version of the pipeline.
func (s *savedCells) open() *engcells.Durable {
	d := engcells.NewDurable(func(string) uint32 { return 1 }, 4, 0, 1)
	d.Upgrade(func(string) []string { return s.schemas })
	return d
}

func (s *savedCells) load(t *testing.T, d *engcells.Durable) {
	t.Helper()
	err := d.Load(func(start, end []byte) iter.Seq2[[]byte, []byte] {
		return func(yield func(k, v []byte) bool) {
			for _, k := range slices.Sorted(maps.Keys(s.entries)) {
				if k >= string(start) && k < string(end) && !yield([]byte(k), s.entries[k]) {
					return
				}
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

// save takes a checkpoint, and returns how many entries it wrote.
func (s *savedCells) save(t *testing.T, d *engcells.Durable) int {
	t.Helper()
	d.Freeze()
	if _, err := d.Save(1 << 62); err != nil {
		t.Fatal(err)
	}
	c := d.Changes()
	for k := range c.Gone() {
		delete(s.entries, string(k))
	}
	n := 0
	for k, v := range c.Puts() {
		s.entries[string(k)] = slices.Clone(v)
		n++
	}
	d.Schemas(func(_ uint32, schemas []string) { s.schemas = schemas })
	return n
}

// openKeyed opens the cells of a DoFn.
func openKeyed(t *testing.T, d *engcells.Durable, cells ...state.Cell) *keyedOp {
	t.Helper()
	layout, err := state.Bind(nil, cells)
	if err != nil {
		t.Fatal(err)
	}
	op := &Op{
		task: &Task{cfg: Config{Store: d, Stage: &plan.Stage{Head: &model.Node{}}}},
		Node: &model.Node{Name: "DoKeyed", Inputs: []*model.Collection{{Windowing: &model.Windowing{}}}},
	}
	return newKeyedOp(op, layout, new(engcells.Index[string]))
}

// A DoFn's cells and timers go by their names.
func TestCellsOfADoFnAreMatchedByName(t *testing.T) {
	type visit struct{ At int32 }
	type visit2 struct {
		At   int64
		Page string
	}
	saved := &savedCells{entries: map[string][]byte{}}
	d := saved.open()
	first := openKeyed(t, d, state.NewValue[int]("gone"), state.NewBag[visit]("visits"), state.NewEventTimer("old"), state.NewEventTimer("flush"))
	w := first.newWindow(model.GlobalWindow)
	bag, err := coder.For[visit]()
	if err != nil {
		t.Fatal(err)
	}
	b, _ := bag.Append([]byte{1}, &visit{5}) // a bag of one
	if w.slots()[1], _, err = first.layout.Specs[1].Decode(b); err != nil {
		t.Fatal(err)
	}
	if w.slots()[0], _, err = first.layout.Specs[0].Decode([]byte{14}); err != nil { // a value of 7
		t.Fatal(err)
	}
	first.rest(w).timers[state.EventTime].set(timer{cell: 0, at: 10})
	first.rest(w).timers[state.EventTime].set(timer{cell: 1, at: 20})
	key := "k"
	k, fresh := first.keys.Keys.(*engcells.Index[string]).Place(hashSaved(key), &key)
	first.keys.Came(k, fresh)
	first.byKey[k].replace(0, 0, w)
	saved.save(t, d)

	d = saved.open()
	second := openKeyed(t, d, state.NewEventTimer("flush"), state.NewSet[string]("new"), state.NewBag[visit2]("visits"))
	saved.load(t, d)
	u := d.Upgrades()[0]
	if got := fmt.Sprint(u.Changes, u.Added, u.Dropped, u.Refused); got != `[the bag "visits": value: At: widened, from int32 to int64 the bag "visits": value: Page: field added (string)] [the set "new"] [the value "gone" the timer "old"] <nil>` {
		t.Error(got)
	}
	got := second.byKey[0].open()[0]
	timers := got.look().timers[state.EventTime].items
	if got.slots()[0] != nil || len(timers) != 1 || timers[0].cell != 0 || timers[0].at != 20 {
		t.Errorf("%+v", got)
	}
	want, err := coder.For[visit2]()
	if err != nil {
		t.Fatal(err)
	}
	wantBag, _ := want.Append([]byte{1}, &visit2{At: 5})
	if b, err := second.layout.Specs[1].Append(nil, got.slots()[1]); err != nil || !slices.Equal(b, wantBag) {
		t.Errorf("the bag is %x instead of %x: %v", b, wantBag, err)
	}

	for _, c := range []struct {
		cell state.Cell
		want string
	}{
		{state.NewOrderedList[visit]("visits"), `the bag "visits": its kind is now ordered list`},
		{state.NewBag[visit]("visits", state.ExpireAfterEventTime(ticks(9))), `the bag "visits": it expired when it was saved: false, and does now: true`},
		{state.NewBag[string]("visits"), `the bag "visits": value: the type itself: incompatible, from engine.visit to string`},
		{state.NewProcessingTimer("flush"), `the timer "flush": it went by event time when it was saved, and goes by processing time now`},
	} {
		d = savedBy(saved)
		openKeyed(t, d, c.cell)
		if err := d.Upgrades()[0].Refused; fmt.Sprint(err) != c.want {
			t.Errorf("got  %v\nwant %s", err, c.want)
		}
	}
}

func savedBy(s *savedCells) *engcells.Durable { return (&savedCells{schemas: s.schemas[:1]}).open() }

// hashSaved is the hash of a key as it is when the key is loaded.
func hashSaved(k string) uint64 {
	c, err := coder.ForKey[string]()
	if err != nil {
		panic(err)
	}
	return c.Hash(&k)
}
