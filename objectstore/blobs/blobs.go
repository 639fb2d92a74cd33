// Package blobs opens object stores through [gocloud.dev/blob]: with the driver of a
// store, a program can keep checkpoints there.
//
//	import (
//		_ "github.com/millrace/millrace/objectstore/blobs"
//		_ "gocloud.dev/blob/s3blob" // or gcsblob, azureblob
//	)
//
// URLs are those of the drivers, s3://bucket, gs://bucket, azblob://container, and may have
// a path, which the names of all objects begin with: s3://bucket/flights?region=eu-west-1.
// Buckets of mem URLs are in memory, for tests, those of one host name the same.
//
// It stands above package objectstore, and is apart from it for what it adds to a
// program's size. The invariant is that of objectstore: stores must heed conditions on
// writes, as S3, Google Cloud Storage and Azure do.
package blobs

import (
	"bytes"
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

	"gocloud.dev/blob"
	"gocloud.dev/blob/memblob"
	"gocloud.dev/gcerrors"

	"github.com/millrace/millrace/objectstore"
)

func init() { objectstore.Register(driver{}) }

type driver struct{}

// Schemes implements [objectstore.Driver]. The drivers may be initialized after this
// package.
func (driver) Schemes() []string {
	schemes := blob.DefaultURLMux().BucketSchemes()
	// That of fileblob neither syncs, nor has one succeed of several that create.
	return slices.DeleteFunc(schemes, func(s string) bool { return s == "file" })
}

var inMemory struct {
	sync.Mutex
	buckets map[string]*blob.Bucket
}

// Open implements [objectstore.Driver].
func (driver) Open(ctx context.Context, u *url.URL) (objectstore.Bucket, error) {
	prefix := strings.Trim(u.Path, "/")
	if prefix != "" {
		prefix += "/"
	}
	if u.Scheme == memblob.Scheme {
		return inBucket{bucketInMemory(u.Host), prefix, false}, nil
	}
	if u.Host == "" {
		return nil, errors.New("it names no bucket")
	}
	bare := *u
	bare.Path, bare.RawPath = "", ""
	b, err := blob.DefaultURLMux().OpenBucketURL(ctx, &bare)
	if err != nil {
		return nil, err
	}
	return inBucket{b, prefix, true}, nil
}

func bucketInMemory(name string) *blob.Bucket {
	inMemory.Lock()
	defer inMemory.Unlock()
	if inMemory.buckets == nil {
		inMemory.buckets = map[string]*blob.Bucket{}
	}
	if inMemory.buckets[name] == nil {
		inMemory.buckets[name] = memblob.OpenBucket(nil)
	}
	return inMemory.buckets[name]
}

// Bucket is one that the program has opened itself, and closes itself.
func Bucket(b *blob.Bucket) objectstore.Bucket { return inBucket{b, "", false} }

// inBucket is the part of a bucket that has a prefix.
type inBucket struct {
	*blob.Bucket
	prefix string
	owned  bool // and closed with it
}

// Put implements [objectstore.Bucket], as do the next five.
func (b inBucket) Put(ctx context.Context, name string, r io.Reader) error {
	return b.write(ctx, name, r, false)
}

func (b inBucket) Create(ctx context.Context, name string, content []byte) error {
	return b.write(ctx, name, bytes.NewReader(content), true)
}

func (b inBucket) write(ctx context.Context, name string, r io.Reader, create bool) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w, err := b.NewWriter(ctx, b.prefix+name, &blob.WriterOptions{ContentType: "application/octet-stream", IfNotExist: create})
	if err != nil {
		return named(name, err)
	}
	if _, err := io.Copy(w, r); err != nil {
		cancel() // or what was written so far became the object
		_ = w.Close()
		return named(name, err)
	}
	return named(name, w.Close())
}

func (b inBucket) Open(ctx context.Context, name string) (io.ReadCloser, error) {
	r, err := b.NewReader(ctx, b.prefix+name, nil)
	if err != nil {
		return nil, named(name, err)
	}
	return r, nil
}

func (b inBucket) List(ctx context.Context, prefix string) iter.Seq2[objectstore.Object, error] {
	return func(yield func(objectstore.Object, error) bool) {
		it := b.Bucket.List(&blob.ListOptions{Prefix: b.prefix + prefix})
		for {
			o, err := it.Next(ctx)
			switch {
			case errors.Is(err, io.EOF):
				return
			case err != nil:
				yield(objectstore.Object{}, err)
				return
			}
			if !yield(objectstore.Object{Name: strings.TrimPrefix(o.Key, b.prefix), Size: o.Size}, nil) {
				return
			}
		}
	}
}

func (b inBucket) Delete(ctx context.Context, name string) error {
	if err := named(name, b.Bucket.Delete(ctx, b.prefix+name)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (b inBucket) Close() error {
	if !b.owned {
		return nil
	}
	return b.Bucket.Close()
}

// named says of which object err is, and by the errors of package fs what it is.
func named(name string, err error) error {
	switch gcerrors.Code(err) {
	case gcerrors.OK:
		return nil
	case gcerrors.NotFound:
		return fmt.Errorf("object %s: %w: %w", name, fs.ErrNotExist, err)
	case gcerrors.FailedPrecondition, gcerrors.AlreadyExists:
		return fmt.Errorf("object %s: %w: %w", name, fs.ErrExist, err)
	}
	return fmt.Errorf("object %s: %w", name, err)
}
