package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/millrace/millrace"
	"github.com/millrace/millrace/examples/flights/data"
	"github.com/millrace/millrace/examples/flights/expect"
	"github.com/millrace/millrace/examples/flights/report"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/runners/direct"
)

// table is the embedded table as a file.
func table(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "flights.csv.gz")
	if err := os.WriteFile(path, data.Compressed(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func rows(t *testing.T) []expect.Row {
	t.Helper()
	r, err := data.Open("")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	rows, _, err := expect.Read(r)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func runWith(t *testing.T, r direct.Runner, s Settings) (*Found, direct.GroupingReport) {
	t.Helper()
	var p model.Pipeline
	found := Build(&p, s)
	rep, err := r.Run(context.Background(), &p)
	if err != nil {
		t.Fatal(err)
	}
	return found, rep.Grouping(grouping)
}

// sorted is hours as the CSV file has them.
func sorted(t *testing.T, hours []report.Hour) string {
	t.Helper()
	var b bytes.Buffer
	if err := report.WriteCSV(&b, hours); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestEveryFlightIsInItsHourWhateverTheParallelism(t *testing.T) {
	input := table(t)
	want := sorted(t, expect.Hours(rows(t), time.Hour))
	for _, parallelism := range []int{1, 2, 5} {
		found, delays := runWith(t, direct.Runner{Parallelism: parallelism},
			Settings{Input: input, Window: time.Hour, Bound: time.Hour, Lateness: 24 * time.Hour})
		if len(found.Hours) != 19_434 {
			t.Errorf("parallelism %d: %d hours, want 19,434", parallelism, len(found.Hours))
		}
		if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(sorted(t, found.Hours), "\n")); diff != "" {
			t.Errorf("parallelism %d: hours differ from the plain computation's (-want +got):\n%.2000s", parallelism, diff)
		}
		if delays.Dropped != 0 || delays.OnTime+delays.Late != 328_521 {
			t.Errorf("parallelism %d: %d on time, %d late, %d dropped; none may be lost of 328,521", parallelism, delays.OnTime, delays.Late, delays.Dropped)
		}
		if found.Cancelled != 8_255 || len(found.BadRows) != 0 {
			t.Errorf("parallelism %d: %d cancelled, want 8,255; %d bad rows, want none", parallelism, found.Cancelled, len(found.BadRows))
		}
	}
}

// The watermark advances after every flight, so that on time, late and dropped
// are exactly what the rules say of each.
func TestWatermarkAfterEveryFlight(t *testing.T) {
	all := rows(t)
	bound, lateness := time.Hour, 3*time.Hour
	found, delays := runWith(t, direct.Runner{Parallelism: 1, SourceBatch: 1},
		Settings{Input: table(t), Window: time.Hour, Bound: bound, Lateness: lateness})
	if delays.OnTime != 312_497 || delays.Late != 15_315 || delays.Dropped != 709 {
		t.Errorf("%d on time, %d late, %d dropped; want 312,497, 15,315 and 709", delays.OnTime, delays.Late, delays.Dropped)
	}
	var kept []expect.Row
	for i, a := range expect.Arrivals(all, time.Hour, bound, lateness) {
		if a != expect.Dropped {
			kept = append(kept, all[i])
		}
	}
	want := sorted(t, expect.Hours(kept, time.Hour))
	if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(sorted(t, found.Hours), "\n")); diff != "" {
		t.Errorf("hours differ from those of the flights that were not dropped (-want +got):\n%.2000s", diff)
	}
}

func TestProgramPrintsAndWritesTheFindings(t *testing.T) {
	out := filepath.Join(t.TempDir(), "made", "by the program")
	var stdout, stderr bytes.Buffer
	if code := run([]string{"-out", out, "-parallelism", "2"}, nil, &stdout, &stderr); code != millrace.ExitOK {
		t.Fatalf("exit code %d:\n%s", code, stderr.String())
	}
	for _, want := range []string{
		"EWR  117,596", "JFK  109,416", "LGA  101,509",
		"LGA  2013-09-02 16:00 EDT       13  250.31 min", // 20:00 in UTC, 4 pm on the page
		"0 dropped", "8,255 flights never left", "19,434 results",
	} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("stdout lacks %q:\n%s", want, stdout.String())
		}
	}
	if !strings.Contains(stderr.String(), "Flights: 336776 elements, 100%") {
		t.Errorf("stderr shows no progress:\n%s", stderr.String())
	}
	csv, err := os.ReadFile(filepath.Join(out, "hours.csv"))
	if err != nil || bytes.Count(csv, []byte("\n")) != 19_435 {
		t.Errorf("hours.csv: %d lines, want 19,434 and a header; %v", bytes.Count(csv, []byte("\n")), err)
	}
	page, err := os.ReadFile(filepath.Join(out, "flights.html"))
	if err != nil || !bytes.Contains(page, []byte("</html>")) {
		t.Errorf("flights.html is not a whole page: %v", err)
	}
}

func TestWrongValuesSayWhatIsAllowed(t *testing.T) {
	for _, tc := range []struct{ args, says string }{
		{"-window=0s", "at least 1m0s"},
		{"-window=hour", "such as 15m"},
		{"-bound=-1h", "at least 0s"},
		{"-lateness=soon", "at least 0s"},
		{"-parallelism=0", "at least 1"},
		{"-runner=moon", "allowed: direct"},
		{"flights.csv", "everything is a flag"},
	} {
		var stderr bytes.Buffer
		if code := run([]string{tc.args}, nil, &stderr, &stderr); code != millrace.ExitUsage || !strings.Contains(stderr.String(), tc.says) {
			t.Errorf("%s: exit code %d, and the message should contain %q:\n%s", tc.args, code, tc.says, stderr.String())
		}
	}
}

func TestInputThatCannotBeRead(t *testing.T) {
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad.csv")
	content := "scheduled,origin,delay\n2013-01-01T10:15:00Z,EWR,2\nyesterday,LGA,4\n2013-01-01T10:20:00Z,JFK,\n"
	if err := os.WriteFile(bad, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	if code := run([]string{"-out", dir, "-input", bad}, nil, &stdout, &stderr); code != millrace.ExitOK {
		t.Fatalf("exit code %d:\n%s", code, stderr.String())
	}
	for _, want := range []string{"1 rows could not be read", "bad.csv:3:1", "1 flights never left", "1 results"} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("stdout lacks %q:\n%s", want, stdout.String())
		}
	}
	stderr.Reset()
	if code := run([]string{"-out", dir, "-input", filepath.Join(dir, "none*.csv")}, nil, &stdout, &stderr); code != millrace.ExitFailed || !strings.Contains(stderr.String(), "none*.csv") {
		t.Errorf("a missing input: exit code %d, %s", code, stderr.String())
	}
}
