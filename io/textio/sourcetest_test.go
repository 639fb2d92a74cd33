package textio_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/millrace/millrace/io/compression"
	"github.com/millrace/millrace/io/textio"
	"github.com/millrace/millrace/testing/sourcetest"
)

func TestTheSourceKeepsItsPromises(t *testing.T) {
	long := "a line that is longer than the shortest split, and thus than whole splits"
	plain := "\ufefffirst\r\n\nthird\n" + long + "\n\n\nseventh, and last, without an end"
	more := "of another file\n" + long + "\n"
	want := []string{"first", "", "third", long, "", "", "seventh, and last, without an end", "of another file", long}
	for _, least := range []int64{16, 40, 1 << 20} {
		t.Run(fmt.Sprint("pieces of ", least), func(t *testing.T) {
			d := dir(t, map[string]string{"a.txt": plain, "b.txt": more, "empty.txt": ""})
			src := textio.Source(filepath.Join(d, "*.txt"), textio.Options{MinSplitBytes: least})
			sourcetest.Check(t, src, want)
		})
	}
	t.Run("compressed", func(t *testing.T) {
		d := dir(t, map[string]string{"a.gz": pack(compression.Gzip, plain), "b.zst": pack(compression.Zstd, more)})
		src := textio.Source(filepath.Join(d, "*"), textio.Options{MinSplitBytes: 16})
		sourcetest.Check(t, src, want)
	})
}
