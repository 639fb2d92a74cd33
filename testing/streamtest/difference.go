package streamtest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// A block is a title with texts below it, in order. The note is shown behind the
// title, and not compared.
type block struct {
	title, note string
	texts       []string
}

// A row is what stands side by side; a side that has nothing there is empty.
type row struct {
	left, right cell
	same        bool
	elided      string // says what is left out, in place of the rest
}

// A cell is some lines of one side, each behind a sign.
type cell struct {
	sign  string
	lines []string
}

func cellOf(sign, text string) cell { return cell{sign, strings.Split(text, "\n")} }

// besideBlocks is two lists of blocks side by side. Pair[i] is the block of want
// that is the i'th of got, or -1. Those whose like comes in the same order on both
// sides stand beside it.
func besideBlocks(want, got []block, pair []int) (rows []row) {
	next, pending := 0, []block(nil)
	unlike := func(until int) {
		for i := range max(until-next, len(pending)) {
			switch {
			case next+i >= until:
				rows = append(rows, besideBlock(nil, &pending[i])...)
			case i >= len(pending):
				rows = append(rows, besideBlock(&want[next+i], nil)...)
			default:
				rows = append(rows, besideBlock(&want[next+i], &pending[i])...)
			}
		}
		next, pending = until, nil
	}
	kept := increasing(pair)
	for i := range got {
		if !kept[i] {
			pending = append(pending, got[i])
			continue
		}
		unlike(pair[i])
		rows = append(rows, besideBlock(&want[pair[i]], &got[i])...)
		next++
	}
	unlike(len(want))
	return rows
}

// increasing marks the longest increasing run among the numbers that are not
// negative, others left out.
func increasing(numbers []int) []bool {
	var ends []int // ends[l] is where the run of length l+1 ends that ends lowest
	before := make([]int, len(numbers))
	for i, n := range numbers {
		if n < 0 {
			continue
		}
		l, _ := slices.BinarySearchFunc(ends, n, func(e, n int) int { return cmp.Compare(numbers[e], n) })
		before[i] = -1
		if l > 0 {
			before[i] = ends[l-1]
		}
		ends = append(ends[:l], append([]int{i}, ends[min(l+1, len(ends)):]...)...)
	}
	kept := make([]bool, len(numbers))
	if len(ends) > 0 {
		for i := ends[len(ends)-1]; i >= 0; i = before[i] {
			kept[i] = true
		}
	}
	return kept
}

// besideBlock is a block beside another; one of them may be nil.
func besideBlock(want, got *block) (rows []row) {
	var r row
	var left, right []string
	r.same = want != nil && got != nil && want.title == got.title
	if want != nil {
		r.left, left = cellOf(sign("- ", r.same), want.title+want.note), want.texts
	}
	if got != nil {
		r.right, right = cellOf(sign("+ ", r.same), got.title+got.note), got.texts
	}
	rows = append(rows, r)
	for _, r := range besideTexts(left, right) {
		rows = append(rows, row{left: r.left.indented(), right: r.right.indented(), same: r.same})
	}
	return rows
}

func sign(s string, same bool) string {
	if same {
		return "  "
	}
	return s
}

// besideTexts is two sorted lists side by side, equal texts beside each other.
func besideTexts(want, got []string) (rows []row) {
	for len(want)+len(got) > 0 {
		var left, right []string // up to the next that both have
		for len(want)+len(got) > 0 {
			if len(got) == 0 || len(want) > 0 && want[0] < got[0] {
				left, want = append(left, want[0]), want[1:]
			} else if len(want) == 0 || got[0] < want[0] {
				right, got = append(right, got[0]), got[1:]
			} else {
				break
			}
		}
		for i := range max(len(left), len(right)) {
			var r row
			if i < len(left) {
				r.left = cellOf("- ", left[i])
			}
			if i < len(right) {
				r.right = cellOf("+ ", right[i])
			}
			rows = append(rows, r)
		}
		for ; len(want) > 0 && len(got) > 0 && want[0] == got[0]; want, got = want[1:], got[1:] {
			rows = append(rows, row{left: cellOf("  ", want[0]), right: cellOf("  ", got[0]), same: true})
		}
	}
	return rows
}

// table is rows below the names of the two sides; what is too wide for two
// columns is in one. It is false if the sides are equal.
func table(left, right string, rows []row) (heading string, lines []string, differ bool) {
	width, wide := utf8.RuneCountInString(left), false
	for _, r := range rows {
		width = max(width, r.left.width())
		wide = wide || max(r.left.width(), r.right.width()) > widest
		differ = differ || !r.same
	}
	heading = "side by side:"
	if wide {
		heading = fmt.Sprintf("difference (-%s +%s):", left, right)
	} else {
		lines = append(lines, fmt.Sprintf("  %-*s    %s", width, left, right))
	}
	for _, r := range elided(rows) {
		switch {
		case r.elided != "":
			lines = append(lines, r.elided)
		case wide:
			lines = append(lines, r.stacked()...)
		default:
			lines = append(lines, r.beside(width)...)
		}
	}
	return heading, lines, differ
}

// widest is the width of a column.
const widest = 60

// elided is the rows without the middle of long runs of equal ones.
func elided(rows []row) (out []row) {
	const around = 8
	for i := 0; i < len(rows); {
		end := i
		for end < len(rows) && rows[end].same {
			end++
		}
		if cut := end - i - 2*around; cut > 1 {
			out = append(out, rows[i:i+around]...)
			out = append(out, row{elided: fmt.Sprintf("  ... %d equal lines", cut)})
			i = end - around
		}
		end = max(end, i+1)
		out = append(out, rows[i:end]...)
		i = end
	}
	return out
}

func (c cell) indented() cell {
	lines := make([]string, len(c.lines))
	for i, s := range c.lines {
		lines[i] = "    " + s
	}
	return cell{c.sign, lines}
}

func (c cell) width() (w int) {
	for _, s := range c.lines {
		w = max(w, utf8.RuneCountInString(s))
	}
	return w
}

// line is the i'th line of c, if it has that many.
func (c cell) line(i int) string {
	if i >= len(c.lines) {
		return ""
	}
	return c.sign + c.lines[i]
}

// beside is r in two columns, the left one of the given width.
func (r row) beside(width int) (lines []string) {
	for i := range max(len(r.left.lines), len(r.right.lines)) {
		lines = append(lines, fmt.Sprintf("%-*s  %s", width+len("- "), r.left.line(i), r.right.line(i)))
	}
	return lines
}

// stacked is r in one column.
func (r row) stacked() (lines []string) {
	if !r.same {
		for i := range r.left.lines {
			lines = append(lines, r.left.line(i))
		}
	}
	for i := range r.right.lines {
		lines = append(lines, r.right.line(i))
	}
	return lines
}
