package checkpoint

import (
	"errors"

	"github.com/cockroachdb/pebble/v2"
)

// Write adds one task's changes to the next checkpoint, as [Store.Apply] does, and has
// Get and Scan see them when it returns: for cells that are no longer kept in
// memory. Between the first Apply for a checkpoint and its Commit there must be no
// Write, whose changes would be in that checkpoint.
//
// Cost: a table is written, synced and ingested. It is meant for many changes at once.
func (s *Store) Write(c Changes) error {
	if err := s.Apply(c); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return s.errClosed()
	}
	return s.wrap("writing cells", s.settle())
}

// Get appends to dst the value of key, as it is with all that was written by Write, or
// was in the last checkpoint; found is false if there is none. It does not wait for a
// Commit that is under way.
//
// Cost: keys that are not there are told by a filter, but for one in a hundred; for
// others a block is read, unless it is in the cache.
func (s *Store) Get(key, dst []byte) (value []byte, found bool, err error) {
	s.reading.RLock()
	defer s.reading.RUnlock()
	if s.live == nil {
		return dst, false, s.wrap("reading", errors.New("its database is not open"))
	}
	v, closer, err := s.live.db.Get(key)
	switch {
	case errors.Is(err, pebble.ErrNotFound):
		return dst, false, nil
	case err != nil:
		return dst, false, s.wrap("reading", s.live.wrap(err))
	}
	dst = append(dst, v...)
	return dst, true, s.wrap("reading", closer.Close())
}
