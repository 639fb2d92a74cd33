package report

import (
	"cmp"
	"slices"
	"time"
	_ "time/tzdata" // the local time of New York is known on every machine
)

// zone is where the airports are.
const zone = "America/New_York"

// Zone is the time zone of the airports, which the page's times are in.
func Zone() (*time.Location, error) { return time.LoadLocation(zone) }

// cell sums up some flights.
type cell struct {
	flights int
	sum     float64 // of the delays, in minutes
	worst   int
}

// add takes in the flights of another cell.
func (c *cell) add(o cell) {
	if o.flights == 0 {
		return
	}
	if c.flights == 0 || o.worst > c.worst {
		c.worst = o.worst
	}
	c.flights += o.flights
	c.sum += o.sum
}

// mean is the mean delay in minutes, zero if there are no flights.
func (c cell) mean() float64 {
	if c.flights == 0 {
		return 0
	}
	return c.sum / float64(c.flights)
}

// grid holds the delays by airport, local day and local hour of the day.
type grid struct {
	origins []string
	first   time.Time  // the first day, as midnight UTC of the same date
	days    int        // from the first to the last
	from    int        // earliest hour of the day
	rows    int        // hours of the day from the earliest to the latest
	cells   [][]cell   // by origin, then day*24 + hour
	year    []cell     // by origin
	daily   [][]cell   // by origin, then day
	hourly  [][24]cell // by origin, then hour of the day
	byDay   []cell     // all airports, by day
	byHour  [24]cell   // all airports, by hour of the day
	all     cell
}

// newGrid arranges the hours, which are in order, by local time.
func newGrid(hours []Hour) (*grid, error) {
	loc, err := Zone()
	if err != nil {
		return nil, err
	}
	g := &grid{}
	if len(hours) == 0 {
		return g, nil
	}
	last := time.Time{}
	earliest, latest := 23, 0
	for _, h := range hours {
		if i, found := slices.BinarySearch(g.origins, h.Origin); !found {
			g.origins = slices.Insert(g.origins, i, h.Origin)
		}
		day, hour := local(h.Start, loc)
		if g.first.IsZero() || day.Before(g.first) {
			g.first = day
		}
		if day.After(last) {
			last = day
		}
		earliest, latest = min(earliest, hour), max(latest, hour)
	}
	g.from, g.rows = earliest, latest-earliest+1
	g.days = g.index(last) + 1
	g.fill(hours, loc)
	return g, nil
}

// fill sums up the hours in every way that the page shows.
func (g *grid) fill(hours []Hour, loc *time.Location) {
	n := len(g.origins)
	g.cells = make([][]cell, n)
	g.daily = make([][]cell, n)
	for i := range g.origins {
		g.cells[i] = make([]cell, g.days*24)
		g.daily[i] = make([]cell, g.days)
	}
	g.year = make([]cell, n)
	g.hourly = make([][24]cell, n)
	g.byDay = make([]cell, g.days)
	for _, h := range hours {
		o, _ := slices.BinarySearch(g.origins, h.Origin)
		date, hour := local(h.Start, loc)
		day := g.index(date)
		c := cell{flights: h.Flights, sum: h.Mean * float64(h.Flights), worst: h.Worst}
		for _, to := range []*cell{
			&g.cells[o][day*24+hour], &g.year[o], &g.daily[o][day], &g.hourly[o][hour],
			&g.byDay[day], &g.byHour[hour], &g.all,
		} {
			to.add(c)
		}
	}
}

// local is the date of an instant, as midnight UTC, and the hour of the day.
func local(t time.Time, loc *time.Location) (day time.Time, hour int) {
	t = t.In(loc)
	y, m, d := t.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC), t.Hour()
}

// index is the number of a day, counted from the first.
func (g *grid) index(day time.Time) int { return int(day.Sub(g.first) / (24 * time.Hour)) }

// date is the day of a number.
func (g *grid) date(day int) time.Time { return g.first.AddDate(0, 0, day) }

// at is the cell of an airport, a day and a row, the first of which is the
// earliest hour of the day.
func (g *grid) at(origin, day, row int) cell { return g.cells[origin][day*24+g.from+row] }

// ranked returns the numbers of the days of at least minFlights flights, that
// with the largest mean first.
func ranked(days []cell, minFlights int) []int {
	var order []int
	for i, c := range days {
		if c.flights >= max(minFlights, 1) {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Compare(days[b].mean(), days[a].mean())
	})
	return order
}

// month is a run of days of one month.
type month struct {
	name string
	from int // its first day
	days int
}

// months splits the days of the grid by month.
func (g *grid) months() []month {
	var list []month
	for day := range g.days {
		name := g.date(day).Format("Jan")
		if n := len(list); n > 0 && list[n-1].name == name {
			list[n-1].days++
			continue
		}
		list = append(list, month{name, day, 1})
	}
	return list
}

// A class is a range of mean delays that have one colour.
type class struct {
	Below float64 // the first delay that is not in it, in minutes
	Label string
}

// classes are in order of their delays. The last has no upper end.
var classes = []class{
	{0, "early"},
	{5, "0–5"},
	{15, "5–15"},
	{30, "15–30"},
	{45, "30–45"},
	{60, "45–60"},
	{120, "60–120"},
	{0, "120 and more"},
}

// classOf is the number of the class of a mean delay.
func classOf(mean float64) int {
	last := len(classes) - 1
	for i, c := range classes[:last] {
		if mean < c.Below {
			return i
		}
	}
	return last
}
