package report

import (
	"cmp"
	"math"
	"slices"
)

// The measures of the picture for wide screens, in pixels at full size.
const (
	wideLeft  = 44.0   // labels of the axes
	wideYear  = 1095.0 // the days, three pixels each in a year of 365
	wideGap   = 17.0   // between the cells and the bars to their right
	wideBars  = 72.0
	wideWidth = wideLeft + wideYear + wideGap + wideBars
	wideHead  = 24.0 // room for the names of the worst days
	wideDaily = 80.0 // the line of the daily means
	wideRow   = 9.0  // an hour
	wideFoot  = 22.0 // labels of the months
	wideTop   = wideHead + wideDaily + 8
)

// wide draws one airport for wide screens: the mean of every day as a line,
// below it a cell for every hour, and to the right of those the mean of every
// hour of the day.
func (g *grid) wide(origin int) string {
	var c canvas
	bottom := wideTop + wideRow*float64(g.rows)
	c.f(`<svg viewBox="0 0 %s %s" role="img" aria-label="%s">`,
		num(wideWidth), num(bottom+wideFoot), g.describe(origin))
	g.wideMonths(&c, bottom)
	g.wideLine(&c, origin)
	day := wideYear / float64(g.days)
	c.f(`<g transform="translate(%s %s) scale(%s %s)"><use href="#cells-%d"/>`,
		num(wideLeft), num(wideTop), num(day), num(wideRow), origin)
	c.f(`<rect class="cursor" width="1" height="1"/></g>`)
	for _, m := range g.months()[1:] {
		x := num(wideLeft + day*float64(m.from))
		c.f(`<path class="cut" d="M%s %sV%s"/>`, x, num(wideTop), num(bottom))
	}
	for row := range g.rows {
		if hour := g.from + row; hour%3 == 0 {
			c.text(wideLeft-8, wideTop+wideRow*(float64(row)+.5)+4, `class="end"`, clock(hour))
		}
	}
	g.wideHours(&c, origin, bottom)
	c.f(`<rect class="hit" data-origin="%d" data-head="%s" x="%s" y="%s" width="%s" height="%s"/>`,
		origin, num((wideTop-wideHead)/(bottom-wideHead)),
		num(wideLeft), num(wideHead), num(wideYear), num(bottom-wideHead))
	c.f("</svg>")
	return c.String()
}

// wideMonths draws the names of the months and the lines between them.
func (g *grid) wideMonths(c *canvas, bottom float64) {
	day := wideYear / float64(g.days)
	for _, m := range g.months() {
		x := wideLeft + day*float64(m.from)
		c.f(`<path class="rule" d="M%s %sV%s"/>`, num(x), num(wideHead), num(bottom+6))
		if width := day * float64(m.days); width >= 30 {
			c.text(x+width/2, bottom+16, `class="mid"`, m.name)
		}
	}
}

// wideLine draws the mean of every day.
func (g *grid) wideLine(c *canvas, origin int) {
	high := 0.0
	for _, days := range g.daily {
		high = math.Max(high, highest(days))
	}
	end, step := ceiling(high)
	base := wideHead + wideDaily
	y := func(mean float64) float64 { return base - wideDaily*math.Max(mean, -end/20)/end }
	for mark := 0.0; mark <= end; mark += step {
		c.f(`<path class="rule" d="M%s %sh%s"/>`, num(wideLeft), num(y(mark)), num(wideYear))
		c.text(wideLeft-8, y(mark)+4, `class="end"`, minutes(mark, 0))
	}
	c.text(0, 12, `class="note"`, "By day, min")
	day := wideYear / float64(g.days)
	var line, area canvas
	for i := 0; i < g.days; i++ {
		if g.daily[origin][i].flights == 0 {
			continue
		}
		from := wideLeft + day*float64(i)
		line.f("M%s %s", num(from), num(y(g.daily[origin][i].mean())))
		area.f("M%s %s", num(from), num(base))
		for ; i < g.days && g.daily[origin][i].flights > 0; i++ {
			x, top := num(wideLeft+day*float64(i+1)), num(y(g.daily[origin][i].mean()))
			line.f("V%sH%s", top, x)
			area.f("V%sH%s", top, x)
		}
		area.f("V%sz", num(base))
	}
	c.f(`<path class="area" d="%s"/><path class="line" d="%s"/>`, area.String(), line.String())
	g.widePeaks(c, origin, y)
}

// widePeaks names some of the worst days of an airport, as far as there is
// room.
func (g *grid) widePeaks(c *canvas, origin int, y func(float64) float64) {
	const among, room = 12, 108.0
	day := wideYear / float64(g.days)
	var peaks []int
	worst := ranked(g.daily[origin], minFlights)
	for _, i := range worst[:min(among, len(worst))] {
		near := func(other int) bool { return math.Abs(float64(i-other))*day < room }
		if !slices.ContainsFunc(peaks, near) {
			peaks = append(peaks, i)
		}
	}
	slices.SortFunc(peaks, cmp.Compare[int])
	for _, i := range peaks {
		mean := g.daily[origin][i].mean()
		x := wideLeft + day*(float64(i)+.5)
		c.f(`<circle class="peak" cx="%s" cy="%s" r="2.5"/>`, num(x), num(y(mean)))
		at := min(max(x, wideLeft+40), wideLeft+wideYear-40)
		c.text(at, y(mean)-7, `class="mid note"`, g.date(i).Format("Jan 2")+" · "+minutes(mean, 0)+" min")
	}
}

// wideHours draws the mean of every hour of the day.
func (g *grid) wideHours(c *canvas, origin int, bottom float64) {
	high := 0.0
	for i := range g.hourly {
		high = math.Max(high, highest(g.hourly[i][:]))
	}
	end, step := ceiling(high)
	left := wideLeft + wideYear + wideGap
	x := func(mean float64) float64 { return left + wideBars*math.Max(mean, 0)/end }
	c.text(left, wideTop-8, `class="note"`, "By hour, min")
	for mark := 0.0; mark <= end; mark += step {
		c.f(`<path class="rule" d="M%s %sV%s"/>`, num(x(mark)), num(wideTop), num(bottom+4))
		if math.Mod(mark, 2*step) == 0 { // there is no room for more
			c.text(x(mark), bottom+16, `class="mid"`, minutes(mark, 0))
		}
	}
	var bars canvas
	for row := range g.rows {
		at := g.hourly[origin][g.from+row]
		if at.flights == 0 {
			continue
		}
		width := math.Max(x(at.mean())-left, .75)
		bars.f("M%s %sh%sv%sh-%sz", num(left), num(wideTop+wideRow*float64(row)+1),
			num(width), num(wideRow-2), num(width))
	}
	c.f(`<path class="bar" d="%s"/>`, bars.String())
}
