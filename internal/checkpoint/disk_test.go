package checkpoint

import (
	"io"
	"os"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// An op is an operation that changes a disk.
type op struct {
	kind string // create, link, remove, remove all, rename, mkdir, lock, write, sync
	path string // the new one of a rename or link
}

// A disk is a crashable file system that takes one changing operation at a time, and
// lets a test stand before each of them.
type disk struct {
	vfs.FS
	mem *vfs.MemFS

	mu sync.Mutex
	// before is called before each operation; an error is the operation's.
	before func(op) error
	// lie makes an operation that it reports true for succeed without being done.
	lie func(op) bool
}

func newDisk(mem *vfs.MemFS) *disk { return &disk{FS: mem, mem: mem} }

// between runs f while no operation is going on.
func (d *disk) between(f func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f()
}

// crash is what a crash would leave of what was not synced: nothing.
func (d *disk) crash() (left *vfs.MemFS) {
	d.between(func() { left = d.mem.CrashClone(vfs.CrashCloneCfg{}) })
	return left
}

func (d *disk) do(kind, path string, f func() error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	o := op{kind, path}
	if d.before != nil {
		if err := d.before(o); err != nil {
			return &os.PathError{Op: kind, Path: path, Err: err}
		}
	}
	if d.lie != nil && d.lie(o) {
		return nil
	}
	return f()
}

func (d *disk) file(name string, f vfs.File, err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	return &diskFile{f, d, name}, nil
}

func (d *disk) Create(name string, c vfs.DiskWriteCategory) (f vfs.File, err error) {
	err = d.do("create", name, func() error { f, err = d.FS.Create(name, c); return err })
	return d.file(name, f, err)
}

func (d *disk) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (f vfs.File, err error) {
	err = d.do("create", name, func() error { f, err = d.FS.OpenReadWrite(name, c, o...); return err })
	return d.file(name, f, err)
}

func (d *disk) ReuseForWrite(from, to string, c vfs.DiskWriteCategory) (f vfs.File, err error) {
	err = d.do("rename", to, func() error { f, err = d.FS.ReuseForWrite(from, to, c); return err })
	return d.file(to, f, err)
}

func (d *disk) OpenDir(name string) (vfs.File, error) {
	f, err := d.FS.OpenDir(name)
	return d.file(name, f, err)
}

func (d *disk) Link(from, to string) error {
	return d.do("link", to, func() error { return d.FS.Link(from, to) })
}

func (d *disk) Remove(name string) error {
	return d.do("remove", name, func() error { return d.FS.Remove(name) })
}

func (d *disk) RemoveAll(name string) error {
	return d.do("remove all", name, func() error { return d.FS.RemoveAll(name) })
}

func (d *disk) Rename(from, to string) error {
	return d.do("rename", to, func() error { return d.FS.Rename(from, to) })
}

func (d *disk) MkdirAll(name string, perm os.FileMode) error {
	return d.do("mkdir", name, func() error { return d.FS.MkdirAll(name, perm) })
}

func (d *disk) Lock(name string) (c io.Closer, err error) {
	err = d.do("lock", name, func() error { c, err = d.FS.Lock(name); return err })
	return c, err
}

type diskFile struct {
	vfs.File
	disk *disk
	name string
}

func (f *diskFile) Write(b []byte) (n int, err error) {
	n = len(b)
	err = f.disk.do("write", f.name, func() error { n, err = f.File.Write(b); return err })
	if err != nil {
		n = 0
	}
	return n, err
}

func (f *diskFile) WriteAt(b []byte, at int64) (n int, err error) {
	n = len(b)
	err = f.disk.do("write", f.name, func() error { n, err = f.File.WriteAt(b, at); return err })
	if err != nil {
		n = 0
	}
	return n, err
}

func (f *diskFile) Sync() error { return f.disk.do("sync", f.name, f.File.Sync) }

func (f *diskFile) SyncData() error { return f.disk.do("sync", f.name, f.File.SyncData) }
