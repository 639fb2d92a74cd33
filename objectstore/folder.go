package objectstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

func init() { Register(files{}) }

// files opens URLs such as file:///mnt/backup/flights.
type files struct{}

func (files) Schemes() []string { return []string{"file"} }

func (files) Open(_ context.Context, u *url.URL) (Bucket, error) {
	switch {
	case u.Host != "" && u.Host != "localhost":
		return nil, fmt.Errorf("it names the host %s; a path begins with a third slash: file:///%s", u.Host, u.Host+u.Path)
	case u.RawQuery != "":
		return nil, fmt.Errorf("it takes no parameters, such as %q", u.RawQuery)
	case !filepath.IsAbs(filepath.FromSlash(u.Path)):
		return nil, errors.New("it has no path")
	}
	return Folder(filepath.FromSlash(u.Path)), nil
}

// Folder is a bucket whose objects are files in a folder, on this machine or mounted
// from another. The folder is made with the first of them. What was written is synced.
func Folder(path string) Bucket { return folder{path} }

type folder struct{ path string }

// unfinished is how names of files end that are no objects yet.
const unfinished = ".unfinished"

func (f folder) file(name string) (string, error) {
	local, err := filepath.Localize(name)
	if err != nil {
		return "", fmt.Errorf("object %q: %w", name, err)
	}
	return filepath.Join(f.path, local), nil
}

// Put implements [Bucket], as do the next five.
func (f folder) Put(_ context.Context, name string, r io.Reader) error {
	return f.write(name, r, os.Rename)
}

func (f folder) Create(_ context.Context, name string, content []byte) error {
	// Unlike a rename, a link does not replace what is there.
	return f.write(name, bytes.NewReader(content), os.Link)
}

func (f folder) write(name string, r io.Reader, into func(from, to string) error) (err error) {
	path, err := f.file(name)
	if err != nil {
		return err
	}
	dir := filepath.Dir(path)
	if err := makeDurably(dir); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(dir, "*"+unfinished)
	if err != nil {
		return err
	}
	defer func() {
		if removing := os.Remove(tmp.Name()); !errors.Is(removing, fs.ErrNotExist) {
			err = errors.Join(err, removing)
		}
	}()
	_, err = io.Copy(tmp, r)
	if err == nil {
		err = tmp.Sync()
	}
	if err = errors.Join(err, tmp.Close()); err != nil {
		return err
	}
	if err := into(tmp.Name(), path); err != nil {
		return err
	}
	return syncFolder(dir)
}

func (f folder) Open(_ context.Context, name string) (io.ReadCloser, error) {
	path, err := f.file(name)
	if err != nil {
		return nil, err
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, missing(name, err)
	}
	return file, nil
}

func (f folder) List(_ context.Context, prefix string) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		err := filepath.WalkDir(f.path, func(path string, d fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil // it has gone, or was never there
			}
			if err != nil {
				return err
			}
			name, err := filepath.Rel(f.path, path)
			if err != nil {
				return err
			}
			name = filepath.ToSlash(name)
			switch {
			case d.IsDir() && name != "." && !strings.HasPrefix(name, prefix) && !strings.HasPrefix(prefix, name+"/"):
				return fs.SkipDir
			case d.IsDir() || !strings.HasPrefix(name, prefix) || strings.HasSuffix(name, unfinished):
				return nil
			}
			info, err := d.Info()
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err != nil {
				return err
			}
			if !yield(Object{name, info.Size()}, nil) {
				return fs.SkipAll
			}
			return nil
		})
		if err != nil {
			yield(Object{}, err)
		}
	}
}

func (f folder) Delete(_ context.Context, name string) error {
	path, err := f.file(name)
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (f folder) Close() error { return nil }

// makeDurably makes a folder and its parents, durably.
func makeDurably(path string) error {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return nil
	}
	parent := filepath.Dir(path)
	if parent != path {
		if err := makeDurably(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(path, 0o777); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncFolder(parent)
}

func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
