package report

import "html"

// The measures of the picture at the head of the page, in pixels at full size.
const (
	heroLeft   = 30.0 // labels of the axis
	heroWidth  = 560.0
	heroTop    = 30.0
	heroBars   = 150.0
	heroHeight = heroTop + heroBars + 24
)

// hero draws the mean of every hour of the day over all airports. The best and
// the worst hour have their values written above them.
func (g *grid) hero(best, worst int) string {
	var c canvas
	c.f(`<svg viewBox="0 0 %s %s" role="img" aria-label="%s">`, num(heroWidth), num(heroHeight),
		html.EscapeString(g.heroText()))
	end, step := ceiling(highest(g.byHour[:]))
	y := func(mean float64) float64 { return heroTop + heroBars - heroBars*max(mean, 0)/end }
	c.text(0, 11, `class="note"`, "Mean delay by scheduled hour, min")
	for mark := 0.0; mark <= end; mark += step {
		c.f(`<path class="rule" d="M%s %sH%s"/>`, num(heroLeft), num(y(mark)), num(heroWidth))
		c.text(heroLeft-8, y(mark)+4, `class="end"`, minutes(mark, 0))
	}
	width := (heroWidth - heroLeft) / float64(g.rows)
	var bars canvas
	for row := range g.rows {
		hour := g.from + row
		left := heroLeft + width*float64(row)
		if hour%3 == 0 {
			c.text(left+width/2, heroTop+heroBars+17, `class="mid"`, clock(hour))
		}
		if g.byHour[hour].flights == 0 {
			continue
		}
		top := y(g.byHour[hour].mean())
		bars.f("M%s %sV%sh%sV%sz", num(left+1.5), num(heroTop+heroBars), num(min(top, heroTop+heroBars-1)),
			num(width-3), num(heroTop+heroBars))
		if hour == best || hour == worst {
			c.text(left+width/2, top-6, `class="mid note"`, minutes(g.byHour[hour].mean(), 1))
		}
	}
	c.f(`<path class="bar" d="%s"/></svg>`, bars.String())
	return c.String()
}

// heroText says in words what the picture at the head of the page shows.
func (g *grid) heroText() string {
	text := "Mean departure delay in minutes by scheduled hour:"
	for hour, c := range g.byHour {
		if c.flights > 0 {
			text += " " + clock(hour) + " " + minutes(c.mean(), 1) + ","
		}
	}
	return text[:len(text)-1]
}
