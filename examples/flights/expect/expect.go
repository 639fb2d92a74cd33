// Package expect computes, by the plainest method there is, what the flights
// example should find. It holds all the rows in memory and uses nothing of the
// library, so it can be held against what a pipeline says.
package expect

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/millrace/millrace/examples/flights/report"
)

// Row is one flight that departed.
type Row struct {
	Scheduled time.Time // when it was to leave, in UTC
	Origin    string
	Dest      string
	Carrier   string
	Flight    string
	Delay     int // minutes after the schedule at which it left
}

// Departed is the time at which the flight left.
func (r Row) Departed() time.Time {
	return r.Scheduled.Add(time.Duration(r.Delay) * time.Minute)
}

// Read reads the flights that departed, in their order, and counts those that
// never did. The text is that of the table of package data.
func Read(r io.Reader) (rows []Row, cancelled int, err error) {
	cr := csv.NewReader(r)
	cr.ReuseRecord = true
	header, err := cr.Read()
	if err != nil {
		return nil, 0, fmt.Errorf("flights: header: %w", err)
	}
	if want := []string{"scheduled", "origin", "dest", "carrier", "flight", "delay"}; !slices.Equal(header, want) {
		return nil, 0, fmt.Errorf("flights: header %q, want %q", header, want)
	}
	for line := 2; ; line++ {
		record, err := cr.Read()
		if errors.Is(err, io.EOF) {
			return rows, cancelled, nil
		}
		if err != nil {
			return nil, 0, fmt.Errorf("flights: %w", err)
		}
		if record[5] == "" {
			cancelled++
			continue
		}
		row, err := parse(record)
		if err != nil {
			return nil, 0, fmt.Errorf("flights: line %d: %w", line, err)
		}
		rows = append(rows, row)
	}
}

// parse makes a row of the cells of a line.
func parse(record []string) (Row, error) {
	at, err := time.Parse(time.RFC3339, record[0])
	if err != nil {
		return Row{}, err
	}
	delay, err := strconv.Atoi(record[5])
	if err != nil {
		return Row{}, err
	}
	return Row{
		Scheduled: at.UTC(),
		Origin:    record[1],
		Dest:      record[2],
		Carrier:   record[3],
		Flight:    record[4],
		Delay:     delay,
	}, nil
}

// start is the start of the window that holds t. Windows are aligned with the
// Unix epoch.
func start(t time.Time, window time.Duration) time.Time {
	ns := t.UnixNano()
	into := ns % int64(window)
	if into < 0 {
		into += int64(window)
	}
	return time.Unix(0, ns-into).UTC()
}

// Hours returns the result of every window of every airport, whatever the
// order of the rows, sorted by start, then airport.
func Hours(rows []Row, window time.Duration) []report.Hour {
	type key struct {
		start  time.Time
		origin string
	}
	groups := make(map[key][]int) // the delays
	for _, r := range rows {
		k := key{start(r.Scheduled, window), r.Origin}
		groups[k] = append(groups[k], r.Delay)
	}
	hours := make([]report.Hour, 0, len(groups))
	for k, delays := range groups {
		sum := 0
		for _, d := range delays {
			sum += d
		}
		hours = append(hours, report.Hour{
			Origin:  k.origin,
			Start:   k.start,
			End:     k.start.Add(window),
			Flights: len(delays),
			Mean:    float64(sum) / float64(len(delays)),
			Worst:   slices.Max(delays),
		})
	}
	slices.SortFunc(hours, func(a, b report.Hour) int {
		if c := a.Start.Compare(b.Start); c != 0 {
			return c
		}
		if a.Origin < b.Origin {
			return -1
		}
		return 1
	})
	return hours
}

// Arrival tells how a row met the window it belongs to.
type Arrival int

const (
	OnTime  Arrival = iota // before the window was due
	Late                   // after that, while the window was kept for late rows
	Dropped                // after the window was given up
)

// Arrivals tells how each of the rows meets its window when they arrive in
// their order. Before a row the watermark is bound behind the latest schedule
// of the rows ahead of it, in the infinite past if there are none. A window is
// due when the watermark reaches its end, and given up when the watermark is
// lateness past it.
func Arrivals(rows []Row, window, bound, lateness time.Duration) []Arrival {
	arrivals := make([]Arrival, len(rows))
	var latest time.Time
	for i, r := range rows {
		if i == 0 {
			latest = r.Scheduled
			continue // on time
		}
		watermark := latest.Add(-bound)
		end := start(r.Scheduled, window).Add(window)
		switch {
		case watermark.Before(end):
			arrivals[i] = OnTime
		case watermark.Before(end.Add(lateness)):
			arrivals[i] = Late
		default:
			arrivals[i] = Dropped
		}
		if r.Scheduled.After(latest) {
			latest = r.Scheduled
		}
	}
	return arrivals
}

// Timing counts the rows that arrive on time, late and too late, as Arrivals
// has them.
func Timing(rows []Row, window, bound, lateness time.Duration) (onTime, late, dropped int) {
	for _, a := range Arrivals(rows, window, bound, lateness) {
		switch a {
		case OnTime:
			onTime++
		case Late:
			late++
		case Dropped:
			dropped++
		}
	}
	return onTime, late, dropped
}
