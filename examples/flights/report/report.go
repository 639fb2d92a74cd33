// Package report presents the results of the flights example: the mean
// departure delay of every airport in every hour, as a CSV file and as a page
// to look at in a browser.
package report

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"time"
)

// Hour is the result of one window of one airport.
type Hour struct {
	Origin  string    // the airport, such as JFK
	Start   time.Time // first instant of the window
	End     time.Time // first instant after it
	Flights int       // departed flights that were scheduled in the window
	Mean    float64   // their mean delay in minutes
	Worst   int       // their largest delay in minutes
}

// Total sums up the hours of one airport.
type Total struct {
	Origin  string
	Hours   int     // windows
	Flights int     // flights in them
	Mean    float64 // mean delay of a flight in minutes
	Worst   int     // largest delay in minutes
}

// byStart orders hours by start, then by airport.
func byStart(a, b Hour) int {
	return cmp.Or(
		a.Start.Compare(b.Start),
		cmp.Compare(a.Origin, b.Origin),
		a.End.Compare(b.End),
		cmp.Compare(a.Flights, b.Flights),
		cmp.Compare(a.Mean, b.Mean),
		cmp.Compare(a.Worst, b.Worst),
	)
}

// sorted returns a copy of hours in order of start, then airport.
func sorted(hours []Hour) []Hour {
	hours = slices.Clone(hours)
	slices.SortFunc(hours, byStart)
	return hours
}

// WriteCSV writes one line for each hour, in order of start, then airport. The
// times are in UTC, the mean has two decimals.
func WriteCSV(w io.Writer, hours []Hour) error {
	bw := bufio.NewWriter(w)
	fmt.Fprintln(bw, "start,end,origin,flights,mean,worst")
	for _, h := range sorted(hours) {
		fmt.Fprintf(bw, "%s,%s,%s,%d,%s,%d\n",
			h.Start.UTC().Format(time.RFC3339), h.End.UTC().Format(time.RFC3339),
			h.Origin, h.Flights, decimals(h.Mean, 2), h.Worst)
	}
	return bw.Flush()
}

// decimals writes x with n decimals, zero without a sign.
func decimals(x float64, n int) string {
	s := fmt.Sprintf("%.*f", n, x)
	if zero := fmt.Sprintf("%.*f", n, 0.0); s == "-"+zero {
		return zero
	}
	return s
}

// Worst returns the n hours of at least minFlights flights that have the
// largest mean delay, the largest first. Hours of equal mean are in order of
// start, then airport.
func Worst(hours []Hour, minFlights, n int) []Hour {
	var worst []Hour
	for _, h := range sorted(hours) {
		if h.Flights >= minFlights {
			worst = append(worst, h)
		}
	}
	slices.SortStableFunc(worst, func(a, b Hour) int { return cmp.Compare(b.Mean, a.Mean) })
	return worst[:min(max(n, 0), len(worst))]
}

// Totals returns the sums of every airport, in order of their names.
func Totals(hours []Hour) []Total {
	var totals []Total
	for _, h := range sorted(hours) {
		i, found := slices.BinarySearchFunc(totals, h.Origin, func(t Total, origin string) int {
			return cmp.Compare(t.Origin, origin)
		})
		if !found {
			totals = slices.Insert(totals, i, Total{Origin: h.Origin, Worst: h.Worst})
		}
		t := &totals[i]
		t.Hours++
		t.Flights += h.Flights
		t.Mean += h.Mean * float64(h.Flights) // the sum, for now
		t.Worst = max(t.Worst, h.Worst)
	}
	for i := range totals {
		if t := &totals[i]; t.Flights > 0 {
			t.Mean /= float64(t.Flights)
		}
	}
	return totals
}
