package report

import (
	"html"
	"math"
)

// The measures of the picture for narrow screens, in pixels at full size.
const (
	tallWidth = 360.0
	tallLeft  = 32.0   // labels of the months
	tallGap   = 10.0   // between the airports
	tallYear  = 1095.0 // the days, three pixels each in a year of 365
	tallBars  = 44.0   // the bars of the hours of the day
	tallTop   = 20 + tallBars + 20
)

// tall draws all airports next to each other, with the days going down, for
// narrow screens.
func (g *grid) tall() string {
	var c canvas
	n := float64(len(g.origins))
	width := (tallWidth - tallLeft - tallGap*(n-1)) / n
	c.f(`<svg viewBox="0 0 %s %s" role="img" aria-label="%s">`, num(tallWidth), num(tallTop+tallYear),
		"Mean departure delay of every hour by airport, days downwards, hours of the day to the right")
	day := tallYear / float64(g.days)
	for _, m := range g.months() {
		y := tallTop + day*float64(m.from)
		c.f(`<path class="rule" d="M0 %sH%s"/>`, num(y), num(tallWidth))
		if day*float64(m.days) >= 14 {
			c.text(0, y+13, "", m.name)
		}
	}
	for o := range g.origins {
		left := tallLeft + (width+tallGap)*float64(o)
		g.tallAirport(&c, o, left, width)
	}
	for _, m := range g.months()[1:] {
		y := num(tallTop + day*float64(m.from))
		c.f(`<path class="cut" d="M%s %sH%s"/>`, num(tallLeft), y, num(tallWidth))
	}
	c.f("</svg>")
	return c.String()
}

// tallAirport draws one airport into the room that starts at left.
func (g *grid) tallAirport(c *canvas, origin int, left, width float64) {
	hour := width / float64(g.rows)
	high := 0.0
	for i := range g.hourly {
		high = math.Max(high, highest(g.hourly[i][:]))
	}
	end, _ := ceiling(high)
	c.text(left, 13, `class="name"`, g.origins[origin])
	base := 20 + tallBars
	var bars canvas
	for row := range g.rows {
		at := g.hourly[origin][g.from+row]
		if at.flights == 0 {
			continue
		}
		height := math.Max(tallBars*at.mean()/end, .75)
		bars.f("M%s %sv-%sh%sv%sz", num(left+hour*float64(row)+.5), num(base),
			num(height), num(hour-1), num(height))
	}
	c.f(`<path class="bar" d="%s"/>`, bars.String())
	for row := range g.rows {
		switch g.from + row {
		case 6, 12, 18:
			c.text(left+hour*(float64(row)+.5), base+14, `class="mid tiny"`, clock(g.from+row))
		}
	}
	day := tallYear / float64(g.days)
	// The axes of the cells change places.
	c.f(`<g transform="matrix(0 %s %s 0 %s %s)"><use href="#cells-%d"/>`,
		num(day), num(hour), num(left), num(tallTop), origin)
	c.f(`<rect class="cursor" width="1" height="1"/></g>`)
	c.f(`<rect class="hit" data-origin="%d" data-tall="1" x="%s" y="%s" width="%s" height="%s"/>`,
		origin, num(left), num(tallTop), num(width), num(tallYear))
}

// describe says in words what the picture of an airport shows.
func (g *grid) describe(origin int) string {
	year := g.year[origin]
	text := "Mean departure delay at " + g.origins[origin] + " by day and hour; over all " +
		count(year.flights) + " flights it is " + minutes(year.mean(), 1) + " minutes"
	if days := ranked(g.daily[origin], minFlights); len(days) > 0 {
		text += "; the worst day is " + g.date(days[0]).Format("January 2") + " with " +
			minutes(g.daily[origin][days[0]].mean(), 0)
	}
	return html.EscapeString(text)
}
