package checkpoint

import (
	"log/slog"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

func TestWhatSinksHaveCommittedIsNoted(t *testing.T) {
	fs := vfs.NewMem()
	open := func() *Store {
		t.Helper()
		s, err := Open(fs, "state", Options{KeyGroups: 8, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	commit := func(s *Store, noted bool) {
		t.Helper()
		m := &Manifest{ID: s.NextID()}
		if err := s.Commit(m); err != nil {
			t.Fatal(err)
		}
		if noted {
			if err := s.NoteCommitted(m.ID); err != nil {
				t.Fatal(err)
			}
		}
	}
	want := func(s *Store, want bool) {
		t.Helper()
		if got := s.SinksCommitted(); got != want {
			t.Errorf("noted: %t, want %t", got, want)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	s := open()
	commit(s, true)
	want(s, false) // it is not about what was recovered
	s = open()
	commit(s, false)
	want(s, true)
	want(open(), false) // the note is of the one before

	f, err := fs.Create("state/"+committedName, vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte("2 or so")); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	want(open(), false) // nobody can read it
}
