package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/millrace/millrace"
)

// A savepoint goes to an object store and back, and a run begins from either.
func TestASavepointGoesToAnObjectStore(t *testing.T) {
	folder, state := folders(t)
	url := "file://" + filepath.ToSlash(t.TempDir()) + "/savepoints/half"
	j := start(t, folder, 1000, millrace.Options{StateDir: state})
	j.read(t, 1000)
	millraceSays(t, exitOK, "savepoint", "-state-dir", state, "-name", "half", "-to", url)
	millraceSays(t, exitOK, "stop", "-state-dir", state)
	if err := <-j.ended; !errors.Is(err, millrace.ErrStopped) {
		t.Fatal(err)
	}
	if list := millraceSays(t, exitOK, "checkpoints", "-state-dir", url); strings.Count(list, "\n") != 1 || !strings.HasPrefix(list, "000000000001-000000000001-half ") {
		t.Errorf("there is %q", list)
	}
	if got := millraceSays(t, exitFailed, "copy", state, url); !strings.Contains(got, "it has checkpoints already") {
		t.Error(got)
	}
	elsewhere := filepath.Join(folder, "elsewhere")
	millraceSays(t, exitOK, "copy", url+"#half", elsewhere)
	for _, restore := range []string{url, url + "#half", elsewhere} {
		again, fresh := folders(t)
		j := start(t, again, allWords, millrace.Options{StateDir: fresh, Restore: restore})
		if err := <-j.ended; err != nil {
			t.Fatalf("from %s: %v", restore, err)
		}
		if got, want := j.lines(t), counts(allWords); !slices.Equal(got, want) {
			t.Errorf("from %s: %v, want %v", restore, got, want)
		}
	}
	if got := millraceSays(t, exitFailed, "copy", url, elsewhere); !strings.Contains(got, "it has state already") {
		t.Error(got)
	}
	if err := os.RemoveAll(strings.TrimPrefix(url, "file://")); err != nil {
		t.Fatal(err)
	}
	if got := millraceSays(t, exitFailed, "checkpoints", "-state-dir", url); !strings.Contains(got, "there is nothing") {
		t.Error(got)
	}
}
