package engine

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/millrace/millrace/internal/engine/cells/cellstest"
)

// TestTimersOfPagedKeysFireAsASortedListSays is TestTimersFireAsASortedListSays for an
// operator with room for a key or two, through checkpoints and restarts.
func TestTimersOfPagedKeysFireAsASortedListSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := newClockwork(t)
		c.pages = cellstest.New()
		room := int64(rapid.IntRange(1, 5000).Draw(t, "room"))
		c.k = c.operator(c.pages.Open(room))
		actions := c.actions("a", "b", "c", "d", "e")
		actions["freeze"] = func(*rapid.T) {
			if !c.pages.Frozen {
				c.pages.Freeze()
			}
		}
		actions["save"] = func(t *rapid.T) {
			if c.pages.Frozen {
				c.pages.Save(t, rapid.IntRange(1, 5).Draw(t, "budget"), rapid.IntRange(0, 2).Draw(t, "fails") == 0)
			}
		}
		actions["restart"] = func(t *rapid.T) {
			if c.pages.Frozen {
				c.pages.Save(t, 1<<62, false)
			}
			c.pages.Freeze()
			c.pages.Save(t, 1<<62, false)
			d := c.pages.Open(room)
			c.k = c.operator(d)
			if err := d.Load(nil); err != nil {
				t.Fatal(err)
			}
			c.k.restored(c.watermark, c.now)
		}
		t.Repeat(actions)
	})
}
