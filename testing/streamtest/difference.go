package streamtest

import (
	"fmt"
	"strings"

	"github.com/google/go-cmp/cmp"
)

// difference is the lines of both lists, as go-cmp aligns them: those of want
// alone behind a "-", those of got alone behind a "+".
func difference(want, got []string) (lines []string, differ bool) {
	d := &aligned{}
	// None is an empty list, not a nil one, which differs as a whole.
	cmp.Equal(append([]string{}, want...), append([]string{}, got...), cmp.Reporter(d))
	return d.elided(), d.differ
}

// An aligned is a cmp.Reporter of two lists of lines.
type aligned struct {
	path   cmp.Path
	lines  []string
	same   []bool
	differ bool
}

func (d *aligned) PushStep(s cmp.PathStep) { d.path = append(d.path, s) }

func (d *aligned) PopStep() { d.path = d.path[:len(d.path)-1] }

func (d *aligned) Report(r cmp.Result) {
	if _, ok := d.path.Last().(cmp.SliceIndex); !ok {
		return // of lists that are empty
	}
	want, got := d.path.Last().Values()
	switch {
	case r.Equal():
		d.add("  ", want.String(), true)
	default:
		if want.IsValid() {
			d.add("- ", want.String(), false)
		}
		if got.IsValid() {
			d.add("+ ", got.String(), false)
		}
	}
}

func (d *aligned) add(sign, line string, same bool) {
	d.lines = append(d.lines, sign+strings.ReplaceAll(line, "\n", "\n"+sign))
	d.same = append(d.same, same)
	d.differ = d.differ || !same
}

// elided is the lines without the middle of long runs of equal ones.
func (d *aligned) elided() (lines []string) {
	const around = 8
	for i := 0; i < len(d.lines); {
		end := i
		for end < len(d.lines) && d.same[end] {
			end++
		}
		if cut := end - i - 2*around; cut > 1 {
			lines = append(lines, d.lines[i:i+around]...)
			lines = append(lines, fmt.Sprintf("  ... %d equal lines", cut))
			i = end - around
		}
		end = max(end, i+1)
		lines = append(lines, d.lines[i:end]...)
		i = end
	}
	return lines
}
