package csvio_test

import (
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/io/csvio"
	"github.com/millrace/millrace/io/internal/readtest"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/transforms"
)

func TestLayoutsThatAreMistakes(t *testing.T) {
	const advice = `a layout is the time 2006-01-02 15:04:05 -0700 as the file would have it (see time.Layout), or one of "unix", "unixms" and "unixus"; without one times are RFC 3339`
	const counts = `is a name; counts since the epoch are "unix", "unixms" and "unixus", in lower case, for seconds, milliseconds and microseconds; for another, make the field an int64`
	for _, c := range []struct{ layout, want string }{
		{"%Y-%m-%d %H:%M:%S", "is not Go's; write layout=2006-01-02 15:04:05: " + advice},
		{"%d.%m.%y %H:%M", "is not Go's; write layout=02.01.06 15:04: " + advice},
		{"%s", "is not Go's; " + advice},
		{"%I:%M", "is not Go's; " + advice}, // of 12 hours
		{"yyyy-MM-dd", "is not Go's; write layout=2006-01-02: " + advice},
		{"yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "is not Go's; write layout=2006-01-02T15:04:05.000Z07:00: " + advice},
		{"YYYY-MM-DD HH:mm:ss", "is not Go's; write layout=2006-01-02 15:04:05: " + advice},
		{"dd/MM/yyyy hh:mm a", "is not Go's; write layout=02/01/2006 03:04 PM: " + advice},
		{"yyyyMMdd", "is not Go's; write layout=20060102: " + advice},
		{"yyyy-01-02", "is not Go's; " + advice},
		{"unixns", counts}, {"UnixMs", counts}, {"UNIX", counts}, {"epoch", counts}, {"unix_ms", counts}, {"ms", counts},
		{"RFC3339", "is a name; leave the layout out, times are RFC 3339 without one"},
		{"time.DateTime", "is a name; write layout=2006-01-02 15:04:05"},
		{"RFC1123", "is a name; write layout=Mon, 02 Jan 2006 15:04:05 GMT"},
		{"date", "is a name; write layout=2006-01-02"},
		{"whenever", "has nothing of a time in it; " + advice},
		{"2024-12-31", `has the day twice, as "2" and "02"; ` + advice},
		{"2006-01-02 03:04:05", `has the hour of a clock of 12 hours, "03", and not which half of the day it is; write 15 for the hour of 24, or add PM`},
		{"2006-01-02 15:04 MST", "has the abbreviation of a zone, MST, which says only on some machines which zone it is; write the offset, -0700, or if all times are UTC, the letters that the file has for it, such as UTC or GMT"},
		{time.RFC1123, "has the abbreviation of a zone, MST, which says only on some machines which zone it is; write the offset, -0700, or if all times are UTC, the letters that the file has for it, such as UTC or GMT"},
		{"2006-01-02,optional", `its tag has the layout "2006-01-02,optional", since all that follows "layout=" is the layout; put optional before it`},
		{"Mon", `writes 2024-12-31T23:59:58.987654321Z as "Tue", which cannot be read again: it is read as 0000-01-01T00:00:00Z; ` + advice},
	} {
		want := fmt.Sprintf("the layout %q in its tag %s", c.layout, c.want)
		if strings.HasPrefix(c.want, "its tag") {
			want = c.want
		}
		if got := csvio.LayoutMistake(c.layout); got != want {
			t.Errorf("%s\n got %s\nwant %s", c.layout, got, want)
		}
	}
}

func TestLayoutsThatAreNone(t *testing.T) {
	for _, layout := range []string{
		"", "unix", "unixms", "unixus", time.RFC3339, time.RFC3339Nano, time.DateTime, time.DateOnly, time.TimeOnly, time.ANSIC,
		time.RFC1123Z, time.RFC822Z, time.RubyDate, time.Kitchen, time.Stamp, time.StampMicro, "Mon, 02 Jan 2006 15:04:05 GMT",
		"20060102", "20060102T150405Z", "2/1/06", "02.01.2006 15h04", "2006-002", "2006-01-02 15:04:05,000", "02/Jan/2006:15:04:05 -0700",
		"2006-01-02 15:04:05.999999999 -0700 MST", "Monday, January 2, 2006 at 3:04 PM", "Messung 2006-01-02", "2006-01", "15:04", "Z07:00 2006",
	} {
		if got := csvio.LayoutMistake(layout); got != "" {
			t.Errorf("%q: %s", layout, got)
		}
	}
}

// The mistake is found when the pipeline is built, in what is read and what is written.
func TestALayoutIsCheckedBeforeAnythingIsRead(t *testing.T) {
	type row struct {
		At time.Time `csv:"at,layout=yyyy-MM-dd"`
	}
	const want = `csvio: row.At: the layout "yyyy-MM-dd" in its tag is not Go's; write layout=2006-01-02: `
	var reading, writing model.Pipeline
	csvio.Read(&reading, "nothing", csvio.Options[row]{})
	csvio.Write(transforms.Create(&writing, row{}), "out", csvio.WriteOptions{})
	for _, err := range []error{reading.Err(), writing.Err()} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the pipeline: %v", err)
		}
	}
	if got := sourceMistake(csvio.Options[row]{}); !strings.HasPrefix(got, want) {
		t.Errorf("the source: %s", got)
	}
	if got := sinkMistake[row](csvio.WriteOptions{}); !strings.HasPrefix(got, want) {
		t.Errorf("the sink: %s", got)
	}
}

// A stamped row has a time in each kind of layout.
type stamped struct {
	Plain    time.Time
	Zoneless time.Time  `csv:",layout=2006-01-02 15:04:05"`
	Literal  time.Time  `csv:",layout=2006-01-02T15:04:05Z"`
	Hours    time.Time  `csv:",layout=2006-01-02T15:04:05Z07"`
	Minutes  time.Time  `csv:",layout=02/Jan/2006:15:04:05 -0700"`
	Seconds  time.Time  `csv:",layout=2006-01-02T15:04:05-07:00:00"`
	Named    time.Time  `csv:",layout=2006-01-02 15:04:05 -0700 MST"`
	Pointer  *time.Time `csv:",layout=2006-01-02 15:04:05"`
}

// Whatever the zone of a time and that of the machine, it is read as the instant
// that was written.
func TestTimesAreReadAsTheInstantsThatWereWritten(t *testing.T) {
	zones := []*time.Location{
		time.UTC, time.FixedZone("CET", 3600), time.FixedZone("", -9000), time.FixedZone("IST", 19800),
		time.FixedZone("AMT", 1172), time.FixedZone("LMT", -17762), time.FixedZone("", 45),
	}
	machine := time.Local
	defer func() { time.Local = machine }()
	path := filepath.Join(t.TempDir(), "f")
	for _, zone := range zones {
		at := time.Date(1930, 6, 1, 12, 30, 15, 0, zone)
		row := stamped{at, at, at, at, at, at, at, &at}
		var first string
		for _, local := range []*time.Location{time.UTC, time.FixedZone("MST", -7*3600), time.FixedZone("CET", 3600)} {
			time.Local = local
			content, err := output(t, path, csvio.WriteOptions{}, row)
			if err != nil {
				t.Fatal(err)
			}
			got := readtest.All(t, csvio.Source(path, csvio.Options[stamped]{}), 1)[0]
			v, shown := reflect.ValueOf(got), content
			for i := range v.NumField() {
				read := reflect.Indirect(v.Field(i)).Interface().(time.Time)
				if !read.Equal(at) {
					t.Errorf("%s in zone %v: written %v, read %v (%v off)", v.Type().Field(i).Name, zone, at, read, read.Sub(at))
				}
				shown += read.String() + "\n"
			}
			if first == "" {
				first = shown
			}
			if shown != first {
				t.Errorf("on a machine in %v:\n%s\nin UTC:\n%s", local, shown, first)
			}
		}
	}
}

func TestAmsterdamIn1930(t *testing.T) {
	type row struct{ At time.Time }
	amsterdam := time.FixedZone("AMT", 19*60+32)
	content, err := output(t, filepath.Join(t.TempDir(), "f"), csvio.WriteOptions{}, row{time.Date(1930, 1, 1, 0, 0, 0, 0, amsterdam)})
	if err != nil || content != "At\n1929-12-31T23:40:28Z\n" {
		t.Errorf("%q, %v", content, err)
	}
}

func TestTimesThatALayoutHasNoPlaceFor(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	type short struct {
		At time.Time `csv:",layout=02.01.06"`
	}
	type long struct {
		At time.Time `csv:",layout=2006-01-02"`
	}
	type named struct {
		At time.Time `csv:",layout=2006-01-02 15:04 -0700 MST"`
	}
	year := func(y int) time.Time { return time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC) }
	_, err := output(t, path, csvio.WriteOptions{}, short{year(2070)})
	if want := "short.At has no text: the year 2070 has no place in the two digits of the layout \"02.01.06\", which are read as 1969 to 2068; write 2006 in the layout instead of 06"; err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Error(err)
	}
	_, err = output(t, path, csvio.WriteOptions{}, long{year(10_000)})
	if err == nil || !strings.HasSuffix(err.Error(), `long.At has no text: the year 10000 has no place in the four digits of the layout "2006-01-02"`) {
		t.Error(err)
	}
	content, err := output(t, path, csvio.WriteOptions{}, named{time.Date(2024, 1, 1, 1, 0, 0, 0, time.FixedZone("home", 3600))})
	if err != nil || content != "At\n2024-01-01 00:00 +0000 UTC\n" {
		t.Errorf("%q, %v", content, err)
	}
	for _, y := range []int{1969, 2068} {
		if _, err := output(t, path, csvio.WriteOptions{}, short{year(y)}); err != nil {
			t.Error(err)
		}
		if got := readtest.All(t, csvio.Source(path, csvio.Options[short]{}), 1); !got[0].At.Equal(year(y)) {
			t.Errorf("%d is read as %v", y, got[0].At)
		}
	}
}

func TestTheRareFormsOfRFC3339(t *testing.T) {
	type row struct{ At time.Time }
	path := filepath.Join(t.TempDir(), "f")
	for _, c := range []struct{ cell, want string }{
		{"2024-01-02t03:04:05z", "2024-01-02T03:04:05Z"},
		{"2024-01-02t03:04:05.5+01:00", "2024-01-02T03:04:05.5+01:00"},
		{"2024-01-02T03:04:05z", "2024-01-02T03:04:05Z"},
		{"2024-01-02 03:04:05Z", "2024-01-02T03:04:05Z"},
		{"2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"},
		{"2016-12-31t23:59:60.25z", "2017-01-01T00:00:00.25Z"},
		{"1990-12-31T15:59:60-08:00", "1990-12-31T16:00:00-08:00"},
		{"2016-12-31T12:00:60Z", "second out of range"},
		{"2016-12-30T23:59:60Z", "second out of range"},
		{"2016-12-31T23:59:61Z", "second out of range"},
		{"2024-02-30T00:00:00Z", "day out of range"},
		{"2023-02-29T00:00:00Z", "day out of range"},
		{"2024-01-01T24:00:00Z", "hour out of range"},
		{"2024-01-01T00:00:00", ""}, {"2024-01-01", ""}, {"2024-01-02x03:04:05Z", ""}, {"2024-01-02t03:04:0éz", ""},
	} {
		rows := readtest.All(t, csvio.OutcomeSource(write(t, path, "at\n"+c.cell+"\n"), csvio.Options[row]{}), 1)
		got := rows[0].Row.At.Format(time.RFC3339Nano)
		want := c.want
		if rows[0].Bad != nil {
			got = rows[0].Bad.Reason
			want = fmt.Sprintf("%q is no time: %s", c.cell, c.want)
		}
		if c.want == "" {
			want = fmt.Sprintf("%q is not a time of RFC 3339; if it is another kind, name its layout in the field's tag", c.cell)
		}
		if got != want {
			t.Errorf("%s\n got %s\nwant %s", c.cell, got, want)
		}
	}
}

func TestADayThatThereIsNotSaysWhy(t *testing.T) {
	type row struct {
		At time.Time `csv:",layout=2006-01-02"`
	}
	rows := readtest.All(t, csvio.OutcomeSource(write(t, filepath.Join(t.TempDir(), "f"), "at\n2024-02-30\n30.02.2024\n"), csvio.Options[row]{}), 1)
	for i, want := range []string{`"2024-02-30" is no time: day out of range`, `"30.02.2024" is not a time like "2006-01-02"`} {
		if rows[i].Bad == nil || rows[i].Bad.Reason != want {
			t.Errorf("%+v", rows[i])
		}
	}
}
