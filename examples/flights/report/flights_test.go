package report_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/examples/flights/data"
	"github.com/millrace/millrace/examples/flights/expect"
	"github.com/millrace/millrace/examples/flights/report"
)

// TestFlights makes the page and the file of the whole year.
func TestFlights(t *testing.T) {
	r, err := data.Open("")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	rows, cancelled, err := expect.Read(r)
	if err != nil {
		t.Fatal(err)
	}
	in := report.Input{
		Hours:     expect.Hours(rows, time.Hour),
		Cancelled: cancelled,
		Window:    time.Hour,
		Bound:     time.Hour,
		Lateness:  3 * time.Hour,
	}
	in.OnTime, in.Late, in.Dropped = expect.Timing(rows, in.Window, in.Bound, in.Lateness)
	var page, file bytes.Buffer
	if err := report.Page(&page, in); err != nil {
		t.Fatal(err)
	}
	if page.Len() > 500_000 {
		t.Errorf("the page has %d bytes", page.Len())
	}
	for _, want := range []string{
		"328,521", "8,255", "19,434", // the year
		"117,596", "109,416", "101,509", // the airports
		"312,497", "15,315", "709", // the stream
		"<td>Mon, Sep 2</td><td>4–5 pm</td><td>LGA</td>", "<b>250.3</b>", // the worst hour
	} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page does not say %s", want)
		}
	}
	if err := report.WriteCSV(&file, in.Hours); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(file.String(), "\n"); got != 19435 {
		t.Errorf("the file has %d lines, want 19435", got)
	}
	if want := "2013-09-02T20:00:00Z,2013-09-02T21:00:00Z,LGA,13,250.31,372\n"; !strings.Contains(file.String(), want) {
		t.Errorf("the file does not have the line %s", want)
	}
}
