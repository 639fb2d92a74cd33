package textio_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/millrace/millrace/io/internal/readtest"
	"github.com/millrace/millrace/io/textio"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/runners/direct"
	"github.com/millrace/millrace/transforms"
)

// The number of files is what was asked for, whatever the parallelism.
func TestARunWritesTheFilesThatWereAskedFor(t *testing.T) {
	d := dir(t, map[string]string{"a.txt": strings.Repeat("a\n", 500), "b.txt": strings.Repeat("b\n", 300)})
	want := strings.Fields(strings.Repeat("a ", 500) + strings.Repeat("b ", 300))
	for _, c := range []struct{ shards, parallelism int }{{1, 2}, {2, 2}, {5, 2}, {3, 4}} {
		out := t.TempDir()
		for range 2 { // the second run replaces what the first one wrote
			var p model.Pipeline
			lines := textio.Read(&p, d+"/*.txt", textio.Options{MinSplitBytes: 100})
			textio.Write(lines, out+"/all", textio.WriteOptions{Suffix: ".txt", Shards: c.shards, Overwrite: true})
			if _, err := (direct.Runner{Parallelism: c.parallelism}).Run(t.Context(), &p); err != nil {
				t.Fatal(err)
			}
		}
		got := readtest.All(t, textio.Source(out+"/*.txt", textio.Options{}), 1)
		slices.Sort(got)
		if n := len(files(t, out)); n != c.shards || !slices.Equal(got, want) {
			t.Errorf("%+v: %d files with %d lines", c, n, len(got))
		}
	}
}

func TestAFailedRunLeavesNothingBehind(t *testing.T) {
	d := dir(t, map[string]string{"in.txt": strings.Repeat("fine\n", 100_000) + "bad\n"})
	var p model.Pipeline
	lines := transforms.TryMap(textio.Read(&p, d+"/in.txt", textio.Options{}), func(_ context.Context, line string) (string, error) {
		if line == "bad" {
			return "", errors.New("a bad line")
		}
		return line, nil
	})
	textio.Write(lines, d+"/out/all", textio.WriteOptions{})
	if err := direct.Run(t.Context(), &p); err == nil || !strings.Contains(err.Error(), "a bad line") {
		t.Errorf("the run ended with %v", err)
	}
	if entries, err := os.ReadDir(filepath.Join(d, "out")); err != nil || len(entries) > 0 {
		t.Errorf("%v, %v", entries, err)
	}
}

// What cannot be written is found out before anything is read.
func TestAnOutputInTheWay(t *testing.T) {
	d := dir(t, map[string]string{"in.txt": "1\n", "out.txt": "precious"})
	var p model.Pipeline
	read := false
	lines := transforms.Map(textio.Read(&p, d+"/in.txt", textio.Options{}), func(line string) string {
		read = true
		return line
	})
	textio.Write(lines, d+"/out.txt", textio.WriteOptions{Shards: 1})
	err := direct.Run(t.Context(), &p)
	if err == nil || !strings.Contains(err.Error(), "out.txt is there already; remove it, write somewhere else, or set Overwrite to replace it") || read {
		t.Errorf("read %t, %v", read, err)
	}
	wantFiles(t, d, `in.txt: "1\n"`, `out.txt: "precious"`)
}
