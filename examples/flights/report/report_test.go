package report

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// hour makes the result of a window of one hour.
func hour(origin, start string, flights int, mean float64, worst int) Hour {
	at, err := time.Parse(time.RFC3339, start)
	if err != nil {
		panic(err)
	}
	return Hour{origin, at, at.Add(time.Hour), flights, mean, worst}
}

// few are hours of two airports, out of order.
func few() []Hour {
	return []Hour{
		hour("LGA", "2013-09-02T20:00:00Z", 13, 250.3076923076923, 372),
		hour("JFK", "2013-09-02T20:00:00Z", 25, 61.04, 270),
		hour("LGA", "2013-09-02T10:00:00Z", 2, -3.5, -1),
		hour("LGA", "2013-09-03T01:00:00Z", 9, 100, 120),
		hour("JFK", "2013-10-01T10:00:00Z", 10, -0.001, 4),
	}
}

// many are hours of several airports, as many as drawn, in no order.
func many(r *rand.Rand) []Hour {
	var hours []Hour
	first := time.Date(2013, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, origin := range []string{"AAA", "BBB", "CCC", "DDD"} {
		for h := range 24 * (1 + r.IntN(40)) {
			if flights := r.IntN(20); flights > 0 {
				sum, worst := 0, math.MinInt
				for range flights {
					delay := r.IntN(200) - 20
					sum += delay
					worst = max(worst, delay)
				}
				start := first.Add(time.Duration(h) * time.Hour)
				hours = append(hours, Hour{
					origin, start, start.Add(time.Hour), flights, float64(sum) / float64(flights), worst,
				})
			}
		}
	}
	r.Shuffle(len(hours), func(i, j int) { hours[i], hours[j] = hours[j], hours[i] })
	return hours
}

func TestWriteCSV(t *testing.T) {
	const want = `start,end,origin,flights,mean,worst
2013-09-02T10:00:00Z,2013-09-02T11:00:00Z,LGA,2,-3.50,-1
2013-09-02T20:00:00Z,2013-09-02T21:00:00Z,JFK,25,61.04,270
2013-09-02T20:00:00Z,2013-09-02T21:00:00Z,LGA,13,250.31,372
2013-09-03T01:00:00Z,2013-09-03T02:00:00Z,LGA,9,100.00,120
2013-10-01T10:00:00Z,2013-10-01T11:00:00Z,JFK,10,0.00,4
`
	hours := few()
	var b strings.Builder
	if err := WriteCSV(&b, hours); err != nil {
		t.Fatal(err)
	}
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
	if !slices.Equal(hours, few()) {
		t.Error("the hours it was given are not as they were")
	}
}

// broken is a writer that writes nothing.
type broken struct{}

var errBroken = errors.New("broken")

func (broken) Write([]byte) (int, error) { return 0, errBroken }

func TestWriteErrors(t *testing.T) {
	if err := WriteCSV(broken{}, few()); !errors.Is(err, errBroken) {
		t.Errorf("WriteCSV: %v", err)
	}
	if err := Page(broken{}, Input{Hours: few()}); !errors.Is(err, errBroken) {
		t.Errorf("Page: %v", err)
	}
}

func TestTotals(t *testing.T) {
	got := Totals(few())
	if len(got) != 2 || got[0].Origin != "JFK" || got[1].Origin != "LGA" {
		t.Fatalf("totals %v", got)
	}
	lga := got[1]
	if lga.Hours != 3 || lga.Flights != 24 || lga.Worst != 372 ||
		math.Abs(lga.Mean-(3254-7+900)/24.0) > 1e-9 {
		t.Errorf("LGA: %+v", lga)
	}
	if got := Totals(nil); len(got) != 0 {
		t.Errorf("totals of nothing: %v", got)
	}
	early := Totals([]Hour{hour("LGA", "2013-09-02T10:00:00Z", 2, -3.5, -1)})
	if early[0].Worst != -1 {
		t.Errorf("the largest delay is %d, want -1", early[0].Worst)
	}
}

func TestTotalsAreSums(t *testing.T) {
	for seed := range uint64(20) {
		hours := many(rand.New(rand.NewPCG(seed, 1)))
		var flights, windows int
		var sum float64
		for _, h := range hours {
			flights += h.Flights
			sum += h.Mean * float64(h.Flights)
		}
		for _, total := range Totals(hours) {
			flights -= total.Flights
			windows += total.Hours
			sum -= total.Mean * float64(total.Flights)
		}
		if flights != 0 || windows != len(hours) || math.Abs(sum) > 1e-6 {
			t.Errorf("seed %d: totals differ from the hours by %d flights and %g minutes, in %d of %d windows",
				seed, flights, sum, windows, len(hours))
		}
	}
}

func TestWorst(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 2))
		hours := many(r)
		n := r.IntN(30)
		got := Worst(hours, 5, n)
		rest := 0
		for _, h := range hours {
			if h.Flights >= 5 && !slices.Contains(got, h) {
				rest++
				if len(got) > 0 && h.Mean > got[len(got)-1].Mean {
					t.Fatalf("seed %d: %v is not among the worst", seed, h)
				}
			}
		}
		if rest > 0 && len(got) != n {
			t.Fatalf("seed %d: %d hours, want %d", seed, len(got), n)
		}
		for i, h := range got {
			if h.Flights < 5 || i > 0 && h.Mean > got[i-1].Mean {
				t.Fatalf("seed %d: hour %d is %v", seed, i, h)
			}
		}
	}
	if got := Worst(few(), 0, -1); len(got) != 0 {
		t.Errorf("fewer than no hours: %v", got)
	}
}

func ExampleWorst() {
	hours := []Hour{
		hour("LGA", "2013-09-02T20:00:00Z", 13, 250.3, 372),
		hour("JFK", "2013-09-02T20:00:00Z", 25, 61.0, 270),
		hour("EWR", "2013-09-02T20:00:00Z", 3, 290.0, 301), // too few flights
		hour("EWR", "2013-09-02T21:00:00Z", 12, 97.5, 244),
	}
	for _, h := range Worst(hours, 10, 2) {
		fmt.Printf("%s %s: %d flights, %.1f minutes\n", h.Origin, h.Start.Format(time.DateTime), h.Flights, h.Mean)
	}
	// Output:
	// LGA 2013-09-02 20:00:00: 13 flights, 250.3 minutes
	// EWR 2013-09-02 21:00:00: 12 flights, 97.5 minutes
}

func ExampleWriteCSV() {
	hours := []Hour{
		hour("LGA", "2013-09-02T20:00:00Z", 13, 250.3076923, 372),
		hour("JFK", "2013-09-02T20:00:00Z", 25, 61.04, 270),
	}
	if err := WriteCSV(os.Stdout, hours); err != nil {
		fmt.Println(err)
	}
	// Output:
	// start,end,origin,flights,mean,worst
	// 2013-09-02T20:00:00Z,2013-09-02T21:00:00Z,JFK,25,61.04,270
	// 2013-09-02T20:00:00Z,2013-09-02T21:00:00Z,LGA,13,250.31,372
}
