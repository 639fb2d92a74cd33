// Package cellstest has a state directory in memory, for tests of cells that page.
package cellstest

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"

	"github.com/millrace/millrace/internal/engine/cells"
)

type fataler interface{ Fatal(args ...any) }

// A State is a Backing in memory, and the checkpoint that was committed last.
type State struct {
	store   *cells.Durable
	Now     map[string][]byte // with what was evicted since
	Durable map[string][]byte
	Frozen  bool
	failed  []cells.Changes // of checkpoints that came to nothing: not to be read yet
	unsafe  bool            // the last one was not committed
	Fails   error           // of all calls
}

// New makes one.
func New() *State { return &State{Now: map[string][]byte{}} }

// Open makes a store with room for about n bytes, from the last checkpoint.
func (s *State) Open(n int64) *cells.Durable {
	s.Now, s.Frozen, s.failed, s.unsafe = maps.Clone(s.Durable), false, nil, false
	if s.Now == nil {
		s.Now = map[string][]byte{}
	}
	ids := map[string]uint32{}
	s.store = cells.NewDurable(func(cell string) uint32 {
		if _, ok := ids[cell]; !ok {
			ids[cell] = uint32(len(ids) + 1)
		}
		return ids[cell]
	}, 4, 0, 1)
	s.store.Page(&cells.Paging{Backing: s, Bytes: n})
	return s.store
}

// Get implements [cells.Backing], as do the next two.
func (s *State) Get(key, dst []byte) ([]byte, bool, error) {
	v, ok := s.Now[string(key)]
	return append(dst, v...), ok, s.Fails
}

// Scan implements [cells.Backing].
func (s *State) Scan(start, end []byte) (iter.Seq2[[]byte, []byte], func() error) {
	return func(yield func(k, v []byte) bool) {
		for _, k := range slices.Sorted(maps.Keys(s.Now)) {
			if k >= string(start) && k < string(end) && s.Fails == nil && !yield([]byte(k), s.Now[k]) {
				return
			}
		}
	}, func() error { return s.Fails }
}

// Write implements [cells.Backing].
func (s *State) Write(c *cells.Changes) error {
	if s.unsafe {
		return errors.New("something was written before the last checkpoint was committed")
	}
	s.apply(c)
	return s.Fails
}

func (s *State) apply(c *cells.Changes) {
	for start, end := range c.Drops() {
		maps.DeleteFunc(s.Now, func(k string, _ []byte) bool { return k >= string(start) && k < string(end) })
	}
	for k := range c.Gone() {
		if _, ok := s.Now[string(k)]; !ok {
			panic(fmt.Sprintf("the key %x goes, which is not there", k))
		}
		delete(s.Now, string(k))
	}
	for k, v := range c.Puts() {
		s.Now[string(k)] = slices.Clone(v)
	}
}

// Freeze begins a checkpoint.
func (s *State) Freeze() {
	s.store.Freeze()
	s.Frozen, s.unsafe = true, true
}

// Save saves some of what is frozen. If it is all, it commits that, unless the checkpoint
// fails: then the next one has it.
func (s *State) Save(t fataler, budget int, fails bool) (committed bool) {
	done, err := s.store.Save(budget)
	if err != nil {
		t.Fatal(err)
	}
	if !done {
		return false
	}
	s.Frozen = false
	s.failed = append(s.failed, s.store.Changes())
	if fails {
		return false
	}
	for i := range s.failed {
		s.apply(&s.failed[i])
	}
	s.Durable, s.failed, s.unsafe = maps.Clone(s.Now), nil, false
	s.store.Settle()
	return true
}
