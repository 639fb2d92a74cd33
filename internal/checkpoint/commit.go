package checkpoint

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Commit makes all that was applied, and m, a checkpoint; when it returns, that
// survives any crash. Then older ones make room.
//
// If it fails, the checkpoint before stays the newest, what was applied stays
// applied, and a later Commit has it, too. Only after an [ErrInDoubt] a crash may
// find either.
func (s *Store) Commit(m *Manifest) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return s.errClosed()
	}
	made, err := s.commit(m)
	if made != nil {
		s.made(made)
	}
	return s.wrap(fmt.Sprintf("checkpoint %d", m.ID), err)
}

func (s *Store) commit(m *Manifest) (*saved, error) {
	switch {
	case m.ID <= s.lastID:
		return nil, fmt.Errorf("there is, or may be, a checkpoint %d already; take NextID", s.lastID)
	case m.KeyGroups != 0 && m.KeyGroups != s.o.KeyGroups:
		return nil, fmt.Errorf("%w: %d, and the directory has %d", ErrKeyGroups, m.KeyGroups, s.o.KeyGroups)
	}
	if err := s.checkSavepoint(m.Savepoint); err != nil {
		return nil, err
	}
	if s.live != nil && !s.live.failed.Load() {
		s.live.compactions.resume()
	}
	if err := s.settle(); err != nil {
		return nil, err
	}
	if s.o.Synchronous {
		s.live.compactions.wait()
	}
	dir := checkpointDir(m.ID, m.Savepoint)
	manifest, sum, err := s.prepare(m, dir+tmpSuffix)
	if err != nil {
		_ = s.fs.RemoveAll(s.join(checkpointsName, dir+tmpSuffix)) // or the next Open does
		return nil, err
	}
	made := &saved{id: m.ID, savepoint: m.Savepoint, dir: dir, manifest: manifest, sum: sum, ours: true, tables: identify(s.live.tables, manifest)}
	s.live.tables = made.tables
	err = s.setLast(m.ID)
	if err == nil {
		err = s.fs.Rename(s.join(checkpointsName, dir+tmpSuffix), s.join(checkpointsName, dir))
	}
	if err != nil && s.absent(checkpointsName, dir) {
		_ = s.fs.RemoveAll(s.join(checkpointsName, dir+tmpSuffix))
		return nil, err
	}
	s.lastID = m.ID
	if err == nil {
		err = s.sync(checkpointsName)
	}
	if err != nil {
		s.saved = slices.Insert(s.saved, 0, made)
		return nil, fmt.Errorf("%w: %w", ErrInDoubt, err)
	}
	s.saved = slices.Insert(s.saved, 0, made)
	return made, nil
}

// prepare makes the whole of a checkpoint under a name that is not one's, and returns its
// manifest and the checksum of that.
func (s *Store) prepare(m *Manifest, dir string) (*Manifest, string, error) {
	path := s.join(checkpointsName, dir)
	if err := s.fs.RemoveAll(path); err != nil { // of a Commit that failed
		return nil, "", err
	}
	if err := s.snapshot(dir); err != nil {
		return nil, "", err
	}
	c := *m
	c.Format, c.KeyGroups = Format, s.o.KeyGroups
	var err error
	if c.Files, err = s.files(dir); err != nil {
		return nil, "", err
	}
	b, err := c.encode()
	if err != nil {
		return nil, "", err
	}
	if err := s.write(s.fs.PathJoin(checkpointsName, dir, manifestName), b, true); err != nil {
		return nil, "", err
	}
	return &c, sealOf(b), s.sync(checkpointsName, dir)
}

// snapshot makes the files of the database, as it is, those of a checkpoint.
func (s *Store) snapshot(dir string) error {
	path := s.join(checkpointsName, dir)
	if s.live.same {
		if err := s.fs.MkdirAll(path, 0o755); err != nil {
			return err
		}
		return s.take(s.base, directory{s.fs, path}, true)
	}
	if err := s.live.db.Checkpoint(path); err != nil {
		return s.live.wrap(err)
	}
	if s.live.failed.Load() {
		return errors.New("its database failed")
	}
	return s.removeLogs(path)
}

// removeLogs removes the write-ahead logs, which are empty: whoever opened the
// database with one would have it write an empty table first.
func (s *Store) removeLogs(path string) error {
	names, err := s.fs.List(path)
	for _, n := range names {
		if err == nil && strings.HasSuffix(n, ".log") {
			err = s.fs.Remove(s.fs.PathJoin(path, n))
		}
	}
	return err
}

// made goes on from a new checkpoint: what was staged is in it.
func (s *Store) made(c *saved) {
	s.base = c
	for _, path := range s.staged {
		if err := s.fs.Remove(path); err != nil {
			s.log.Warn("a table that is not needed any more stays until the next start", "error", err)
		}
	}
	s.staged, s.applied = nil, 0
	if err := s.collect(); err != nil {
		s.log.Warn("old checkpoints could not be removed; it is tried again after the next one", "error", err)
	}
}

// collect removes the checkpoints that have made room: all but savepoints, and the
// newest few of those that are whole.
func (s *Store) collect() error {
	var old []*saved
	whole := 0
	for _, c := range s.saved {
		switch {
		case c.savepoint != "" || c.keeping > 0 && whole >= s.o.Retain:
		case c.broken == nil && whole < s.o.Retain:
			whole++
		default:
			old = append(old, c)
		}
	}
	if len(old) == 0 {
		return nil
	}
	for _, c := range old {
		if err := s.fs.Rename(s.join(checkpointsName, c.dir), s.join(checkpointsName, c.dir+goneSuffix)); err != nil {
			return err
		}
		s.saved = slices.DeleteFunc(s.saved, func(o *saved) bool { return o == c })
	}
	// Or a crash could undo the renaming, and not the removing.
	if err := s.sync(checkpointsName); err != nil {
		return err
	}
	for _, c := range old {
		if err := s.fs.RemoveAll(s.join(checkpointsName, c.dir+goneSuffix)); err != nil {
			return err
		}
	}
	return nil
}
