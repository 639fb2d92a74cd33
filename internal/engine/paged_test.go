package engine

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/millrace/millrace/model"
)

// pagedState is a Backing in memory, and the checkpoint that was committed last.
type pagedState struct {
	store   *Durable
	now     map[string][]byte // with what was evicted since
	durable map[string][]byte
	frozen  bool
	failed  []Changes // of checkpoints that came to nothing: not to be read yet
	unsafe  bool      // the last one was not committed
	fails   error     // of all calls
}

func newPagedState() *pagedState { return &pagedState{now: map[string][]byte{}} }

// open makes a store with room for about n bytes, from the last checkpoint.
func (s *pagedState) open(n int64) *Durable {
	s.now, s.frozen, s.failed, s.unsafe = maps.Clone(s.durable), false, nil, false
	if s.now == nil {
		s.now = map[string][]byte{}
	}
	ids := map[string]uint32{}
	s.store = NewDurable(func(cell string) uint32 {
		if _, ok := ids[cell]; !ok {
			ids[cell] = uint32(len(ids) + 1)
		}
		return ids[cell]
	}, 4, 0, 1)
	s.store.Page(&Paging{Backing: s, Bytes: n})
	return s.store
}

func (s *pagedState) Get(key, dst []byte) ([]byte, bool, error) {
	v, ok := s.now[string(key)]
	return append(dst, v...), ok, s.fails
}

func (s *pagedState) Scan(start, end []byte) (iter.Seq2[[]byte, []byte], func() error) {
	return func(yield func(k, v []byte) bool) {
		for _, k := range slices.Sorted(maps.Keys(s.now)) {
			if k >= string(start) && k < string(end) && s.fails == nil && !yield([]byte(k), s.now[k]) {
				return
			}
		}
	}, func() error { return s.fails }
}

func (s *pagedState) Write(c *Changes) error {
	if s.unsafe {
		return errors.New("something was written before the last checkpoint was committed")
	}
	s.apply(c)
	return s.fails
}

func (s *pagedState) apply(c *Changes) {
	for start, end := range c.Drops() {
		maps.DeleteFunc(s.now, func(k string, _ []byte) bool { return k >= string(start) && k < string(end) })
	}
	for k := range c.Gone() {
		if _, ok := s.now[string(k)]; !ok {
			panic(fmt.Sprintf("the key %x goes, which is not there", k))
		}
		delete(s.now, string(k))
	}
	for k, v := range c.Puts() {
		s.now[string(k)] = slices.Clone(v)
	}
}

func (s *pagedState) freeze() {
	s.store.Freeze()
	s.frozen, s.unsafe = true, true
}

// save saves some of what is frozen. If it is all, it commits that, unless the checkpoint
// fails: then the next one has it.
func (s *pagedState) save(t *rapid.T, budget int, fails bool) (committed bool) {
	done, err := s.store.Save(budget)
	if err != nil {
		t.Fatal(err)
	}
	if !done {
		return false
	}
	s.frozen = false
	s.failed = append(s.failed, s.store.Changes())
	if fails {
		return false
	}
	for i := range s.failed {
		s.apply(&s.failed[i])
	}
	s.durable, s.failed, s.unsafe = maps.Clone(s.now), nil, false
	s.store.Settle()
	return true
}

// countdown is a pager whose values are when they are due.
type countdown struct {
	*pagedKeys[int, int]
	queue map[int]int // what it was told of keys in memory
}

func (c *countdown) dueAt(v *int) dueTimes          { return dueTimes{model.Timestamp(*v), never, never} }
func (c *countdown) pageIn(_ uint64, k int, v *int) { c.queue[k] = *v }
func (c *countdown) pageOut(*int)                   {}
func (c *countdown) pagedOut(resident func(uint64, int) bool) {
	maps.DeleteFunc(c.queue, func(k, _ int) bool { return !resident(hashOf(k), k) })
}

func newCountdown(t *rapid.T, d *Durable) *countdown {
	c := &countdown{queue: map[int]int{}}
	op := &Op{task: &Task{}, Node: &model.Node{}}
	c.pagedKeys = pagedDecl[int, int]{keyDecl[int, int]{"cells", coderOf[int]}, op, c}.Durable(d).(*pagedKeys[int, int])
	if err := d.Err(); err != nil {
		t.Fatal(err)
	}
	return c
}

// TestPagedCellsAreAMap evicts all the time, and holds cells and what is due first
// against a map, through checkpoints and restarts.
func TestPagedCellsAreAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newPagedState()
		room := int64(rapid.IntRange(1, 3000).Draw(t, "room"))
		c := newCountdown(t, s.open(room))
		want, atFreeze, durable := map[int]int{}, map[int]int{}, map[int]int{}
		first := func() model.Timestamp { // due, of those that are not in memory
			at := model.MaxTimestamp
			for k, v := range want {
				if !c.has(hashOf(k), k) {
					at = min(at, model.Timestamp(v))
				}
			}
			return at
		}
		t.Repeat(map[string]func(*rapid.T){
			"upsert": func(t *rapid.T) {
				k, v := rapid.IntRange(0, 20).Draw(t, "key"), rapid.IntRange(-50, 50).Draw(t, "value")
				p, fresh := c.Upsert(hashOf(k), k)
				if w, ok := want[k]; fresh == ok || *p != w {
					t.Fatalf("key %d was %d, fresh %t; want %d, %t", k, *p, fresh, w, !ok)
				}
				*p, want[k] = v, v
			},
			"get": func(t *rapid.T) {
				k := rapid.IntRange(0, 20).Draw(t, "key")
				p := c.Get(hashOf(k), k)
				if w, ok := want[k]; (p != nil) != ok || ok && *p != w {
					t.Fatalf("key %d is %v, want %d, %t", k, p, w, ok)
				}
			},
			"delete": func(t *rapid.T) {
				k := rapid.IntRange(0, 20).Draw(t, "key")
				_, ok := want[k]
				if c.Delete(hashOf(k), k) != ok {
					t.Fatalf("key %d: deleted %t", k, !ok)
				}
				delete(want, k)
			},
			"relieve": func(*rapid.T) { c.relieve() },
			"recall": func(t *rapid.T) {
				now := model.Timestamp(rapid.IntRange(-60, 60).Draw(t, "now"))
				for c.recall(eventTime, never, now) {
				}
				if at := first(); at <= now {
					t.Fatalf("what is due at %d is not in memory at %d", at, now)
				}
			},
			"recall any": func(t *rapid.T) {
				for c.recallAny() {
				}
				if c.Len() != len(want) {
					t.Fatalf("%d in memory, want %d", c.Len(), len(want))
				}
			},
			"freeze": func(t *rapid.T) {
				if !s.frozen {
					s.freeze()
					atFreeze = maps.Clone(want)
				}
			},
			"save": func(t *rapid.T) {
				if s.frozen {
					if s.save(t, rapid.IntRange(1, 10).Draw(t, "budget"), rapid.IntRange(0, 2).Draw(t, "fails") == 0) {
						durable = atFreeze
					}
				}
			},
			"crash": func(t *rapid.T) {
				d := s.open(room)
				c = newCountdown(t, d)
				if s.durable != nil {
					if err := d.Load(nil); err != nil {
						t.Fatal(err)
					}
				}
				want = maps.Clone(durable)
			},
			"": func(t *rapid.T) {
				if c.relieveIfDrawn(t); c.cell.failed != nil {
					t.Fatal(c.cell.failed)
				}
				if got, at := c.nextDue(eventTime), first(); got != at {
					t.Fatalf("first due is %d, want %d", got, at)
				}
			},
		})
	})
}

func (c *countdown) relieveIfDrawn(t *rapid.T) {
	if rapid.Bool().Draw(t, "relieve") {
		c.relieve()
	}
}

// TestTimersOfPagedKeysFireAsASortedListSays is TestTimersFireAsASortedListSays for an
// operator with room for a key or two, through checkpoints and restarts.
func TestTimersOfPagedKeysFireAsASortedListSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := newClockwork(t)
		c.pages = newPagedState()
		room := int64(rapid.IntRange(1, 5000).Draw(t, "room"))
		c.k = c.operator(c.pages.open(room))
		actions := c.actions("a", "b", "c", "d", "e")
		actions["freeze"] = func(*rapid.T) {
			if !c.pages.frozen {
				c.pages.freeze()
			}
		}
		actions["save"] = func(t *rapid.T) {
			if c.pages.frozen {
				c.pages.save(t, rapid.IntRange(1, 5).Draw(t, "budget"), rapid.IntRange(0, 2).Draw(t, "fails") == 0)
			}
		}
		actions["restart"] = func(t *rapid.T) {
			if c.pages.frozen {
				c.pages.save(t, maxBudget, false)
			}
			c.pages.freeze()
			c.pages.save(t, maxBudget, false)
			d := c.pages.open(room)
			c.k = c.operator(d)
			if err := d.Load(nil); err != nil {
				t.Fatal(err)
			}
			c.k.restored(c.watermark, c.now)
		}
		t.Repeat(actions)
	})
}

// What cannot be read ends the task before it sends a watermark.
func TestABackingThatFailsEndsTheTask(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newPagedState()
		c := newCountdown(t, s.open(1))
		for k := range 20 {
			p, _ := c.Upsert(hashOf(k), k)
			*p = k
		}
		c.relieve()
		s.fails = errors.New("the disk is gone")
		switch rapid.IntRange(0, 2).Draw(t, "call") {
		case 0:
			c.Get(hashOf(1), 1)
		case 1:
			if at := c.nextDue(eventTime); at != model.MinTimestamp {
				t.Fatalf("next due is %v", at)
			}
		case 2:
			_, _ = c.Upsert(hashOf(30), 30)
			c.relieve()
		}
		if c.cell.failed == nil || !strings.Contains(c.cell.failed.Error(), "the disk is gone") {
			t.Fatal(c.cell.failed)
		}
	})
}

// TestWhatAFailedCheckpointLetGoOfStaysGone deletes a key that is in the backing, in an
// interval whose checkpoint fails: until one is committed, the backing still has it.
func TestWhatAFailedCheckpointLetGoOfStaysGone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newPagedState()
		c := newCountdown(t, s.open(1))
		for k := range 4 {
			p, _ := c.Upsert(hashOf(k), k)
			*p = k
		}
		c.relieve() // evicts all of them
		deleted := rapid.IntRange(0, 3).Draw(t, "deleted")
		c.Delete(hashOf(deleted), deleted)
		for range rapid.IntRange(1, 3).Draw(t, "failed checkpoints") {
			s.freeze()
			s.save(t, maxBudget, true)
			c.relieve()
			if c.Get(hashOf(deleted), deleted) != nil {
				t.Fatal("it is there again")
			}
		}
		s.freeze()
		s.save(t, maxBudget, false)
		if c.Get(hashOf(deleted), deleted) != nil || len(s.durable) != 6 { // with their times
			t.Fatalf("it is there again, or in the checkpoint, of %d entries", len(s.durable))
		}
		if c.cell.failed != nil {
			t.Fatal(c.cell.failed)
		}
	})
}
