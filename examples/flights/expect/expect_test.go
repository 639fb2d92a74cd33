package expect

import (
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/millrace/millrace/examples/flights/data"
	"github.com/millrace/millrace/examples/flights/report"
)

// flights reads the embedded table once.
var flights = sync.OnceValues(func() ([]Row, int) {
	r, err := data.Open("")
	if err != nil {
		panic(err)
	}
	defer r.Close()
	rows, cancelled, err := Read(r)
	if err != nil {
		panic(err)
	}
	return rows, cancelled
})

func TestFlights(t *testing.T) {
	rows, cancelled := flights()
	if len(rows) != 328521 || cancelled != 8255 {
		t.Fatalf("%d departed and %d did not, want 328521 and 8255", len(rows), cancelled)
	}
	for i := 1; i < len(rows); i++ {
		if rows[i].Departed().Before(rows[i-1].Departed()) {
			t.Fatalf("row %d departed before the one above it", i)
		}
	}
}

func TestFlightsHours(t *testing.T) {
	rows, _ := flights()
	hours := Hours(rows, time.Hour)
	if len(hours) != 19434 {
		t.Errorf("%d hours, want 19434", len(hours))
	}
	want := map[string]int{"EWR": 117596, "JFK": 109416, "LGA": 101509}
	totals := report.Totals(hours)
	if len(totals) != len(want) {
		t.Errorf("totals %v", totals)
	}
	for _, total := range totals {
		if total.Flights != want[total.Origin] {
			t.Errorf("%s: %d flights, want %d", total.Origin, total.Flights, want[total.Origin])
		}
	}
	worst := report.Worst(hours, 10, 1)[0]
	start := time.Date(2013, 9, 2, 20, 0, 0, 0, time.UTC)
	if worst.Origin != "LGA" || !worst.Start.Equal(start) || !worst.End.Equal(start.Add(time.Hour)) ||
		worst.Flights != 13 || math.Abs(worst.Mean-250.31) > 0.005 {
		t.Errorf("worst hour %+v", worst)
	}
}

func TestFlightsTiming(t *testing.T) {
	rows, _ := flights()
	onTime, late, dropped := Timing(rows, time.Hour, time.Hour, 3*time.Hour)
	if onTime != 312497 || late != 15315 || dropped != 709 {
		t.Errorf("%d on time, %d late, %d dropped, want 312497, 15315, 709", onTime, late, dropped)
	}
}

const header = "scheduled,origin,dest,carrier,flight,delay\n"

// The third row is in the first window, which the second row makes due if the
// bound is zero.
const small = header +
	"2013-01-01T10:15:00Z,EWR,IAH,UA,1545,2\n" +
	"2013-01-01T11:00:00Z,LGA,IAH,UA,1714,-4\n" +
	"2013-01-01T10:59:00Z,EWR,MIA,AA,1141,33\n" +
	"2013-01-01T12:00:00Z,JFK,BQN,B6,725,\n"

func TestRead(t *testing.T) {
	rows, cancelled, err := Read(strings.NewReader(small))
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 3 || cancelled != 1 {
		t.Fatalf("%d rows and %d cancelled, want 3 and 1", len(rows), cancelled)
	}
	want := Row{
		Scheduled: time.Date(2013, 1, 1, 11, 0, 0, 0, time.UTC),
		Origin:    "LGA", Dest: "IAH", Carrier: "UA", Flight: "1714", Delay: -4,
	}
	if rows[1] != want {
		t.Errorf("got %+v, want %+v", rows[1], want)
	}
	if got := rows[1].Departed().Format(time.TimeOnly); got != "10:56:00" {
		t.Errorf("departed at %s, want 10:56:00", got)
	}
}

func TestReadErrors(t *testing.T) {
	for name, text := range map[string]string{
		"empty":     "",
		"header":    "scheduled,origin\n",
		"short row": header + "2013-01-01T10:15:00Z,EWR\n",
		"bad time":  header + "noon,EWR,IAH,UA,1545,2\n",
		"bad delay": header + "2013-01-01T10:15:00Z,EWR,IAH,UA,1545,two\n",
	} {
		if _, _, err := Read(strings.NewReader(text)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestHours(t *testing.T) {
	rows, _, err := Read(strings.NewReader(small))
	if err != nil {
		t.Fatal(err)
	}
	at := func(hour int) time.Time { return time.Date(2013, 1, 1, hour, 0, 0, 0, time.UTC) }
	want := []report.Hour{
		{Origin: "EWR", Start: at(10), End: at(11), Flights: 2, Mean: 17.5, Worst: 33},
		{Origin: "LGA", Start: at(11), End: at(12), Flights: 1, Mean: -4, Worst: -4},
	}
	got := Hours(rows, time.Hour)
	if len(got) != len(want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("got %v, want %v", got[i], want[i])
		}
	}
}

func TestTiming(t *testing.T) {
	rows, _, err := Read(strings.NewReader(small))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		bound, lateness       time.Duration
		onTime, late, dropped int
	}{
		{time.Minute, 0, 3, 0, 0},
		{0, time.Minute, 2, 1, 0},
		{0, 0, 2, 0, 1},
	} {
		onTime, late, dropped := Timing(rows, time.Hour, c.bound, c.lateness)
		if onTime != c.onTime || late != c.late || dropped != c.dropped {
			t.Errorf("bound %v, lateness %v: %d, %d, %d, want %d, %d, %d", c.bound, c.lateness,
				onTime, late, dropped, c.onTime, c.late, c.dropped)
		}
	}
	if onTime, late, dropped := Timing(nil, time.Hour, 0, 0); onTime+late+dropped != 0 {
		t.Error("counted rows where there are none")
	}
}

func TestStart(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"},
		{"2013-01-01T10:59:59Z", "2013-01-01T10:00:00Z"},
		{"1969-12-31T23:59:59Z", "1969-12-31T23:00:00Z"},
	} {
		in, err := time.Parse(time.RFC3339, c.in)
		if err != nil {
			t.Fatal(err)
		}
		if got := start(in, time.Hour).Format(time.RFC3339); got != c.want {
			t.Errorf("start of %s: %s, want %s", c.in, got, c.want)
		}
	}
}
