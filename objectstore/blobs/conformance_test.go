package blobs_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/millrace/millrace/objectstore"
	_ "github.com/millrace/millrace/objectstore/blobs"
)

// What checkpoints rest on, of each store that is at hand here.
func TestBuckets(t *testing.T) {
	for _, url := range []string{"file://" + filepath.ToSlash(t.TempDir()) + "/a/b", "mem://conformance", "mem://conformance/deeper/down"} {
		t.Run(url[:4], func(t *testing.T) { conform(t, url) })
	}
}

func conform(t *testing.T, url string) {
	open := func() objectstore.Bucket {
		b, err := objectstore.Open(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	b := open()
	read := func(name string) string {
		r, err := open().Open(t.Context(), name)
		if err != nil {
			return err.Error()
		}
		defer r.Close()
		content, err := io.ReadAll(r)
		if err != nil {
			return err.Error()
		}
		return string(content)
	}
	list := func(prefix string) (all []string) {
		for o, err := range open().List(t.Context(), prefix) {
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, fmt.Sprint(o.Name, " ", o.Size))
		}
		slices.Sort(all)
		return all
	}
	want := func(prefix string, names ...string) {
		t.Helper()
		if got := list(prefix); !slices.Equal(got, names) {
			t.Errorf("below %q are %q, want %q", prefix, got, names)
		}
	}
	want("")
	if _, err := b.Open(t.Context(), "a/none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("opening what is not there: %v", err)
	}
	if err := b.Delete(t.Context(), "a/none"); err != nil {
		t.Errorf("removing what is not there: %v", err)
	}
	for _, content := range []string{"one", "three"} {
		if err := b.Put(t.Context(), "a/x", strings.NewReader(content)); err != nil || read("a/x") != content {
			t.Errorf("put %s: %v, and is %s", content, err, read("a/x"))
		}
	}
	broken := errors.New("broken")
	for _, name := range []string{"a/x", "a/y"} {
		half := io.MultiReader(bytes.NewReader(make([]byte, 1<<20)), iotest.ErrReader(broken))
		if err := b.Put(t.Context(), name, half); !errors.Is(err, broken) {
			t.Errorf("put of what cannot be read: %v", err)
		}
	}
	want("", "a/x 5")
	if err := b.Create(t.Context(), "a/x", []byte("new")); !errors.Is(err, fs.ErrExist) || read("a/x") != "three" {
		t.Errorf("creating what is there: %v, and is %s", err, read("a/x"))
	}
	var all sync.WaitGroup
	created := make(chan int, 8)
	for i := range 8 {
		all.Go(func() {
			if err := open().Create(t.Context(), "claims/1", fmt.Append(nil, i)); err == nil {
				created <- i
			} else if !errors.Is(err, fs.ErrExist) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if len(created) != 1 || read("claims/1") != fmt.Sprint(<-created) {
		t.Errorf("it was created %d times more", len(created))
	}
	want("a", "a/x 5")
	want("a/", "a/x 5")
	want("cl", "claims/1 1")
	want("claims/1", "claims/1 1")
	want("x")
	if err := b.Delete(t.Context(), "a/x"); err != nil {
		t.Error(err)
	}
	want("", "claims/1 1")
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}

func TestURLsThatAreRefused(t *testing.T) {
	for url, says := range map[string]string{
		"s3://bucket/x":      "no object store for such URLs is part of this program, which has file, mem",
		"file://backup/x":    "a third slash",
		"file:///x?region=y": "it takes no parameters",
		"file://":            "it has no path",
		"mem://%zz":          "invalid URL escape",
	} {
		if _, err := objectstore.Open(t.Context(), url); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", url, err, says)
		}
	}
}
