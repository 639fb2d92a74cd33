package checkpoint

import (
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"sort"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// changes are Changes by hand.
type changes struct {
	drops [][2]string
	gone  []string
	puts  [][2]string
}

func (c changes) Drops() iter.Seq2[[]byte, []byte] { return pairs(c.drops) }
func (c changes) Puts() iter.Seq2[[]byte, []byte]  { return pairs(c.puts) }
func (c changes) Gone() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for _, k := range c.gone {
			if !yield([]byte(k)) {
				return
			}
		}
	}
}

func pairs(ps [][2]string) iter.Seq2[[]byte, []byte] {
	return func(yield func(a, b []byte) bool) {
		for _, p := range ps {
			if !yield([]byte(p[0]), []byte(p[1])) {
				return
			}
		}
	}
}

// state is what a Store is held against.
type state map[string]string

func (s state) apply(c changes) {
	for _, d := range c.drops {
		maps.DeleteFunc(s, func(k, _ string) bool { return d[0] <= k && k < d[1] })
	}
	for _, k := range c.gone {
		delete(s, k)
	}
	for _, p := range c.puts {
		s[p[0]] = p[1]
	}
}

// randomChanges are a few changes among a few keys.
func randomChanges(r *rand.Rand) (c changes) {
	key := func() string { return fmt.Sprintf("%02d", r.IntN(40)) }
	for range r.IntN(3) {
		c.drops = append(c.drops, [2]string{key(), key()})
	}
	for range r.IntN(4) {
		c.gone = append(c.gone, key())
	}
	for range r.IntN(12) {
		c.puts = append(c.puts, [2]string{key(), fmt.Sprint(r.Uint32())})
	}
	return c
}

var quiet = slog.New(slog.DiscardHandler)

const stateDir = "/data/state"

func openOn(fs vfs.FS) (*Store, error) {
	return Open(fs, stateDir, Options{KeyGroups: 8, Logger: quiet})
}

// read is all that s holds, in order.
func read(s *Store) (state, error) {
	got, last := state{}, ""
	seq, failed := s.Scan(nil, nil)
	for k, v := range seq {
		if string(k) <= last {
			return nil, fmt.Errorf("key %q follows %q", k, last)
		}
		last = string(k)
		got[last] = string(v)
	}
	return got, failed()
}

// A point is a checkpoint as it must be found; that with ID 0 is the empty state.
type point struct {
	id   uint64
	want state
}

// recoversTo opens what is on fs and sees that it is one of the points, whole.
func recoversTo(fs vfs.FS, points ...point) (*Store, error) {
	s, err := openOn(fs)
	if err != nil {
		return nil, err
	}
	var id uint64
	if m := s.Recovered(); m != nil {
		id = m.ID
	}
	got, err := read(s)
	if err != nil {
		return s, fmt.Errorf("checkpoint %d: %w", id, err)
	}
	for _, p := range points {
		if p.id == id {
			if !maps.Equal(got, p.want) {
				return s, fmt.Errorf("checkpoint %d holds %v instead of %v", id, sorted(got), sorted(p.want))
			}
			return s, nil
		}
	}
	return s, fmt.Errorf("recovered to checkpoint %d, and there could only be those of %v", id, points)
}

func sorted(s state) []string {
	keys := slices.Collect(maps.Keys(s))
	sort.Strings(keys)
	return keys
}

// listCheckpoints lists the directories in checkpoints.
func listCheckpoints(fs vfs.FS) []string {
	names, _ := fs.List(path.Join(stateDir, checkpointsName))
	slices.Sort(names)
	return slices.DeleteFunc(names, func(n string) bool { return strings.HasPrefix(n, lastPrefix) })
}
