package millrace_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/windowing"
)

const fiveSinks = "five sinks"

func init() {
	crashPipelines[fiveSinks] = func(p *model.Pipeline, folder string) {
		words := crashInput(p, folder)
		sessions := transforms.Count(transforms.Window(words, model.WindowingStrategy{
			Windows: windowing.Sessions{Gap: 300 * time.Millisecond},
		}))
		putAs(folder, "out-sessions", sessions)
		putAs(folder, "out-lengths", transforms.Count(transforms.Window(transforms.Values(sessions), model.WindowingStrategy{
			Windows: windowing.Fixed{Size: 10 * time.Second},
		})))
		fixed := transforms.Window(words, model.WindowingStrategy{Windows: windowing.Fixed{Size: 5 * time.Second}})
		putAs(folder, "out-tallies", transforms.DoKeyed(transforms.KeyBy(fixed, func(s string) string { return s }), newTally()))
		putAs(folder, "out-letters", transforms.Count(transforms.Map(fixed, func(s string) int { return len(s) })))
		putAs(folder, "out-words", transforms.Filter(words, func(s string) bool { return s[len(s)-1] == '7' }))
	}
}

// Processes are killed while another takes away what they have committed, as soon as it is
// there. All that it took, and what is left at the end, is what one undisturbed run
// writes; no name came twice, and no hidden file stays.
func TestKilledWhileFilesAreTakenAway(t *testing.T) {
	if testing.Short() {
		t.Skip("enable with: go test -run Killed . (it starts and kills processes, and is left out by -short)")
	}
	input, folder := filepath.Join(t.TempDir(), "in"), t.TempDir()
	writeCrashInput(t, input, max(1_000_000, 16_000**kills))
	if err := os.Symlink(input, filepath.Join(folder, "in")); err != nil {
		t.Fatal(err)
	}
	want := undisturbed(t, fiveSinks, folder)
	archive := t.TempDir()
	stop := takeAway(t, folder, archive)
	killed, resumed := killUntilDone(t, fiveSinks, folder)
	stop()
	if got := committed(t, archive); !slices.Equal(got, want) {
		t.Errorf("after %d kills, %d lines were committed, and differ from the %d of an undisturbed run:\n%s", killed, len(got), len(want), firstDifference(got, want))
	}
	if hidden, err := filepath.Glob(filepath.Join(folder, ".*.tmp")); err != nil || len(hidden) > 0 {
		t.Errorf("%d hidden files are left, such as %v, %v", len(hidden), hidden[:min(3, len(hidden))], err)
	}
	if resumed < min(3, *kills/2) {
		t.Errorf("of %d processes that were killed, only %d had gone on from a checkpoint", killed, resumed)
	}
	files, err := os.ReadDir(archive)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d kills, %d of processes that had gone on from a checkpoint; %d files were taken away", killed, resumed, len(files))
}

// takeAway moves what is committed in folder to archive, until stop is called, and then
// the rest.
func takeAway(t *testing.T, folder, archive string) (stop func()) {
	take := func() {
		names, err := filepath.Glob(filepath.Join(folder, "out*"))
		if err != nil {
			t.Error(err)
		}
		for _, name := range names {
			err := os.Link(name, filepath.Join(archive, filepath.Base(name)))
			if errors.Is(err, fs.ErrExist) {
				t.Errorf("%s was taken away, and is there again", filepath.Base(name))
			}
			if err := errors.Join(err, os.Remove(name)); err != nil {
				t.Error(err)
			}
		}
	}
	done := make(chan struct{})
	var working sync.WaitGroup
	working.Go(func() {
		for {
			take()
			select {
			case <-done:
				take()
				return
			case <-time.After(time.Millisecond):
			}
		}
	})
	return func() {
		close(done)
		working.Wait()
	}
}
