package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	_ "gocloud.dev/blob/azureblob"
	_ "gocloud.dev/blob/gcsblob"
	_ "gocloud.dev/blob/s3blob"

	"github.com/millrace/millrace/internal/checkpoint"
	"github.com/millrace/millrace/internal/engine/cells"
	"github.com/millrace/millrace/internal/shipping"
	"github.com/millrace/millrace/objectstore"
	_ "github.com/millrace/millrace/objectstore/blobs"
)

func copyTo(args []string, _, _ io.Writer) error {
	if len(args) != 2 {
		return wrongUsage{errors.New("millrace copy needs the checkpoint, and the directory or URL to copy it to")}
	}
	return copyCheckpoint(args[0], args[1])
}

// copyCheckpoint copies between directories and object stores.
func copyCheckpoint(from, to string) error {
	switch {
	case objectstore.IsURL(from) && objectstore.IsURL(to):
		return errors.New("it copies from an object store to a directory, and from there to another; copies between two are the store's own to make")
	case objectstore.IsURL(from):
		return download(from, to)
	}
	found, err := checkpoint.Find(vfs.Default, filepath.Clean(from), cells.DefaultKeyGroups)
	if err != nil {
		return err
	}
	if objectstore.IsURL(to) {
		return upload(found, to)
	}
	return found.CopyTo(to)
}

func download(from, to string) (err error) {
	ctx := context.Background()
	url, which := shipping.ParseURL(from)
	bucket, err := objectstore.Open(ctx, url)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, bucket.Close()) }()
	passed := map[string]error{}
	for {
		found, err := shipping.Find(ctx, bucket, url, which, cells.DefaultKeyGroups, passed, slog.Default())
		if err != nil {
			return err
		}
		err = found.CopyTo(ctx, vfs.Default, to, nil)
		if !shipping.Damaged(err) {
			return err
		}
		passed[found.Name()] = err
	}
}

func upload(from *checkpoint.Copied, to string) (err error) {
	ctx := context.Background()
	bucket, err := objectstore.Open(ctx, to)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, bucket.Close()) }()
	kept, err := from.Keep()
	if err != nil {
		return err
	}
	defer kept.Release()
	return shipping.Copy(ctx, bucket, to, kept, from.SinksCommitted, shipping.Options{
		By: fmt.Sprintf("millrace copy, process %d", os.Getpid()), Now: time.Now,
	})
}

// listShipped lists the checkpoints in an object store.
func listShipped(url string, stdout io.Writer) (err error) {
	ctx := context.Background()
	bucket, err := objectstore.Open(ctx, url)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, bucket.Close()) }()
	found, err := shipping.List(ctx, bucket, url)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	for _, c := range found {
		switch {
		case c.Err != nil:
			fmt.Fprintf(w, "%s\tnot whole: %v\n", c.Name, c.Err)
		case c.Finished:
			fmt.Fprintf(w, "%s\t%s\t%d bytes\tthe end of the pipeline\n", c.Name, c.Created.UTC().Format(time.RFC3339), c.Bytes)
		default:
			fmt.Fprintf(w, "%s\t%s\t%d bytes\n", c.Name, c.Created.UTC().Format(time.RFC3339), c.Bytes)
		}
	}
	return w.Flush()
}
