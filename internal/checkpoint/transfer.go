package checkpoint

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// A Transfer is a checkpoint that comes from elsewhere.
type Transfer struct {
	Manifest *Manifest
	// SinksCommitted is as in [Inspection].
	SinksCommitted bool
	// Notes are to be in the state directory before it has the checkpoint.
	Notes map[string][]byte
	// Open reads one of its files, and fails if that is not whole.
	Open func(name string) (io.ReadCloser, error)
}

// Vacant is why a checkpoint cannot be copied to the state directory dir. It changes
// nothing.
func Vacant(fs vfs.FS, dir string) error {
	if err := (directory{fs, dir}).vacant(); err != nil {
		return fmt.Errorf("state directory %s: %w", dir, err)
	}
	return nil
}

// CopyTo makes dir a state directory with that checkpoint alone. It fails if dir has
// checkpoints already. If it fails otherwise, or in a crash, it leaves a state directory
// without any.
func (t Transfer) CopyTo(fs vfs.FS, dir string) (err error) {
	to := directory{fs, dir}
	defer func() {
		if err != nil {
			err = fmt.Errorf("state directory %s: %w", dir, err)
		}
	}()
	if err := to.vacant(); err != nil {
		return err
	}
	if err := makeDurably(to.fs, to.path); err != nil {
		return err
	}
	lock, err := to.lock()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	if err := to.vacant(); err != nil {
		return err
	}
	if err := to.found(); err != nil {
		return err
	}
	return t.copy(to)
}

func (t Transfer) copy(to directory) error {
	dir := DirOf(t.Manifest)
	tmp := to.join(checkpointsName, dir+tmpSuffix)
	if err := to.fs.RemoveAll(tmp); err != nil {
		return err
	}
	if err := to.fs.MkdirAll(tmp, 0o755); err != nil {
		return err
	}
	files := append([]File{{Name: manifestName, Size: -1}}, t.Manifest.Files...)
	for _, f := range files {
		if err := t.copyFile(directory{to.fs, tmp}, f); err != nil {
			return errors.Join(err, to.fs.RemoveAll(tmp))
		}
	}
	for name, content := range t.Notes {
		if err := to.note(name, content); err != nil {
			return err
		}
	}
	if err := t.noteCommitted(to, tmp); err != nil {
		return err
	}
	if err := syncDir(to.fs, tmp); err != nil {
		return err
	}
	if err := to.fs.Rename(tmp, to.join(checkpointsName, dir)); err != nil {
		return err
	}
	if err := to.sync(checkpointsName); err != nil {
		return err
	}
	return to.sync()
}

// noteCommitted has the note be about the copy alone, which is in tmp.
func (t Transfer) noteCommitted(to directory, tmp string) error {
	var note []byte
	if t.SinksCommitted {
		manifest, err := readFile(to.fs, to.fs.PathJoin(tmp, manifestName))
		if err != nil {
			return err
		}
		note = appendNote(nil, t.Manifest.ID, sealOf(manifest))
	}
	return to.note(committedName, note)
}

// copyFile copies a file of f's size; -1 is any.
func (t Transfer) copyFile(to directory, f File) error {
	from, err := t.Open(f.Name)
	if err != nil {
		return err
	}
	defer from.Close()
	file, err := to.fs.Create(to.join(f.Name), vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	n, err := io.Copy(struct{ io.Writer }{file}, from) // vfs.File has no ReadFrom to be found
	if err == nil && f.Size >= 0 && n != f.Size {
		err = damaged{fmt.Errorf("its file %s has %d bytes instead of %d", f.Name, n, f.Size)}
	}
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

// SetNote writes a note to the state directory, durably, in place of the one of that
// name. Notes are of whoever uses the Store.
func (s *Store) SetNote(name string, content []byte) error {
	return s.wrap("writing "+name, s.note(name, content))
}

// Note is the note of that name, nil if there is none.
func (s *Store) Note(name string) ([]byte, error) {
	b, err := readFile(s.fs, s.join(name))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	return b, s.wrap("reading "+name, err)
}

func (d directory) note(name string, content []byte) error {
	tmp := name + tmpSuffix
	if err := d.write(tmp, content, true); err != nil {
		return err
	}
	if err := d.fs.Rename(d.join(tmp), d.join(name)); err != nil {
		return err
	}
	return d.sync()
}

// Decode is the manifest that b holds, or why it is none: [ErrNewer], [ErrOlder], or that
// it is damaged.
func Decode(b []byte) (*Manifest, error) { return decode(b) }

// ManifestName is the name of the file of a checkpoint that is its manifest.
const ManifestName = manifestName
