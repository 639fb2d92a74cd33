package checkpoint

import (
	"errors"
	"log/slog"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// A life is a state directory that is opened again and again.
type life struct {
	*testing.T
	fs vfs.FS
	*Store
	commits int
}

func (l *life) open() {
	l.Helper()
	s, err := Open(l.fs, "state", Options{KeyGroups: 8, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		l.Fatal(err)
	}
	l.Store = s
}

func (l *life) reopen() {
	l.Helper()
	if err := l.Close(); err != nil {
		l.Fatal(err)
	}
	l.open()
}

// commit takes a checkpoint, and notes that its output is committed, or not.
func (l *life) commit(noted bool) (id uint64) {
	l.Helper()
	l.commits++
	m := &Manifest{ID: l.NextID(), Created: time.Unix(int64(l.commits), 0)}
	if err := l.Commit(m); err != nil {
		l.Fatal(err)
	}
	if noted {
		if err := l.NoteCommitted(m.ID); err != nil {
			l.Fatal(err)
		}
	}
	return m.ID
}

// remove removes a checkpoint, as a user does.
func (l *life) remove(id uint64) {
	l.Helper()
	if err := l.fs.RemoveAll(l.join(checkpointsName, checkpointDir(id, ""))); err != nil {
		l.Fatal(err)
	}
}

func (l *life) wantCommitted(want bool) {
	l.Helper()
	if got := l.SinksCommitted(); got != want {
		l.Errorf("of checkpoint %d it is noted: %t, want %t", l.Recovered().ID, got, want)
	}
}

func newLife(t *testing.T) *life {
	l := &life{T: t, fs: vfs.NewMem()}
	l.open()
	t.Cleanup(func() { l.Close() })
	return l
}

func TestWhatSinksHaveCommittedIsNoted(t *testing.T) {
	l := newLife(t)
	l.commit(true)
	if l.SinksCommitted() {
		t.Error("the note is about what was recovered, and nothing was")
	}
	l.reopen()
	l.wantCommitted(true)
	l.commit(false)
	l.reopen()
	l.wantCommitted(false) // the note is of the one before
	if err := l.NoteCommitted(l.Recovered().ID); err != nil {
		t.Fatal(err)
	}
	l.reopen()
	l.wantCommitted(true)
}

func TestANoteThatNobodyCanReadIsNone(t *testing.T) {
	l := newLife(t)
	l.commit(true)
	if err := l.SetNote(committedName, []byte("1 or so\n\n2")); err != nil {
		t.Fatal(err)
	}
	l.reopen()
	l.wantCommitted(false)
}

// The note of a version that knew of numbers only.
func TestANoteWithoutChecksums(t *testing.T) {
	l := newLife(t)
	l.commit(false)
	if err := l.SetNote(committedName, []byte("1\n")); err != nil {
		t.Fatal(err)
	}
	l.reopen()
	l.wantCommitted(true)
}

// Whoever goes back finds that the older one is committed, too.
func TestGoingBackToACheckpointThatWasCommitted(t *testing.T) {
	l := newLife(t)
	l.commit(true)
	newest := l.commit(true)
	l.remove(newest)
	l.reopen()
	l.wantCommitted(true)
	l.commit(false)
	l.reopen()
	l.wantCommitted(false)
}

// A note is of one checkpoint, and not of another that has its number.
func TestANoteIsOfNoOtherCheckpoint(t *testing.T) {
	l := newLife(t)
	l.commit(true)
	newest := l.commit(true)
	note, err := l.Note(committedName)
	if err != nil {
		t.Fatal(err)
	}
	// All that knows the number is lost, but for the note.
	l.remove(newest)
	for _, n := range []string{committedName, checkpointsName + "/" + l.last} {
		if err := l.fs.Remove(l.join(n)); err != nil {
			t.Fatal(err)
		}
	}
	l.reopen()
	if again := l.commit(false); again != newest {
		t.Fatalf("the next checkpoint is %d, and the test is about a second %d", again, newest)
	}
	if err := l.SetNote(committedName, note); err != nil {
		t.Fatal(err)
	}
	l.reopen()
	l.wantCommitted(false)
}

func TestNumbersNeverComeAgain(t *testing.T) {
	l := newLife(t)
	for _, noted := range []bool{false, true} {
		l.commit(false)
		newest := l.commit(noted)
		l.remove(newest)
		l.reopen()
		if id := l.NextID(); id != newest+1 {
			t.Errorf("after checkpoint %d was removed, the next is %d", newest, id)
		}
		l.commit(false)
	}
	l.remove(l.commit(true))
	// Without the file that has the highest, the note has it.
	if err := l.fs.Remove(l.join(checkpointsName, l.last)); err != nil {
		t.Fatal(err)
	}
	before := l.NextID()
	l.reopen()
	if id := l.NextID(); id != before {
		t.Errorf("the next is %d, and was %d", id, before)
	}
}

// A renaming may fail and have happened all the same.
type renamedAllTheSame struct {
	vfs.FS
	from string
}

func (f *renamedAllTheSame) Rename(from, to string) error {
	if err := f.FS.Rename(from, to); err != nil || from != f.from {
		return err
	}
	return syscall.EIO
}

func TestACheckpointWhoseRenamingFailedMayBeThere(t *testing.T) {
	l := &life{T: t, fs: vfs.NewMem()}
	l.open()
	l.reopen()
	defer l.Close()
	fs := &renamedAllTheSame{l.fs, l.join(checkpointsName, checkpointDir(1, "")+tmpSuffix)}
	l.Store.fs = fs
	if err := l.Commit(&Manifest{ID: 1}); !errors.Is(err, ErrInDoubt) || !errors.Is(err, syscall.EIO) {
		t.Errorf("got %v", err)
	}
	l.reopen()
	if m := l.Recovered(); m == nil || m.ID != 1 {
		t.Errorf("recovered %v", m)
	}
}

func TestStateDirectoriesHaveIDsOfTheirOwn(t *testing.T) {
	a, b := newLife(t), newLife(t)
	id := a.ID()
	if len(id) != 16 || id == b.ID() {
		t.Errorf("the IDs are %q and %q", id, b.ID())
	}
	a.reopen()
	if a.ID() != id {
		t.Errorf("the ID was %q and is %q", id, a.ID())
	}
}
