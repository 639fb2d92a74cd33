package textio_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/io/compression"
	"github.com/millrace/millrace/io/csvio"
	"github.com/millrace/millrace/io/textio"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
)

// readWhile reads all of src, and has the file at path changed after so many
// elements. The file is old at first, so that the time of the change shows.
func readWhile[T any](t *testing.T, src source.Source[T], path string, after int, change func()) (all []T, err error) {
	t.Helper()
	old := time.Unix(1_000_000_000, 0)
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
	splits, err := src.Splits(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, split := range splits {
		r, err := src.Open(t.Context(), split)
		if err != nil {
			return all, err
		}
		defer r.Close()
		for done, changed := false, false; !done; {
			if !changed && len(all) >= after {
				change()
				changed = true
			}
			status, err := r.Read(t.Context(), 10, func(v *T, _ model.Timestamp) { all = append(all, *v) })
			if err != nil {
				return all, err
			}
			done = status.Done
		}
	}
	return all, nil
}

// edit changes the file at path in place.
func edit(t *testing.T, path string, flag int, at int64, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY|flag, 0)
	if err == nil {
		if flag&os.O_APPEND != 0 {
			_, err = f.WriteString(text)
		} else {
			_, err = f.WriteAt([]byte(text), at)
		}
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}

const mustNotChange = "; files must not change between the start of a run and its end; put the old file back, or start without the checkpoint"

func TestAFileThatIsAppendedToWhileItIsRead(t *testing.T) {
	content := strings.Repeat("a whole line\n", 50_000) + "a half a li"
	for _, after := range []int{0, 10, 49_990, 50_000} {
		d := dir(t, map[string]string{"f": content})
		lines, err := readWhile(t, textio.Source(d+"/f", textio.Options{}), d+"/f", after, func() {
			edit(t, d+"/f", os.O_APPEND, 0, "ne\na more\n")
		})
		wantError(t, d, err, "textio: f has changed: it had 650011 bytes when its reading was planned and has 650021 now"+mustNotChange)
		for i, line := range lines {
			if line != "a whole line" {
				t.Errorf("changed after %d lines: line %d is %q", after, i, line)
			}
		}
	}
}

func TestAppendingWholeLinesIsAChangeToo(t *testing.T) {
	d := dir(t, map[string]string{"f": "1\n2\n3\n"})
	_, err := readWhile(t, textio.Source(d+"/f", textio.Options{}), d+"/f", 0, func() { edit(t, d+"/f", os.O_APPEND, 0, "4\n") })
	wantError(t, d, err, "textio: f has changed: it had 6 bytes when its reading was planned and has 8 now"+mustNotChange)
}

func TestAFileThatIsRewrittenWhileItIsRead(t *testing.T) {
	content := strings.Repeat("0123456789abcde\n", 50_000)
	for _, c := range []struct {
		what   string
		change func(t *testing.T, path string)
		want   string
	}{
		{"its beginning", func(t *testing.T, path string) { edit(t, path, 0, 0, "x") }, "has changed: its first bytes are others than when its reading was planned"},
		{"its end", func(t *testing.T, path string) { edit(t, path, 0, int64(len(content)-2), "x") }, "has changed: its last bytes are others than when its reading was planned"},
		{"its middle", func(t *testing.T, path string) { edit(t, path, 0, 400_000, "x") }, "was written to while it was read, by the time of its last change"},
		{"all of it, longer", func(t *testing.T, path string) { os.WriteFile(path, []byte(content+"x\n"), 0o666) }, "has changed: it had 800000 bytes when its reading was planned and has 800002 now"},
	} {
		t.Run(c.what, func(t *testing.T) {
			d := dir(t, map[string]string{"f": content})
			_, err := readWhile(t, textio.Source(d+"/f", textio.Options{}), d+"/f", 100, func() { c.change(t, d+"/f") })
			wantError(t, d, err, "textio: f "+c.want+mustNotChange)
		})
	}
}

func TestACompressedFileThatIsAppendedToWhileItIsRead(t *testing.T) {
	for _, format := range []compression.Format{compression.Gzip, compression.Zstd} {
		var text strings.Builder
		for i := range 100_000 {
			fmt.Fprintln(&text, i*i%7919)
		}
		d := dir(t, map[string]string{"f": pack(format, text.String())})
		_, err := readWhile(t, textio.Source(d+"/f", textio.Options{}), d+"/f", 100, func() {
			edit(t, d+"/f", os.O_APPEND, 0, pack(format, "more\n"))
		})
		if err == nil || !strings.Contains(err.Error(), "f has changed: it had ") {
			t.Errorf("%v: %v", format, err)
		}
	}
}

func TestRowsOfAFileThatIsAppendedToWhileItIsRead(t *testing.T) {
	type row struct{ A, B string }
	d := dir(t, map[string]string{"f": "a,b\n" + strings.Repeat("1,2\n", 100_000) + "3,hal"})
	rows, err := readWhile(t, csvio.Source(d+"/f", csvio.Options[row]{}), d+"/f", 10, func() { edit(t, d+"/f", os.O_APPEND, 0, "f\n") })
	wantError(t, d, err, "csvio: f has changed: it had 400009 bytes when its reading was planned and has 400011 now"+mustNotChange)
	if n := len(rows); n > 0 && rows[n-1] != (row{"1", "2"}) {
		t.Errorf("the last row is %v", rows[n-1])
	}
}

// A file that takes the place of another leaves that one as it was.
func TestAFileThatIsReplacedWhileItIsReadIsReadAsItWas(t *testing.T) {
	d := dir(t, map[string]string{"f": strings.Repeat("old\n", 100_000), "new": "new\n"})
	lines, err := readWhile(t, textio.Source(d+"/f", textio.Options{}), d+"/f", 10, func() {
		if err := os.Rename(d+"/new", d+"/f"); err != nil {
			t.Fatal(err)
		}
	})
	if err != nil || len(lines) != 100_000 {
		t.Errorf("%d lines, %v", len(lines), err)
	}
}
