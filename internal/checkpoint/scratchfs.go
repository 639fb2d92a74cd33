package checkpoint

import (
	"io"
	"slices"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// A scratchFS is the file system that Pebble is given. What Pebble writes into live
// is on the disk only if it is a table, which checkpoints share; the rest no other
// process reads, and is kept in memory. Directories are not synced: that of a
// checkpoint is by the store, once, when all of it is there.
//
// So no disk can fail Pebble where it would panic, or end the process: as it writes
// its manifest, and as it syncs a directory.
type scratchFS struct {
	vfs.FS
	live string
	mem  *vfs.MemFS // the files of live that are no tables, in its root
}

func newScratchFS(fs vfs.FS, live string) scratchFS { return scratchFS{fs, live, vfs.NewMem()} }

// of is where the file is, and its name there.
func (s scratchFS) of(name string) (vfs.FS, string) {
	if s.PathDir(name) == s.live && !shared(name) {
		return s.mem, "/" + s.PathBase(name)
	}
	return s.FS, name
}

func (s scratchFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	fs, name := s.of(name)
	return fs.Create(name, c)
}

func (s scratchFS) Open(name string, o ...vfs.OpenOption) (vfs.File, error) {
	fs, name := s.of(name)
	return fs.Open(name, o...)
}

func (s scratchFS) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File, error) {
	fs, name := s.of(name)
	return fs.OpenReadWrite(name, c, o...)
}

func (s scratchFS) Remove(name string) error {
	fs, name := s.of(name)
	return fs.Remove(name)
}

func (s scratchFS) Stat(name string) (vfs.FileInfo, error) {
	fs, name := s.of(name)
	return fs.Stat(name)
}

func (s scratchFS) Lock(name string) (io.Closer, error) {
	fs, name := s.of(name)
	return fs.Lock(name)
}

// Rename and the like: Pebble gives a file another name of the same kind.
func (s scratchFS) Rename(from, to string) error {
	fs, to := s.of(to)
	_, from = s.of(from)
	return fs.Rename(from, to)
}

func (s scratchFS) ReuseForWrite(from, to string, c vfs.DiskWriteCategory) (vfs.File, error) {
	fs, to := s.of(to)
	_, from = s.of(from)
	return fs.ReuseForWrite(from, to, c)
}

func (s scratchFS) List(dir string) ([]string, error) {
	names, err := s.FS.List(dir)
	if err != nil || s.PathJoin(dir) != s.live {
		return names, err
	}
	more, err := s.mem.List("/")
	return slices.Concat(names, more), err
}

func (s scratchFS) OpenDir(name string) (vfs.File, error) {
	f, err := s.FS.OpenDir(name)
	if err != nil {
		return nil, err
	}
	return unsynced{f}, nil
}

func (s scratchFS) Unwrap() vfs.FS { return s.FS }

// unsynced is a directory.
type unsynced struct{ vfs.File }

func (unsynced) Sync() error { return nil }
