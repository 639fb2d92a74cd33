package main

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"
)

// header names the columns of the prepared file.
const header = "scheduled,origin,dest,carrier,flight,delay"

// flight is one row of the source.
type flight struct {
	scheduled                     time.Time
	origin, dest, carrier, number string
	left                          bool // whether it departed at all
	delay                         int  // minutes, if it did
}

// departed is the time at which the flight left.
func (f flight) departed() time.Time {
	return f.scheduled.Add(time.Duration(f.delay) * time.Minute)
}

// read parses the table of the source, in its order.
func read(r io.Reader) ([]flight, error) {
	cr := csv.NewReader(r)
	cr.ReuseRecord = true
	names, err := cr.Read()
	if err != nil {
		return nil, err
	}
	column := make(map[string]int)
	for i, name := range names {
		column[name] = i
	}
	for _, name := range []string{
		"dep_time", "dep_delay", "carrier", "flight", "origin", "dest", "minute", "time_hour",
	} {
		if _, ok := column[name]; !ok {
			return nil, fmt.Errorf("no column %q", name)
		}
	}
	var flights []flight
	for {
		record, err := cr.Read()
		if errors.Is(err, io.EOF) {
			return flights, nil
		}
		if err != nil {
			return nil, err
		}
		f, err := parse(func(name string) string { return record[column[name]] })
		if err != nil {
			line, _ := cr.FieldPos(0)
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		flights = append(flights, f)
	}
}

// parse makes a flight of a row, whose columns get gives by name.
func parse(get func(string) string) (flight, error) {
	f := flight{
		origin:  get("origin"),
		dest:    get("dest"),
		carrier: get("carrier"),
		number:  get("flight"),
		left:    !missing(get("dep_time")),
	}
	hour, err := time.Parse(time.RFC3339, get("time_hour"))
	if err != nil {
		return flight{}, err
	}
	minute, err := strconv.Atoi(get("minute"))
	if err != nil {
		return flight{}, err
	}
	f.scheduled = hour.UTC().Add(time.Duration(minute) * time.Minute)
	if !f.left {
		return f, nil
	}
	f.delay, err = strconv.Atoi(get("dep_delay"))
	return f, err
}

// missing reports whether the source has no value in a cell.
func missing(cell string) bool { return cell == "" || cell == "NA" }

// arrange puts the flights that left in the order in which they did and the
// others after them. Flights that left in the same minute, and those that
// never did, keep their order.
func arrange(flights []flight) {
	slices.SortStableFunc(flights, func(a, b flight) int {
		switch {
		case a.left && b.left:
			return a.departed().Compare(b.departed())
		case a.left:
			return -1
		case b.left:
			return 1
		}
		return 0
	})
}

// write writes the flights in the form of the prepared file.
func write(w io.Writer, flights []flight) error {
	bw := bufio.NewWriter(w)
	fmt.Fprintln(bw, header)
	for _, f := range flights {
		delay := ""
		if f.left {
			delay = strconv.Itoa(f.delay)
		}
		fmt.Fprintf(bw, "%s,%s,%s,%s,%s,%s\n",
			f.scheduled.Format(time.RFC3339), f.origin, f.dest, f.carrier, f.number, delay)
	}
	return bw.Flush()
}
