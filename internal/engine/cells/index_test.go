package cells

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/millrace/millrace/model"
)

// A badHash makes the probes of an index collide: the mask leaves few different
// hashes, and the shift decides whether they differ where the index looks.
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

// numbered is what an Index must be: a map of keys to numbers, of which those that are
// free are given out again, the last one first.
type numbered struct {
	entries map[int]Entry
	free    []Entry
	next    Entry
}

func (m *numbered) place(k int) (i Entry, fresh bool) {
	if i, ok := m.entries[k]; ok {
		return i, false
	}
	if n := len(m.free); n > 0 {
		i, m.free = m.free[n-1], m.free[:n-1]
	} else {
		i = m.next
		m.next++
	}
	m.entries[k] = i
	return i, true
}

func TestIndexIsAMapOfNumbers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		hash := drawBadHash(t)
		keys := rapid.IntRange(1, 60).Draw(t, "keys")
		key := rapid.IntRange(0, keys-1)
		var index Index[int]
		want := numbered{entries: map[int]Entry{}}
		place := func(t *rapid.T) {
			k := key.Draw(t, "key")
			i, fresh := index.Place(hash.of(k), &k)
			if j, f := want.place(k); i != j || fresh != f {
				t.Fatalf("Place(%d) is %d, %t; want %d, %t", k, i, fresh, j, f)
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"place":       place,
			"place again": place, // so that indexes grow beyond what is scanned
			"place more":  place,
			"remove": func(t *rapid.T) {
				k := key.Draw(t, "key")
				if i, ok := want.entries[k]; ok {
					index.remove(i)
					delete(want.entries, k)
					want.free = append(want.free, i)
				}
			},
			"clear": func(t *rapid.T) {
				if rapid.IntRange(0, 9).Draw(t, "rarely") > 0 {
					return
				}
				index.Clear()
				want = numbered{entries: map[int]Entry{}}
			},
			"": func(t *rapid.T) { checkIndex(t, &index, &want, hash, keys) },
		})
	})
}

func checkIndex(t *rapid.T, index *Index[int], want *numbered, hash badHash, keys int) {
	if index.s.len() != len(want.entries) {
		t.Fatalf("Len is %d, want %d", index.s.len(), len(want.entries))
	}
	for k := range keys {
		i, ok := want.entries[k]
		got, found := index.Find(hash.of(k), &k)
		if found != ok || ok && (got != i || *index.At(i) != k || index.Hash(i) != max(1, hash.of(k))) {
			t.Fatalf("Find(%d) is %d, %t; want %d, %t", k, got, found, i, ok)
		}
	}
	table := Table{Keys: index}
	var order []Entry
	table.Each(func(i Entry) bool {
		order = append(order, i)
		return true
	})
	if !slices.IsSorted(order) || len(order) != len(want.entries) {
		t.Fatalf("Each visits %v, of %v", order, want.entries)
	}
}

func TestEachStopsWhenToldTo(t *testing.T) {
	var index Index[int]
	for k := range 20 {
		index.Place(uint64(k), &k)
	}
	visited := 0
	table := Table{Keys: &index}
	table.Each(func(Entry) bool {
		visited++
		return visited < 5
	})
	if visited != 5 {
		t.Fatalf("Each went on to %d entries after visit had said to stop at 5", visited)
	}
}

func TestIndexForgetsWhatItRemovedOrCleared(t *testing.T) {
	held := func(index *Index[*int]) (n int) {
		for _, k := range index.keys[:cap(index.keys)] {
			if k != nil {
				n++
			}
		}
		return n
	}
	var index Index[*int]
	for i := range 50 {
		k := new(int)
		index.Place(uint64(i), &k)
	}
	index.remove(7)
	if n := held(&index); n != 49 {
		t.Errorf("without a key, the index still reaches %d of 49", n)
	}
	index.Clear()
	if n := held(&index); n != 0 {
		t.Errorf("after Clear the index still reaches %d keys", n)
	}
}

func TestIndexGivesUpRoomThatItHasNoMoreUseFor(t *testing.T) {
	var index Index[int]
	for k := range 10_000 {
		index.Place(uint64(k), &k)
	}
	if !index.Clear() || cap(index.keys) < 10_000 {
		t.Errorf("Clear gave up the room of an index that was full: %d keys are left", cap(index.keys))
	}
	one := 1
	index.Place(1, &one)
	if index.Clear() || cap(index.keys) != 0 || index.s.table != nil {
		t.Errorf("Clear kept room for %d keys after one was used", cap(index.keys))
	}
}

func windowAt(start int) model.Window {
	return model.Window{Start: model.Timestamp(start), End: model.Timestamp(start + 10)}
}

func TestWindowsAreDroppedAndReused(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		windows := OpenWindows(nil, Declaration{}, func() (Keys, Values) { return new(Index[int]), NewSlab[int](nil) })
		want := map[int]map[int]int{} // by the window's start
		window := rapid.IntRange(0, 5)
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				w, k := window.Draw(t, "window"), rapid.IntRange(0, 20).Draw(t, "key")
				table, fresh := windows.Window(windowAt(w))
				if (want[w] == nil) != fresh {
					t.Fatalf("Window(%d) says fresh=%t", w, fresh)
				}
				if fresh {
					want[w] = map[int]int{}
				}
				i, fresh := table.Keys.(*Index[int]).Place(uint64(k), &k)
				table.Came(i, fresh)
				*table.Values.(*Slab[int]).At(i)++
				want[w][k]++
			},
			"drop": func(t *rapid.T) {
				w := window.Draw(t, "window")
				windows.Drop(windowAt(w))
				delete(want, w)
			},
			"": func(t *rapid.T) {
				if windows.Len() != len(want) {
					t.Fatalf("%d windows are open, want %d", windows.Len(), len(want))
				}
				for w := range 6 {
					checkWindow(t, windows.Lookup(windowAt(w)), want[w])
				}
			},
		})
	})
}

func checkWindow(t *rapid.T, table *Table, want map[int]int) {
	if (table == nil) != (want == nil) {
		t.Fatalf("the window is open: %t, want %t", table != nil, want != nil)
	}
	if table == nil {
		return
	}
	if table.Len() != len(want) {
		t.Fatalf("the window has %d keys, want %d", table.Len(), len(want))
	}
	table.Each(func(i Entry) bool {
		k := *table.Keys.(*Index[int]).At(i)
		if v := *table.Values.(*Slab[int]).At(i); v != want[k] {
			t.Fatalf("key %d has %d, want %d", k, v, want[k])
		}
		return true
	})
}
