package engine

import (
	"maps"
	"testing"

	"pgregory.net/rapid"

	"github.com/millrace/millrace/model"
)

// TestStateWithoutAnIndexGetsOne loads what a store saved that does not page, into one
// that has room for a key or none, and asks what is due.
func TestStateWithoutAnIndexGetsOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newPagedState()
		d := s.open(1)
		d.paging = nil
		keys := keyDecl[int, int]{"cells", coderOf[int]}.Durable(d).(Cells[int, int])
		want := rapid.MapOf(rapid.IntRange(0, 100), rapid.IntRange(-50, 50)).Draw(t, "cells")
		for k, v := range want {
			p, _ := keys.Upsert(hashOf(k), k)
			*p = v
		}
		s.freeze()
		s.save(t, maxBudget, false)
		schemas := map[string][]string{}
		d.Schemas(func(_ uint32, list []string) { schemas["cells"] = list })

		for _, known := range []bool{false, true} { // whether there is an index: then it is not made again
			d = s.open(1)
			d.Upgrade(func(cell string) []string { return schemas[cell] })
			c := newCountdown(t, d)
			if err := d.Load(nil); err != nil {
				t.Fatal(err)
			}
			if c.outdated == known {
				t.Fatalf("there is an index: %t, and it is made: %t", known, c.outdated)
			}
			got := map[int]int{}
			last := model.MinTimestamp
			for c.nextDue(eventTime) < model.MaxTimestamp {
				if at := c.nextDue(eventTime); at < last {
					t.Fatalf("%v is due after %v", at, last)
				}
				last = c.nextDue(eventTime)
				c.recall(eventTime, never, last)
				maps.Copy(got, c.queue)
			}
			if !maps.Equal(got, want) || d.failed != nil {
				t.Fatalf("due are %v, want %v; %v", got, want, d.failed)
			}
			s.freeze()
			s.save(t, maxBudget, false)
			d.Schemas(func(id uint32, list []string) {
				if id == 2 {
					schemas[indexOf("cells")] = list
				}
			})
		}
		if of, ok := IndexOf(indexOf("cells"), schemas[indexOf("cells")]); !ok || of != "cells" {
			t.Fatalf("the index is that of %q, %t", of, ok)
		}
		if _, ok := IndexOf(indexOf("cells"), schemas["cells"]); ok {
			t.Fatal("cells of such a name are taken for an index")
		}
	})
}
