package checkpoint

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// DirOf is the name of the directory of a checkpoint, in checkpoints.
func DirOf(m *Manifest) string { return checkpointDir(m.ID, m.Savepoint) }

// CheckSavepoint says why a checkpoint cannot have the name; "" is none, and can be had.
func (s *Store) CheckSavepoint(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.checkSavepoint(name)
}

func (s *Store) checkSavepoint(name string) error {
	switch {
	case name == "":
		return nil
	case !savepointName.MatchString(name):
		return fmt.Errorf("the savepoint's name %q is not one of up to 100 letters, digits, '.', '_' and '-'", name)
	case leftover(name):
		return fmt.Errorf("the savepoint's name %q ends as those of unfinished checkpoints do", name)
	}
	for _, c := range s.saved {
		if c.savepoint == name {
			return fmt.Errorf("there is a savepoint %q already, checkpoint %d; give this one another name", name, c.id)
		}
	}
	return nil
}

// A Listed is a checkpoint in a state directory.
type Listed struct {
	Manifest *Manifest // nil if it is not whole
	Dir      string    // its name in checkpoints
	Bytes    int64
	Err      error // why it is not whole
}

// List lists the checkpoints of a state directory, newest first. It changes nothing.
func List(fs vfs.FS, dir string) (list []Listed, err error) {
	d := directory{fs, dir}
	used, err := d.inspect()
	if err == nil && !used {
		err = fmt.Errorf("%w: there is none yet", ErrForeign)
	}
	var found []*saved
	if err == nil {
		found, _, err = d.checkpoints()
	}
	if err != nil {
		return nil, fmt.Errorf("state directory %s: %w", dir, err)
	}
	for _, s := range found {
		l := Listed{Dir: s.dir, Err: d.check(s), Manifest: s.manifest}
		if s.manifest != nil {
			for _, f := range s.manifest.Files {
				l.Bytes += f.Size
			}
		}
		list = append(list, l)
	}
	return list, nil
}

// A Copied is a checkpoint that can be gone on from elsewhere.
type Copied struct {
	directory
	from *saved
	// Manifest is that of the checkpoint.
	Manifest *Manifest
	// SinksCommitted is as in [Inspection].
	SinksCommitted bool
}

// Find finds the checkpoint at path, which is its directory or a state directory, of
// which it is the newest that is whole. It changes nothing.
func Find(fs vfs.FS, path string, keyGroups int) (*Copied, error) {
	c, err := find(fs, path, keyGroups)
	if err != nil {
		return nil, fmt.Errorf("checkpoint %s: %w", path, err)
	}
	return c, nil
}

func find(fs vfs.FS, path string, keyGroups int) (*Copied, error) {
	path = fs.PathJoin(path) // which cleans it
	d := directory{fs, path}
	var found []*saved
	if _, err := fs.Stat(d.join(manifestName)); err == nil {
		name := fs.PathBase(path)
		d.path = fs.PathDir(fs.PathDir(path))
		all, _, err := d.checkpoints()
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(all, func(s *saved) bool { return s.dir == name })
		if i < 0 || d.join(checkpointsName, name) != fs.PathJoin(path) {
			return nil, errors.New("it has a manifest, and is not where and as checkpoints are: in a directory checkpoints, with its number as its name")
		}
		found = all[i : i+1]
	} else if !errors.Is(err, os.ErrNotExist) {
		return nil, err
	} else {
		used, err := d.inspect()
		if err != nil {
			return nil, err
		}
		if used {
			if found, _, err = d.checkpoints(); err != nil {
				return nil, err
			}
		}
	}
	base, _, err := d.choose(found, keyGroups, quietLog)
	if err != nil {
		return nil, err
	}
	if base == nil {
		return nil, errors.New("there is no checkpoint; name the directory of one, or a state directory that has some")
	}
	return &Copied{directory: d, from: base, Manifest: base.manifest, SinksCommitted: d.committed(base)}, nil
}

// CopyTo makes dir a state directory with that checkpoint alone, as [Transfer.CopyTo]
// does.
func (c *Copied) CopyTo(dir string) error {
	open := func(name string) (io.ReadCloser, error) { return c.fs.Open(c.join(checkpointsName, c.from.dir, name)) }
	return Transfer{Manifest: c.Manifest, SinksCommitted: c.SinksCommitted, Open: open}.CopyTo(c.fs, dir)
}

// vacant is why d has no room for a checkpoint.
func (d directory) vacant() error {
	used, err := d.inspect()
	if err != nil || !used {
		return err
	}
	found, _, err := d.checkpoints()
	if err == nil && len(found) > 0 {
		err = fmt.Errorf("it has state already, checkpoint %d; name an empty directory, or one that does not exist yet", found[0].id)
	}
	return err
}
