package engine

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/state"
)

// TestKeyedChunks takes and gives windows back in any order. No window is given out
// twice, and a chunk of which none is used is let go, but for one.
func TestKeyedChunks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var c keyedChunks
		var out []*keyedWindow
		next := model.Timestamp(0)
		chunks := func() map[*keyedChunk]bool {
			all := map[*keyedChunk]bool{}
			for _, w := range out {
				all[w.chunk] = true
			}
			return all
		}
		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			for range rapid.IntRange(0, 3*chunkWindows).Draw(t, "take") {
				w := c.take(2)
				if w.window != (model.Window{}) || len(w.slots()) != 2 || w.slots()[0] != nil {
					t.Fatalf("a window that is not empty: %+v, %v", w, w.slots())
				}
				next++
				w.window.Start = next
				w.slots()[0] = state.Slot(nil)
				out = append(out, w)
			}
			for range rapid.IntRange(0, len(out)).Draw(t, "give") {
				i := rapid.IntRange(0, len(out)-1).Draw(t, "which")
				c.give(out[i])
				out = slices.Delete(out, i, i+1)
			}
			seen := map[model.Timestamp]bool{}
			for _, w := range out {
				if w.window.Start == 0 || seen[w.window.Start] {
					t.Fatalf("window %v was given out twice", w.window)
				}
				seen[w.window.Start] = true
			}
			used := chunks()
			empty := 0
			for i, chunk := range c.room {
				if chunk.at != i || ^chunk.used == 0 {
					t.Fatalf("chunk %d is at %d, with %b used", i, chunk.at, chunk.used)
				}
				if !used[chunk] {
					empty++
				}
			}
			if empty > 1 {
				t.Fatalf("%d chunks of %d are kept, and none of them is used", empty, len(c.room))
			}
		}
	})
}

// TestKeyedWindowsAreInOrder puts windows in and takes them out, and compares with a
// sorted list.
func TestKeyedWindowsAreInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var ks keyedWindows
		var want []model.Timestamp
		for range rapid.IntRange(0, 30).Draw(t, "steps") {
			at := rapid.Custom(func(t *rapid.T) model.Timestamp { return model.Timestamp(rapid.IntRange(0, 5).Draw(t, "at")) }).Draw(t, "window")
			w := model.Window{Start: at, End: at + 1}
			i, found := ks.search(w)
			if j, there := slices.BinarySearch(want, at); i != j || found != there || (ks.find(w) != nil) != there {
				t.Fatalf("%v is at %d, %t; want %d, %t", w, i, found, j, there)
			}
			if found {
				ks.replace(i, i+1)
				want = slices.Delete(want, i, i+1)
			} else {
				ks.replace(i, i, &keyedWindow{window: w})
				want = slices.Insert(want, i, at)
			}
			var got []model.Timestamp
			for _, o := range ks.open() {
				got = append(got, o.window.Start)
			}
			if !slices.Equal(got, want) || ks.len() != len(want) {
				t.Fatalf("open are %v, want %v", got, want)
			}
		}
	})
}
