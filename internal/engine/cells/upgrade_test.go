package cells

import (
	"fmt"
	"iter"
	"maps"
	"reflect"
	"slices"
	"testing"

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

// counts are cells of an S for each string.
type counts[S any] struct {
	*Table
	keys *Index[string]
	slab *Slab[S]
}

func openCounts[S any](d *Durable) counts[S] {
	c := counts[S]{keys: new(Index[string]), slab: NewSlab[S](nil)}
	c.Table = OpenTable(d, Declaration{"count", Plain(reflect.TypeFor[S]())}, c.keys, c.slab)
	return c
}

// upsert is the value of a key, which is about to change.
func (c counts[S]) upsert(k string) *S {
	i, fresh := c.keys.Place(hashSaved(k), &k)
	c.Came(i, fresh)
	return c.slab.At(i)
}

func put[S any](c counts[S], k string, v S) { *c.upsert(k) = v }

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
	one := openCounts[v1](d)
	for _, k := range []string{"a", "b", "c"} {
		put(one, k, v1{1, "of " + k})
	}
	if n := saved.save(t, d); n != 3 {
		t.Fatalf("%d written", n)
	}

	d = saved.open()
	two := openCounts[v2](d)
	saved.load(t, d)
	if got := d.Upgrades(); len(got) != 1 || fmt.Sprint(got[0].Changes) != "[N: widened, from int32 to int64 Note: field removed (string)]" || got[0].Refused != nil {
		t.Errorf("%+v", got)
	}
	two.upsert("b").N++
	if n := saved.save(t, d); n != 1 {
		t.Fatalf("%d written, of which one had changed", n)
	}

	d = saved.open()
	three := openCounts[v3](d)
	saved.load(t, d)
	put(three, "d", v3{"new", 9})
	if n := saved.save(t, d); n != 1 {
		t.Fatalf("%d written, of which one had changed", n)
	}

	d = saved.open()
	again := openCounts[v3](d)
	saved.load(t, d)
	if u := d.Upgrades()[0]; u.Changes == nil { // of those that are still as v1 and v2 had them
		t.Errorf("%+v", u)
	}
	want := map[string]v3{"a": {"", 1}, "b": {"", 2}, "c": {"", 1}, "d": {"new", 9}}
	got := map[string]v3{}
	again.Each(func(i Entry) bool { got[*again.keys.At(i)] = *again.slab.At(i); return true })
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
	openCounts[struct{ N int64 }](d)
	saved.save(t, d)

	d = saved.open()
	openCounts[struct{ N string }](d)
	if err := d.Upgrades()[0].Refused; fmt.Sprint(err) != "N: incompatible, from int64 to string" || d.Err() == nil {
		t.Errorf("%v, %v", err, d.Err())
	}
	d = saved.open()
	OpenTable(d, Declaration{"count", Plain(reflect.TypeFor[struct{ N int64 }]())}, new(Index[int]), NewSlab[struct{ N int64 }](nil))
	if err := d.Upgrades()[0].Refused; fmt.Sprint(err) != "key: the type itself: incompatible, from string to int64; the type of a key must stay as it is" {
		t.Errorf("%v", err)
	}
}

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
	s := &Schema{
		Key: ints, Value: selves, Frame: ints, Said: ints,
		Cells: []CellPart{
			{"a \"quoted\"\n name", "map", true, []state.TypeSpec{{Role: "key", Schema: ints}, {Role: "value", Schema: selves}}},
			{"", "value", false, []state.TypeSpec{{Role: "value", Schema: ints}}},
		},
		Timers: []TimerPart{{"t x", "event time", true}, {"u", "processing time", false}},
	}
	for _, s := range []*Schema{s, {Key: ints, Value: ints}} {
		got, err := parseSchema(s.text())
		if err != nil {
			t.Fatal(err)
		}
		if got.text() != s.text() {
			t.Errorf("%s\nis read as\n%s", s.text(), got.text())
		}
	}
	text := s.text()
	for n := range len(text) {
		if got, err := parseSchema(text[:n]); err == nil && got.text() == text {
			t.Errorf("%d of %d bytes will do", n, len(text))
		}
	}
	for _, bad := range []string{"", "key\n", "nonsense\n", "type \"value\"\n"} {
		if _, err := parseSchema(bad); err == nil {
			t.Errorf("%q is a schema", bad)
		}
	}
}
