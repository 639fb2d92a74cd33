package checkpoint

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// A fault is a disk that fails from an operation on, for a while.
type fault struct {
	from, until int
	err         error
	count       int
	first       op // that failed
}

func (f *fault) before(o op) error {
	f.count++
	if f.count <= f.from || f.count > f.until {
		return nil
	}
	if f.first == (op{}) {
		f.first = o
	}
	return f.err
}

// endure has a store meet the fault, and sees that nothing is lost or mixed up.
func endure(f *fault) error {
	r := rand.New(rand.NewPCG(7, 7))
	j := &journey{rand: r, disk: newDisk(vfs.NewCrashableMem()), durable: point{0, state{}}}
	step := func(c changes) error {
		j.state.apply(c)
		return j.store.Apply(c)
	}
	if err := j.open(); err != nil {
		return err
	}
	if err := errors.Join(step(randomChanges(r)), j.commit(""), step(randomChanges(r)), j.commit("")); err != nil {
		return err
	}

	// With the fault: a checkpoint, a restart, two checkpoints.
	j.disk.between(func() { j.disk.before = f.before })
	failed := 0
	try := func() error {
		_ = step(randomChanges(r)) // what fails is tried again
		err := j.commit("")
		if err == nil {
			return nil
		}
		failed++
		trying := *j.trying
		crashed := wreck{j.disk.crash(), op{}, []point{j.durable}}
		if errors.Is(err, ErrInDoubt) {
			crashed.points = append(crashed.points, trying)
		}
		if err := crashed.inspect(); err != nil {
			return fmt.Errorf("a crash after a failed checkpoint: %w", err)
		}
		return nil
	}
	if err := try(); err != nil {
		return err
	}
	doubt := j.trying
	_ = j.store.Close()
	points := []point{j.durable}
	if doubt != nil {
		points = append(points, *doubt)
	}
	s, err := recoversTo(j.disk, points...)
	for i := 0; err != nil; i++ {
		if i > f.until {
			return fmt.Errorf("opening: %w", err)
		}
		if s != nil {
			_ = s.Close()
		}
		s, err = recoversTo(j.disk, points...)
	}
	if doubt != nil && s.Recovered() != nil && s.Recovered().ID == doubt.id {
		j.durable = *doubt
	}
	j.store, j.state, j.trying = s, maps.Clone(j.durable.want), nil
	if err := errors.Join(try(), try()); err != nil {
		return err
	}

	// The fault is over.
	j.disk.between(func() { j.disk.before = nil })
	if err := errors.Join(step(randomChanges(r)), j.commit("")); err != nil {
		return fmt.Errorf("a checkpoint after the fault: %w", err)
	}
	if got, err := read(j.store); err != nil || !maps.Equal(got, j.state) {
		return fmt.Errorf("after the fault it holds %v instead of %v: %v", sorted(got), sorted(j.state), err)
	}
	crashed := wreck{j.disk.crash(), op{}, []point{j.durable}}
	return errors.Join(crashed.inspect(), j.store.Close())
}

func TestAFaultOfTheDiskAnywhereIsAnErrorAndLosesNothing(t *testing.T) {
	for _, length := range []int{1, 4, 40} {
		t.Run(fmt.Sprintf("%d in turn", length), func(t *testing.T) {
			t.Parallel()
			for n := 0; ; n++ {
				f := &fault{from: n, until: n + length, err: syscall.ENOSPC}
				if err := endure(f); err != nil {
					t.Fatalf("%d faults from operation %d on, %s of %s: %v", length, n, f.first.kind, f.first.path, err)
				}
				if f.first == (op{}) {
					t.Logf("at each of %d operations", n)
					return
				}
			}
		})
	}
}

// Pebble ends the process where it does not know what it has written; here its
// database is made anew, of the last checkpoint and what was applied since.
func TestAFailedDatabaseIsMadeAnew(t *testing.T) {
	fs := vfs.NewMem()
	s := mustOpen(t, fs)
	want, r := state{}, rand.New(rand.NewPCG(5, 5))
	for id := uint64(1); id <= 8; id++ {
		for range 3 {
			c := randomChanges(r)
			want.apply(c)
			if err := s.Apply(c); err != nil {
				t.Fatal(err)
			}
			if got, err := read(s); err != nil || !maps.Equal(got, want) {
				t.Fatalf("checkpoint %d: got %v, want %v: %v", id, got, want, err)
			}
			pebbleLog{s.live}.Fatalf("planted")
		}
		if err := s.Commit(&Manifest{ID: id}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if got, err := scanned(fs); err != nil || !maps.Equal(got, want) {
		t.Fatalf("got %v, want %v: %v", got, want, err)
	}
}
