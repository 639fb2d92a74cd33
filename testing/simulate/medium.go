package simulate

import (
	"maps"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// A medium is what a disk outlives its process as: the files, and what is known of those
// that have changed since the last crash.
type medium struct {
	mem   *vfs.MemFS
	files map[string]*file
	moves map[string]string   // what was renamed, and to what
	names map[string][]string // that are synced, by directory
}

// A file is how much of one is synced, by whatever names it goes. Files are written from
// beginning to end.
type file struct{ synced, written int }

func newMedium() medium { return mediumOf(vfs.NewCrashableMem()) }

func mediumOf(mem *vfs.MemFS) medium {
	return medium{mem, map[string]*file{}, map[string]string{}, map[string][]string{}}
}

// moved notes that what was called from is called to.
func (m medium) moved(from, to string) {
	m.gone(to)
	m.moves[from] = to
	delete(m.moves, to)
	for name, f := range m.files {
		if within(name, from) {
			delete(m.files, name)
			m.files[to+name[len(from):]] = f
		}
	}
	for name, synced := range m.names {
		if within(name, from) {
			delete(m.names, name)
			m.names[to+name[len(from):]] = synced
		}
	}
}

// gone notes that nothing is called path any more.
func (m medium) gone(path string) {
	maps.DeleteFunc(m.files, func(name string, _ *file) bool { return within(name, path) })
	maps.DeleteFunc(m.names, func(name string, _ []string) bool { return within(name, path) })
}

func within(name, path string) bool { return name == path || strings.HasPrefix(name, path+"/") }
