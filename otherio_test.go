package millrace_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/millrace/millrace"
	"github.com/millrace/millrace/io/compression"
	"github.com/millrace/millrace/io/textio"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
	"github.com/millrace/millrace/runners/direct"
	"github.com/millrace/millrace/transforms"
)

// A copying is a pipeline that copies lines, and how it is told where from and where to.
type copying struct {
	in, out string
	read    textio.Options
	write   textio.WriteOptions
	allowed bool
}

// A gatedText is gated lines of files that say of themselves what they do.
type gatedText struct {
	gated
	source.Described
	source.Movable
}

const copiedLines = 20_000

func (c copying) options(folder string) millrace.Options {
	return millrace.Options{
		StateDir: filepath.Join(folder, "state"), CheckpointEvery: time.Hour, Parallelism: 2, SourceBatch: 16,
		Restart: direct.NoRestart{}, AllowChangedIO: c.allowed,
	}
}

// build is the pipeline. It is stopped after so many lines.
func (c copying) build(o *millrace.Options, until int64) *model.Pipeline {
	var p model.Pipeline
	var read atomic.Int64
	stop := make(chan struct{})
	o.Stop = stop
	text := textio.Source(c.in, c.read)
	in := transforms.Read(&p, source.WithEventTime(source.Source[string](gatedText{gated{text, stop}, text.(source.Described), text.(source.Movable)}),
		func(string) model.Timestamp { return 0 }, source.Monotonic()), model.Name("Read"))
	seen := transforms.Map(in, func(line string) string {
		if read.Add(1) == until {
			close(stop)
		}
		return line
	})
	textio.Write(seen, c.out, c.write, model.Name("Write"))
	return &p
}

func (c copying) run(t *testing.T, folder string, until int64) error {
	t.Helper()
	o := c.options(folder)
	p := c.build(&o, until)
	_, err := millrace.Run(t.Context(), p, o)
	return err
}

// halfCopied is a folder with files in "a", half of which were copied to "out", by the
// copying that is returned.
func halfCopied(t *testing.T) (string, copying) {
	t.Helper()
	folder := t.TempDir()
	for i, name := range []string{"a/1.txt", "a/2.txt", "b/1.txt", "b/2.txt"} {
		var text strings.Builder
		for n := range copiedLines / 2 {
			fmt.Fprintln(&text, i%2*copiedLines/2+n)
		}
		path := filepath.Join(folder, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o777), os.WriteFile(path, []byte(text.String()), 0o666)); err != nil {
			t.Fatal(err)
		}
	}
	c := copying{in: filepath.Join(folder, "a", "*.txt"), out: filepath.Join(folder, "out"), write: textio.WriteOptions{Shards: 1}}
	if err := c.run(t, folder, copiedLines/4); !errors.Is(err, millrace.ErrStopped) {
		t.Fatal(err)
	}
	return folder, c
}

// wantCopied checks that each line was written once, to files of those patterns.
func wantCopied(t *testing.T, patterns ...string) {
	t.Helper()
	times := make([]int, copiedLines)
	for _, pattern := range patterns {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			for line := range strings.FieldsSeq(string(b)) {
				n, err := strconv.Atoi(line)
				if err != nil || n >= copiedLines {
					t.Fatalf("%s has the line %q", f, line)
				}
				times[n]++
			}
		}
	}
	for n, k := range times {
		if k != 1 {
			t.Fatalf("line %d was written %d times", n, k)
		}
	}
}

// changedIO are other inputs and outputs, and what the errors say of them.
var changedIO = []struct {
	what   string
	change func(c *copying, folder string)
	says   string
}{
	{"another pattern", func(c *copying, d string) { c.in = d + "/b/*.txt" },
		"source Read: the checkpoint was taken with D/a/*.txt, and this run is given D/b/*.txt"},
	{"one of the files", func(c *copying, d string) { c.in = d + "/a/1.txt" },
		"source Read: the checkpoint was taken with D/a/*.txt, and this run is given D/a/1.txt"},
	{"another compression of the input", func(c *copying, _ string) { c.read.Compression = compression.Gzip },
		"source Read: the checkpoint was taken with D/a/*.txt, and this run is given D/a/*.txt, gzip"},
	{"another path", func(c *copying, d string) { c.out = d + "/other" },
		"sink Write: the checkpoint was taken with D/out, and this run is given D/other"},
	{"another suffix", func(c *copying, _ string) { c.write.Suffix = ".txt" },
		"sink Write: the checkpoint was taken with D/out, and this run is given D/out.txt"},
	{"another number of shards", func(c *copying, _ string) { c.write.Shards = 3 },
		"sink Write: the checkpoint was taken with D/out, and this run is given D/out-*-of-00003"},
	{"another compression of the output", func(c *copying, _ string) { c.write.Compression = compression.Zstd },
		"sink Write: the checkpoint was taken with D/out, and this run is given D/out, zstd"},
}

// A state directory is of one input and one output, while they are read and when they
// have been.
func TestAStateDirectoryIsNotGoneOnFromWithOtherInputOrOutput(t *testing.T) {
	folder, c := halfCopied(t)
	refuse := func(what, says string, other copying) {
		t.Helper()
		before := listing(t, folder)
		err := other.run(t, folder, -1)
		if err == nil || !strings.Contains(err.Error(), strings.ReplaceAll(says, "D/", folder+"/")) || !strings.Contains(err.Error(), "name a new state directory") {
			t.Errorf("%s: got %v", what, err)
		}
		if after := listing(t, folder); !slices.Equal(before, after) {
			t.Errorf("%s: there was %v, and is %v", what, before, after)
		}
	}
	for _, x := range changedIO {
		other := c
		x.change(&other, folder)
		refuse(x.what, x.says, other)
	}
	if err := c.run(t, folder, -1); err != nil {
		t.Fatal(err)
	}
	wantCopied(t, folder+"/out*")
	for _, x := range changedIO {
		other := c
		x.change(&other, folder)
		refuse(x.what+", at the end", x.says, other)
		other.allowed = true // which is of no use: nothing is left to be read
		refuse(x.what+", at the end, allowed", x.says, other)
	}
	if err := c.run(t, folder, -1); err != nil {
		t.Errorf("what has ended does not end again: %v", err)
	}
}

// The diff says what the run would.
func TestThePlanDiffShowsOtherInputAndOutput(t *testing.T) {
	folder, c := halfCopied(t)
	for _, verdict := range []direct.Verdict{direct.Refused, direct.Migrated} {
		for _, x := range changedIO {
			other := c
			x.change(&other, folder)
			other.allowed = verdict == direct.Migrated
			o := other.options(folder)
			diff, err := millrace.Diff(t.Context(), other.build(&o, -1), o)
			if err != nil {
				t.Fatal(err)
			}
			what, says, _ := strings.Cut(strings.ReplaceAll(x.says, "D/", folder+"/"), " ")
			_, says, _ = strings.Cut(says, ": ")
			i := slices.IndexFunc(diff.Changes, func(c millrace.PlanChange) bool { return c.What == what })
			if got := diff.Changes[i]; got.Verdict != verdict || got.Details[0] != says {
				t.Errorf("%s: %v", x.what, got)
			}
			if (diff.Err(false) == nil) != other.allowed {
				t.Errorf("%s: %v", x.what, diff.Err(false))
			}
		}
	}
}

// A path is what it leads to, from whatever folder; and an input that has grown is the same.
func TestTheSamePathsFromAnotherFolder(t *testing.T) {
	folder, c := halfCopied(t)
	t.Chdir(folder)
	if err := os.WriteFile("a/3.txt", []byte("new\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	c.in, c.out = "a/../a/*.txt", "./out"
	if err := c.run(t, folder, copiedLines/4); !errors.Is(err, millrace.ErrStopped) {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	c.in, c.out = folder+"/a/*.txt", folder+"/out"
	if err := c.run(t, folder, -1); err != nil {
		t.Fatal(err)
	}
	wantCopied(t, folder+"/out*")
}

// Files that were moved are read on where they are, if that is said.
func TestFilesThatWereMovedAreReadOnIfThatIsAllowed(t *testing.T) {
	folder, c := halfCopied(t)
	if err := errors.Join(os.Rename(folder+"/a", folder+"/c"), os.Mkdir(folder+"/d", 0o777)); err != nil {
		t.Fatal(err)
	}
	c.in, c.out = folder+"/c/*.txt", folder+"/d/out"
	if err := c.run(t, folder, -1); err == nil || strings.Count(err.Error(), "allow it (Checkpoints.AllowChangedIO, -allow-changed-io)") != 2 {
		t.Fatalf("got %v", err)
	}
	c.allowed = true
	if err := c.run(t, folder, copiedLines/4); !errors.Is(err, millrace.ErrStopped) {
		t.Fatal(err)
	}
	c.allowed = false // the new checkpoint has the new places
	if err := c.run(t, folder, -1); err != nil {
		t.Fatal(err)
	}
	wantCopied(t, folder+"/out*", folder+"/d/out*")
}

// Being allowed to, a run still reads nothing but what it was to read.
func TestOtherFilesAreNotTakenForThoseThatWereMoved(t *testing.T) {
	folder, c := halfCopied(t)
	c.in, c.allowed = folder+"/e/*.txt", true
	if err := c.run(t, folder, -1); err == nil || !strings.Contains(err.Error(), "is still to be read, and neither it nor what has its place is matched by") {
		t.Errorf("got %v", err)
	}
	if err := errors.Join(os.Mkdir(folder+"/e", 0o777), os.WriteFile(folder+"/e/1.txt", []byte("other\n"), 0o666), os.WriteFile(folder+"/e/2.txt", []byte("other\n"), 0o666)); err != nil {
		t.Fatal(err)
	}
	if err := c.run(t, folder, -1); err == nil || !strings.Contains(err.Error(), "has changed: it had ") {
		t.Errorf("got %v", err)
	}
}

// What cannot be looked for elsewhere is not gone on with, whatever is allowed.
func TestNumbersAreNotTakenForOthersThatWereMoved(t *testing.T) {
	o := millrace.Options{StateDir: filepath.Join(t.TempDir(), "state"), Restart: direct.NoRestart{}, AllowChangedIO: true}
	run := func(to int64) error {
		var p model.Pipeline
		transforms.ForEach(transforms.GenerateSequence(&p, source.Sequence{To: to}, model.Name("Numbers")), func(context.Context, transforms.Element[int64]) error { return nil })
		stop := make(chan struct{})
		close(stop)
		o.Stop = stop
		_, err := millrace.Run(t.Context(), &p, o)
		return err
	}
	if err := run(10); !errors.Is(err, millrace.ErrStopped) {
		t.Fatal(err)
	}
	if err := run(20); err == nil || !strings.Contains(err.Error(), "source Numbers: the checkpoint was taken with 0 to 10, and this run is given 0 to 20\n") {
		t.Errorf("got %v", err)
	}
}
