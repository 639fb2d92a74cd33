package csvio_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/millrace/millrace/io/csvio"
	"github.com/millrace/millrace/io/internal/readtest"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
)

type visit struct {
	Page  string
	Count int
	Note  string `csv:"note,optional"`
}

func TestColumnsThatNobodyReadsMayDiffer(t *testing.T) {
	for _, c := range []struct {
		what  string
		files []string
		want  []visit
	}{
		{"a name twice", []string{"page,x,count,x\na,1,2,3\n"}, []visit{{"a", 2, ""}}},
		{"names that are empty", []string{"page,,count,\na,1,2,3\n"}, []visit{{"a", 2, ""}}},
		{"missing in one file", []string{"page,count,x\na,1,z\n", "page,count\nb,2\n"}, []visit{{"a", 1, ""}, {"b", 2, ""}}},
		{"other ones in another", []string{"x,page,count\nz,a,1\n", "count,page,y,z\n2,b,,\n"}, []visit{{"a", 1, ""}, {"b", 2, ""}}},
		{"more without names", []string{"page,count,\na,1,\n", "page,count,,\nb,2,,\n"}, []visit{{"a", 1, ""}, {"b", 2, ""}}},
		{"an optional one missing", []string{"page,count\na,1\n", "page,count,note\nb,2,hi\n"}, []visit{{"a", 1, ""}, {"b", 2, "hi"}}},
		{"an empty file first", []string{"", "page,count\na,1\n"}, []visit{{"a", 1, ""}}},
		{"an empty file last", []string{"page,count\na,1\n", ""}, []visit{{"a", 1, ""}}},
		{"a file of empty lines", []string{"page,count\na,1\n", "\n\r\n\n", "page,count\nb,2\n"}, []visit{{"a", 1, ""}, {"b", 2, ""}}},
		{"a file of a byte order mark", []string{"\ufeff", "page,count\na,1\n"}, []visit{{"a", 1, ""}}},
	} {
		d := t.TempDir()
		for i, content := range c.files {
			write(t, fmt.Sprintf("%s/%d.csv", d, i), content)
		}
		for _, single := range []bool{false, true} {
			got, err := readtest.Try(csvio.Source(d+"/*.csv", csvio.Options[visit]{SingleLineRecords: single, MinSplitBytes: 1}), 100)
			if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
				t.Errorf("%s: %v %s", c.what, err, diff)
			}
		}
	}
}

// As with a pattern that matches nothing.
func TestOnlyEmptyFilesAreAMistakeUnlessTheyAreNot(t *testing.T) {
	d := t.TempDir()
	write(t, d+"/a.csv", "")
	write(t, d+"/b.csv", "\n")
	for allow, mistake := range map[bool]bool{false: true, true: false} {
		rows, err := readtest.Try(csvio.Source(d+"/*.csv", csvio.Options[visit]{AllowNoFiles: allow}), 1)
		if (err != nil) != mistake || len(rows) > 0 {
			t.Errorf("AllowNoFiles %t: %v, %v", allow, rows, err)
		}
	}
	rows, err := readtest.Try(csvio.Source(d+"/*.csv", csvio.Options[visit]{Columns: []string{"page", "count"}}), 1)
	if err != nil || len(rows) > 0 {
		t.Errorf("without headers: %v, %v", rows, err)
	}
}

// A row whose optional time is empty has no event time: it is stamped with the
// watermark, and not late, as it would be in the year 1.
func TestAnEmptyOptionalTimeIsNoEventTime(t *testing.T) {
	type event struct {
		What string
		At   time.Time `csv:"at,optional"`
	}
	path := write(t, filepath.Join(t.TempDir(), "f"), "what,at\na,\nb,1970-01-01T00:01:40Z\nc,\nd,1970-01-01T00:02:00Z\ne,\n")
	opts := csvio.Options[event]{
		EventTime:      func(e event) model.Timestamp { return model.TimestampOf(e.At) },
		OutOfOrderness: 20 * time.Second,
	}
	want := []string{"a at -9223372036854", "b at 100", "c at 80", "d at 120", "e at 100"}
	var got, outcomes []string
	stamps(t, csvio.Source(path, opts), func(e *event, at model.Timestamp) { got = append(got, fmt.Sprintf("%s at %d", e.What, at/1e6)) })
	stamps(t, csvio.OutcomeSource(path, opts), func(o *csvio.Outcome[event], at model.Timestamp) {
		outcomes = append(outcomes, fmt.Sprintf("%s at %d", o.Row.What, at/1e6))
	})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(want, outcomes); diff != "" {
		t.Errorf("with dead letters: %s", diff)
	}
}

// stamps reads src, of one split, an element at a time.
func stamps[T any](t *testing.T, src source.Source[T], emit func(*T, model.Timestamp)) {
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
	for done := false; !done; {
		status, err := r.Read(t.Context(), 1, emit)
		if err != nil {
			t.Fatal(err)
		}
		done = status.Done
	}
}
