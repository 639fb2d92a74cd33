package engine

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// A badHash makes the probes of a table collide: the mask leaves few different
// hashes, and the shift decides whether they differ where the table looks.
type badHash struct {
	mask  uint64
	shift int
}

func (h badHash) of(k int) uint64 {
	x := uint64(k) * 0x9e3779b97f4a7c15
	return (x >> 32 & h.mask) << h.shift
}

func drawBadHash(t *rapid.T) badHash {
	return badHash{
		mask:  rapid.SampledFrom([]uint64{0, 1, 3, 15, 31, 0xffffffff}).Draw(t, "mask"),
		shift: rapid.SampledFrom([]int{0, 1, 4, 32}).Draw(t, "shift"),
	}
}

// orderedMap is what a Table must be: a map, and the order of its keys spelled
// out as the doc of Table defines it.
type orderedMap struct {
	values map[int]int
	order  []int
}

func (m *orderedMap) add(k int) {
	if _, ok := m.values[k]; !ok {
		m.order = append(m.order, k)
		m.values[k] = 0
	}
}

func (m *orderedMap) remove(k int) bool {
	i := slices.Index(m.order, k)
	if i < 0 {
		return false
	}
	last := len(m.order) - 1
	m.order[i] = m.order[last]
	m.order = m.order[:last]
	delete(m.values, k)
	return true
}

func TestTableIsAMapWithAnOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		hash := drawBadHash(t)
		keys := rapid.IntRange(1, 60).Draw(t, "keys")
		key := rapid.IntRange(0, keys-1)
		var table Table[int, int]
		want := orderedMap{values: map[int]int{}}
		upsert := func(t *rapid.T) {
			k := key.Draw(t, "key")
			_, had := want.values[k]
			want.add(k)
			v, fresh := table.Upsert(hash.of(k), k)
			if fresh == had {
				t.Fatalf("Upsert(%d) says fresh=%t, but had=%t", k, fresh, had)
			}
			*v++
			want.values[k]++
		}
		t.Repeat(map[string]func(*rapid.T){
			"upsert":       upsert,
			"upsert again": upsert, // so that tables grow beyond what is scanned
			"upsert more":  upsert,
			"delete": func(t *rapid.T) {
				k := key.Draw(t, "key")
				if got, want := table.Delete(hash.of(k), k), want.remove(k); got != want {
					t.Fatalf("Delete(%d) is %t, want %t", k, got, want)
				}
			},
			"clear": func(t *rapid.T) {
				if rapid.IntRange(0, 9).Draw(t, "rarely") > 0 {
					return
				}
				table.Clear()
				want = orderedMap{values: map[int]int{}}
			},
			"": func(t *rapid.T) { checkTable(t, &table, &want, hash, keys) },
		})
	})
}

func checkTable(t *rapid.T, table *Table[int, int], want *orderedMap, hash badHash, keys int) {
	if table.Len() != len(want.order) {
		t.Fatalf("Len is %d, want %d", table.Len(), len(want.order))
	}
	for k := range keys {
		v, ok := want.values[k]
		switch got := table.Get(hash.of(k), k); {
		case ok != (got != nil):
			t.Fatalf("Get(%d) is %v, but the map has it: %t", k, got, ok)
		case ok && *got != v:
			t.Fatalf("Get(%d) is %d, want %d", k, *got, v)
		}
	}
	var order []int
	table.Each(func(h uint64, k int, v *int) bool {
		if h != hash.of(k) || *v != want.values[k] {
			t.Fatalf("Each visits (%x, %d, %d), want (%x, %d, %d)", h, k, *v, hash.of(k), k, want.values[k])
		}
		order = append(order, k)
		return true
	})
	if !slices.Equal(order, want.order) {
		t.Fatalf("the order is %v, want %v", order, want.order)
	}
}

func TestTableEachStopsWhenToldTo(t *testing.T) {
	var table Table[int, int]
	for k := range 20 {
		table.Upsert(uint64(k), k)
	}
	visited := 0
	table.Each(func(uint64, int, *int) bool {
		visited++
		return visited < 5
	})
	if visited != 5 {
		t.Fatalf("Each went on to %d entries after visit had said to stop at 5", visited)
	}
}

func TestTableForgetsWhatItDeletedOrCleared(t *testing.T) {
	held := func(table *Table[int, *int]) (n int) {
		for _, e := range table.entries[:cap(table.entries)] {
			if e.Value != nil {
				n++
			}
		}
		return n
	}
	var table Table[int, *int]
	for k := range 50 {
		v, _ := table.Upsert(uint64(k), k)
		*v = new(int)
	}
	table.Delete(7, 7)
	if n := held(&table); n != 49 {
		t.Errorf("after a Delete the table still reaches %d of 49 values", n)
	}
	table.Clear()
	if n := held(&table); n != 0 {
		t.Errorf("after Clear the table still reaches %d values", n)
	}
}

func TestTableGivesUpRoomThatItHasNoMoreUseFor(t *testing.T) {
	var table Table[int, int]
	for k := range 10_000 {
		table.Upsert(uint64(k), k)
	}
	table.Clear()
	if cap(table.entries) < 10_000 {
		t.Errorf("Clear gave up the room of a table that was full: %d entries are left", cap(table.entries))
	}
	table.Upsert(1, 1)
	table.Clear()
	if cap(table.entries) != 0 || table.index != nil {
		t.Errorf("Clear kept room for %d entries after one was used", cap(table.entries))
	}
}

func TestWindowTablesDropsAndReuses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cells := windowDecl[int, int]{}.InMemory().(WindowCells[int, int])
		want := map[int]map[int]int{} // by the window's start
		window := rapid.IntRange(0, 5)
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				w, k := window.Draw(t, "window"), rapid.IntRange(0, 20).Draw(t, "key")
				c, fresh := cells.Window(windowAt(w))
				if (want[w] == nil) != fresh {
					t.Fatalf("Window(%d) says fresh=%t", w, fresh)
				}
				if fresh {
					want[w] = map[int]int{}
				}
				v, _ := c.Upsert(uint64(k), k)
				*v++
				want[w][k]++
			},
			"drop": func(t *rapid.T) {
				w := window.Draw(t, "window")
				cells.Drop(windowAt(w))
				delete(want, w)
			},
			"": func(t *rapid.T) {
				if cells.Len() != len(want) {
					t.Fatalf("%d windows are open, want %d", cells.Len(), len(want))
				}
				for w := range 6 {
					checkWindow(t, cells.Lookup(windowAt(w)), want[w])
				}
			},
		})
	})
}

func checkWindow(t *rapid.T, c Cells[int, int], want map[int]int) {
	if (c == nil) != (want == nil) {
		t.Fatalf("the window is open: %t, want %t", c != nil, want != nil)
	}
	if c == nil {
		return
	}
	if c.Len() != len(want) {
		t.Fatalf("the window has %d keys, want %d", c.Len(), len(want))
	}
	c.Each(func(_ uint64, k int, v *int) bool {
		if *v != want[k] {
			t.Fatalf("key %d has %d, want %d", k, *v, want[k])
		}
		return true
	})
}
