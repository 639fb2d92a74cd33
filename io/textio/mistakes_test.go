package textio_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/millrace/millrace/io/compression"
	"github.com/millrace/millrace/io/internal/readtest"
	"github.com/millrace/millrace/io/textio"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
	"github.com/millrace/millrace/transforms"
)

// wantError checks err with the folder d taken out of it.
func wantError(t *testing.T, d string, err error, want string) {
	t.Helper()
	got := "no error"
	if err != nil {
		got = strings.ReplaceAll(err.Error(), d+"/", "")
	}
	if got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

func TestMistakesInWhatIsRead(t *testing.T) {
	d := dir(t, map[string]string{
		"[1].txt": "x", "sub/a.txt": "x", "fake.gz": "plain", "empty.zst": "", "plain.txt": "abc\nabcdefgh\n", "a.txt": "",
	})
	for _, c := range []struct {
		pattern string
		opts    textio.Options
		want    string
	}{
		{"none*.txt", textio.Options{}, `textio: no file matches "none*.txt"; correct the pattern, or set AllowNoFiles if that is no mistake`},
		{"none", textio.Options{AllowNoFiles: true}, "no error"},
		{"[1].txt", textio.Options{}, `textio: no file matches "[1].txt", but one has this very name; escape its special characters with a backslash`},
		{`\[1].txt`, textio.Options{}, "no error"},
		{"sub", textio.Options{}, "textio: sub is a folder; to read the files in it, say sub/*"},
		{"[a", textio.Options{}, `textio: the pattern "[a" is malformed: syntax error in pattern; escape a literal [ as \[`},
		{"fake.gz", textio.Options{}, "textio: fake.gz is named like gzip data and does not begin like it; if it is plain text, say so with compression.None"},
		{"fake.gz", textio.Options{Compression: compression.None}, "no error"},
		{"plain.txt", textio.Options{Compression: compression.Zstd}, "textio: plain.txt does not begin like zstd data; leave the compression to compression.Auto, or say what the file is"},
		{"empty.zst", textio.Options{}, "textio: empty.zst is empty, and even zstd data of nothing has a header: the file is truncated; write it again"},
		{"plain.txt", textio.Options{MaxLineBytes: 7}, "textio: plain.txt: the line at byte 4: it is longer than the limit of 7 bytes; raise the limit if it is meant to be"},
		{"plain.txt", textio.Options{MaxLineBytes: 8}, "no error"},
		{"plain.txt", textio.Options{MaxLineBytes: math.MaxInt, MinSplitBytes: math.MaxInt64}, "no error"},
		{"plain.txt", textio.Options{MaxLineBytes: -1}, "textio: a limit in bytes is negative; 0 means the default"},
		{"plain.txt", textio.Options{Compression: 9}, "textio: Format(9) is no compression; take one of package compression"},
	} {
		_, err := readtest.Try(textio.Source(d+"/"+c.pattern, c.opts), 1)
		wantError(t, d, err, c.want)
	}
	_, err := textio.Source("", textio.Options{}).Splits(t.Context(), 1)
	wantError(t, d, err, "textio: the pattern of the files to read is empty")
}

func TestUnreadableInputIsNotEmptyInput(t *testing.T) {
	d := dir(t, map[string]string{"a.txt": "x"})
	if err := os.Symlink("nowhere", filepath.Join(d, "b.txt")); err != nil {
		t.Fatal(err)
	}
	_, err := readtest.Try(textio.Source(d+"/*.txt", textio.Options{}), 1)
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a link to nothing: %v", err)
	}
}

// A truncated file ends in an error, after the lines that are whole.
func TestTruncatedFilesAreErrors(t *testing.T) {
	var text bytes.Buffer
	for i := range 20_000 {
		text.WriteString(strings.Repeat(string(rune('a'+i*i%26)), i%50) + "\n")
	}
	whole := linesOf("", text.String())
	for _, format := range []compression.Format{compression.Gzip, compression.Zstd} {
		for _, pieces := range [][]string{{text.String()}, {"first\n", text.String()}} {
			stored := pack(format, pieces...)
			for _, cut := range []int{1, 5, 9, len(stored) / 2} {
				path := filepath.Join(dir(t, map[string]string{"f": stored[:len(stored)-cut]}), "f")
				lines, err := readtest.Try(textio.Source(path, textio.Options{}), 1)
				if err == nil || !strings.Contains(err.Error(), "f is truncated: its "+format.String()+" data stops in the middle, at byte ") {
					t.Errorf("%v without its last %d bytes: %d lines and %v", format, cut, len(lines), err)
				}
				if len(pieces) > 1 && len(lines) > 0 {
					lines = lines[1:]
				}
				for i, line := range lines {
					if line != whole[i].Text {
						t.Fatalf("%v: line %d is %q and was written as %q", format, i, line, whole[i].Text)
					}
				}
			}
		}
	}
}

// Wherever it is cut, but for between its pieces, where nothing shows.
func TestEveryTruncationIsAnError(t *testing.T) {
	pieces := []string{"one\ntwo\n", "three\nfour\n"}
	for _, f := range []struct {
		format compression.Format
		name   string
	}{{compression.Gzip, "f.gz"}, {compression.Zstd, "f.zst"}} {
		stored, boundary := pack(f.format, pieces...), len(pack(f.format, pieces[0]))
		for n := range len(stored) {
			path := filepath.Join(dir(t, map[string]string{f.name: stored[:n]}), f.name)
			lines, err := readtest.Try(textio.Source(path, textio.Options{}), 1)
			if (err == nil) != (n == boundary) {
				t.Errorf("%s: the first %d of %d bytes: %q, %v", f.name, n, len(stored), lines, err)
			}
		}
	}
}

func TestDamagedFilesAreErrors(t *testing.T) {
	text := strings.Repeat("some text that repeats\n", 5000)
	for _, format := range []compression.Format{compression.Gzip, compression.Zstd} {
		stored := []byte(pack(format, text))
		stored[len(stored)/2] ^= 0x40
		path := filepath.Join(dir(t, map[string]string{"f": string(stored)}), "f")
		_, err := readtest.Try(textio.Source(path, textio.Options{}), 1)
		if err == nil || !strings.Contains(err.Error(), "f is ") {
			t.Errorf("%v with a flipped bit: %v", format, err)
		}
		path = filepath.Join(dir(t, map[string]string{"f": pack(format, text) + "garbage"}), "f")
		_, err = readtest.Try(textio.Source(path, textio.Options{}), 1)
		if err == nil || !strings.Contains(err.Error(), "f has trailing data: ") {
			t.Errorf("%v with garbage behind it: %v", format, err)
		}
	}
}

// halfway reads a part of the file at path and returns where it stopped.
func halfway(t *testing.T, src source.Source[string]) source.Split {
	t.Helper()
	splits, err := src.Splits(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	r, err := src.Open(t.Context(), splits[0])
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := r.Read(t.Context(), 2, func(*string, model.Timestamp) {}); err != nil {
		t.Fatal(err)
	}
	return r.Position()
}

func TestResumingInAFileThatChanged(t *testing.T) {
	const advice = "; files must not change between the start of a run and its end; put the old file back, or start without the checkpoint"
	long := strings.Repeat("x", 5000)
	for _, c := range []struct{ was, is, want string }{
		{"1\n2\n3\n", "1\n2\n3\n4\n", "textio: f has changed: it had 6 bytes when its reading was planned and has 8 now" + advice},
		{"1\n2\n3\n", "9\n2\n3\n", "textio: f has changed: its first bytes are others than when its reading was planned" + advice},
		{"1\n2\n3\n" + long, "1\n2\n3\n" + long[1:] + "y", "textio: f has changed: its last bytes are others than when its reading was planned" + advice},
	} {
		d := dir(t, map[string]string{"f": c.was})
		src := textio.Source(d+"/f", textio.Options{})
		at := halfway(t, src)
		os.WriteFile(d+"/f", []byte(c.is), 0o666)
		_, err := src.Open(t.Context(), at)
		wantError(t, d, err, c.want)
	}
	d := dir(t, map[string]string{"f": "1\n2\n"})
	src := textio.Source(d+"/f", textio.Options{})
	at := halfway(t, src)
	os.Remove(d + "/f")
	_, err := src.Open(t.Context(), at)
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("resuming in a file that is gone: %v", err)
	}
	wantError(t, d, err, "textio: open f: no such file or directory: it was there when its reading was planned, and is not read to its end; put it back, or start without the checkpoint")
}

// A position beyond the content can only be seen by decompressing.
func TestResumingBeyondTheContent(t *testing.T) {
	d := dir(t, map[string]string{"f": pack(compression.Gzip, "1\n2\n3\n")})
	src := textio.Source(d+"/f", textio.Options{})
	at := halfway(t, src)
	at.Position = bytes.Replace(at.Position, []byte(`"offset":4`), []byte(`"offset":400`), 1)
	_, err := src.Open(t.Context(), at)
	wantError(t, d, err, "textio: f holds 6 bytes of content and the position is at 400: the file has changed; put the old one back, or start without the checkpoint")
}

func TestACanceledRunStopsReading(t *testing.T) {
	d := dir(t, map[string]string{"f": "1\n", "g": pack(compression.Gzip, "1\n2\n3\n")})
	ctx, cancel := context.WithCancel(t.Context())
	plain := textio.Source(d+"/f", textio.Options{})
	splits, err := plain.Splits(ctx, 1)
	if err != nil {
		t.Fatal(err)
	}
	r, err := plain.Open(ctx, splits[0])
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	packed := textio.Source(d+"/g", textio.Options{})
	at := halfway(t, packed)
	cancel()
	if _, err := r.Read(ctx, 1, func(*string, model.Timestamp) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("Read: %v", err)
	}
	if _, err := packed.Open(ctx, at); !errors.Is(err, context.Canceled) {
		t.Errorf("Open of a compressed file, halfway: %v", err)
	}
	if _, err := packed.Splits(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("Splits: %v", err)
	}
}

// A small file that is copied elsewhere and back is the same file: all of it is compared.
func TestResumingInACopy(t *testing.T) {
	d := dir(t, map[string]string{"f": "1\n2\n3\n"})
	src := textio.Source(d+"/f", textio.Options{})
	at := halfway(t, src)
	os.Remove(d + "/f")
	os.WriteFile(d+"/f", []byte("1\n2\n3\n"), 0o666)
	r, err := src.Open(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	r.Read(t.Context(), 9, func(line *string, _ model.Timestamp) {
		if *line != "3" {
			t.Errorf("after a copy, reading went on with %q", *line)
		}
	})
}

func TestAFileThatShrinksWhileItIsRead(t *testing.T) {
	d := dir(t, map[string]string{"f": strings.Repeat("line\n", 200_000)})
	src := textio.Source(d+"/f", textio.Options{})
	splits, err := src.Splits(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	r, err := src.Open(t.Context(), splits[0])
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := os.Truncate(d+"/f", 3); err != nil {
		t.Fatal(err)
	}
	for done := false; !done && err == nil; {
		var status source.Status
		status, err = r.Read(t.Context(), 1000, func(*string, model.Timestamp) {})
		done = status.Done
	}
	wantError(t, d, err, "textio: f became shorter while it was read: 1000000 bytes were expected, and nothing is left at byte 262144; files must not change during a run")
}

func TestPositionsThatMakeNoSense(t *testing.T) {
	src := textio.Source("x", textio.Options{})
	const position = `{"v":1,"file":"f","compression":"none","size":10,"head":0,"tail":0,"start":0,"end":10,"offset":4,"line":2}`
	for _, c := range []struct{ old, new, want string }{
		{position, "", `the position "" is not one of a connector of files: unexpected end of JSON input; was the connector changed since the checkpoint?`},
		{`"v":1`, `"v":3`, "is of version 3, and this program reads versions up to 2: run the program that made it, or a newer one"},
		{`"v":1`, `"v":2`, "is damaged: 0 nanoseconds are no time of a file in version 2; go back to an earlier checkpoint"},
		{`"offset"`, `"ofset"`, `is damaged: json: unknown field "ofset"; go back to an earlier checkpoint`},
		{`"none"`, `"lzma"`, `is damaged: "lzma" is no compression; known are auto, none, gzip and zstd; go back to an earlier checkpoint`},
		{`"none"`, `"auto"`, "is damaged: the compression is not settled; go back to an earlier checkpoint"},
		{`"file":"f"`, `"file":""`, "is damaged: it names no file; go back to an earlier checkpoint"},
		{`"file":"f"`, `"file":"base64:!"`, "is damaged: illegal base64 data at input byte 0; go back to an earlier checkpoint"},
		{`"end":10`, `"end":11`, "is damaged: bytes 0 to 11 are no range of a file of 10 bytes; go back to an earlier checkpoint"},
		{`"offset":4`, `"offset":11`, "is damaged: offset 11 is outside of the range; go back to an earlier checkpoint"},
		{`"line":2`, `"line":-2`, "is damaged: -2 is no count of lines; go back to an earlier checkpoint"},
	} {
		at := strings.Replace(position, c.old, c.new, 1)
		_, err := src.Open(t.Context(), source.Split{ID: "f", Position: []byte(at)})
		if err == nil || !strings.HasSuffix(err.Error(), c.want) {
			t.Errorf("position %s:\n got %v\nwant %s", at, err, c.want)
		}
	}
}

// Whatever a position holds, it opens or it is an error, and what opens is
// written again as it was read.
func FuzzPosition(f *testing.F) {
	d := dir(f, map[string]string{"f": "1\n2\n3\n"})
	src := textio.Source(d+"/f", textio.Options{})
	splits, err := src.Splits(f.Context(), 1)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(splits[0].Position)
	f.Add([]byte(`{"v":1}`))
	f.Fuzz(func(t *testing.T, p []byte) {
		r, err := src.Open(t.Context(), source.Split{ID: "f", Position: p})
		if err != nil {
			return
		}
		defer r.Close()
		again, err := src.Open(t.Context(), r.Position())
		if err != nil {
			t.Fatalf("%q opens and %q does not: %v", p, r.Position().Position, err)
		}
		defer again.Close()
		if diff := cmp.Diff(r.Position(), again.Position()); diff != "" {
			t.Error(diff)
		}
	})
}

// Two sinks of one path would replace each other's files.
func TestTwoWritesToOnePathAreAMistake(t *testing.T) {
	d := t.TempDir()
	var p model.Pipeline
	lines := transforms.Create(&p, "a")
	textio.Write(lines, filepath.Join(d, "out"), textio.WriteOptions{Overwrite: true})
	textio.Write(lines, filepath.Join(d, "else"), textio.WriteOptions{Overwrite: true})
	textio.Write(lines, filepath.Join(d, "x", "..", "out"), textio.WriteOptions{Overwrite: true})
	err := p.Err()
	if err == nil || !strings.Contains(err.Error(), "out is written by Write at mistakes_test.go:") || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v", err)
	}
}
