package streamtest

import (
	"fmt"
	"slices"
	"strings"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/millrace/millrace/model"
)

// explainPanes tells how the panes that came out differ from the wanted ones.
func (k *Captured[T]) explainPanes(want []Pane[T], got []firing[T]) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s emitted other panes than wanted\n", k.name())
	b.WriteString("\n")
	k.writeStory(&b)
	if !writeTable(&b, "wanted", "emitted", k.sideBySide(want, got)) {
		k.writeDiff(&b, "wanted", "emitted", valuesOf(want), valuesOfFirings(got))
	}
	k.writeDrops(&b)
	return b.String()
}

// sideBySide is both lists of panes, such that a pane stands beside its like and
// equal values beside each other.
func (k *Captured[T]) sideBySide(want []Pane[T], got []firing[T]) []row {
	pairs := make([]int, len(got)) // the pane of want that is like each of got, or -1
	free := make([]bool, len(want))
	for j := range want {
		free[j] = true
	}
	for i, f := range got {
		pairs[i] = -1
		for _, strict := range []bool{true, false} {
			for j, p := range want {
				if pairs[i] < 0 && free[j] && (p.match(f, k.compare) || !strict && p.Window == f[0].Window && p.Timing == f[0].Pane.Timing && p.retracted == f[0].Pane.Retraction) {
					pairs[i], free[j] = j, false
				}
			}
		}
	}
	var wantBlocks, gotBlocks []block
	for _, p := range want {
		wantBlocks = append(wantBlocks, block{title: p.title(), texts: k.sorted(p.Values)})
	}
	for i, f := range got {
		var like Pane[T]
		if pairs[i] >= 0 {
			like = want[pairs[i]]
		}
		_, extra, both := pair(like.Values, f.values(), k.compare) // what is equal prints as it is wanted
		b := block{title: f.title(like), texts: k.sorted(append(both, extra...))}
		if like.step == nil && k.run.play != nil {
			b.note = fmt.Sprintf(" at step %d", f[0].Step)
		}
		gotBlocks = append(gotBlocks, b)
	}
	return besideBlocks(wantBlocks, gotBlocks, pairs)
}

func valuesOf[T any](panes []Pane[T]) (values [][]T) {
	for _, p := range panes {
		values = append(values, p.Values)
	}
	return values
}

func valuesOfFirings[T any](panes []firing[T]) (values [][]T) {
	for _, f := range panes {
		values = append(values, f.values())
	}
	return values
}

// explainValues tells which values are missing, and which are not wanted.
func (k *Captured[T]) explainValues(where string, missing, extra, both []T) string {
	var b strings.Builder
	if len(missing)+len(both) == 0 {
		fmt.Fprintf(&b, "%s emitted values%s, and none were wanted\n", k.name(), where)
	} else {
		fmt.Fprintf(&b, "%s emitted other values%s than wanted\n", k.name(), where)
	}
	b.WriteString("\n")
	k.writeStory(&b)
	k.writeValues(&b, "wanted", "emitted", missing, extra, both)
	k.writeDrops(&b)
	return b.String()
}

// explainOther tells how what another collection emitted differs from k's: missing
// is k's alone, and extra the other's.
func (k *Captured[T]) explainOther(other *Captured[T], missing, extra, both []T) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s and %s emitted different values\n", k.name(), other.name())
	for _, c := range []*Captured[T]{k, other} {
		fmt.Fprintf(&b, "\n%s ", c.name())
		c.writeStory(&b)
	}
	k.writeValues(&b, k.name(), other.name(), missing, extra, both)
	k.writeDrops(&b)
	if other.run != k.run || !slices.Equal(k.drops(), other.drops()) {
		other.writeDrops(&b)
	}
	return b.String()
}

// writeValues sets missing beside extra, among what both sides have.
func (k *Captured[T]) writeValues(b *strings.Builder, left, right string, missing, extra, both []T) {
	rows := besideTexts(k.sorted(slices.Concat(missing, both)), k.sorted(slices.Concat(extra, both)))
	if !writeTable(b, left, right, rows) {
		k.writeDiff(b, left, right, missing, extra)
	}
}

// writeDiff tells a difference that does not show in print.
func (k *Captured[T]) writeDiff(b *strings.Builder, left, right string, want, got any) {
	fmt.Fprintf(b, "\ndifference (-%s +%s), which does not show in print:\n", left, right)
	writeLines(b, []string{gocmp.Diff(want, got, k.compare)})
}

func (k *Captured[T]) name() string { return k.collection.Collection().Producer.Name }

// sorted are the texts of values, in order.
func (k *Captured[T]) sorted(values []T) []string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = k.text(v)
	}
	slices.Sort(texts)
	return texts
}

// longStory is how many steps a failure tells even if nothing came of them.
const longStory = 40

// writeStory tells the steps, and what came of each.
func (k *Captured[T]) writeStory(b *strings.Builder) {
	panes := firings(k.fired, false)
	if len(panes) == 0 {
		b.WriteString("emitted nothing in any step:\n")
	} else {
		b.WriteString("emitted, step by step:\n")
	}
	var lines []string
	if k.run.play != nil {
		lines = k.run.play.lines()
	}
	for step, i := 0, 0; step <= len(lines); step++ {
		fires := i < len(panes) && panes[i][0].Step == step
		if fires || step > 0 && len(lines) <= longStory {
			fmt.Fprintf(b, "  %s\n", stepText(step, lines))
		}
		for ; i < len(panes) && panes[i][0].Step == step; i++ {
			title := panes[i].title(Pane[T]{}) + k.saidAt(panes[i])
			writePane(b, "      ", title, k.sorted(panes[i].values()))
		}
	}
}

// saidAt tells of a retraction in which steps that was said which it takes back.
func (k *Captured[T]) saidAt(f firing[T]) string {
	if !f[0].Pane.Retraction {
		return ""
	}
	var steps []int
	for _, e := range f {
		for _, said := range k.fired {
			if !said.Pane.Retraction && said.Step <= e.Step && said.Window == e.Window && said.Pane.Timing == e.Pane.Timing &&
				said.Pane.Index == e.Pane.Index && gocmp.Equal(said.Value, e.Value, k.compare) {
				steps = append(steps, said.Step)
			}
		}
	}
	slices.Sort(steps)
	switch steps = slices.Compact(steps); len(steps) {
	case 0:
		return ", which nothing has said"
	case 1:
		return fmt.Sprintf(" of step %d", steps[0])
	}
	return " of steps " + strings.Trim(strings.ReplaceAll(fmt.Sprint(steps), " ", ", "), "[]")
}

// stepText names a step of a script.
func stepText(step int, lines []string) string {
	switch {
	case len(lines) == 0:
		return "no script"
	case step == 0:
		return "before the script"
	}
	return fmt.Sprintf("step %d: %s", step, lines[step-1])
}

func writePane(b *strings.Builder, prefix, title string, values []string) {
	fmt.Fprintf(b, "%s%s\n", prefix, title)
	for _, line := range indented(prefix+"  ", values) {
		fmt.Fprintln(b, line)
	}
}

// writeTable writes what differs. It is false, and writes nothing, if that does
// not show in print.
func writeTable(b *strings.Builder, left, right string, rows []row) bool {
	heading, lines, differ := table(left, right, rows)
	if differ {
		b.WriteString("\n" + heading + "\n")
		writeLines(b, lines)
	}
	return differ
}

// writeLines writes lines, each indented.
func writeLines(b *strings.Builder, lines []string) {
	for _, line := range indented("  ", lines) {
		fmt.Fprintln(b, strings.TrimRight(line, " \n"))
	}
}

// heading is the first line about a pane.
func heading(t model.Timing, w model.Window, retracted bool) string {
	name := t.String()
	if t == model.Unknown {
		name = "unfired"
	}
	if retracted {
		name = "retraction of " + name
	}
	return name + " " + span(w)
}
