package report

import (
	"fmt"
	"time"
)

// hourRow is a line of the table of the worst hours.
type hourRow struct {
	Day, Clock, Origin, Flights, Mean, Worst string
	Share                                    string // of the bar, in percent
	Class                                    int
}

// worstHours lists the hours of the largest mean delays, in local time.
func worstHours(hours []Hour, loc *time.Location) []hourRow {
	var rows []hourRow
	worst := Worst(hours, minFlights, tableRows)
	for _, h := range worst {
		at := h.Start.In(loc)
		rows = append(rows, hourRow{
			Day:     at.Format("Mon, Jan 2"),
			Clock:   clockRange(at, h.End.In(loc)),
			Origin:  h.Origin,
			Flights: count(h.Flights),
			Mean:    minutes(h.Mean, 1),
			Worst:   count(h.Worst),
			Share:   share(h.Mean, worst[0].Mean),
			Class:   classOf(h.Mean),
		})
	}
	return rows
}

// clockRange names the time of day from start to end.
func clockRange(start, end time.Time) string {
	from, to := start.Format("3:04"), end.Format("3:04 pm")
	if start.Minute() == 0 && end.Minute() == 0 {
		from, to = start.Format("3"), end.Format("3 pm")
	}
	if start.Format("pm") != end.Format("pm") {
		from += start.Format(" pm")
	}
	return from + "–" + to
}

// share writes x as a percentage of whole, between nothing and all of it.
func share(x, whole float64) string {
	if whole <= 0 {
		return "0"
	}
	return num(100 * min(max(x/whole, 0), 1))
}

// dayRow is a line of the table of the worst days.
type dayRow struct {
	Day, Flights, Mean string
	Share              string // of the bar, in percent
	Class              int
	Airports           []dayCell
}

// dayCell is the mean of one airport on a day.
type dayCell struct {
	Mean  string
	Class int
}

// worstDays lists the days of the largest mean delays over all airports.
func (g *grid) worstDays() []dayRow {
	var rows []dayRow
	days := ranked(g.byDay, minFlights)
	for _, day := range days[:min(tableRows, len(days))] {
		mean := g.byDay[day].mean()
		row := dayRow{
			Day:     g.date(day).Format("Mon, Jan 2"),
			Flights: count(g.byDay[day].flights),
			Mean:    minutes(mean, 1),
			Share:   share(mean, g.byDay[days[0]].mean()),
			Class:   classOf(mean),
		}
		for o := range g.origins {
			c := g.daily[o][day]
			cell := dayCell{Mean: minutes(c.mean(), 1), Class: classOf(c.mean())}
			if c.flights == 0 {
				cell = dayCell{Mean: "–", Class: -1}
			}
			row.Airports = append(row.Airports, cell)
		}
		rows = append(rows, row)
	}
	return rows
}

// stream tells how the flights met their windows.
type stream struct {
	Window, Bound, Lateness string
	Parts                   []part
}

// part is a part of the flights.
type part struct {
	Name, Count, Percent, Text string
	Share                      string // of the bar, in percent; "" where it has none
}

// newStream describes the timing, or returns nil if nothing is known of it.
func newStream(in Input) *stream {
	all := in.OnTime + in.Late + in.Dropped
	if all <= 0 {
		return nil
	}
	s := &stream{
		Window:   duration(in.Window),
		Bound:    duration(in.Bound),
		Lateness: duration(in.Lateness),
	}
	for _, p := range []struct {
		name, text string
		n          int
	}{
		{"On time", "arrived before their window was due", in.OnTime},
		{"Late", "changed a result that was already out", in.Late},
		{"Dropped", "arrived after their window was given up", in.Dropped},
	} {
		percent := 100 * float64(p.n) / float64(all)
		share := num(percent)
		if p.n == 0 { // not even the least that the page draws
			share = ""
		}
		s.Parts = append(s.Parts, part{
			Name:    p.name,
			Count:   count(p.n),
			Percent: decimals(percent, 2) + "%",
			Text:    p.text,
			Share:   share,
		})
	}
	return s
}

// duration writes a length of time in words.
func duration(d time.Duration) string {
	for _, unit := range []struct {
		of   time.Duration
		name string
	}{{time.Hour, "hour"}, {time.Minute, "minute"}, {time.Second, "second"}} {
		switch {
		case d == unit.of:
			return "1 " + unit.name
		case d > 0 && d%unit.of == 0:
			return fmt.Sprintf("%d %ss", d/unit.of, unit.name)
		}
	}
	return d.String()
}
