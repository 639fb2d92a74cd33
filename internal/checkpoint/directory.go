package checkpoint

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Errors of [Open], which say more.
var (
	// ErrLocked: another process, or another Store of this one, has the directory.
	ErrLocked = errors.New("it is in use")
	// ErrForeign: the directory has files and is not a state directory.
	ErrForeign = errors.New("it is not a state directory")
	// ErrNewer: a newer version of the module has written it.
	ErrNewer = errors.New("a newer version has written it")
	// ErrOlder: a version from before the first release has written it.
	ErrOlder = errors.New("a version that is not supported any more has written it")
	// ErrBroken: it has checkpoints, and none of them is whole.
	ErrBroken = errors.New("none of its checkpoints is whole")
	// ErrDamaged: a table that was to be read does not hold what was written to it.
	ErrDamaged = errors.New("it is damaged")
	// ErrKeyGroups: its state is cut into another number of key groups.
	ErrKeyGroups = errors.New("the number of key groups is another")
)

// What is in a state directory.
const (
	identityName    = "MILLRACE"
	lockName        = "LOCK"
	ownerName       = "OWNER"
	checkpointsName = "checkpoints"
	liveName        = "live"
	stagedName      = "staged"
	manifestName    = "manifest.json"
	committedName   = "COMMITTED"
	idName          = "ID"

	// What is not whole yet, and what is not any more.
	tmpSuffix  = ".tmp"
	goneSuffix = ".gone"

	// lastPrefix begins the name of an empty file in checkpoints, which ends in the highest
	// number that a checkpoint has ever had.
	lastPrefix = "last-"
)

// identity is what identityName holds; the number is that of the layout of the
// directory, which changes only if a version could not even find the manifests.
const (
	identityPrefix = "Millrace state directory, layout "
	layout         = 1
)

// A directory is the names in a state directory, and the durable operations on them.
type directory struct {
	fs   vfs.FS
	path string
}

func (d directory) join(names ...string) string {
	return d.fs.PathJoin(append([]string{d.path}, names...)...)
}

// inspect reports whether the directory has been used before, and refuses one that
// is not for us. It changes nothing.
func (d directory) inspect() (used bool, err error) {
	names, err := d.fs.List(d.path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return false, nil
	case err != nil:
		return false, err
	}
	slices.Sort(names) // so that the same one is named each time
	if !slices.Contains(names, identityName) {
		for _, n := range names {
			switch n {
			case lockName, ownerName, identityName + tmpSuffix, "lost+found":
			default:
				return false, fmt.Errorf("%w, and has files of others, such as %s; name an empty directory, or one that does not exist yet", ErrForeign, n)
			}
		}
		return false, nil
	}
	b, err := readFile(d.fs, d.join(identityName))
	if err != nil {
		return false, err
	}
	version, ok := strings.CutPrefix(strings.TrimSuffix(string(b), "\n"), identityPrefix)
	n, err := strconv.Atoi(version)
	switch {
	case !ok || err != nil:
		return false, fmt.Errorf("%w: its file %s is damaged, or another's", ErrForeign, identityName)
	case n > layout:
		return false, fmt.Errorf("%w: it has layout %d, and this one reads layout %d; run the newer version", ErrNewer, n, layout)
	}
	return true, nil
}

// lock makes the process the only one that uses the directory, until the closer is
// closed.
func (d directory) lock() (io.Closer, error) {
	l, err := d.fs.Lock(d.join(lockName))
	if err == nil {
		return l, nil
	}
	if !held(err) {
		return nil, fmt.Errorf("it cannot be locked: %w", err)
	}
	holder := "another process"
	if b, readErr := readFile(d.fs, d.join(ownerName)); readErr == nil && len(b) > 0 {
		holder = strings.TrimSpace(string(b))
	}
	return nil, fmt.Errorf("%w by %s; stop it first, or name another directory", ErrLocked, holder)
}

// held reports whether err, of vfs.FS.Lock, says that another holds the lock. Where
// that is this process, only the text says so.
func held(err error) bool {
	var opening *os.PathError
	if errors.As(err, &opening) {
		return false
	}
	var errno syscall.Errno
	return errors.As(err, &errno) && errno != syscall.EROFS && errno != syscall.ENOSPC ||
		strings.Contains(err.Error(), "held by current process")
}

// own says in the directory who has it. That is for messages only, so it need not be
// durable.
func (d directory) own() error {
	host, err := os.Hostname()
	if err != nil {
		host = "an unknown host"
	}
	return d.write(ownerName, fmt.Appendf(nil, "process %d on %s\n", os.Getpid(), host), false)
}

// found makes the directory a state directory. What a crash leaves of that is
// founded again.
func (d directory) found() error {
	tmp := identityName + tmpSuffix
	if err := d.write(tmp, fmt.Appendf(nil, "%s%d\n", identityPrefix, layout), true); err != nil {
		return err
	}
	if err := d.fs.Rename(d.join(tmp), d.join(identityName)); err != nil {
		return err
	}
	return d.sync()
}

// write makes a file of the directory; durable, but for its name.
func (d directory) write(name string, b []byte, sync bool) error {
	f, err := d.fs.Create(d.join(name), vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = f.Write(slices.Clone(b)) // a vfs.File may write to what it is given
	if err == nil && sync {
		err = f.Sync()
	}
	if closing := f.Close(); err == nil {
		err = closing
	}
	return err
}

// sync makes the names in a directory below d durable.
func (d directory) sync(names ...string) error {
	return syncDir(d.fs, d.join(names...))
}

func syncDir(fs vfs.FS, path string) error {
	f, err := fs.OpenDir(path)
	if err != nil {
		return err
	}
	err = f.Sync()
	if closing := f.Close(); err == nil {
		err = closing
	}
	return err
}

// makeDurably makes a directory and its parents, durably.
func makeDurably(fs vfs.FS, path string) error {
	var missing []string
	for p := path; ; p = fs.PathDir(p) {
		_, err := fs.Stat(p)
		if err == nil {
			break
		}
		if !errors.Is(err, os.ErrNotExist) {
			return err
		}
		missing = append(missing, fs.PathDir(p))
		if fs.PathDir(p) == p {
			break
		}
	}
	if err := fs.MkdirAll(path, 0o755); err != nil {
		return err
	}
	for _, p := range missing {
		if err := syncDir(fs, p); err != nil {
			return err
		}
	}
	return nil
}

func readFile(fs vfs.FS, path string) ([]byte, error) {
	f, err := fs.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}
