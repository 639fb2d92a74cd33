package simulate

import (
	"bytes"
	"io"
	"math/rand/v2"
	"slices"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// leftBy is what a crash leaves of a file system: all that was synced, and of the
// changes that were not, each with a probability of keep percent. A change is an entry
// that came to a directory or went from it, or what was written to a file, of which
// only the beginning may be there. What was renamed has one of its names at least.
//
// [vfs.MemFS.CrashClone] does about that, but draws in the order of a map.
func leftBy(from medium, keep int, luck *rand.Rand) medium {
	left := mediumOf(from.mem.CrashClone(vfs.CrashCloneCfg{}))
	if keep > 0 {
		m := merge{now: from, left: left.mem, keep: keep, luck: luck}
		m.dir("/")
		m.remove()
	}
	return left
}

// A merge brings some of what a file system holds into what is synced of it.
type merge struct {
	now  medium
	left *vfs.MemFS
	keep int
	luck *rand.Rand
	gone []string // what is there no more
}

func (m *merge) kept() bool { return m.luck.IntN(100) < m.keep }

// dir merges the directory path, which is in both.
func (m *merge) dir(path string) {
	if path+"/" == scratch {
		return
	}
	now, left := list(m.now.mem, path), list(m.left, path)
	for _, name := range union(now, left) {
		at := m.left.PathJoin(path, name)
		switch {
		case !slices.Contains(now, name):
			m.gone = append(m.gone, at)
		case !slices.Contains(left, name):
			// In a directory that has no synced name, others may have.
			if m.kept() || slices.Contains(m.now.names[path], name) {
				m.add(at)
			}
		case isDir(m.now.mem, at):
			m.dir(at)
		case m.kept():
			m.file(at)
		}
	}
	syncPath(m.left, path)
}

// add adds what has no synced name.
func (m *merge) add(path string) {
	if isDir(m.now.mem, path) {
		must(m.left.MkdirAll(path, 0o755))
		m.dir(path)
		return
	}
	m.file(path)
}

// file takes a file over, with at least what was synced of it.
func (m *merge) file(path string) {
	now := read(m.now.mem, path)
	synced := len(now)
	if f, ok := m.now.files[path]; ok {
		synced = f.synced
	}
	switch {
	case !m.kept():
		now = now[:synced]
	case m.luck.IntN(3) == 0:
		now = now[:synced+m.luck.IntN(len(now)-synced+1)]
	}
	write(m.left, path, now)
}

// remove removes some of what is gone.
func (m *merge) remove() {
	for _, path := range m.gone {
		to, moved := path, false
		for next, ok := m.now.moves[to]; ok && next != path; next, ok = m.now.moves[to] {
			to, moved = next, true
		}
		if moved {
			if _, err := m.left.Stat(to); err != nil {
				continue
			}
		}
		if m.kept() {
			must(m.left.RemoveAll(path))
			syncPath(m.left, m.left.PathDir(path))
		}
	}
}

func union(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}

// list is what is in a directory, in order.
func list(fs vfs.FS, path string) []string {
	names, err := fs.List(path)
	must(err)
	slices.Sort(names)
	return names
}

func isDir(fs vfs.FS, path string) bool {
	info, err := fs.Stat(path)
	must(err)
	return info.IsDir()
}

func read(fs vfs.FS, path string) []byte {
	f, err := fs.Open(path)
	must(err)
	defer f.Close()
	b, err := io.ReadAll(f)
	must(err)
	return b
}

// write makes a file durable. The names of its directory are for dir to sync.
func write(fs vfs.FS, path string, b []byte) {
	f, err := fs.Create(path, vfs.WriteCategoryUnspecified)
	must(err)
	_, err = f.Write(bytes.Clone(b))
	must(err)
	must(f.Sync())
	must(f.Close())
}

func syncPath(fs vfs.FS, path string) {
	f, err := fs.OpenDir(path)
	must(err)
	must(f.Sync())
	must(f.Close())
}

// must is for what cannot fail in memory.
func must(err error) {
	if err != nil {
		panic(err)
	}
}
