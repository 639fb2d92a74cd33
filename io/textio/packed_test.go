package textio_test

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/millrace/millrace/io/compression"
	"github.com/millrace/millrace/io/csvio"
	"github.com/millrace/millrace/io/internal/readtest"
	"github.com/millrace/millrace/io/textio"
	"github.com/millrace/millrace/model/sink"
)

// foreignFiles are the first bytes of files that are compressed in ways that are
// not read, under names that say nothing.
var foreignFiles = map[string]string{
	"bzip2":    "BZh91AY&SY\xdd\xc6\x0f\x32\x00\x00\x02\x5f",
	"bzip2 0":  "BZh9\x17rE8P\x90\x00\x00\x00\x00",
	"xz":       "\xfd7zXZ\x00\x00\x04\xe6\xd6\xb4F",
	"zip":      "PK\x03\x04\x14\x00\x00\x00\x08\x00",
	"zip 0":    "PK\x05\x06" + strings.Repeat("\x00", 18),
	"lz4":      "\x04\x22\x4d\x18\x64\x40\xa7",
	"lz4 old":  "\x02\x21\x4c\x18\x0a\x00\x00\x00",
	"compress": "\x1f\x9d\x90\x61\x14",
	"lzma":     "\x5d\x00\x00\x80\x00\xff\xff\xff\xff\xff\xff\xff\xff\x00",
	"lzip":     "LZIP\x01\x0c",
	"lzop":     "\x89LZO\x00\r\n\x1a\n",
	"snappy":   "\xff\x06\x00\x00sNaPpY",
	"7z":       "7z\xbc\xaf\x27\x1c\x00\x04",
	"rar":      "Rar!\x1a\x07\x01\x00",
	"tar":      "a.txt" + strings.Repeat("\x00", 252) + "ustar\x0000",
	"tar gnu":  "a.txt" + strings.Repeat("\x00", 252) + "ustar  \x00",
}

func TestOtherCompressionsAreRefusedByTheirFirstBytes(t *testing.T) {
	for kind, head := range foreignFiles {
		d := dir(t, map[string]string{"f": head})
		want := "f is " + strings.Fields(kind)[0] + " data, by its first bytes; plain text, gzip and zstd can be read: unpack it, or compress it anew; if it is plain text, say so with compression.None"
		lines, err := readtest.Try(textio.Source(d+"/f", textio.Options{}), 1)
		if len(lines) > 0 {
			t.Errorf("%s: read %q", kind, lines)
		}
		wantError(t, d, err, "textio: "+want)
		_, err = readtest.Try(csvio.Source(d+"/f", csvio.Options[struct{ A string }]{Columns: []string{"A"}}), 1)
		wantError(t, d, err, "csvio: "+want)
		if _, err := readtest.Try(textio.Source(d+"/f", textio.Options{Compression: compression.None}), 1); err != nil {
			t.Errorf("%s, said to be plain: %v", kind, err)
		}
	}
}

func TestOtherCompressionsAreRefusedByTheirNames(t *testing.T) {
	const advice = "; plain text, gzip and zstd can be read: unpack it, or compress it anew; if it is plain text in truth, say so with compression.None"
	for name, kind := range map[string]string{
		"a.bz2": "bzip2", "a.xz": "xz", "a.zip": "zip", "A.ZIP": "zip", "a.lz4": "lz4", "a.Z": "compress", "a.br": "brotli",
		"a.lzma": "lzma", "a.7z": "7z", "a.rar": "rar", "a.tar": "tar", "a.sz": "snappy",
	} {
		for _, content := range []string{"", "plain\n"} {
			d := dir(t, map[string]string{name: content})
			_, err := readtest.Try(textio.Source(d+"/"+name, textio.Options{}), 1)
			wantError(t, d, err, "textio: "+name+" is named like "+kind+" data"+advice)
			if _, err = readtest.Try(textio.Source(d+"/"+name, textio.Options{Compression: compression.None}), 1); err != nil {
				t.Errorf("%s, said to be plain: %v", name, err)
			}
		}
	}
	d := dir(t, map[string]string{"a.tar.gz": pack(compression.Gzip, "a\n"), "b.bz2": pack(compression.Gzip, "b\n")})
	_, err := readtest.Try(textio.Source(d+"/a.tar.gz", textio.Options{}), 1)
	wantError(t, d, err, "textio: a.tar.gz is named like tar data; plain text, gzip and zstd can be read: unpack it, or compress it anew; if it is gzip data of text in truth, say so with compression.Gzip")
	if lines := readtest.All(t, textio.Source(d+"/a.tar.gz", textio.Options{Compression: compression.Gzip}), 1); len(lines) != 1 {
		t.Errorf("a.tar.gz, said to be gzip data: %q", lines)
	}
	if lines := readtest.All(t, textio.Source(d+"/b.bz2", textio.Options{}), 1); len(lines) != 1 {
		t.Errorf("gzip data under another name: %q", lines)
	}
}

func TestTextThatBeginsAlmostLikeACompression(t *testing.T) {
	for _, text := range []string{"BZh", "BZh9 is how bzip2 begins", "PK", "LZIP files", "Rar!", "7zip", "]", "\x1f"} {
		d := dir(t, map[string]string{"f.txt": text})
		if diff := cmp.Diff([]string{text}, readtest.All(t, textio.Source(d+"/f.txt", textio.Options{}), 1)); diff != "" {
			t.Error(diff)
		}
	}
}

// What could not be read is not written.
func TestOtherCompressionsAreNotWritten(t *testing.T) {
	d := t.TempDir()
	open := func(opts textio.WriteOptions) error {
		w, err := textio.Sink(d+"/out", opts).Open(context.Background(), sink.Shard{Of: 1})
		if err == nil {
			w.Close()
		}
		return err
	}
	wantError(t, d, open(textio.WriteOptions{Suffix: ".bz2"}), "textio: out.bz2 is named like bzip2 data, which cannot be written; gzip (.gz) and zstd (.zst) can: change the name, or set Compression")
	if err := open(textio.WriteOptions{Suffix: ".bz2", Compression: compression.None}); err != nil {
		t.Error(err)
	}
}

func TestTrailingDataIsToldFromTruncation(t *testing.T) {
	for _, f := range []struct {
		format  compression.Format
		garbage []string
	}{
		{compression.Gzip, []string{"garbage", "x", "\x1f", "more than a gzip header has", "\x00\x00\x00x", "\x00\x00\x1f\x8b\x08", "\x1f\x8b\x07"}},
		{compression.Zstd, []string{"garbage", "x", "xyz", "more than a zstd header has", "\x00\x00\x00", "\x28\xb5\x2f\xfc"}},
	} {
		for _, pieces := range [][]string{{"1\n2\n"}, {"1\n", "2\n"}, {strings.Repeat("a long text\n", 50_000)}} {
			stored := pack(f.format, pieces...)
			for _, garbage := range f.garbage {
				d := dir(t, map[string]string{"f": stored + garbage})
				_, err := readtest.Try(textio.Source(d+"/f", textio.Options{}), 1)
				if garbage == "\x1f" { // may be a header that was cut
					if err == nil || !strings.Contains(err.Error(), "f is truncated") {
						t.Errorf("%q: %v", garbage, err)
					}
					continue
				}
				want := "textio: f has trailing data: the " + strconv.Itoa(len(garbage)) + " bytes from byte " + strconv.Itoa(len(stored)) + " on are no " + f.format.String() + " data; cut them off, or fetch or write the file again"
				wantError(t, d, err, want)
			}
		}
	}
}

// As gunzip has it.
func TestZerosBehindAGzipMemberArePassedOver(t *testing.T) {
	for _, zeros := range []int{1, 3, 7, 10, 512, 100_000} {
		path := filepath.Join(t.TempDir(), "f.gz")
		if err := os.WriteFile(path, []byte(pack(compression.Gzip, "1\n", "2\n")+strings.Repeat("\x00", zeros)), 0o666); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"1", "2"}, readtest.All(t, textio.Source(path, textio.Options{}), 1)); diff != "" {
			t.Errorf("%d zeros: %s", zeros, diff)
		}
	}
}
