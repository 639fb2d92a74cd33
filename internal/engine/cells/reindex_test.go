package cells_test

import (
	"maps"
	"testing"

	"pgregory.net/rapid"

	"github.com/millrace/millrace/internal/engine/cells"
	"github.com/millrace/millrace/internal/engine/cells/cellstest"
	"github.com/millrace/millrace/model"
)

// indexed is the name of the index of cells.
const indexed = "cells by time"

// TestStateWithoutAnIndexGetsOne loads what a store saved that does not page, into one
// that has room for a key or none, and asks what is due.
func TestStateWithoutAnIndexGetsOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := cellstest.New()
		d := s.Open(1)
		keys := openInts(d, "cells") // which do not page
		want := rapid.MapOf(rapid.IntRange(0, 100), rapid.IntRange(-50, 50)).Draw(t, "cells")
		for k, v := range want {
			p, _ := keys.Upsert(k)
			*p = v
		}
		s.Freeze()
		s.Save(t, 1<<62, false)
		schemas := map[string][]string{}
		d.Schemas(func(_ uint32, list []string) { schemas["cells"] = list })

		for _, known := range []bool{false, true} { // whether there is an index: then it is not made again
			d = s.Open(1)
			d.Upgrade(func(cell string) []string { return schemas[cell] })
			c := newCountdown(t, d)
			if err := d.Load(nil); err != nil {
				t.Fatal(err)
			}
			if c.Outdated() == known {
				t.Fatalf("there is an index: %t, and it is made: %t", known, c.Outdated())
			}
			got := map[int]int{}
			last := model.MinTimestamp
			for c.NextDue(eventTime) < model.MaxTimestamp {
				if at := c.NextDue(eventTime); at < last {
					t.Fatalf("%v is due after %v", at, last)
				}
				last = c.NextDue(eventTime)
				c.Recall(eventTime, cells.Never, last)
				maps.Copy(got, c.queue)
			}
			if !maps.Equal(got, want) || d.Failure() != nil {
				t.Fatalf("due are %v, want %v; %v", got, want, d.Failure())
			}
			s.Freeze()
			s.Save(t, 1<<62, false)
			d.Schemas(func(id uint32, list []string) {
				if id == 2 {
					schemas[indexed] = list
				}
			})
		}
		if of, ok := cells.IndexOf(indexed, schemas[indexed]); !ok || of != "cells" {
			t.Fatalf("the index is that of %q, %t", of, ok)
		}
		if _, ok := cells.IndexOf(indexed, schemas["cells"]); ok {
			t.Fatal("cells of such a name are taken for an index")
		}
	})
}
