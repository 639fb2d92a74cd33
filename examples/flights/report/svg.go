package report

import (
	"fmt"
	"html"
	"math"
	"strconv"
	"strings"
	"time"
)

// canvas gathers the text of an SVG picture.
type canvas struct{ strings.Builder }

// f writes formatted text.
func (c *canvas) f(format string, args ...any) { fmt.Fprintf(c, format, args...) }

// text writes a label. Attributes, such as a class, are given as they are.
func (c *canvas) text(x, y float64, attributes, label string) {
	c.f(`<text x="%s" y="%s" %s>%s</text>`, num(x), num(y), attributes, html.EscapeString(label))
}

// num writes a coordinate with two decimals at most.
func num(x float64) string {
	x = math.Round(x*100) / 100
	if x == 0 {
		return "0" // not -0
	}
	return strconv.FormatFloat(x, 'f', -1, 64)
}

// sprites draws the cells of every airport once, one day wide and one hour
// high, for the pictures to use. Cells of a class are one path of horizontal
// strokes, in which neighbours of a class share a stroke.
func (g *grid) sprites() string {
	var c canvas
	for o := range g.origins {
		paths := make([]strings.Builder, len(classes))
		for row := range g.rows {
			for day := 0; day < g.days; {
				run := g.run(o, day, row)
				if at := g.at(o, day, row); at.flights > 0 {
					fmt.Fprintf(&paths[classOf(at.mean())], "M%d %dh%d", day, row, run)
				}
				day += run
			}
		}
		c.f(`<g id="cells-%d" transform="translate(0 .5)">`, o)
		for i := range paths {
			if paths[i].Len() > 0 {
				c.f(`<path class="s%d" d="%s"/>`, i, paths[i].String())
			}
		}
		c.f("</g>\n")
	}
	return c.String()
}

// run counts the days from day on that look alike in a row.
func (g *grid) run(origin, day, row int) int {
	look := func(day int) int {
		if at := g.at(origin, day, row); at.flights > 0 {
			return classOf(at.mean())
		}
		return -1
	}
	n := 1
	for day+n < g.days && look(day+n) == look(day) {
		n++
	}
	return n
}

// ceiling is a round number not below x that makes a good end of an axis, with
// the step of the marks on it.
func ceiling(x float64) (end, step float64) {
	for _, step := range []float64{5, 10, 15, 30, 60, 120, 240} {
		if 4*step >= x {
			return math.Max(1, math.Ceil(x/step)) * step, step
		}
	}
	step = math.Ceil(x/1440) * 360
	return 4 * step, step
}

// highest is the largest mean of the cells, and zero at least.
func highest(cells []cell) float64 {
	high := 0.0
	for _, c := range cells {
		high = math.Max(high, c.mean())
	}
	return high
}

// clock names an hour of the day.
func clock(hour int) string {
	if hour == 12 {
		return "noon"
	}
	return time.Date(2000, 1, 1, hour, 0, 0, 0, time.UTC).Format("3 pm")
}

// minutes writes a delay for reading, with a proper minus sign.
func minutes(x float64, n int) string {
	return strings.Replace(decimals(x, n), "-", "−", 1)
}

// count writes a number with commas between its thousands.
func count(n int) string {
	digits := strconv.Itoa(n)
	sign := ""
	if n < 0 {
		sign, digits = "−", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}
