package csvio_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/millrace/millrace/io/csvio"
	"github.com/millrace/millrace/io/internal/readtest"
)

// An order is the row of the golden tests.
type order struct {
	ID     string
	Amount int8      `csv:"amount"`
	Price  float64   `csv:"price,optional"`
	Rush   *bool     `csv:"rush,optional"`
	Placed time.Time `csv:"placed,optional"`
	Note   *string   `csv:"note,optional"`
	Wait   time.Duration
}

func (o order) String() string {
	s := fmt.Sprintf("%q %d", o.ID, o.Amount)
	if o.Price != 0 {
		s += fmt.Sprintf(" price=%v", o.Price)
	}
	if o.Rush != nil {
		s += fmt.Sprintf(" rush=%v", *o.Rush)
	}
	if !o.Placed.IsZero() {
		s += " placed=" + o.Placed.Format(time.RFC3339Nano)
	}
	if o.Note != nil {
		s += fmt.Sprintf(" note=%q", *o.Note)
	}
	if o.Wait != 0 {
		s += fmt.Sprintf(" wait=%v", o.Wait)
	}
	return s
}

// TestReading runs testdata/reading. Each "read" holds a file; the result is its
// rows, and the bad ones as the error that they end a run with. Arguments:
//
//	columns=a,b   the file has no header
//	comma=;       comment=#       limit=40       single-line
//	escaped       the file is written with Go's escapes, all on one line
//	splits=3      with single-line
func TestReading(t *testing.T) {
	datadriven.RunTest(t, "testdata/reading", func(t *testing.T, d *datadriven.TestData) string {
		if d.Cmd != "read" {
			d.Fatalf(t, "there is only the command read")
		}
		content := d.Input + "\n"
		opts := csvio.Options[order]{MinSplitBytes: 1}
		splits := 1
		for _, arg := range d.CmdArgs {
			switch arg.Key {
			case "columns":
				opts.Columns = arg.Vals
			case "comma":
				opts.Comma = rune(arg.Vals[0][0])
			case "comment":
				opts.Comment = rune(arg.Vals[0][0])
			case "limit":
				opts.MaxRecordBytes, _ = strconv.Atoi(arg.Vals[0])
			case "single-line":
				opts.SingleLineRecords = true
			case "splits":
				splits, _ = strconv.Atoi(arg.Vals[0])
			case "escaped":
				var err error
				if content, err = strconv.Unquote(`"` + strings.ReplaceAll(d.Input, `"`, `\"`) + `"`); err != nil {
					d.Fatalf(t, "%v", err)
				}
			default:
				d.Fatalf(t, "no argument %q", arg.Key)
			}
		}
		dir := t.TempDir()
		path := filepath.Join(dir, "f.csv")
		if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
			d.Fatalf(t, "%v", err)
		}
		var out strings.Builder
		all, err := readtest.Try(csvio.OutcomeSource(path, opts), splits)
		for _, o := range all {
			if b := o.Bad; b != nil {
				fmt.Fprintf(&out, "%s:%d:%d: [%s] %s\n\traw %q\n", filepath.Base(b.File), b.Line, b.Column, b.Field, b.Reason, b.Raw)
			} else {
				fmt.Fprintln(&out, o.Row)
			}
		}
		if err != nil {
			fmt.Fprintf(&out, "error: %s\n", strings.ReplaceAll(err.Error(), dir+"/", ""))
		}
		return out.String()
	})
}
