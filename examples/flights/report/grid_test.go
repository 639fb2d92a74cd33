package report

import (
	"math/rand/v2"
	"regexp"
	"strconv"
	"testing"
	"time"
)

// TestLocalTime puts hours on both sides of the two changes of the clock.
func TestLocalTime(t *testing.T) {
	loc, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		start, day string
		hour       int
	}{
		{"2013-01-01T04:00:00Z", "2012-12-31", 23},
		{"2013-01-01T05:00:00Z", "2013-01-01", 0},
		{"2013-03-10T06:00:00Z", "2013-03-10", 1},
		{"2013-03-10T07:00:00Z", "2013-03-10", 3},
		{"2013-07-01T03:00:00Z", "2013-06-30", 23},
		{"2013-11-03T05:00:00Z", "2013-11-03", 1},
		{"2013-11-03T06:00:00Z", "2013-11-03", 1},
		{"2014-01-01T04:00:00Z", "2013-12-31", 23},
	} {
		day, h := local(hour("JFK", c.start, 1, 0, 0).Start, loc)
		if got := day.Format(time.DateOnly); got != c.day || h != c.hour {
			t.Errorf("%s is %s, hour %d, want %s, hour %d", c.start, got, h, c.day, c.hour)
		}
	}
}

func TestGrid(t *testing.T) {
	g, err := newGrid(sorted([]Hour{
		hour("JFK", "2013-11-03T05:00:00Z", 2, 10, 15),
		hour("JFK", "2013-11-03T06:00:00Z", 2, 20, 30), // the same hour again
		hour("LGA", "2013-11-05T23:00:00Z", 1, -5, -5),
	}))
	if err != nil {
		t.Fatal(err)
	}
	if g.days != 3 || g.from != 1 || g.rows != 18 {
		t.Fatalf("%d days of %d hours from %d, want 3 of 18 from 1", g.days, g.rows, g.from)
	}
	if c := g.at(0, 0, 0); c.flights != 4 || c.mean() != 15 || c.worst != 30 {
		t.Errorf("first hour of JFK: %+v", c)
	}
	if c := g.at(1, 2, 17); c.flights != 1 || c.mean() != -5 || c.worst != -5 {
		t.Errorf("last hour of LGA: %+v", c)
	}
	if c := g.byDay[1]; c.flights != 0 || c.mean() != 0 {
		t.Errorf("day without flights: %+v", c)
	}
	if g.all.flights != 5 || g.all.worst != 30 {
		t.Errorf("all: %+v", g.all)
	}
}

var stroke = regexp.MustCompile(`M(\d+) (\d+)h(\d+)`)

// TestSprites counts the cells that are drawn.
func TestSprites(t *testing.T) {
	hours := many(rand.New(rand.NewPCG(1, 6)))
	g, err := newGrid(sorted(hours))
	if err != nil {
		t.Fatal(err)
	}
	drawn := 0
	for _, m := range stroke.FindAllStringSubmatch(g.sprites(), -1) {
		n, err := strconv.Atoi(m[3])
		if err != nil {
			t.Fatal(err)
		}
		drawn += n
	}
	if drawn != len(hours) {
		t.Errorf("%d cells are drawn, want %d", drawn, len(hours))
	}
}

func TestMonths(t *testing.T) {
	g := &grid{first: time.Date(2013, 1, 30, 0, 0, 0, 0, time.UTC), days: 31}
	got := g.months()
	want := []month{{"Jan", 0, 2}, {"Feb", 2, 28}, {"Mar", 30, 1}}
	if len(got) != len(want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("got %v, want %v", got[i], want[i])
		}
	}
}

func TestClassOf(t *testing.T) {
	for _, c := range []struct {
		mean float64
		want int
	}{{-60, 0}, {-0.1, 0}, {0, 1}, {4.9, 1}, {5, 2}, {15, 3}, {119, 6}, {120, 7}, {1e6, 7}} {
		if got := classOf(c.mean); got != c.want {
			t.Errorf("%g minutes are of class %d, want %d", c.mean, got, c.want)
		}
	}
}

func TestCeiling(t *testing.T) {
	for _, c := range []struct{ x, end, step float64 }{
		{0, 5, 5}, {5, 5, 5}, {5.1, 10, 5}, {31.1, 40, 10}, {105.7, 120, 30}, {961, 1440, 360},
	} {
		if end, step := ceiling(c.x); end != c.end || step != c.step {
			t.Errorf("ceiling of %g: %g by %g, want %g by %g", c.x, end, step, c.end, c.step)
		}
	}
}

func TestWords(t *testing.T) {
	at := func(h, m int) time.Time { return time.Date(2013, 1, 1, h, m, 0, 0, time.UTC) }
	for _, c := range []struct{ got, want string }{
		{num(1.005), "1"}, {num(-0.001), "0"}, {num(2.5), "2.5"},
		{count(0), "0"}, {count(999), "999"}, {count(1000), "1,000"}, {count(-1234567), "−1,234,567"},
		{clock(0), "12 am"}, {clock(12), "noon"}, {clock(23), "11 pm"},
		{minutes(-1.25, 1), "−1.2"}, {minutes(-0.01, 1), "0.0"},
		{long(119), "119 min"}, {long(1301), "21 h 41 min"}, {long(-3), "−3 min"},
		{behind(0.04), "on schedule"}, {behind(-2), "2.0 minutes early"}, {behind(3.14), "3.1 minutes late"},
		{clockRange(at(16, 0), at(17, 0)), "4–5 pm"}, {clockRange(at(11, 0), at(12, 0)), "11 am–12 pm"},
		{clockRange(at(16, 0), at(16, 30)), "4:00–4:30 pm"},
		{duration(time.Hour), "1 hour"}, {duration(90 * time.Minute), "90 minutes"},
		{duration(0), "0s"}, {duration(time.Second / 2), "500ms"},
		{share(1, 0), "0"}, {share(1, 3), "33.33"}, {share(-1, 3), "0"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}
