package cells_test

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/millrace/millrace/internal/engine/cells"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/coder"
)

// TestDurableCellsAreSavedAsTheyWereAtTheFreeze changes cells at random while
// checkpoints are frozen and saved bit by bit, and compares each, as a reader of all
// changes so far would have it, with a copy made at the freeze.
func TestDurableCellsAreSavedAsTheyWereAtTheFreeze(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newSavedModel(t)
		for range rapid.IntRange(1, 500).Draw(t, "steps") {
			m.step(t)
		}
		m.finish(t)
	})
}

type savedModel struct {
	d       *cells.Durable
	keys    *ints
	windows *cells.Windows
	now     map[string]int // what is in the cells, by name
	frozen  map[string]int // what was at the freeze; nil if none is under way
	saved   map[string]int // by whoever applied all changes
}

func newSavedModel(t *rapid.T) *savedModel {
	ids := map[string]uint32{"keys": 7, "windows": 8}
	m := &savedModel{d: cells.NewDurable(func(cell string) uint32 { return ids[cell] }, 4, 0, 1), now: map[string]int{}, saved: map[string]int{}}
	m.keys = openInts(m.d, "keys")
	m.windows = cells.OpenWindows(m.d, intCells("windows"), func() (cells.Keys, cells.Values) {
		return new(cells.Index[int]), cells.NewSlab[int](nil)
	})
	if err := m.d.Err(); err != nil {
		t.Fatal(err)
	}
	return m
}

func (m *savedModel) step(t *rapid.T) {
	k := rapid.IntRange(0, 20).Draw(t, "key")
	w := model.Window{Start: 0, End: model.Timestamp(rapid.IntRange(1, 3).Draw(t, "window"))}
	key, inWindow := fmt.Sprint("keys ", k), fmt.Sprint(w.End, " ", k)
	switch rapid.IntRange(0, 9).Draw(t, "step") {
	case 0, 1, 2:
		s, _ := m.keys.Upsert(k)
		*s++
		m.now[key]++
	case 3:
		if s := m.keys.Get(k); s != nil {
			*s += 100
			m.now[key] += 100
		}
	case 4:
		m.keys.Delete(k)
		delete(m.now, key)
	case 5, 6:
		table, _ := m.windows.Window(w)
		s, _ := in(table).Upsert(k)
		*s++
		m.now[inWindow]++
	case 7:
		m.windows.Drop(w)
		maps.DeleteFunc(m.now, func(name string, _ int) bool { return strings.HasPrefix(name, fmt.Sprint(w.End, " ")) })
	case 8:
		if m.frozen == nil {
			m.d.Freeze()
			m.frozen = maps.Clone(m.now)
		}
	case 9:
		if m.frozen != nil {
			m.save(t, rapid.IntRange(1, 6).Draw(t, "budget"))
		}
	}
}

func (m *savedModel) save(t *rapid.T, budget int) {
	done, err := m.d.Save(budget)
	if err != nil {
		t.Fatal(err)
	}
	if !done {
		return
	}
	changes := m.d.Changes()
	dropped := 0
	for start, end := range changes.Drops() {
		dropped++
		maps.DeleteFunc(m.saved, func(k string, _ int) bool { return k >= string(start) && k < string(end) })
	}
	for k := range changes.Gone() {
		if _, ok := m.saved[string(k)]; !ok && dropped == 0 {
			t.Fatalf("%x goes, which is not there", k)
		}
		delete(m.saved, string(k))
	}
	c, err := coder.For[int]()
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range changes.Puts() {
		n := 0
		if _, err := c.Decode(v[1:], &n); err != nil {
			t.Fatal(err)
		}
		m.saved[string(k)] = n
	}
	if got, want := values(m.saved), values(m.frozen); !slices.Equal(got, want) {
		t.Fatalf("saved are %v, at the freeze there were %v", got, want)
	}
	m.frozen = nil
}

// finish saves what is under way, then all, and reads it back.
func (m *savedModel) finish(t *rapid.T) {
	if m.frozen != nil {
		m.save(t, 1<<30)
	}
	m.d.Freeze()
	m.frozen = maps.Clone(m.now)
	m.save(t, 1<<30)
	again := newSavedModel(t)
	err := again.d.Load(func(start, end []byte) iter.Seq2[[]byte, []byte] {
		return func(yield func(k, v []byte) bool) {
			c, _ := coder.For[int]()
			for _, k := range slices.Sorted(maps.Keys(m.saved)) {
				n := m.saved[k]
				v, _ := c.Append([]byte{0}, &n)
				if k >= string(start) && k < string(end) && !yield([]byte(k), v) {
					return
				}
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	for k := range 21 {
		key := fmt.Sprint("keys ", k)
		s := again.keys.Get(k)
		if want, ok := m.now[key]; ok != (s != nil) || ok && *s != want {
			t.Fatalf("%s came back as %v, want %d", key, s, want)
		}
	}
}

// values are the values of a state, which the keys' names do not tell apart from
// their encodings.
func values(state map[string]int) []int { return slices.Sorted(maps.Values(state)) }
