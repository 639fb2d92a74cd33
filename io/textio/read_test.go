package textio_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"pgregory.net/rapid"

	"github.com/millrace/millrace/io/compression"
	"github.com/millrace/millrace/io/internal/readtest"
	"github.com/millrace/millrace/io/textio"
	"github.com/millrace/millrace/model"
)

// dir makes a folder with the given files.
func dir(t testing.TB, files map[string]string) string {
	t.Helper()
	d := t.TempDir()
	for name, content := range files {
		path := filepath.Join(d, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

// pack compresses the pieces of content one by one and puts them together.
func pack(format compression.Format, pieces ...string) string {
	var out bytes.Buffer
	for _, piece := range pieces {
		switch format {
		case compression.Gzip:
			w := gzip.NewWriter(&out)
			w.Write([]byte(piece))
			w.Close()
		case compression.Zstd:
			w, _ := zstd.NewWriter(&out, zstd.WithZeroFrames(true), zstd.WithEncoderConcurrency(1))
			w.Write([]byte(piece))
			w.Close()
		default:
			out.WriteString(piece)
		}
	}
	return out.String()
}

// linesOf is the dumb way to cut content into lines.
func linesOf(file, content string) (lines []textio.Line) {
	offset := int64(0)
	if rest, ok := strings.CutPrefix(content, "\ufeff"); ok {
		content, offset = rest, 3
	}
	for content != "" {
		text, rest, _ := strings.Cut(content, "\n")
		lines = append(lines, textio.Line{Text: strings.TrimSuffix(text, "\r"), File: file, Offset: offset})
		offset += int64(len(content) - len(rest))
		content = rest
	}
	return lines
}

// content is some text with all that makes lines hard.
func content() *rapid.Generator[string] {
	piece := rapid.OneOf(
		rapid.SampledFrom([]string{"\n", "\n", "\r\n", "\r", "\ufeff", "a", "word", "\n\n", " ", "é", "\xff"}),
		rapid.StringMatching(`[a-z]{0,60}\n`),
	)
	return rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(piece, 0, 40).Draw(t, "pieces"), "")
	})
}

func TestEachLineIsReadOnceHoweverItIsCutAndInterrupted(t *testing.T) {
	formats := []compression.Format{compression.None, compression.None, compression.Gzip, compression.Zstd}
	d := t.TempDir()
	path := filepath.Join(d, "input")
	rapid.Check(t, func(rt *rapid.T) {
		pieces := rapid.SliceOfN(content(), 1, 3).Draw(rt, "content")
		format := rapid.SampledFrom(formats).Draw(rt, "format")
		if err := os.WriteFile(path, []byte(pack(format, pieces...)), 0o666); err != nil {
			rt.Fatal(err)
		}
		want := linesOf(path, strings.Join(pieces, ""))
		longest := 1
		for _, l := range want {
			longest = max(longest, len(l.Text)+len("\r"))
		}
		opts := textio.Options{MinSplitBytes: 1, MaxLineBytes: rapid.SampledFrom([]int{0, longest, longest + 7}).Draw(rt, "limit")}
		if diff := cmp.Diff(want, readtest.Interrupted(rt, textio.LineSource(path, opts))); diff != "" {
			rt.Error(diff)
		}
		texts := make([]string, len(want))
		for i, l := range want {
			texts[i] = l.Text
		}
		if diff := cmp.Diff(texts, append([]string{}, readtest.Interrupted(rt, textio.Source(path, opts))...)); diff != "" {
			rt.Error(diff)
		}
	})
}

func FuzzLines(f *testing.F) {
	f.Add("a\nb\r\n\nc", uint8(3))
	f.Add("\ufeffa\r", uint8(1))
	f.Add(strings.Repeat("x", 40)+"\n\n\r\n", uint8(9))
	path := filepath.Join(f.TempDir(), "f")
	f.Fuzz(func(t *testing.T, content string, hint uint8) {
		if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
		src := textio.LineSource(path, textio.Options{MinSplitBytes: 1, Compression: compression.None})
		if diff := cmp.Diff(linesOf(path, content), readtest.All(t, src, int(hint))); diff != "" {
			t.Error(diff)
		}
	})
}

func TestFilesAreReadByPath(t *testing.T) {
	d := dir(t, map[string]string{
		"b.txt": "3\n", "a.txt": "1\n2", "c.log": "no\n", ".hidden.txt": "no\n", "sub/d.txt": "4\n", "sub/deep/e.txt": "5\n",
	})
	for pattern, want := range map[string][]string{
		"*.txt":       {"1", "2", "3"},
		"[ab].txt":    {"1", "2", "3"},
		"?.log":       {"no"},
		"a.txt":       {"1", "2"},
		"**/*.txt":    {"1", "2", "3", "4", "5"},
		"**/deep/*":   {"5"},
		"*/d.txt":     {"4"},
		"sub/**":      {"4", "5"},
		".h*.txt":     {"no"},
		"./sub/*.txt": {"4"},
	} {
		got := readtest.All(t, textio.Source(d+"/"+pattern, textio.Options{}), 2)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", pattern, diff)
		}
	}
}

func TestSmallFilesDoNotShatter(t *testing.T) {
	d := dir(t, map[string]string{"a": strings.Repeat("0123456\n", 100), "empty": ""})
	for _, c := range []struct {
		min  int64
		hint int
		want int
	}{{0, 8, 1}, {200, 8, 4}, {100, 4, 4}, {100, 1, 1}, {1, 0, 1}, {1, 1000, 50}} {
		src := textio.Source(d+"/*", textio.Options{MinSplitBytes: c.min})
		splits, err := src.Splits(t.Context(), c.hint)
		if err != nil || len(splits) != c.want {
			t.Errorf("pieces of at least %d bytes, hint %d: %d splits, %v; want %d", c.min, c.hint, len(splits), err, c.want)
		}
	}
}

// Lines longer than the buffer of a reader, as many as there are ways to meet its
// end.
func TestLongLines(t *testing.T) {
	var text strings.Builder
	for i := range 12 {
		text.WriteString(strings.Repeat(string(rune('a'+i)), i*i*9000+i) + "\r\n")
	}
	text.WriteString(strings.Repeat("z", 700_000))
	for _, format := range []compression.Format{compression.None, compression.Gzip, compression.Zstd} {
		path := filepath.Join(dir(t, map[string]string{"f": pack(format, text.String())}), "f")
		got := readtest.All(t, textio.LineSource(path, textio.Options{MinSplitBytes: 1}), 5)
		if want := linesOf(path, text.String()); !slices.Equal(got, want) {
			t.Errorf("%v: got %d lines, want %d", format, len(got), len(want))
		}
	}
}

// Names that are not UTF-8, or look like something else, come through a position.
func TestOddNames(t *testing.T) {
	for _, name := range []string{"latin-\xe9", "base64:eA==", "a\nb", "[x]", "*", `b\c`, " "} {
		d := dir(t, map[string]string{name: "1\n2\n3"})
		src := textio.Source(d+"/?*", textio.Options{})
		r, err := src.Open(t.Context(), halfway(t, src))
		if err != nil {
			t.Errorf("%q: %v", name, err)
			continue
		}
		r.Read(t.Context(), 9, func(line *string, _ model.Timestamp) {
			if *line != "3" {
				t.Errorf("%q: reading went on with %q", name, *line)
			}
		})
		r.Close()
		escaped := strings.NewReplacer(`*`, `\*`, `[`, `\[`, `\`, `\\`).Replace(name)
		if got := readtest.All(t, textio.Source(d+"/"+escaped, textio.Options{}), 1); len(got) != 3 {
			t.Errorf("%q: %q", escaped, got)
		}
	}
}

func TestProgressCountsStoredBytes(t *testing.T) {
	text := strings.Repeat("a line like any other\n", 1000)
	for name, stored := range map[string]string{"plain": text, "a.gz": pack(compression.Gzip, text)} {
		path := filepath.Join(dir(t, map[string]string{name: stored}), name)
		src := textio.Source(path, textio.Options{})
		splits, err := src.Splits(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		r, err := src.Open(t.Context(), splits[0])
		if err != nil {
			t.Fatal(err)
		}
		if p := r.Progress(); p.Total != int64(len(stored)) || splits[0].Size != p.Total {
			t.Errorf("%s: progress %+v, size %d, of a file of %d bytes", name, p, splits[0].Size, len(stored))
		}
		r.Read(t.Context(), 500, func(*string, model.Timestamp) {})
		if p := r.Progress(); p.Done == 0 || p.Done > p.Total || r.Position().Size != p.Total-p.Done {
			t.Errorf("%s: progress %+v, size left %d", name, p, r.Position().Size)
		}
		r.Close()
	}
}
