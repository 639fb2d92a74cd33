package checkpoint

import (
	"errors"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Whoever opens the directory goes by the newest checkpoint, and has sinks commit what it
// says. So one whose name may not be durable yet is, once the directory is open.
func TestWhatWasInDoubtIsDurableOnceTheDirectoryIsOpen(t *testing.T) {
	d := newDisk(vfs.NewCrashableMem())
	s, err := openOn(d)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Apply(changes{puts: [][2]string{{"a", "1"}}}), s.Commit(&Manifest{ID: 1})); err != nil {
		t.Fatal(err)
	}
	renamed := false
	d.between(func() {
		d.before = func(o op) error {
			renamed = renamed || o.kind == "rename"
			if renamed && o.kind == "sync" {
				return syscall.EIO
			}
			return nil
		}
	})
	if err := errors.Join(s.Apply(changes{puts: [][2]string{{"a", "2"}}}), s.Commit(&Manifest{ID: 2})); !errors.Is(err, ErrInDoubt) {
		t.Fatalf("the commit returned %v, want ErrInDoubt", err)
	}
	d.between(func() { d.before = nil })
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	two := point{2, state{"a": "2"}}
	s, err = recoversTo(d, two)
	if err != nil {
		t.Fatal(err)
	}
	crashed, err := recoversTo(d.crash(), two)
	if err != nil {
		t.Errorf("after a crash: %v", err)
	}
	if err := errors.Join(s.Close(), crashed.Close()); err != nil {
		t.Fatal(err)
	}
}
