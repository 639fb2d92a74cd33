package checkpoint

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"os"
	"sync"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Options are what a [Store] may be told. The zero value of all but KeyGroups will do.
type Options struct {
	// KeyGroups is the number of key groups that the state is cut into; it is fixed
	// for the life of the state.
	KeyGroups int
	// Retain is how many checkpoints are kept, savepoints not counted; 0 is 2.
	Retain int
	// Logger is told what is found, passed over and made anew; nil is the default.
	Logger *slog.Logger
	// Accept, if set, is asked about the checkpoint that is to be gone on from, before
	// anything in the directory is changed; its error is Open's.
	Accept func(Inspection) error
	// CacheBytes is the memory for blocks of tables that were read; 0 is 8 MiB.
	CacheBytes int64
	// Synchronous has a checkpoint wait for compactions, so that what is on the disk
	// depends on the calls alone.
	Synchronous bool
}

// A Store is an open state directory. Its methods may be called from several
// goroutines; while one of them is in Apply or Commit, the others wait.
//
// The invariant: what has been applied since the last checkpoint is in pending, or
// in staged tables; live is the last checkpoint and the first few of the staged
// tables, or nil. So live can be thrown away and made again at any time.
type Store struct {
	directory
	o    Options
	log  *slog.Logger
	lock io.Closer

	recovered          *Manifest
	recoveredCommitted bool
	skipped            []Skipped
	id                 string

	mu      sync.Mutex
	closed  bool
	saved   []*saved // newest first
	base    *saved   // what live began as; nil: empty
	live    *live    // nil: to be made; changed with reading held, too
	pending pending
	full    int      // the size at which it is written
	staged  []string // tables, oldest first
	applied int      // how many of them live has
	tables  int      // that have been staged so far, for their names
	lastID  uint64   // the highest that may be, or have been, in the directory
	last    string   // the name of the file that says so; "": none
	scans   int      // that are going on

	// reading is held for reading by Get, and else while live has not got all that was
	// written.
	reading sync.RWMutex
}

// ErrInDoubt is an error of [Store.Commit]: the checkpoint is there, but the disk
// did not confirm it, so after a crash it may or may not be. A later Commit, with
// a new ID, settles that.
var ErrInDoubt = errors.New("whether the checkpoint is durable is not known")

// Open takes the state directory dir, which it makes if need be, and finds its
// newest checkpoint that is whole. Nothing in the directory is changed if it
// fails; the errors are those of this package, and of the file system.
func Open(fs vfs.FS, dir string, o Options) (*Store, error) {
	if o.KeyGroups <= 0 {
		return nil, fmt.Errorf("state directory %s: Options.KeyGroups is %d; it must be positive", dir, o.KeyGroups)
	}
	if o.Retain <= 0 {
		o.Retain = 2
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	s := &Store{directory: directory{fs, dir}, o: o, log: o.Logger.With("state", dir), full: fullSize}
	err := s.open()
	if err == nil {
		return s, nil
	}
	if s.live != nil {
		err = errors.Join(err, s.live.db.Close())
	}
	if s.lock != nil {
		err = errors.Join(err, s.lock.Close())
	}
	return nil, fmt.Errorf("state directory %s: %w", dir, err)
}

func (s *Store) open() error {
	if _, err := s.inspect(); err != nil {
		return err
	}
	if err := makeDurably(s.fs, s.path); err != nil {
		return err
	}
	var err error
	if s.lock, err = s.directory.lock(); err != nil {
		return err
	}
	used, err := s.inspect() // again: another may have been at work until now
	if err != nil {
		return err
	}
	found, leftovers, err := s.checkpoints()
	if err != nil {
		return err
	}
	if s.base, s.skipped, err = s.choose(found, s.o.KeyGroups, s.log); err != nil {
		return err
	}
	if s.base != nil && s.o.Accept != nil {
		if err := s.o.Accept(Inspection{s.base.manifest, s.skipped, s.committed(s.base)}); err != nil {
			return err
		}
	}
	s.saved = found
	if err := s.findLast(); err != nil {
		return err
	}

	if err := s.own(); err != nil {
		return err
	}
	if !used {
		if err := s.found(); err != nil {
			return err
		}
	}
	if err := s.ensureID(); err != nil {
		return err
	}
	if err := s.fs.MkdirAll(s.join(checkpointsName), 0o755); err != nil {
		return err
	}
	if err := s.sync(); err != nil {
		return err
	}
	// A process may have died between giving a checkpoint its name and making that
	// durable. Sinks are about to commit what the checkpoint says.
	if err := s.sync(checkpointsName); err != nil {
		return err
	}
	for _, n := range leftovers {
		if err := s.fs.RemoveAll(s.join(checkpointsName, n)); err != nil {
			return err
		}
	}
	if err := s.fs.RemoveAll(s.join(stagedName)); err != nil {
		return err
	}
	if err := s.fs.MkdirAll(s.join(stagedName), 0o755); err != nil {
		return err
	}
	s.recover()
	return s.revive()
}

// recover notes what the state is from.
func (s *Store) recover() {
	if s.base == nil {
		s.log.Info("no checkpoint; starting afresh")
		return
	}
	committed := uint64(0) // by sinks, as far as that is noted
	for _, n := range s.noted() {
		committed = max(committed, n.id)
		for _, c := range s.saved {
			c.ours = c.ours || c.id == n.id && c.sum == n.sum && c.sum != ""
		}
	}
	s.recovered, s.recoveredCommitted, s.base.ours = s.base.manifest, s.committed(s.base), true
	s.log.Info("going on from a checkpoint", "checkpoint", s.base.id, "created", s.recovered.Created, "skipped", len(s.skipped))
	if committed > s.base.id || len(s.skipped) > 0 {
		s.log.Warn("going back to an older checkpoint: what sinks have committed after it, they commit once more, so results since then come twice",
			"checkpoint", s.base.id, "created", s.recovered.Created, "newest", max(committed, s.lastID))
	}
}

// Recovered is the manifest of the checkpoint that the state is from; nil says that
// there was none, and the state is empty.
func (s *Store) Recovered() *Manifest { return s.recovered }

// Skipped are the newer checkpoints that were passed over, newest first, and why.
func (s *Store) Skipped() []Skipped { return s.skipped }

// NextID is an ID for the next checkpoint: one more than any that is, or ever was, in
// the directory.
func (s *Store) NextID() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lastID + 1
}

// Apply adds one task's changes to the next checkpoint. If it fails they have been
// added all the same, and Commit tries again what failed.
//
// Cost: the changes are copied; once some 64 MiB have gathered they are sorted and
// written.
func (s *Store) Apply(c Changes) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return s.errClosed()
	}
	var failed error
	staging := func() {
		if failed == nil && s.pending.size >= s.full {
			failed = s.stage()
		}
	}
	change := func(key, value []byte, gone bool) {
		if len(key) == 0 { // which tables cannot have
			failed = errors.New("a change has an empty key")
			return
		}
		s.pending.change(key, value, gone)
		staging()
	}
	for start, end := range c.Drops() {
		s.pending.drop(start, end)
	}
	for key := range c.Gone() {
		change(key, nil, true)
	}
	for key, value := range c.Puts() {
		change(key, value, false)
	}
	return s.wrap("applying changes", failed)
}

// stage writes what is pending as a table.
func (s *Store) stage() error {
	if s.pending.empty() {
		return nil
	}
	path := s.join(stagedName, fmt.Sprintf("%06d.sst", s.tables+1))
	if err := s.pending.write(s.fs, path, writerOptions()); err != nil {
		_ = s.fs.Remove(path) // or it is overwritten
		return err
	}
	s.tables++
	s.staged = append(s.staged, path)
	s.pending = pending{}
	return nil
}

// revive makes live anew if it is not there, or failed.
func (s *Store) revive() error {
	if s.live != nil && s.live.failed.Load() {
		if s.scans > 0 {
			return errors.New("the database failed, and cannot be made anew while it is read")
		}
		if err := s.live.db.Close(); err != nil {
			s.log.Debug("closing the failed database", "error", err)
		}
		s.live = nil
	}
	if s.live != nil {
		return nil
	}
	l, err := s.openLive(s.base, s.o.CacheBytes, s.log)
	if err != nil {
		return err
	}
	if s.base != nil {
		s.base.tables = identify(s.base.tables, s.base.manifest)
		l.tables = s.base.tables
	}
	s.live, s.applied = l, 0
	return nil
}

// settle brings all that was applied into live.
func (s *Store) settle() error {
	if err := s.stage(); err != nil {
		return err
	}
	if s.live == nil || s.live.failed.Load() {
		s.reading.Lock()
		defer s.reading.Unlock()
	}
	if err := s.revive(); err != nil {
		return err
	}
	for s.applied < len(s.staged) {
		if err := s.live.ingest(s.fs, s.staged[s.applied]); err != nil {
			return s.live.wrap(err) // taken in twice it would do no harm
		}
		s.applied++
	}
	return nil
}

// Scan iterates over the entries with keys from start up to end, in order, as they
// are with all that was applied; what is applied during the iteration is not seen.
// A nil end has no limit. The bytes are valid until the next step. The function
// tells, after the iteration, why it ended early.
func (s *Store) Scan(start, end []byte) (iter.Seq2[[]byte, []byte], func() error) {
	var failed error
	seq := func(yield func(key, value []byte) bool) {
		it, l, err := s.iterate(start, end)
		if err != nil {
			failed = s.wrap("reading", err)
			return
		}
		defer func() {
			err := l.wrap(errors.Join(it.Error(), it.Close()))
			s.mu.Lock()
			s.scans--
			s.mu.Unlock()
			if failed == nil {
				failed = s.wrap("reading", err)
			}
		}()
		for ok := it.First(); ok; ok = it.Next() {
			value, err := it.ValueAndErr()
			if err != nil {
				failed = s.wrap("reading", l.wrap(err))
				return
			}
			if !yield(it.Key(), value) {
				return
			}
		}
	}
	return seq, func() error { return failed }
}

func (s *Store) iterate(start, end []byte) (*pebble.Iterator, *live, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, nil, s.errClosed()
	}
	if err := s.settle(); err != nil {
		return nil, nil, err
	}
	it, err := s.live.db.NewIter(&pebble.IterOptions{LowerBound: start, UpperBound: end})
	if err != nil {
		return nil, nil, s.live.wrap(err)
	}
	s.scans++
	return it, s.live, nil
}

// Stats is how large the state is.
type Stats struct {
	// Bytes is the size of the files of the newest checkpoint. Those that did not
	// change since an older one are shared with it.
	Bytes int64
	// Pending is the memory that changes take which are not written yet.
	Pending int64
	// Checkpoints is how many are kept, savepoints counted.
	Checkpoints int
}

// Stats tells how large the state is.
func (s *Store) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := Stats{Pending: int64(s.pending.size), Checkpoints: len(s.saved)}
	if s.base != nil {
		for _, f := range s.base.manifest.Files {
			st.Bytes += f.Size
		}
	}
	return st
}

// Close lets the directory go. What was applied since the last checkpoint is gone.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	if s.scans > 0 {
		return s.wrap("closing", errors.New("it is being read"))
	}
	s.closed = true
	s.reading.Lock()
	defer s.reading.Unlock()
	var err error
	if s.live != nil {
		err = s.live.db.Close()
		if s.live.failed.Load() {
			err = nil // it has been said
		}
		s.live = nil
	}
	if removing := s.fs.Remove(s.join(ownerName)); removing != nil && !errors.Is(removing, os.ErrNotExist) {
		s.log.Debug("removing the owner's name", "error", removing)
	}
	return s.wrap("closing", errors.Join(err, s.lock.Close()))
}

func (s *Store) errClosed() error { return errors.New("it is closed") }

func (s *Store) wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("state directory %s: %s: %w", s.path, doing, err)
}
