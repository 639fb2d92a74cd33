package csvio_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"pgregory.net/rapid"

	"github.com/millrace/millrace/io/compression"
	"github.com/millrace/millrace/io/csvio"
	"github.com/millrace/millrace/io/internal/readtest"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
)

// A triple is a row of three texts, which makes the parser all there is to it.
type triple struct{ A, B, C string }

var abc = []string{"A", "B", "C"}

func write(t readtest.TB, path, content string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
		t.Fatalf("%v", err)
	}
	return path
}

// messy is a file with all that makes records hard, most of it wrong.
func messy() *rapid.Generator[string] {
	piece := rapid.OneOf(
		rapid.SampledFrom([]string{",", ",", `"`, `""`, "\n", "\n", "\r\n", "\r", "x", "#", " ", "é", "\ufeff"}),
		rapid.SampledFrom([]string{"a,b,c\n", "1,\"2\",3\n", "\"p\nq\",,\n", "x,\"open\n", "\n\n", "# a comment\n", "a,b\n"}),
		rapid.StringMatching(`[a-z]{0,30},[a-z]{0,9},"[a-z]{0,30}"\n`),
	)
	return rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(piece, 0, 40).Draw(t, "pieces"), "")
	})
}

// Rows and bad rows, with their lines, are the same however a file is cut and
// its reading interrupted.
func TestEachRowIsReadOnceHoweverItIsCutAndInterrupted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	rapid.Check(t, func(rt *rapid.T) {
		content := messy().Draw(rt, "content")
		opts := csvio.Options[triple]{
			Comment:           rapid.SampledFrom([]rune{0, '#'}).Draw(rt, "comment"),
			SingleLineRecords: rapid.Bool().Draw(rt, "single line"),
			MaxRecordBytes:    rapid.SampledFrom([]int{0, 20, 45}).Draw(rt, "limit"),
		}
		if rapid.Bool().Draw(rt, "header") {
			content = "\ufeff\r\n\"A\",B,c\n" + content
		} else {
			opts.Columns = abc
		}
		if rapid.Bool().Draw(rt, "compressed") {
			var b bytes.Buffer
			w := gzip.NewWriter(&b)
			w.Write([]byte(content))
			w.Close()
			content = b.String()
		}
		write(rt, path, content)
		want, err := readtest.Try(csvio.OutcomeSource(path, opts), 1)
		if err != nil {
			rt.Fatalf("%v", err)
		}
		opts.MinSplitBytes = 1
		if diff := cmp.Diff(want, readtest.Interrupted(rt, csvio.OutcomeSource(path, opts))); diff != "" {
			rt.Error(diff)
		}
	})
}

// compare reads content with the connector and with encoding/csv, which is to
// agree where it accepts all of it.
func compare(t readtest.TB, path, content string) {
	t.Helper()
	write(t, path, content)
	theirs := csv.NewReader(strings.NewReader(strings.TrimPrefix(content, "\ufeff")))
	theirs.FieldsPerRecord = 3
	records, err := theirs.ReadAll()
	if err != nil {
		return
	}
	var want []triple
	for _, r := range records {
		want = append(want, triple{r[0], r[1], r[2]})
	}
	got := readtest.All(t, csvio.Source(path, csvio.Options[triple]{Columns: abc, Compression: compression.None}), 1)
	for i := range got { // encoding/csv turns line ends in fields into "\n"
		for _, s := range []*string{&got[i].A, &got[i].B, &got[i].C} {
			*s = strings.ReplaceAll(*s, "\r\n", "\n")
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("%q:\n%s", content, diff)
	}
}

func TestAgreesWithEncodingCSV(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	cell := rapid.SampledFrom([]string{"", "a", "a b", `""`, `"a,b"`, "\"a\nb\"", "\"a\r\nb\"", `"say ""hi"""`, `""""`, "é", "\"\r\"", "a\rb"})
	rapid.Check(t, func(rt *rapid.T) {
		var content strings.Builder
		for range rapid.IntRange(0, 12).Draw(rt, "records") {
			fmt.Fprintf(&content, "%s,%s,%s", cell.Draw(rt, "a"), cell.Draw(rt, "b"), cell.Draw(rt, "c"))
			content.WriteString(rapid.SampledFrom([]string{"\n", "\r\n", "\n\n"}).Draw(rt, "end"))
		}
		compare(rt, path, content.String())
	})
}

func FuzzRead(f *testing.F) {
	f.Add("a,b,c\n\"d\",\"e\"\"\",\"f\ng\"\r\n")
	f.Add("\ufeff,,\n\n\"\r\n\",x,y")
	f.Add("a,\"b\n,,\n\"")
	path := filepath.Join(f.TempDir(), "f")
	f.Fuzz(func(t *testing.T, content string) {
		compare(t, path, content)
		for _, o := range readtest.All(t, csvio.OutcomeSource(path, csvio.Options[triple]{Columns: abc, Compression: compression.None}), 1) {
			if o.Bad != nil && (o.Bad.Line < 1 || o.Bad.Column < 1 || o.Bad.Reason == "") {
				t.Errorf("%q: %+v", content, o.Bad)
			}
		}
	})
}

func TestABadRowEndsARun(t *testing.T) {
	path := write(t, filepath.Join(t.TempDir(), "orders.csv"), "id,amount,wait\na,1,0s\nb,2x,0s\nc,3,0s\n")
	all, err := readtest.Try(csvio.Source(path, csvio.Options[order]{}), 1)
	var bad *csvio.RowError
	if !errors.As(err, &bad) || len(all) != 1 {
		t.Fatalf("%v, %v", all, err)
	}
	want := csvio.RowError{File: path, Line: 3, Column: 3, Field: "amount", Raw: "b,2x,0s", Err: bad.Err}
	if *bad != want {
		t.Errorf("got %+v", *bad)
	}
	if want := `csvio: ` + path + `:3:3: column "amount": "2x" is not a whole number; correct the row, or have such rows set aside with csvio.ReadWithDeadLetters`; err.Error() != want {
		t.Errorf("\n got %v\nwant %v", err, want)
	}
}

func TestRawIsBounded(t *testing.T) {
	long := strings.Repeat("é", 600)
	path := write(t, filepath.Join(t.TempDir(), "f"), "x"+long+",1\n")
	all := readtest.All(t, csvio.OutcomeSource(path, csvio.Options[triple]{Columns: abc}), 1)
	if raw := all[0].Bad.Raw; len(raw) != 1023 || !strings.HasPrefix("x"+long, raw) {
		t.Errorf("%d bytes: %q", len(raw), raw)
	}
}

func TestHeadersOfSeveralFiles(t *testing.T) {
	type row struct {
		A string
		B int
		C string `csv:",optional"`
	}
	d := t.TempDir()
	read := func(files ...string) ([]row, string) {
		os.RemoveAll(d)
		os.Mkdir(d, 0o777)
		for i, content := range files {
			write(t, fmt.Sprintf("%s/%d.csv", d, i+1), content)
		}
		all, err := readtest.Try(csvio.Source(d+"/*.csv", csvio.Options[row]{}), 4)
		if err != nil {
			return all, strings.ReplaceAll(err.Error(), d+"/", "")
		}
		return all, ""
	}
	all, err := read("a,b\nx,1\n", "b,a\n2,y\n")
	if diff := cmp.Diff([]row{{"x", 1, ""}, {"y", 2, ""}}, all); diff != "" || err != "" {
		t.Errorf("columns in another order: %s %s", diff, err)
	}
	for _, c := range []struct {
		files []string
		want  string
	}{
		{[]string{"", "\n"}, `csvio: none of the 2 files, such as 1.csv, has a header: they have no line that is not empty or a comment; name the columns in Options.Columns, or set AllowNoFiles if that is no mistake`},
		{[]string{"A,B\nx,1\n", "A,B,A\n"}, `csvio: 2.csv: row.A could be any of 2 columns, which are all named "A"; rename all but one of them, or leave the field out with the tag csv:"-"`},
		{[]string{"A,B\nx,bad\n", "A\n"}, `csvio: 2.csv: there is no column "B" for row.B; there are "A"; name the column in the field's tag, or make it optional there`},
	} {
		if rows, err := read(c.files...); err != c.want || len(rows) > 0 {
			t.Errorf("%q: %v\n got %s\nwant %s", c.files, rows, err, c.want)
		}
	}
}

// The watermark follows the good rows; a bad one has the time of the watermark.
func TestEventTime(t *testing.T) {
	type event struct {
		At   time.Time `csv:"at,layout=unix"`
		What string
	}
	path := write(t, filepath.Join(t.TempDir(), "f"), "at,what\n100,a\n90,b\nlater,c\n130,d\n")
	opts := csvio.Options[event]{
		EventTime:      func(e event) model.Timestamp { return model.TimestampOf(e.At) },
		OutOfOrderness: 20 * time.Second,
	}
	src := csvio.OutcomeSource(path, opts)
	splits, err := src.Splits(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	r, err := src.Open(t.Context(), splits[0])
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var story []string
	for range 4 {
		if _, err := r.Read(t.Context(), 1, func(o *csvio.Outcome[event], at model.Timestamp) {
			story = append(story, fmt.Sprintf("%q bad=%t at %d", o.Row.What, o.Bad != nil, at/1e6))
		}); err != nil {
			t.Fatal(err)
		}
		story = append(story, fmt.Sprintf("watermark %d", r.Watermark()/1e6))
	}
	if diff := cmp.Diff([]string{
		`"a" bad=false at 100`, "watermark 80",
		`"b" bad=false at 90`, "watermark 80",
		`"" bad=true at 80`, "watermark 80",
		`"d" bad=false at 130`, "watermark 110",
	}, story); diff != "" {
		t.Error(diff)
	}
	rows := csvio.Source(path, opts)
	if _, err := rows.Splits(t.Context(), 1); err != nil {
		t.Error(err)
	}
}

func TestFilesAreCutOnlyWhereRecordsAreLines(t *testing.T) {
	path := write(t, filepath.Join(t.TempDir(), "f"), "A,B,C\n"+strings.Repeat("aaaa,bbbb,cccc\n", 100))
	for single, want := range map[bool]int{false: 1, true: 4} {
		splits, err := csvio.Source(path, csvio.Options[triple]{SingleLineRecords: single, MinSplitBytes: 100}).Splits(t.Context(), 4)
		if err != nil || len(splits) != want {
			t.Errorf("SingleLineRecords %t: %d splits, %v", single, len(splits), err)
		}
	}
}

// The name of a zone outlives the line that it was read from.
func TestZoneNames(t *testing.T) {
	type row struct {
		At time.Time `csv:",layout=2006-01-02 15:04 -0700 MST"`
	}
	path := write(t, filepath.Join(t.TempDir(), "f"), "at\n2024-01-02 03:04 +0100 ABC\n2024-01-02 03:04 +0200 XYZ\n"+strings.Repeat("2024-01-02 03:04 +0000 QQQ\n", 50_000))
	rows := readtest.All(t, csvio.Source(path, csvio.Options[row]{MaxRecordBytes: 30}), 1)
	for i, want := range []string{"ABC", "XYZ", "QQQ"} {
		if zone, _ := rows[i].At.Zone(); zone != want {
			t.Errorf("row %d is in zone %q", i, zone)
		}
	}
}

// Rows without text cost no allocation, and one with text one for each.
func TestAllocations(t *testing.T) {
	type numbers struct {
		A int
		B float64
		C bool
	}
	d := t.TempDir()
	allocationsPerRow(t, csvio.Source(write(t, d+"/n", "a,b,c\n"+strings.Repeat("12,1.5,true\n", 5000)), csvio.Options[numbers]{}), 0)
	allocationsPerRow(t, csvio.Source(write(t, d+"/t", "a,b,c\n"+strings.Repeat("one,\"t\"\"wo\",three\n", 5000)), csvio.Options[triple]{}), 3)
}

func allocationsPerRow[T any](t *testing.T, src source.Source[T], want float64) {
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
	const batch = 100
	n := 0
	emit := func(*T, model.Timestamp) { n++ }
	got := testing.AllocsPerRun(20, func() { r.Read(t.Context(), batch, emit) }) / batch
	if got < want || got > want+0.05 || n != 21*batch {
		t.Errorf("%v allocations per %T; %d rows", got, *new(T), n)
	}
}
