package engine

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"testing"

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
func (s *savedCells) open() *Durable {
	d := NewDurable(func(string) uint32 { return 1 }, 4, 0, 1)
	d.Upgrade(func(string) []string { return s.schemas })
	return d
}

func (s *savedCells) load(t *testing.T, d *Durable) {
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
func (s *savedCells) save(t *testing.T, d *Durable) int {
	t.Helper()
	d.Freeze()
	if _, err := d.Save(maxBudget); err != nil {
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

func openInts[S any](t *testing.T, d *Durable) Cells[string, S] {
	t.Helper()
	cells := keyDecl[string, S]{"count", coderOf[S]}.Durable(d).(Cells[string, S])
	return cells
}

func put[S any](c Cells[string, S], k string, v S) {
	s, _ := c.Upsert(hashSaved(k), k)
	*s = v
}

// Cells of three versions stand side by side: each is written anew when it changes.
func TestCellsAreWrittenAnewAsTheyChange(t *testing.T) {
	type v1 struct {
		N    int32
		Note string
	}
	type v2 struct{ N int64 }
	type v3 struct {
		Note string
		N    int64
	}
	saved := &savedCells{entries: map[string][]byte{}}
	d := saved.open()
	one := openInts[v1](t, d)
	for _, k := range []string{"a", "b", "c"} {
		put(one, k, v1{1, "of " + k})
	}
	if n := saved.save(t, d); n != 3 {
		t.Fatalf("%d written", n)
	}

	d = saved.open()
	two := openInts[v2](t, d)
	saved.load(t, d)
	if got := d.Upgrades(); len(got) != 1 || fmt.Sprint(got[0].Changes) != "[N: widened, from int32 to int64 Note: field removed (string)]" || got[0].Refused != nil {
		t.Errorf("%+v", got)
	}
	two.Get(hashSaved("b"), "b").N++
	if n := saved.save(t, d); n != 1 {
		t.Fatalf("%d written, of which one had changed", n)
	}

	d = saved.open()
	three := openInts[v3](t, d)
	saved.load(t, d)
	put(three, "d", v3{"new", 9})
	if n := saved.save(t, d); n != 1 {
		t.Fatalf("%d written, of which one had changed", n)
	}

	d = saved.open()
	again := openInts[v3](t, d)
	saved.load(t, d)
	if u := d.Upgrades()[0]; u.Changes == nil { // of those that are still as v1 and v2 had them
		t.Errorf("%+v", u)
	}
	want := map[string]v3{"a": {"", 1}, "b": {"", 2}, "c": {"", 1}, "d": {"new", 9}}
	got := map[string]v3{}
	again.Each(func(_ uint64, k string, v *v3) bool { got[k] = *v; return true })
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if len(saved.schemas) != 3 {
		t.Errorf("schemas %q", saved.schemas)
	}
}

func TestCellsOfOtherTypesAreRefused(t *testing.T) {
	saved := &savedCells{entries: map[string][]byte{}}
	d := saved.open()
	openInts[struct{ N int64 }](t, d)
	saved.save(t, d)

	d = saved.open()
	openInts[struct{ N string }](t, d)
	if err := d.Upgrades()[0].Refused; fmt.Sprint(err) != "N: incompatible, from int64 to string" || d.Err() == nil {
		t.Errorf("%v, %v", err, d.Err())
	}
	d = saved.open()
	keyDecl[int, struct{ N int64 }]{"count", coderOf[struct{ N int64 }]}.Durable(d)
	if err := d.Upgrades()[0].Refused; fmt.Sprint(err) != "key: the type itself: incompatible, from string to int64; the type of a key must stay as it is" {
		t.Errorf("%v", err)
	}
}

func openKeyed(t *testing.T, d *Durable, cells ...state.Cell) (Cells[string, keyedWindows], *state.Layout) {
	t.Helper()
	layout, err := state.Bind(nil, cells)
	if err != nil {
		t.Fatal(err)
	}
	g := &keyedOp[string, int]{layout: layout}
	return keyDecl[string, keyedWindows]{"cells", g.encoding}.Durable(d).(Cells[string, keyedWindows]), layout
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
	first, layout := openKeyed(t, d, state.NewValue[int]("gone"), state.NewBag[visit]("visits"), state.NewEventTimer("old"), state.NewEventTimer("flush"))
	w := &keyedWindow{window: model.GlobalWindow, slots: []state.Slot{layout.Specs[0].New(), layout.Specs[1].New()}}
	bag, err := coder.For[visit]()
	if err != nil {
		t.Fatal(err)
	}
	b, _ := bag.Append([]byte{1}, &visit{5}) // a bag of one
	if w.slots[1], _, err = layout.Specs[1].Decode(b); err != nil {
		t.Fatal(err)
	}
	if w.slots[0], _, err = layout.Specs[0].Decode([]byte{14}); err != nil { // a value of 7
		t.Fatal(err)
	}
	w.timers[state.EventTime].set(timer{cell: 0, at: 10})
	w.timers[state.EventTime].set(timer{cell: 1, at: 20})
	put(first, "k", keyedWindows{open: []*keyedWindow{w}})
	saved.save(t, d)

	d = saved.open()
	second, layout2 := openKeyed(t, d, state.NewEventTimer("flush"), state.NewSet[string]("new"), state.NewBag[visit2]("visits"))
	saved.load(t, d)
	u := d.Upgrades()[0]
	if got := fmt.Sprint(u.Changes, u.Added, u.Dropped, u.Refused); got != `[the bag "visits": value: At: widened, from int32 to int64 the bag "visits": value: Page: field added (string)] [the set "new"] [the value "gone" the timer "old"] <nil>` {
		t.Error(got)
	}
	got := second.Get(hashSaved("k"), "k").open[0]
	if got.slots[0] != nil || len(got.timers[state.EventTime].items) != 1 || got.timers[state.EventTime].items[0].cell != 0 || got.timers[state.EventTime].items[0].at != 20 {
		t.Errorf("%+v", got)
	}
	want, err := coder.For[visit2]()
	if err != nil {
		t.Fatal(err)
	}
	wantBag, _ := want.Append([]byte{1}, &visit2{At: 5})
	if b, err := layout2.Specs[1].Append(nil, got.slots[1]); err != nil || !slices.Equal(b, wantBag) {
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

func savedBy(s *savedCells) *Durable { return (&savedCells{schemas: s.schemas[:1]}).open() }

// hashSaved is the hash of a key as it is when the key is loaded.
func hashSaved(k string) uint64 {
	c, err := coder.ForKey[string]()
	if err != nil {
		panic(err)
	}
	return c.Hash(&k)
}

func TestSchemasOfCellsAreReadBack(t *testing.T) {
	schema := func(c interface{ Schema() *coder.Schema }, err error) *coder.Schema {
		if err != nil {
			t.Fatal(err)
		}
		return c.Schema()
	}
	type self struct {
		Kids []self
		Odd  map[string]struct{ A, B int }
	}
	ints, selves := schema(coder.For[int]()), schema(coder.For[self]())
	s := &cellSchema{
		Key: ints, Value: selves, Said: ints,
		Cells: []cellPart{
			{"a \"quoted\"\n name", "map", true, []state.TypeSpec{{Role: "key", Schema: ints}, {Role: "value", Schema: selves}}},
			{"", "value", false, []state.TypeSpec{{Role: "value", Schema: ints}}},
		},
		Timers: []timerPart{{"t x", "event time", true}, {"u", "processing time", false}},
	}
	for _, s := range []*cellSchema{s, {Key: ints, Value: ints}} {
		got, err := parseCellSchema(s.text())
		if err != nil {
			t.Fatal(err)
		}
		if got.text() != s.text() {
			t.Errorf("%s\nis read as\n%s", s.text(), got.text())
		}
	}
	text := s.text()
	for n := range len(text) {
		if got, err := parseCellSchema(text[:n]); err == nil && got.text() == text {
			t.Errorf("%d of %d bytes will do", n, len(text))
		}
	}
	for _, bad := range []string{"", "key\n", "nonsense\n", "type \"value\"\n"} {
		if _, err := parseCellSchema(bad); err == nil {
			t.Errorf("%q is a schema", bad)
		}
	}
}
