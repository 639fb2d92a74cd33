package checkpoint

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Numbers of checkpoints never come again, also after the newest was removed by hand:
// sinks name files by them. An empty file in checkpoints has the highest in its name. It
// is renamed before a checkpoint gets its own name, and one sync makes both durable.

// findLast finds the highest number that a checkpoint may have had.
func (s *Store) findLast() error {
	if len(s.saved) > 0 {
		s.lastID = s.saved[0].id
	}
	for _, n := range s.noted() {
		s.lastID = max(s.lastID, n.id)
	}
	names, err := s.fs.List(s.join(checkpointsName))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	slices.Sort(names) // two are left by a crash, and the last is the higher one
	for _, n := range names {
		number, ok := strings.CutPrefix(n, lastPrefix)
		if id, err := strconv.ParseUint(number, 10, 64); ok && err == nil {
			s.last, s.lastID = n, max(s.lastID, id)
		}
	}
	return err
}

// setLast notes that id is the highest number. The next sync of checkpoints makes that
// durable.
func (s *Store) setLast(id uint64) error {
	name := fmt.Sprintf("%s%012d", lastPrefix, id)
	if s.last == name {
		return nil
	}
	if s.last != "" {
		err := s.fs.Rename(s.join(checkpointsName, s.last), s.join(checkpointsName, name))
		if err == nil {
			s.last = name
		}
		if !errors.Is(err, os.ErrNotExist) { // somebody removed it
			return err
		}
	}
	f, err := s.fs.Create(s.join(checkpointsName, name), vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	s.last = name
	return f.Close()
}

// absent reports whether it is certain that the name is not there.
func (d directory) absent(names ...string) bool {
	_, err := d.fs.Stat(d.join(names...))
	return errors.Is(err, os.ErrNotExist)
}

// ID is a name that no other state directory has. It is hexadecimal, of 16 digits. A copy
// that [Transfer] or [Copied] makes has another.
func (s *Store) ID() string { return s.id }

// ensureID gives the directory its ID, once.
func (s *Store) ensureID() error {
	b, err := s.Note(idName)
	if err != nil {
		return err
	}
	s.id = strings.TrimSpace(string(b))
	if id, err := hex.DecodeString(s.id); err == nil && len(id) == 8 {
		return nil
	}
	var id [8]byte
	rand.Read(id[:])
	s.id = hex.EncodeToString(id[:])
	return s.note(idName, fmt.Appendln(nil, s.id))
}
