// Package objectstore says what a pipeline needs of a store of objects, such as S3, to
// keep checkpoints there, and opens one by its URL.
//
// It stands below the runners, and imports nothing. Here are stores for file URLs
// only, in a folder. A program that ships to others imports package
// [github.com/millrace/millrace/objectstore/blobs], and the driver of its store.
//
// The invariant: an object is there as a whole or not at all, and a name that was
// created is nobody else's.
package objectstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// A Bucket holds objects by name. Names are made of letters, digits, '.', '-', '_' and
// '/'. What was written is seen by every Open and List that begins after it. Methods may
// be called from several goroutines, and of several processes.
type Bucket interface {
	// Put makes an object of all that r has, in place of the one of that name. If it
	// fails, what was there before is there, or the new one is as a whole.
	Put(ctx context.Context, name string, r io.Reader) error
	// Create makes an object of a name that no other has, or fails with [fs.ErrExist]: of
	// several that try at once, one succeeds.
	Create(ctx context.Context, name string, content []byte) error
	// Open reads an object. That there is none is an [fs.ErrNotExist], then or as it is
	// read.
	Open(ctx context.Context, name string) (io.ReadCloser, error)
	// List lists the objects whose names begin with prefix, in any order.
	List(ctx context.Context, prefix string) iter.Seq2[Object, error]
	// Delete removes an object. That there is none is no error.
	Delete(ctx context.Context, name string) error
	Close() error
}

// An Object is what List knows of one.
type Object struct {
	Name string
	Size int64 // bytes
}

// A Driver opens buckets.
type Driver interface {
	// Schemes are those of the URLs that it opens now.
	Schemes() []string
	Open(ctx context.Context, u *url.URL) (Bucket, error)
}

var registered struct {
	sync.Mutex
	drivers []Driver
}

// Register makes the driver one that Open uses. It is called by packages as they are
// initialized; what is registered later comes first.
func Register(d Driver) {
	registered.Lock()
	defer registered.Unlock()
	registered.drivers = slices.Insert(registered.drivers, 0, d)
}

// ErrUnknown is an error of [Open]: no driver opens such URLs.
var ErrUnknown = errors.New("no object store for such URLs is part of this program")

// IsURL reports whether path is a URL rather than the path of a file.
func IsURL(path string) bool {
	scheme, _, ok := strings.Cut(path, "://")
	return ok && scheme != "" && !strings.ContainsAny(scheme, `/\.`)
}

// Open opens the bucket of a URL, or the part of one that the URL names. It may not find
// out before the first use whether that is there.
func Open(ctx context.Context, rawURL string) (Bucket, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, fmt.Errorf("object store: %w", err)
	}
	registered.Lock()
	drivers := slices.Clone(registered.drivers)
	registered.Unlock()
	var known []string
	for _, d := range drivers {
		schemes := d.Schemes()
		if slices.Contains(schemes, u.Scheme) {
			b, err := d.Open(ctx, u)
			if err != nil {
				return nil, fmt.Errorf("object store %s: %w", u.Redacted(), err)
			}
			return b, nil
		}
		known = append(known, schemes...)
	}
	slices.Sort(known)
	return nil, fmt.Errorf("object store %s: %w, which has %s; import _ \"github.com/millrace/millrace/objectstore/blobs\", and the driver, such as _ \"gocloud.dev/blob/s3blob\"",
		u.Redacted(), ErrUnknown, strings.Join(slices.Compact(known), ", "))
}

// missing makes err one that says that there is no such object.
func missing(name string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("object %s: %w", name, fs.ErrNotExist)
	}
	return err
}
