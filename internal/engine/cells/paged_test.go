package cells_test

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/millrace/millrace/internal/engine/cells"
	"github.com/millrace/millrace/internal/engine/cells/cellstest"
	"github.com/millrace/millrace/model"
)

const eventTime = cells.EventTime

// countdown is a pager whose values are when they are due.
type countdown struct {
	*ints
	d     *cells.Durable
	queue map[int]int // what it was told of keys in memory
}

func (c *countdown) DueAt(i cells.Entry) cells.DueTimes {
	return cells.DueTimes{model.Timestamp(*c.slab.At(i)), cells.Never, cells.Never}
}
func (c *countdown) PageIn(i cells.Entry) { c.queue[*c.keys.At(i)] = *c.slab.At(i) }
func (c *countdown) PageOut(cells.Entry)  {}
func (c *countdown) PagedOut() {
	maps.DeleteFunc(c.queue, func(k, _ int) bool { return !c.has(k) })
}

func newCountdown(t *rapid.T, d *cells.Durable) *countdown {
	c := &countdown{d: d, queue: map[int]int{}}
	c.ints = newInts()
	c.Table = cells.OpenPaged(d, intCells("cells"), c.keys, c.slab, c, 8)
	if err := d.Err(); err != nil {
		t.Fatal(err)
	}
	return c
}

// TestPagedCellsAreAMap evicts all the time, and holds cells and what is due first
// against a map, through checkpoints and restarts.
func TestPagedCellsAreAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := cellstest.New()
		room := int64(rapid.IntRange(1, 3000).Draw(t, "room"))
		c := newCountdown(t, s.Open(room))
		want, atFreeze, durable := map[int]int{}, map[int]int{}, map[int]int{}
		first := func() model.Timestamp { // due, of those that are not in memory
			at := model.MaxTimestamp
			for k, v := range want {
				if !c.has(k) {
					at = min(at, model.Timestamp(v))
				}
			}
			return at
		}
		t.Repeat(map[string]func(*rapid.T){
			"upsert": func(t *rapid.T) {
				k, v := rapid.IntRange(0, 20).Draw(t, "key"), rapid.IntRange(-50, 50).Draw(t, "value")
				p, fresh := c.Upsert(k)
				if w, ok := want[k]; fresh == ok || *p != w {
					t.Fatalf("key %d was %d, fresh %t; want %d, %t", k, *p, fresh, w, !ok)
				}
				*p, want[k] = v, v
			},
			"get": func(t *rapid.T) {
				k := rapid.IntRange(0, 20).Draw(t, "key")
				p := c.Get(k)
				if w, ok := want[k]; (p != nil) != ok || ok && *p != w {
					t.Fatalf("key %d is %v, want %d, %t", k, p, w, ok)
				}
			},
			"delete": func(t *rapid.T) {
				k := rapid.IntRange(0, 20).Draw(t, "key")
				_, ok := want[k]
				if c.Delete(k) != ok {
					t.Fatalf("key %d: deleted %t", k, !ok)
				}
				delete(want, k)
			},
			"relieve": func(*rapid.T) { c.Relieve() },
			"recall": func(t *rapid.T) {
				now := model.Timestamp(rapid.IntRange(-60, 60).Draw(t, "now"))
				for c.Recall(eventTime, cells.Never, now) {
				}
				if at := first(); at <= now {
					t.Fatalf("what is due at %d is not in memory at %d", at, now)
				}
			},
			"recall any": func(t *rapid.T) {
				for c.RecallAny() {
				}
				if c.Len() != len(want) {
					t.Fatalf("%d in memory, want %d", c.Len(), len(want))
				}
			},
			"freeze": func(t *rapid.T) {
				if !s.Frozen {
					s.Freeze()
					atFreeze = maps.Clone(want)
				}
			},
			"save": func(t *rapid.T) {
				if s.Frozen {
					if s.Save(t, rapid.IntRange(1, 10).Draw(t, "budget"), rapid.IntRange(0, 2).Draw(t, "fails") == 0) {
						durable = atFreeze
					}
				}
			},
			"crash": func(t *rapid.T) {
				d := s.Open(room)
				c = newCountdown(t, d)
				if s.Durable != nil {
					if err := d.Load(nil); err != nil {
						t.Fatal(err)
					}
				}
				want = maps.Clone(durable)
			},
			"": func(t *rapid.T) {
				if c.relieveIfDrawn(t); c.d.Failure() != nil {
					t.Fatal(c.d.Failure())
				}
				if got, at := c.NextDue(eventTime), first(); got != at {
					t.Fatalf("first due is %d, want %d", got, at)
				}
			},
		})
	})
}

func (c *countdown) relieveIfDrawn(t *rapid.T) {
	if rapid.Bool().Draw(t, "relieve") {
		c.Relieve()
	}
}

// What cannot be read ends the task before it sends a watermark.
func TestABackingThatFailsEndsTheTask(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := cellstest.New()
		c := newCountdown(t, s.Open(1))
		for k := range 20 {
			p, _ := c.Upsert(k)
			*p = k
		}
		c.Relieve()
		s.Fails = errors.New("the disk is gone")
		switch rapid.IntRange(0, 2).Draw(t, "call") {
		case 0:
			c.Get(1)
		case 1:
			if at := c.NextDue(eventTime); at != model.MinTimestamp {
				t.Fatalf("next due is %v", at)
			}
		case 2:
			_, _ = c.Upsert(30)
			c.Relieve()
		}
		if c.d.Failure() == nil || !strings.Contains(c.d.Failure().Error(), "the disk is gone") {
			t.Fatal(c.d.Failure())
		}
	})
}

// TestWhatAFailedCheckpointLetGoOfStaysGone deletes a key that is in the backing, in an
// interval whose checkpoint fails: until one is committed, the backing still has it.
func TestWhatAFailedCheckpointLetGoOfStaysGone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := cellstest.New()
		c := newCountdown(t, s.Open(1))
		for k := range 4 {
			p, _ := c.Upsert(k)
			*p = k
		}
		c.Relieve() // evicts all of them
		deleted := rapid.IntRange(0, 3).Draw(t, "deleted")
		c.Delete(deleted)
		for range rapid.IntRange(1, 3).Draw(t, "failed checkpoints") {
			s.Freeze()
			s.Save(t, 1<<62, true)
			c.Relieve()
			if c.Get(deleted) != nil {
				t.Fatal("it is there again")
			}
		}
		s.Freeze()
		s.Save(t, 1<<62, false)
		if c.Get(deleted) != nil || len(s.Durable) != 6 { // with their times
			t.Fatalf("it is there again, or in the checkpoint, of %d entries", len(s.Durable))
		}
		if c.d.Failure() != nil {
			t.Fatal(c.d.Failure())
		}
	})
}
