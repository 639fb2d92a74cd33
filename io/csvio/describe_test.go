package csvio_test

import (
	"testing"

	"github.com/millrace/millrace/io/csvio"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/sink"
	"github.com/millrace/millrace/model/source"
)

type described struct{ A, B string }

// What makes other rows of a file, or other files of rows, is told; what only makes it
// faster, or allows for more, is not.
func TestFilesSayHowTheyAreReadAndWritten(t *testing.T) {
	for want, o := range map[string]csvio.Options[described]{
		"/in.csv, csv":            {AllowNoFiles: true, MaxRecordBytes: 100, MinSplitBytes: 100},
		"/in.csv, csv, comma ';'": {Comma: ';', EventTime: func(described) model.Timestamp { return 0 }},
		`/in.csv, csv, comment '#', columns ["A" "B"], 2 lines skipped, null ["NA"], lazy quotes, trimmed, single-line records`: {
			Comment: '#', Columns: []string{"A", "B"}, SkipLines: 2, Null: []string{"NA"}, LazyQuotes: true, TrimSpace: true, SingleLineRecords: true,
		},
	} {
		if got := csvio.Source("/in.csv", o).(source.Described).Describe(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	for want, o := range map[string]csvio.WriteOptions{
		"/out-*, csv":                           {Overwrite: true},
		"/out.csv, csv, comma '\\t', no header": {Comma: '\t', NoHeader: true, Suffix: ".csv", Shards: 1},
		"/out-*-of-00004.csv.gz, gzip, csv":     {Suffix: ".csv.gz", Shards: 4},
	} {
		if got := csvio.Sink[described]("/out", o).(sink.Described).Describe(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
