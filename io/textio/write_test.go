package textio_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/millrace/millrace/io/compression"
	"github.com/millrace/millrace/io/internal/readtest"
	"github.com/millrace/millrace/io/textio"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/sink"
)

var token = regexp.MustCompile(`[0-9a-f]{16}`)

// files lists the files of d, hidden ones too, with their content.
func files(t testing.TB, d string) []string {
	t.Helper()
	entries, err := os.ReadDir(d)
	if err != nil {
		t.Fatal(err)
	}
	list := []string{}
	for _, e := range entries {
		content, err := os.ReadFile(filepath.Join(d, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, fmt.Sprintf("%s: %q", token.ReplaceAllString(e.Name(), "TOKEN"), content))
	}
	return list
}

func wantFiles(t *testing.T, d string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(append([]string{}, want...), files(t, d)); diff != "" {
		t.Error(diff)
	}
}

// A shardWriter is a writer that fails the test for its caller.
type shardWriter struct {
	t     readtest.TB
	shard sink.Shard
	sink.Writer[string]
}

func openWriter(t readtest.TB, s sink.Sink[string], shard sink.Shard) shardWriter {
	t.Helper()
	w, err := s.Open(context.Background(), shard)
	if err != nil {
		t.Fatalf("opening shard %+v: %v", shard, err)
	}
	return shardWriter{t, shard, w}
}

func (w shardWriter) write(lines ...string) {
	w.t.Helper()
	for _, line := range lines {
		if err := w.Write(context.Background(), &line, &model.Meta{}); err != nil {
			w.t.Fatalf("writing %q: %v", line, err)
		}
	}
}

func (w shardWriter) prepare() sink.Committable {
	w.t.Helper()
	data, err := w.Prepare(context.Background())
	if err != nil {
		w.t.Fatalf("preparing: %v", err)
	}
	return sink.Committable{Shard: w.shard, Data: data}
}

func commit(t readtest.TB, s sink.Sink[string], prepared ...sink.Committable) {
	t.Helper()
	if err := s.Commit(context.Background(), prepared); err != nil {
		t.Fatalf("%v", err)
	}
}

var (
	alone   = sink.Shard{Index: 0, Of: 1}
	resumed = sink.Shard{Index: 0, Of: 1, Resumed: true}
)

func TestFilesAppearAtCommit(t *testing.T) {
	d := t.TempDir()
	s := textio.Sink(d+"/out", textio.WriteOptions{Suffix: ".txt"})
	first := openWriter(t, s, sink.Shard{Index: 0, Of: 2})
	second := openWriter(t, s, sink.Shard{Index: 1, Of: 2})
	first.write("1", "2")
	a := first.prepare()
	b := second.prepare()
	if b.Data != nil {
		t.Errorf("nothing was written, and prepared was %s", b.Data)
	}
	wantFiles(t, d, `.out-00000-of-00002.txt.TOKEN.tmp: "1\n2\n"`)
	if lines, err := readtest.Try(textio.Source(d+"/*", textio.Options{AllowNoFiles: true}), 1); err != nil || len(lines) > 0 {
		t.Errorf("what is not committed can be read: %q, %v", lines, err)
	}
	commit(t, s, a, b)
	wantFiles(t, d, `out-00000-of-00002.txt: "1\n2\n"`)

	first.write("3")
	second.write("4")
	commit(t, s, first.prepare(), second.prepare())
	commit(t, s, first.prepare(), second.prepare())
	first.write("lost")
	first.Close()
	second.Close()
	wantFiles(t, d,
		`out-00000-of-00002-part-00001.txt: "3\n"`,
		`out-00000-of-00002.txt: "1\n2\n"`,
		`out-00001-of-00002.txt: "4\n"`)
}

func TestTheNumberOfFilesIsKept(t *testing.T) {
	for _, c := range []struct {
		shards, writers int
		want            []string
	}{
		{1, 1, []string{`out.txt: "a\nb\nc\nd\n"`}},
		{3, 1, []string{`out-00000-of-00003.txt: "a\nd\n"`, `out-00001-of-00003.txt: "b\n"`, `out-00002-of-00003.txt: "c\n"`}},
		{3, 2, []string{`out-00000-of-00003.txt: "a\nc\n"`, `out-00001-of-00003.txt: ""`, `out-00002-of-00003.txt: "b\nd\n"`}},
	} {
		d := t.TempDir()
		s := textio.Sink(d+"/out", textio.WriteOptions{Suffix: ".txt", Shards: c.shards})
		if n := s.(sink.Sharded).Shards(); n != c.shards {
			t.Errorf("the sink wants %d shards and says %d", c.shards, n)
		}
		var prepared []sink.Committable
		for i := range c.writers {
			w := openWriter(t, s, sink.Shard{Index: i, Of: c.writers})
			if i == 0 {
				w.write("a", "b", "c", "d")
			}
			prepared = append(prepared, w.prepare())
		}
		commit(t, s, prepared...)
		wantFiles(t, d, c.want...)
	}
	d := t.TempDir()
	_, err := textio.Sink(d+"/out", textio.WriteOptions{Shards: 3}).Open(context.Background(), sink.Shard{Index: 0, Of: 4})
	wantError(t, d, err, "textio: the runner opened writer 0 of 4 for the 3 shards of out; it must open no more than sink.Sharded says")
}

func TestOneFileOfAStreamHasParts(t *testing.T) {
	d := t.TempDir()
	s := textio.Sink(d+"/log.txt", textio.WriteOptions{Shards: 1})
	w := openWriter(t, s, alone)
	commit(t, s, w.prepare())
	for i := range 3 {
		w.write(fmt.Sprint(i))
		commit(t, s, w.prepare())
	}
	wantFiles(t, d, `log.txt: ""`, `log.txt-part-00001: "0\n"`, `log.txt-part-00002: "1\n"`, `log.txt-part-00003: "2\n"`)
}

func TestACrashBetweenPrepareAndCommit(t *testing.T) {
	d := t.TempDir()
	s := textio.Sink(d+"/out", textio.WriteOptions{})
	w := openWriter(t, s, sink.Shard{Index: 0, Of: 2})
	v := openWriter(t, s, sink.Shard{Index: 1, Of: 2})
	w.write("a")
	v.write("b")
	prepared := []sink.Committable{w.prepare(), v.prepare()}
	w.write("after the checkpoint")
	// The process dies here; nobody closes the writers. The next one gets as far as
	// the first shard, and the one after it starts over.
	again := textio.Sink(d+"/out", textio.WriteOptions{})
	commit(t, again, prepared[0])
	next := openWriter(t, again, sink.Shard{Index: 0, Of: 2, Resumed: true})
	commit(t, again, prepared...)
	commit(t, again, prepared...)
	next.write("after the checkpoint")
	commit(t, again, next.prepare())
	// What the first process wrote last is nobody's.
	left, err := filepath.Glob(d + "/.*.tmp")
	if err != nil || len(left) != 1 {
		t.Fatalf("%q, %v", left, err)
	}
	os.Remove(left[0])
	wantFiles(t, d,
		`out-00000-of-00002: "a\n"`,
		`out-00000-of-00002-part-00002: "after the checkpoint\n"`,
		`out-00001-of-00002: "b\n"`)
}

func TestAbortRemovesWhatWasPrepared(t *testing.T) {
	d := t.TempDir()
	s := textio.Sink(d+"/out", textio.WriteOptions{Shards: 2})
	w := openWriter(t, s, alone)
	w.write("a", "b")
	committed := w.prepare()
	commit(t, s, committed)
	w.write("c", "d")
	aborted := w.prepare()
	for range 2 {
		if err := s.Abort(context.Background(), []sink.Committable{aborted, {}}); err != nil {
			t.Error(err)
		}
	}
	if err := s.Abort(context.Background(), []sink.Committable{committed}); err != nil {
		t.Error(err)
	}
	wantFiles(t, d, `out-00000-of-00002: "a\n"`, `out-00001-of-00002: "b\n"`)
	err := s.Commit(context.Background(), []sink.Committable{aborted})
	wantError(t, d, err, "textio: committing out: out-00000-of-00002-part-00001, out-00001-of-00002-part-00001: prepared, and not there any more")
}

func TestCommitNoticesWhatHappenedToFiles(t *testing.T) {
	const prefix = "textio: committing out: "
	for _, c := range []struct {
		name    string
		meddle  func(temporary, final string)
		recover bool // it was committed before
		want    string
	}{
		{"the prepared file was cut", func(temporary, _ string) { os.Truncate(temporary, 1) }, false,
			".out.TOKEN.tmp was prepared with 4 bytes and has 1: it was changed by something else, or the disk lost some; go back to an earlier checkpoint"},
		{"another file appeared", func(_, final string) { os.WriteFile(final, []byte("x"), 0o666) }, false,
			"out has appeared since the run began; move it away and resume, and it will be replaced by .out.TOKEN.tmp"},
		{"the output was edited", func(_, final string) { os.WriteFile(final, []byte("a\nc\n"), 0o666) }, true,
			".out.TOKEN.tmp was prepared and is gone, and out has other content: 4 bytes with checksum 4106637c instead of 4 with 52a4fb0b; restore it, or go back to an earlier checkpoint"},
		{"nothing happened", func(string, string) {}, true, ""},
	} {
		d := t.TempDir()
		s := textio.Sink(d+"/out", textio.WriteOptions{Shards: 1})
		w := openWriter(t, s, alone)
		w.write("a", "b")
		prepared := w.prepare()
		temporary, err := filepath.Glob(d + "/.*.tmp")
		if err != nil || len(temporary) != 1 {
			t.Fatal(temporary, err)
		}
		if c.recover {
			commit(t, s, prepared)
		}
		c.meddle(temporary[0], d+"/out")
		err = s.Commit(context.Background(), []sink.Committable{prepared})
		if c.want == "" {
			wantError(t, d, err, "no error")
			continue
		}
		wantError(t, d, fmt.Errorf("%s", token.ReplaceAllString(fmt.Sprint(err), "TOKEN")), prefix+c.want)
	}
}

func TestOutputOfAnEarlierRun(t *testing.T) {
	d := dir(t, map[string]string{
		"out-00000-of-00002.txt": "old", "out-00001-of-00002.txt": "old", "out-00000-of-00002-part-00001.txt": "old",
		"out.txt": "not an output of this sink", "out-00000-of-00002.csv": "nor this",
	})
	_, err := textio.Sink(d+"/out", textio.WriteOptions{Suffix: ".txt"}).Open(context.Background(), sink.Shard{Index: 1, Of: 3})
	wantError(t, d, err, "textio: out-00000-of-00002-part-00001.txt is there already; remove it, write somewhere else, or set Overwrite to replace it")

	s := textio.Sink(d+"/out", textio.WriteOptions{Suffix: ".txt", Overwrite: true})
	w := openWriter(t, s, sink.Shard{Index: 0, Of: 2})
	v := openWriter(t, s, sink.Shard{Index: 1, Of: 2})
	v.write("new")
	prepared := []sink.Committable{w.prepare(), v.prepare()}
	if n := len(files(t, d)); n != 6 {
		t.Errorf("%d files before the first commit", n)
	}
	commit(t, s, prepared...)
	w.write("newer")
	commit(t, s, w.prepare())
	// A repeated commit leaves what has come in the meantime.
	commit(t, s, prepared...)
	wantFiles(t, d,
		`out-00000-of-00002.csv: "nor this"`,
		`out-00000-of-00002.txt: "newer\n"`,
		`out-00001-of-00002.txt: "new\n"`,
		`out.txt: "not an output of this sink"`)
}

func TestAResumedRunGoesOnNumbering(t *testing.T) {
	d := dir(t, map[string]string{"out": "0", "out-part-00007": "7", ".out-part-00009.0123456789abcdef.tmp": "prepared"})
	s := textio.Sink(d+"/out", textio.WriteOptions{Shards: 1})
	w := openWriter(t, s, resumed)
	commit(t, s, w.prepare())
	w.write("10")
	commit(t, s, w.prepare())
	wantFiles(t, d, `.out-part-00009.TOKEN.tmp: "prepared"`, `out: "0"`, `out-part-00007: "7"`, `out-part-00010: "10\n"`)
}

// A committed file may be taken away at once. A Commit that comes again does the rest, and
// tells what is gone.
func TestFilesMayBeTakenAwayBetweenTwoCommits(t *testing.T) {
	d := t.TempDir()
	s := textio.Sink(d+"/out", textio.WriteOptions{})
	first, second := openWriter(t, s, sink.Shard{Index: 0, Of: 2}), openWriter(t, s, sink.Shard{Index: 1, Of: 2})
	first.write("1")
	a := first.prepare()
	second.write("2")
	b := second.prepare()
	commit(t, s, a)
	if err := os.Remove(d + "/out-00000-of-00002"); err != nil {
		t.Fatal(err)
	}
	err := s.Commit(context.Background(), []sink.Committable{a, b})
	var gone *sink.Gone
	if !errors.As(err, &gone) || len(gone.Things) != 1 || gone.Things[0] != d+"/out-00000-of-00002" {
		t.Errorf("got %v", err)
	}
	wantFiles(t, d, `out-00001-of-00002: "2\n"`)
}

// The numbers of parts go on, though nothing is there any more to tell them.
func TestPartsOfFilesThatWereTakenAwayAreNotNamedAgain(t *testing.T) {
	d := t.TempDir()
	s := textio.Sink(d+"/out", textio.WriteOptions{Shards: 1})
	again := resumed
	again.FirstPrepare = 12
	w := openWriter(t, s, again)
	commit(t, s, w.prepare())
	w.write("a")
	commit(t, s, w.prepare())
	w.write("b")
	commit(t, s, w.prepare())
	wantFiles(t, d, `out-part-00012: "a\n"`, `out-part-00013: "b\n"`)
}

// What the processes of one state directory have left is removed, and nothing else.
func TestWhatEarlierProcessesLeftIsSwept(t *testing.T) {
	const own, other = "00112233445566ff", "8899aabbccddeeff"
	d := dir(t, map[string]string{
		".out-00000-of-00001." + own + "-0123456789abcdef.tmp":            "own",
		".out-00000-of-00002-part-00003." + own + "-0123456789abcdef.tmp": "own, of another parallelism",
		".out-00000-of-00001." + other + "-0123456789abcdef.tmp":          "another's",
		".out-00000-of-00001.0123456789abcdef.tmp":                        "nobody's",
		".in-00000-of-00001." + own + "-0123456789abcdef.tmp":             "of another sink",
		"out-00000-of-00001": "committed",
	})
	s := textio.Sink(d+"/out", textio.WriteOptions{})
	n, err := s.(sink.Sweeper).Sweep(context.Background(), own)
	if err != nil || n != 2 {
		t.Errorf("removed %d files, %v", n, err)
	}
	if n, err := s.(sink.Sweeper).Sweep(context.Background(), ""); err != nil || n != 0 {
		t.Errorf("of no owner, removed %d files, %v", n, err)
	}
	wantFiles(t, d,
		`.in-00000-of-00001.TOKEN-TOKEN.tmp: "of another sink"`,
		`.out-00000-of-00001.TOKEN.tmp: "nobody's"`,
		`.out-00000-of-00001.TOKEN-TOKEN.tmp: "another's"`,
		`out-00000-of-00001: "committed"`)
	w := openWriter(t, s, sink.Shard{Index: 0, Of: 1, Resumed: true, Owner: own})
	w.write("lost")
	if n, err := s.(sink.Sweeper).Sweep(context.Background(), own); err != nil || n != 1 {
		t.Errorf("of the writer's own, removed %d files, %v", n, err)
	}
}

func TestCloseRemovesWhatWasNotPrepared(t *testing.T) {
	d := t.TempDir()
	w := openWriter(t, textio.Sink(d+"/deep/er/out", textio.WriteOptions{Shards: 2}), alone)
	w.write(strings.Repeat("x", 200_000), "b")
	for range 2 {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := w.Write(context.Background(), new(string), &model.Meta{}); err == nil {
		t.Error("writing to a closed writer")
	}
	wantFiles(t, d+"/deep/er")
}

func TestMistakesInWhatIsWritten(t *testing.T) {
	d := t.TempDir()
	for _, c := range []struct {
		path string
		opts textio.WriteOptions
		want string
	}{
		{"", textio.WriteOptions{}, `textio: the path "" of the files to write does not end in a name`},
		{d + "/", textio.WriteOptions{}, `textio: the path "" of the files to write does not end in a name`},
		{"a/..", textio.WriteOptions{}, `textio: the path "a/.." of the files to write does not end in a name`},
		{"a/.b", textio.WriteOptions{}, `textio: the path "a/.b" of the files to write has a hidden name; those are taken for files that are not complete`},
		{"a", textio.WriteOptions{Suffix: "/x"}, `textio: the suffix "/x" cannot be part of a file name`},
		{"a", textio.WriteOptions{Shards: -1}, "textio: -1 shards: it takes between 1 and 99999, or 0 to leave the number to the runner"},
		{"a", textio.WriteOptions{Compression: 77}, "textio: Format(77) is no compression; take one of package compression"},
	} {
		_, err := textio.Sink(c.path, c.opts).Open(context.Background(), alone)
		wantError(t, d, err, c.want)
	}
	w := openWriter(t, textio.Sink(d+"/out", textio.WriteOptions{}), alone)
	lines := "two\nlines"
	err := w.Write(context.Background(), &lines, &model.Meta{})
	wantError(t, d, err, `textio: writing out-00000-of-00001: the line "two\nlines" has a line break at byte 3 and would be read as two; split it before it is written`)
	if _, again := w.Prepare(context.Background()); again == nil {
		t.Error("a writer that failed prepares what it has")
	}
	w.Close()
	wantFiles(t, d)
}

func TestCommittablesThatMakeNoSense(t *testing.T) {
	s := textio.Sink(t.TempDir()+"/out", textio.WriteOptions{})
	for _, c := range []struct{ data, want string }{
		{`?`, "is not one of a connector of files"},
		{`{"v":2}`, "is of version 2, and this program reads version 1"},
		{`{"v":1,"files":[{"temporary":"a","final":"b"}]}`, `it would rename "a" to "b", which this sink does not`},
		{`{"v":1,"files":[{"temporary":".out-00000-of-00001.0123456789abcdef.tmp","final":"out-00001-of-00001"}]}`, "it would rename"},
		{`{"v":1,"files":[{"temporary":".out-00000-of-00001.0123456789abcdef.tmp","final":"../out-00000-of-00001"}]}`, "it would rename"},
		{`{"v":1,"replaced":[{"name":"../passwords"}]}`, `it would remove "../passwords", which is no output of this sink`},
	} {
		prepared := []sink.Committable{{Data: []byte(c.data)}}
		for _, err := range []error{s.Commit(context.Background(), prepared), s.Abort(context.Background(), prepared)} {
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s:\n got %v\nwant %s", c.data, err, c.want)
			}
		}
	}
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	d := t.TempDir()
	line := rapid.OneOf(rapid.StringMatching(`[ -~]{0,20}`), rapid.StringMatching(`é{0,300}`))
	runs := 0
	readtest.SlowCheck(t, func(rt *rapid.T) {
		runs++
		opts := textio.WriteOptions{
			Suffix:      rapid.SampledFrom([]string{"", ".txt", ".gz", ".zst"}).Draw(rt, "suffix"),
			Shards:      rapid.IntRange(0, 3).Draw(rt, "shards"),
			Compression: rapid.SampledFrom([]compression.Format{compression.Auto, compression.Auto, compression.Gzip, compression.Zstd}).Draw(rt, "compression"),
		}
		path := fmt.Sprintf("%s/%d/out", d, runs)
		if opts.Compression == compression.Gzip && opts.Suffix == ".zst" || opts.Compression == compression.Zstd && opts.Suffix == ".gz" {
			opts.Suffix = ""
		}
		s := textio.Sink(path, opts)
		w := openWriter(rt, s, alone)
		var want []string
		for range rapid.IntRange(1, 4).Draw(rt, "checkpoints") {
			lines := rapid.SliceOfN(line, 0, 30).Draw(rt, "lines")
			w.write(lines...)
			want = append(want, lines...)
			prepared := w.prepare()
			for range rapid.IntRange(1, 2).Draw(rt, "commits") {
				commit(rt, s, prepared)
			}
			if rapid.Bool().Draw(rt, "restart") {
				w = openWriter(rt, s, resumed)
			}
		}
		w.Close()
		got := readtest.All(rt, textio.Source(path+"*", textio.Options{AllowNoFiles: true}), 3)
		slices.Sort(want)
		slices.Sort(got)
		if diff := cmp.Diff(append([]string{}, want...), append([]string{}, got...)); diff != "" {
			rt.Error(diff)
		}
	})
}

func FuzzCommittable(f *testing.F) {
	d := f.TempDir()
	s := textio.Sink(d+"/out/file", textio.WriteOptions{Overwrite: true})
	w := openWriter(f, s, alone)
	w.write("x")
	f.Add(w.prepare().Data)
	f.Add([]byte(`{"v":1,"replaced":[{"name":"file-00000-of-00001"}]}`))
	outside := filepath.Join(d, "file-00000-of-00001")
	if err := os.WriteFile(outside, []byte("precious"), 0o666); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s.Commit(t.Context(), []sink.Committable{{Data: data}})
		s.Abort(t.Context(), []sink.Committable{{Data: data}})
		if _, err := os.Stat(outside); err != nil {
			t.Fatalf("%q reached outside of the folder: %v", data, err)
		}
	})
}
