package simulate

import (
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"syscall"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// errCrashed is what a process meets wherever it turns after it has crashed.
var errCrashed = errors.New("simulate: the process has crashed")

// A disk is the file system of one life of a process. Its changing operations are
// counted, and may fail, or be where the process crashes.
//
// Pebble also writes to its directory in goroutines of its own. What is there outlives
// no process, so these operations are not counted, and do not fail: how many others
// there are, and in which order, depends on the schedule alone. Links into it are made
// by those who call Pebble, and count.
type disk struct {
	vfs.FS
	medium
	trace *trace

	mu      sync.Mutex
	ops     int
	events  []event // those to come, in order
	named   int     // operations with names
	atNames []event // those to come at them, in order
	broken  int     // up to which operation all fail
	full    int     // up to which none finds room
	torn    bool    // the operation under way is the last
	dead    bool
	faults  int    // how many operations have failed
	left    medium // by the crash
}

func newDisk(m medium, events, names []event, t *trace) *disk {
	return &disk{FS: m.mem, medium: m, trace: t, events: events, atNames: names}
}

// An opKind is what an operation does to the disk.
type opKind uint8

const (
	adds  opKind = iota // needs room
	moves               // changes names, or makes them durable
	syncs
)

// scratch is the directory of Pebble's that no process reads after the one that wrote it.
const scratch = stateDir + "/live/"

// before counts an operation, and says what becomes of it: part is how much of a write
// is done, in percent, before the error.
func (d *disk) before(what, path string, kind opKind) (part int, err error) {
	if d.dead {
		return 0, errCrashed
	}
	if strings.HasPrefix(path, scratch) && what != "link" {
		return 100, nil
	}
	d.ops++
	d.trace.disk(d.ops, what, path)
	part = 100
	for len(d.events) > 0 && d.events[0].at <= d.ops && err == nil {
		e := d.events[0]
		d.events = d.events[1:]
		part, err = d.happen(e)
	}
	if what == "rename" || what == "sync" && kind == moves {
		d.named++
		for len(d.atNames) > 0 && d.atNames[0].at <= d.named && err == nil {
			e := d.atNames[0]
			d.atNames = d.atNames[1:]
			part, err = d.happen(e)
		}
	}
	if err != nil {
		return part, err
	}
	switch {
	case d.ops < d.broken:
		d.faults++
		return 0, &os.PathError{Op: what, Path: path, Err: syscall.EIO}
	case d.ops < d.full && kind == adds:
		d.faults++
		return 50, &os.PathError{Op: what, Path: path, Err: syscall.ENOSPC}
	}
	return 100, nil
}

// happen has an event of an operation happen, and says as before what becomes of it.
func (d *disk) happen(e event) (part int, err error) {
	switch e.kind {
	case doDiskCrash, doNameCrash:
		d.crash(e.a, e.b)
		return 0, errCrashed
	case doDiskKill, doNameKill:
		d.kill()
		return 0, errCrashed
	case doDiskTorn:
		d.torn = true // and crash after the write, if it is one
		return min(max(0, e.a), 100), errCrashed
	case doDiskFail, doNameFail:
		d.broken = max(d.broken, d.ops+max(1, e.a))
	case doDiskFull:
		d.full = max(d.full, d.ops+max(1, e.a))
	}
	return 100, nil
}

// after crashes the process if the operation was to be its last.
func (d *disk) after() {
	if d.torn && !d.dead {
		d.crash(100, 0)
	}
}

// crash ends the process: what is left is what was synced, and of what was not, each
// change with a probability of keep percent.
func (d *disk) crash(keep, seed int) {
	d.dead = true
	d.left = leftBy(d.medium, keep, rand.New(rand.NewPCG(uint64(seed), 1)))
}

// kill ends the process, and leaves all as it is.
func (d *disk) kill() { d.dead, d.left = true, d.medium }

func (d *disk) isDead() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.dead
}

func (d *disk) do(what, path string, kind opKind, f func() error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	defer d.after()
	if _, err := d.before(what, path, kind); err != nil {
		return err
	}
	return f()
}

func (d *disk) file(name string, f vfs.File, err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	return &diskFile{f, d, name, &file{}}, nil
}

// created is f, a new file.
func (d *disk) created(name string, f vfs.File, err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	n := &file{}
	d.files[name] = n
	return &diskFile{f, d, name, n}, nil
}

func (d *disk) Create(name string, c vfs.DiskWriteCategory) (f vfs.File, err error) {
	err = d.do("create", name, adds, func() error { f, err = d.FS.Create(name, c); return err })
	return d.created(name, f, err)
}

func (d *disk) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (f vfs.File, err error) {
	err = d.do("create", name, adds, func() error { f, err = d.FS.OpenReadWrite(name, c, o...); return err })
	return d.file(name, f, err)
}

// ReuseForWrite implements [vfs.FS]: by a new file, which says as much.
func (d *disk) ReuseForWrite(from, to string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if err := d.Rename(from, to); err != nil {
		return nil, err
	}
	return d.Create(to, c)
}

func (d *disk) Open(name string, o ...vfs.OpenOption) (vfs.File, error) {
	if d.isDead() {
		return nil, errCrashed
	}
	f, err := d.FS.Open(name, o...)
	return d.file(name, f, err)
}

func (d *disk) OpenDir(name string) (vfs.File, error) {
	if d.isDead() {
		return nil, errCrashed
	}
	f, err := d.FS.OpenDir(name)
	if err != nil {
		return nil, err
	}
	return diskDir{f, d, name}, nil
}

func (d *disk) List(name string) ([]string, error) {
	if d.isDead() {
		return nil, errCrashed
	}
	return d.FS.List(name)
}

func (d *disk) Stat(name string) (vfs.FileInfo, error) {
	if d.isDead() {
		return nil, errCrashed
	}
	return d.FS.Stat(name)
}

func (d *disk) Link(from, to string) error {
	return d.do("link", to, adds, func() error {
		err := d.FS.Link(from, to)
		if f, ok := d.files[from]; ok && err == nil {
			d.files[to] = f
		}
		return err
	})
}

func (d *disk) Remove(name string) error {
	return d.do("remove", name, moves, func() error { d.gone(name); return d.FS.Remove(name) })
}

func (d *disk) RemoveAll(name string) error {
	return d.do("remove all", name, moves, func() error { d.gone(name); return d.FS.RemoveAll(name) })
}

func (d *disk) Rename(from, to string) error {
	return d.do("rename", to, moves, func() error {
		err := d.FS.Rename(from, to)
		if err == nil {
			d.moved(from, to)
		}
		return err
	})
}

func (d *disk) MkdirAll(name string, perm os.FileMode) error {
	return d.do("mkdir", name, adds, func() error { return d.FS.MkdirAll(name, perm) })
}

func (d *disk) Lock(name string) (c io.Closer, err error) {
	err = d.do("lock", name, moves, func() error { c, err = d.FS.Lock(name); return err })
	return c, err
}

// Unwrap implements [vfs.FS]: there is no other way to the files.
func (d *disk) Unwrap() vfs.FS { return nil }

type diskFile struct {
	vfs.File
	disk *disk
	name string
	*file
}

func (f *diskFile) Write(b []byte) (n int, err error) {
	d := f.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	defer d.after()
	part, err := d.before("write", f.name, adds)
	n, werr := f.File.Write(b[:len(b)*part/100])
	f.written += n
	if err == nil {
		err = werr
	}
	return n, err
}

func (f *diskFile) Sync() error {
	return f.disk.do("sync", f.name, syncs, func() error {
		f.synced = f.written
		return f.File.Sync()
	})
}

// A diskDir is an open directory.
type diskDir struct {
	vfs.File
	disk *disk
	name string
}

func (f diskDir) Sync() error {
	return f.disk.do("sync", f.name, moves, func() error {
		f.disk.names[f.name] = list(f.disk.mem, f.name)
		return f.File.Sync()
	})
}

// SyncData implements [vfs.File], as do the next two.
func (f *diskFile) SyncData() error { return f.Sync() }

func (f *diskFile) SyncTo(int64) (full bool, err error) { return true, f.Sync() }

func (f *diskFile) WriteAt([]byte, int64) (int, error) {
	return 0, errors.New("simulate: files are written from beginning to end")
}
