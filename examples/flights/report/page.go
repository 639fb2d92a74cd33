package report

import (
	_ "embed" // for the parts of the page
	"html/template"
	"io"
	"math"
	"strings"
	"time"
)

// minFlights is the number of flights that an hour or a day must have to be
// among the worst.
const minFlights = 10

// tableRows is the length of the tables of the worst hours and days.
const tableRows = 10

// Input is what a page shows.
type Input struct {
	Hours []Hour // the results, in any order

	// How the flights met their windows. With all of them zero the page does
	// not speak of it.
	OnTime  int // flights that arrived before their window was due
	Late    int // flights that arrived after that and changed a result
	Dropped int // flights that arrived after their window was given up

	Cancelled int // flights that never left and are in none of the above

	Window   time.Duration // length of the windows
	Bound    time.Duration // how far the watermark is behind the latest schedule
	Lateness time.Duration // how long windows are kept after they were due
}

//go:embed page.html
var pageHTML string

//go:embed page.css
var pageCSS string

//go:embed page.js
var pageJS string

var page = template.Must(template.New("page").Parse(pageHTML))

// Page writes an HTML page that shows the results of a year. It is complete in
// itself: it needs no other file and no network. The same input gives the same
// bytes, whatever the order of its hours.
func Page(w io.Writer, in Input) error {
	hours := sorted(in.Hours)
	g, err := newGrid(hours)
	if err != nil {
		return err
	}
	loc, err := Zone()
	if err != nil {
		return err
	}
	best, worst := g.extremes()
	title, story := g.story(best, worst)
	v := &view{
		CSS:      template.CSS(pageCSS),
		JS:       template.JS(pageJS),
		Span:     g.span(),
		Figures:  g.figures(in),
		Title:    title,
		Story:    story,
		Missing:  count(max(in.Dropped, 0)),
		Classes:  classes,
		Airports: g.airports(hours),
		Hours:    worstHours(hours, loc),
		Days:     g.worstDays(),
		Origins:  g.origins,
		Least:    minFlights,
		Stream:   newStream(in),
		Data:     g.data(),
	}
	v.Partial = in.Dropped > 0 && g.all.flights == in.OnTime+in.Late
	if g.days > 0 {
		v.Sprites = template.HTML(g.sprites())
		v.Hero = template.HTML(g.hero(best, worst))
		v.Tall = template.HTML(g.tall())
	}
	return page.Execute(w, v)
}

// view is what the template is filled with.
type view struct {
	CSS      template.CSS
	JS       template.JS
	Span     string
	Figures  []figure
	Title    string
	Story    string
	Partial  bool   // whether the dropped flights are missing from the hours
	Missing  string // how many those are
	Classes  []class
	Airports []airport
	Sprites  template.HTML
	Hero     template.HTML
	Tall     template.HTML
	Hours    []hourRow
	Days     []dayRow
	Origins  []string
	Least    int
	Stream   *stream
	Data     data
}

// figure is a number that is worth large letters.
type figure struct{ Number, Unit, Label string }

// figures sums up the year.
func (g *grid) figures(in Input) []figure {
	windows := 0
	for _, t := range Totals(in.Hours) {
		windows += t.Hours
	}
	list := []figure{
		{count(g.all.flights), "", "flights departed"},
		{count(in.Cancelled), "", "never left and are left out"},
		{minutes(g.all.mean(), 1), "min", "mean departure delay"},
	}
	if in.OnTime+in.Late+in.Dropped > 0 {
		// Those that left are all that arrived, whatever became of them.
		list[0].Number = count(in.OnTime + in.Late + in.Dropped)
	}
	windowLabel := "windows with a flight in them"
	if in.Window == time.Hour {
		windowLabel = "one-hour windows with a flight in them"
	}
	return append(list, figure{count(windows), "", windowLabel})
}

// span names the time that the grid covers.
func (g *grid) span() string {
	if g.days == 0 {
		return ""
	}
	first, last := g.first, g.date(g.days-1)
	switch {
	case first.Year() == last.Year() && g.days >= 365:
		return first.Format("2006")
	case first.Equal(last):
		return first.Format("January 2, 2006")
	}
	return first.Format("January 2, 2006") + " to " + last.Format("January 2, 2006")
}

// extremes finds the best and the worst hour of the day, among those that have
// at least one in two hundred of the flights. They are equal if there is
// nothing to compare.
func (g *grid) extremes() (best, worst int) {
	best, worst = -1, -1
	for hour, c := range g.byHour {
		if c.flights == 0 || c.flights*200 < g.all.flights {
			continue
		}
		if best < 0 || c.mean() < g.byHour[best].mean() {
			best = hour
		}
		if worst < 0 || c.mean() > g.byHour[worst].mean() {
			worst = hour
		}
	}
	return best, worst
}

// story says what the hours of the day show.
func (g *grid) story(best, worst int) (title, text string) {
	title = "Departure delays by hour"
	if best == worst {
		return title, ""
	}
	if best < worst {
		title = "Delay builds up over the day"
	}
	return title, "Flights scheduled in the hour from " + clock(best) + " left " + behind(g.byHour[best].mean()) +
		" on average, those in the hour from " + clock(worst) + " " + behind(g.byHour[worst].mean()) + "."
}

// behind says a mean delay in words.
func behind(mean float64) string {
	rounded := decimals(math.Abs(mean), 1)
	switch {
	case rounded == "0.0":
		return "on schedule"
	case mean < 0:
		return rounded + " minutes early"
	}
	return rounded + " minutes late"
}

// names are the full names of the airports of the data.
var names = map[string]string{
	"EWR": "Newark Liberty",
	"JFK": "John F. Kennedy",
	"LGA": "LaGuardia",
}

// airport is a picture with its heading.
type airport struct {
	Code, Name             string
	Flights, Mean, Longest string
	Picture                template.HTML
}

// airports draws every airport.
func (g *grid) airports(hours []Hour) []airport {
	var list []airport
	for i, t := range Totals(hours) {
		list = append(list, airport{
			Code:    t.Origin,
			Name:    names[t.Origin],
			Flights: count(t.Flights),
			Mean:    minutes(t.Mean, 1),
			Longest: long(t.Worst),
			Picture: template.HTML(g.wide(i)),
		})
	}
	return list
}

// long writes a long delay in hours and minutes.
func long(delay int) string {
	if delay < 120 {
		return minutes(float64(delay), 0) + " min"
	}
	return count(delay/60) + " h " + count(delay%60) + " min"
}

// data is what the script of the page knows: of every airport the cells by
// day, then hour, as "flights mean worst", the mean in tenths of a minute,
// nothing if there are no flights.
type data struct {
	First   string   `json:"first"`
	Days    int      `json:"days"`
	From    int      `json:"from"`
	Rows    int      `json:"rows"`
	Origins []string `json:"origins"`
	Cells   []string `json:"cells"`
}

// data writes the grid for the script.
func (g *grid) data() data {
	d := data{Days: g.days, From: g.from, Rows: g.rows, Origins: []string{}, Cells: []string{}}
	if g.days > 0 {
		d.First = g.first.Format(time.DateOnly)
	}
	for o, origin := range g.origins {
		d.Origins = append(d.Origins, origin)
		cells := make([]string, 0, g.days*g.rows)
		for day := range g.days {
			for row := range g.rows {
				text := ""
				if c := g.at(o, day, row); c.flights > 0 {
					text = strings.Join([]string{
						decimals(float64(c.flights), 0), decimals(c.mean()*10, 0), decimals(float64(c.worst), 0),
					}, " ")
				}
				cells = append(cells, text)
			}
		}
		d.Cells = append(d.Cells, strings.Join(cells, ","))
	}
	return d
}
