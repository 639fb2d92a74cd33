package csvio_test

import (
	"encoding/csv"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/millrace/millrace/io/csvio"
	"github.com/millrace/millrace/io/internal/readtest"
)

func TestLinesBeforeTheHeaderAreSkipped(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	const before = "Report of \"May\n\n,,,,,, a line that is longer than the limit of a record ,,,,,,,,,,,,,,,\n"
	var rows strings.Builder
	var want []triple
	for i := range 20 {
		cells := triple{strings.Repeat("x", i), "b", "c"}
		rows.WriteString(cells.A + ",b,c\n")
		want = append(want, cells)
	}
	rapid.Check(t, func(rt *rapid.T) {
		opts := csvio.Options[triple]{SkipLines: 3, MaxRecordBytes: 30, SingleLineRecords: rapid.Bool().Draw(rt, "single line"), MinSplitBytes: 1}
		content := before + "A,B,C\n" + rows.String()
		if rapid.Bool().Draw(rt, "columns") {
			opts.Columns, content = abc, before+rows.String()
		}
		write(rt, path, content)
		if diff := cmp.Diff(want, readtest.Interrupted(rt, csvio.Source(path, opts))); diff != "" {
			rt.Error(diff)
		}
	})
}

func TestAFileOfLessLinesThanAreSkippedHasNoRows(t *testing.T) {
	d := t.TempDir()
	write(t, d+"/1.csv", "note\nA,B,C\n1,2,3\n")
	for _, short := range []string{"", "note", "note\n"} {
		write(t, d+"/2.csv", short)
		got := readtest.All(t, csvio.Source(d+"/*.csv", csvio.Options[triple]{SkipLines: 1}), 1)
		if diff := cmp.Diff([]triple{{"1", "2", "3"}}, got); diff != "" {
			t.Errorf("%q: %s", short, diff)
		}
	}
}

func TestABadRowBehindSkippedLinesKnowsItsLine(t *testing.T) {
	type row struct{ A int }
	path := write(t, filepath.Join(t.TempDir(), "f"), "one\ntwo\na\n1\nx\n")
	_, err := readtest.Try(csvio.Source(path, csvio.Options[row]{SkipLines: 2}), 1)
	if err == nil || !strings.Contains(err.Error(), "f:5:1: column \"a\": ") {
		t.Error(err)
	}
}

func TestWordsForAnEmptyCell(t *testing.T) {
	type row struct {
		ID   string
		Note *string
		N    *int
		Opt  float64   `csv:"opt,optional"`
		At   time.Time `csv:"at,optional"`
	}
	text, null, n := "x", "NULL", 7
	path := write(t, filepath.Join(t.TempDir(), "f"), "id,note,n,opt,at\n"+
		"NULL,NULL,\\N,NULL,NULL\n"+"a,\"NULL\",7,1.5,\n"+"null,x,,\\N,\"\"\n"+"\"q\",NULL,NULL,NULL,NULL\n")
	got := readtest.All(t, csvio.Source(path, csvio.Options[row]{Null: []string{"NULL", `\N`}}), 1)
	want := []row{{ID: ""}, {ID: "a", Note: &null, N: &n, Opt: 1.5}, {ID: "null", Note: &text}, {ID: "q"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	type strict struct{ N int }
	write(t, path, "n\nNA\n")
	_, err := readtest.Try(csvio.Source(path, csvio.Options[strict]{Null: []string{"NA"}}), 1)
	if err == nil || !strings.Contains(err.Error(), `column "n": it is empty; if it may be, make the field a pointer, or optional in its tag`) {
		t.Error(err)
	}
	type named struct {
		A string `csv:"NULL"`
	}
	write(t, path, "NULL\nx\n")
	if rows := readtest.All(t, csvio.Source(path, csvio.Options[named]{Null: []string{"NULL"}}), 1); len(rows) != 1 || rows[0].A != "x" {
		t.Errorf("a column of this name: %v", rows)
	}
}

func TestLazyQuotes(t *testing.T) {
	path := write(t, filepath.Join(t.TempDir(), "f"), "a \"b\" c,5\" pipe,x\n\"x\"y\",\"say \"hi\" now\",\"two\nlines\"\n\"d\"\"oubled\"\"\"\"\",,\"\"\n")
	got := readtest.All(t, csvio.Source(path, csvio.Options[triple]{Columns: abc, LazyQuotes: true}), 1)
	want := []triple{{`a "b" c`, `5" pipe`, "x"}, {`x"y`, `say "hi" now`, "two\nlines"}, {`d"oubled""`, "", ""}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// What is read of files with quotes anywhere is what encoding/csv reads.
func TestLazyQuotesAreThoseOfEncodingCSV(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	cell := rapid.StringMatching(`[a" ]{0,6}`)
	rapid.Check(t, func(rt *rapid.T) {
		content := cell.Draw(rt, "a") + "," + cell.Draw(rt, "b") + "," + cell.Draw(rt, "c") + "\n"
		theirs := csv.NewReader(strings.NewReader(content))
		theirs.LazyQuotes, theirs.FieldsPerRecord = true, 3
		record, err := theirs.Read()
		rows := readtest.All(rt, csvio.OutcomeSource(write(rt, path, content), csvio.Options[triple]{Columns: abc, LazyQuotes: true}), 1)
		if err != nil || len(rows) != 1 || rows[0].Bad != nil { // such as a quote that is not closed
			return
		}
		if got := rows[0].Row; got != (triple{record[0], record[1], record[2]}) {
			rt.Errorf("%q: %q, and encoding/csv has %q", content, got, record)
		}
	})
}

func TestBlanksAroundFieldsAreTrimmed(t *testing.T) {
	path := write(t, filepath.Join(t.TempDir(), "f"), "A ,\t\"B\" , C\n a , \" b \"\t,c d\t\n \t\n,  ,\" \"\"x\"\"\n \" \n")
	got := readtest.All(t, csvio.Source(path, csvio.Options[triple]{TrimSpace: true}), 1)
	if diff := cmp.Diff([]triple{{"a", " b ", "c d"}, {"", "", " \"x\"\n "}}, got); diff != "" {
		t.Error(diff)
	}
	write(t, path, " a \t b\t \" c \" \n")
	got = readtest.All(t, csvio.Source(path, csvio.Options[triple]{Columns: abc, Comma: '\t', TrimSpace: true}), 1)
	if diff := cmp.Diff([]triple{{"a", "b", " c "}}, got); diff != "" {
		t.Errorf("tabs between fields: %s", diff)
	}
}

func TestTrimmingNullsAndNumbers(t *testing.T) {
	type row struct {
		N *int
		F float64
	}
	path := write(t, filepath.Join(t.TempDir(), "f"), "n, f\n 7 , 1.5\n NULL , 2 \n  , 3\n")
	got := readtest.All(t, csvio.Source(path, csvio.Options[row]{TrimSpace: true, Null: []string{"NULL"}}), 1)
	seven := 7
	if diff := cmp.Diff([]row{{&seven, 1.5}, {nil, 2}, {nil, 3}}, got); diff != "" {
		t.Error(diff)
	}
}

func TestMistakesInHabits(t *testing.T) {
	const never = ` in Null is never the whole of a cell without quotes; take it out, or correct it (a cell of nothing is empty without it)`
	for _, c := range []struct {
		opts csvio.Options[triple]
		want string
	}{
		{csvio.Options[triple]{SkipLines: -1}, "csvio: SkipLines is -1; it is a number of lines, and 0 skips none"},
		{csvio.Options[triple]{Null: []string{"NA", ""}}, `csvio: ""` + never},
		{csvio.Options[triple]{Null: []string{"a,b"}}, `csvio: "a,b"` + never},
		{csvio.Options[triple]{Null: []string{" NA"}, TrimSpace: true}, `csvio: " NA"` + never},
	} {
		if got := sourceMistake(c.opts); got != c.want {
			t.Errorf("\n got %s\nwant %s", got, c.want)
		}
	}
}
