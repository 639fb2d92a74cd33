package csvio_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/io/csvio"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/testing/sourcetest"
)

func TestTheSourceKeepsItsPromises(t *testing.T) {
	type reading struct {
		Second int64
		Note   string
	}
	var file strings.Builder
	file.WriteString("second,note\n")
	var want []reading
	for i := range int64(14) {
		r := reading{Second: i ^ 1, Note: strings.Repeat("x", int(i))}
		fmt.Fprintf(&file, "%d,%q\n", r.Second, r.Note)
		want = append(want, r)
	}
	path := filepath.Join(t.TempDir(), "a.csv")
	if err := os.WriteFile(path, []byte(file.String()), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, lines := range []bool{false, true} {
		opts := csvio.Options[reading]{
			SingleLineRecords: lines, MinSplitBytes: 16, OutOfOrderness: time.Second,
			EventTime: func(r reading) model.Timestamp { return model.Timestamp(r.Second) * 1_000_000 },
		}
		t.Run(fmt.Sprint("single lines: ", lines), func(t *testing.T) {
			sourcetest.Check(t, csvio.Source(path, opts), want)
		})
	}
}
