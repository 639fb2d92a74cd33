package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/millrace/millrace"
	"github.com/millrace/millrace/io/textio"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/windowing"
)

// words is a source of numbered words; it goes on only as far as it may.
type words struct {
	n    int64
	till *atomic.Int64
}

func (words) Bounded() bool { return true }

func (words) Splits(context.Context, int) ([]source.Split, error) {
	return []source.Split{{ID: "words"}}, nil
}

func (w words) Open(_ context.Context, s source.Split) (source.Reader[string], error) {
	return &wordReader{words: w, at: int64(len(s.Position))}, nil
}

type wordReader struct {
	words
	at int64
}

func (r *wordReader) Read(_ context.Context, limit int, emit func(*string, model.Timestamp)) (source.Status, error) {
	for ; limit > 0 && r.at < r.till.Load(); limit-- {
		word := fmt.Sprint("w", r.at%10)
		emit(&word, model.Timestamp(r.at*1000))
		r.at++
	}
	switch {
	case r.at == r.n:
		return source.Status{Done: true}, nil
	case r.at < r.till.Load():
		return source.Status{}, nil
	}
	return source.Status{ResumeAfter: time.Millisecond}, nil
}

func (r *wordReader) Position() source.Split {
	return source.Split{ID: "words", Position: make([]byte, r.at)}
}
func (r *wordReader) Watermark() model.Timestamp { return model.Timestamp(r.at * 1000) }
func (*wordReader) Progress() source.Progress    { return source.Progress{} }
func (*wordReader) Close() error                 { return nil }

// A job counts words by the hour, in a process of its own, so to speak.
type job struct {
	folder, state string
	till          atomic.Int64
	seen          chan int64 // how many words came, each time that all that may had
	ended         chan error
}

const allWords = 2000

// start runs the job until so many words.
func start(t *testing.T, folder string, till int64, o millrace.Options) *job {
	t.Helper()
	j := &job{folder: folder, state: o.StateDir, seen: make(chan int64, allWords), ended: make(chan error, 1)}
	j.till.Store(till)
	var p model.Pipeline
	j.build(&p)
	o.Parallelism, o.CheckpointEvery, o.Restart = 2, time.Hour, nil
	o.AllowChangedIO = o.Restore != "" // into a folder of its own
	go func() {
		_, err := millrace.Run(context.Background(), &p, o)
		j.ended <- err
	}()
	return j
}

func (j *job) build(p *model.Pipeline) {
	in := transforms.Read(p, source.Source[string](words{allWords, &j.till}), model.Name("words"))
	watched := transforms.Map(in, func(w string) string { return w })
	var n atomic.Int64
	watched = transforms.Map(watched, func(w string) string {
		if n.Add(1); w == "w9" {
			j.seen <- n.Load()
		}
		return w
	})
	hours := transforms.Window(watched, model.WindowingStrategy{Windows: windowing.Fixed{Size: time.Hour}})
	lines := transforms.Map(transforms.Count(hours, model.Name("count")), func(kv model.KV[string, int64]) string {
		return fmt.Sprint(kv.Key, " ", kv.Value)
	})
	textio.Write(lines, filepath.Join(j.folder, "out"), textio.WriteOptions{}, model.Name("out"))
}

// read waits until so many words have come in this run.
func (j *job) read(t *testing.T, n int64) {
	t.Helper()
	for {
		select {
		case got := <-j.seen:
			if got >= n {
				return
			}
		case err := <-j.ended:
			t.Fatalf("the run ended: %v", err)
		}
	}
}

func (j *job) lines(t *testing.T) (lines []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(j.folder, "out*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, strings.Fields(strings.ReplaceAll(string(b), " ", "="))...)
	}
	slices.Sort(lines)
	return lines
}

// counts are what n words come to.
func counts(n int) (lines []string) {
	for w := range 10 {
		lines = append(lines, fmt.Sprintf("w%d=%d", w, n/10))
	}
	return lines
}

// millraceSays runs the command.
func millraceSays(t *testing.T, code int, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	if got := run(args, &out, &out); got != code {
		t.Errorf("millrace %v exits with %d instead of %d: %s", args, got, code, &out)
	}
	return out.String()
}

func folders(t *testing.T) (folder, state string) {
	folder = t.TempDir()
	return folder, filepath.Join(folder, "state")
}

func TestARunBeginsFromASavepointOfAnother(t *testing.T) {
	folder, state := folders(t)
	j := start(t, folder, 1000, millrace.Options{StateDir: state})
	j.read(t, 1000)
	half := strings.TrimSpace(millraceSays(t, exitOK, "savepoint", "-state-dir", state, "-name", "half"))
	if want := filepath.Join(state, "checkpoints", "000000000001-half"); half != want {
		t.Fatalf("the savepoint is %s, want %s", half, want)
	}
	if got := millraceSays(t, exitFailed, "savepoint", "-state-dir", state, "-name", "half"); got != "there is a savepoint \"half\" already, checkpoint 1; give this one another name\n" {
		t.Error(got)
	}
	if got := millraceSays(t, exitFailed, "savepoint", "-state-dir", state, "-name", "../x"); !strings.Contains(got, "is not one of") {
		t.Error(got)
	}
	for range 3 { // which make room for each other, and not the savepoint
		millraceSays(t, exitOK, "savepoint", "-state-dir", state)
	}
	j.till.Store(1500)
	j.read(t, 1500)
	millraceSays(t, exitOK, "stop", "-state-dir", state, "-savepoint", "v2")
	if err := <-j.ended; !errors.Is(err, millrace.ErrStopped) {
		t.Fatal(err)
	}
	list := millraceSays(t, exitOK, "checkpoints", "-state-dir", state)
	for i, want := range []string{"000000000005-v2 ", "000000000004 ", "000000000003 ", "000000000001-half "} {
		if lines := strings.Split(list, "\n"); len(lines) != 5 || !strings.HasPrefix(lines[i], want) {
			t.Errorf("line %d of\n%sis not of %s", i, list, want)
		}
	}
	if got := millraceSays(t, exitFailed, "savepoint", "-state-dir", state); !strings.Contains(got, "no process that runs on this state directory answers") {
		t.Error(got)
	}

	elsewhere := filepath.Join(folder, "elsewhere")
	millraceSays(t, exitOK, "copy", half, elsewhere)
	for _, restore := range []string{half, elsewhere, elsewhere + "/"} {
		again, fresh := folders(t)
		j := start(t, again, allWords, millrace.Options{StateDir: fresh, Restore: restore})
		if err := <-j.ended; err != nil {
			t.Fatal(err)
		}
		if got, want := j.lines(t), counts(allWords); !slices.Equal(got, want) {
			t.Errorf("from %s: %v instead of %v", restore, got, want)
		}
	}

	// Without it, the directory itself goes on from the last one.
	o := millrace.Options{StateDir: state, Restore: half}
	if err := <-start(t, folder, allWords, o).ended; err == nil || !strings.Contains(err.Error(), "it has state already, checkpoint 5") {
		t.Errorf("the state was replaced: %v", err)
	}
	o.Restore = ""
	j = start(t, folder, allWords, o)
	if err := <-j.ended; err != nil {
		t.Fatal(err)
	}
	if got, want := j.lines(t), counts(allWords); !slices.Equal(got, want) {
		t.Errorf("%v instead of %v", got, want)
	}
}

// A drained pipeline has done all that waits for the end of time, and is at its end.
func TestADrainedPipelineIsAtItsEnd(t *testing.T) {
	folder, state := folders(t)
	j := start(t, folder, 1000, millrace.Options{StateDir: state})
	j.read(t, 1000)
	millraceSays(t, exitOK, "stop", "-state-dir", state, "-savepoint", "last", "-drain")
	if err := <-j.ended; err != nil {
		t.Fatal(err)
	}
	if got, want := j.lines(t), counts(1000); !slices.Equal(got, want) {
		t.Errorf("%v instead of %v", got, want)
	}
	if list := millraceSays(t, exitOK, "checkpoints", "-state-dir", state); !strings.HasPrefix(list, "000000000001-last ") || !strings.Contains(list, "the end of the pipeline") {
		t.Error(list)
	}
	if err := <-start(t, folder, allWords, millrace.Options{StateDir: state}).ended; err != nil {
		t.Fatal(err)
	}
	if got, want := j.lines(t), counts(1000); !slices.Equal(got, want) {
		t.Errorf("it was run again: %v", got)
	}
}

func TestWhatCannotBeRestoredIsLeftAlone(t *testing.T) {
	folder, state := folders(t)
	for restore, want := range map[string]string{
		filepath.Join(folder, "nothing"): "there is no checkpoint; name the directory of one",
		folder:                           "it is not a state directory, and has files of others, such as x",
	} {
		if err := os.WriteFile(filepath.Join(folder, "x"), nil, 0o644); err != nil {
			t.Fatal(err)
		}
		err := <-start(t, folder, allWords, millrace.Options{StateDir: state, Restore: restore}).ended
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", restore, err)
		}
		if _, err := os.Stat(state); !os.IsNotExist(err) {
			t.Errorf("%s: the state directory was made: %v", restore, err)
		}
	}
}

func TestWrongCommandLinesAreTold(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"", "millrace looks after"},
		{"sing", `there is no command "sing"`},
		{"stop", "millrace stop needs -state-dir"},
		{"stop -state-dir x y", `millrace stop takes no "y"`},
		{"copy x", "millrace copy needs the checkpoint"},
		{"plan", "millrace plan diff needs the program"},
	} {
		if got := millraceSays(t, exitUsage, strings.Fields(c.args)...); !strings.Contains(got, c.want) {
			t.Errorf("millrace %s: %s", c.args, got)
		}
	}
}
