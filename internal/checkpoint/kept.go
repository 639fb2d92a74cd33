package checkpoint

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// A Kept is a checkpoint that stays on the disk until it is released, whatever else
// makes room, so that it can be copied elsewhere. It is used by one goroutine.
type Kept struct {
	Manifest *Manifest
	// Files are all that it consists of, its manifest first.
	Files []KeptFile

	files   directory // the checkpoint's own
	release func()
}

// A KeptFile is a file of a checkpoint.
type KeptFile struct {
	Name string
	Size int64
	// Identity is the same for tables with the same content, and of no others, in this
	// process; 0 is not known.
	Identity uint64
}

// Keep keeps a checkpoint, which is to be released later.
func (s *Store) Keep(id uint64) (*Kept, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.saved, func(c *saved) bool { return c.id == id && c.manifest != nil && c.broken == nil })
	if s.closed || i < 0 {
		return nil, fmt.Errorf("state directory %s: there is no checkpoint %d any more", s.path, id)
	}
	c := s.saved[i]
	c.keeping++
	k := &Kept{Manifest: c.manifest, files: directory{s.fs, s.join(checkpointsName, c.dir)}}
	k.release = func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		c.keeping--
	}
	info, err := s.fs.Stat(k.files.join(manifestName))
	if err != nil {
		c.keeping--
		return nil, s.wrap("keeping a checkpoint", err)
	}
	k.Files = append(k.Files, KeptFile{Name: manifestName, Size: info.Size()})
	for _, f := range c.manifest.Files {
		k.Files = append(k.Files, KeptFile{f.Name, f.Size, c.tables[f.Name]})
	}
	return k, nil
}

// Keep reads a checkpoint that a process may be at work beside: it does not stay for it.
func (c *Copied) Keep() (*Kept, error) {
	k := &Kept{Manifest: c.Manifest, files: directory{c.fs, c.join(checkpointsName, c.from.dir)}, release: func() {}}
	info, err := c.fs.Stat(k.files.join(manifestName))
	if err != nil {
		return nil, err
	}
	k.Files = append(k.Files, KeptFile{Name: manifestName, Size: info.Size()})
	for _, f := range c.Manifest.Files {
		k.Files = append(k.Files, KeptFile{Name: f.Name, Size: f.Size})
	}
	return k, nil
}

// Open reads one of the files.
func (k *Kept) Open(name string) (io.ReadCloser, error) { return k.files.fs.Open(k.files.join(name)) }

// Verify reads one of the files, and says what is damaged in it: an [ErrDamaged].
func (k *Kept) Verify(name string) error {
	if name == manifestName {
		b, err := readFile(k.files.fs, k.files.join(name))
		if err == nil {
			_, err = decode(b)
		}
		return err
	}
	path := k.files.join(name)
	i := slices.IndexFunc(k.Manifest.Files, func(f File) bool { return f.Name == name })
	if i < 0 {
		return fmt.Errorf("checkpoint %d has no file %s", k.Manifest.ID, name)
	}
	err := k.files.checkFile(k.Manifest.Files[i], path)
	if err == nil && strings.HasSuffix(name, ".sst") {
		err = verifyTable(k.files.fs, path)
	}
	var damage damaged
	if errors.As(err, &damage) {
		return fmt.Errorf("checkpoint %d: %w: %w", k.Manifest.ID, ErrDamaged, err)
	}
	return err
}

// verifyTable reads all blocks of a table.
func verifyTable(fs vfs.FS, path string) error {
	f, err := fs.Open(path)
	if err != nil {
		return err
	}
	readable, err := sstable.NewSimpleReadable(f)
	if err != nil {
		return errors.Join(err, f.Close())
	}
	var o sstable.ReaderOptions
	r, err := sstable.NewReader(context.Background(), readable, o)
	if err != nil {
		return errors.Join(damaged{fmt.Errorf("its file %s is damaged: %w", fs.PathBase(path), err)}, readable.Close())
	}
	if err = r.ValidateBlockChecksums(); err != nil {
		err = damaged{fmt.Errorf("its file %s is damaged: %w", fs.PathBase(path), err)}
	}
	return errors.Join(err, r.Close())
}

// Release lets the checkpoint go, once.
func (k *Kept) Release() { k.release() }

// identities are those of tables that were given out in this process.
var identities atomic.Uint64

// identify gives the tables of a checkpoint identities: those that known has of the
// same name, in the same database.
func identify(known map[string]uint64, m *Manifest) map[string]uint64 {
	tables := map[string]uint64{}
	for _, f := range m.Files {
		if !shared(f.Name) {
			continue
		}
		id, ok := known[f.Name]
		if !ok {
			id = identities.Add(1)
		}
		tables[f.Name] = id
	}
	return tables
}
