package checkpoint

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"
)

// TestGetSeesWhatWasWritten writes at random, takes checkpoints, reopens, and reads
// every key after each.
func TestGetSeesWhatWasWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fs := vfs.NewMem()
		s, err := openOn(fs)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = s.Close() }()
		want, durable := state{}, state{}
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			switch rapid.IntRange(0, 5).Draw(t, "step") {
			default:
				c := randomChanges(rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0)))
				want.apply(c)
				if err := s.Write(c); err != nil {
					t.Fatal(err)
				}
			case 0:
				if err := s.Commit(&Manifest{ID: s.NextID()}); err != nil {
					t.Fatal(err)
				}
				durable = maps.Clone(want)
			case 1:
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				if s, err = openOn(fs); err != nil {
					t.Fatal(err)
				}
				want = maps.Clone(durable)
			case 2: // as after an error of Pebble's own
				s.live.failed.Store(true)
				if err := s.Write(changes{}); err != nil {
					t.Fatal(err)
				}
			}
			for i := range 41 {
				k := fmt.Sprintf("%02d", i)
				v, found, err := s.Get([]byte(k), []byte("-"))
				w, ok := want[k]
				if err != nil || found != ok || string(v) != "-"+w {
					t.Fatalf("%s is %q, %t, %v; want %q, %t", k, v, found, err, w, ok)
				}
			}
		}
	})
}

func TestGetOfAClosedStoreIsAnError(t *testing.T) {
	s, err := openOn(vfs.NewMem())
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Write(changes{puts: [][2]string{{"a", "1"}}}), s.Close()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Get([]byte("a"), nil); err == nil {
		t.Error("no error")
	}
	if err := s.Write(changes{}); err == nil {
		t.Error("no error")
	}
}
