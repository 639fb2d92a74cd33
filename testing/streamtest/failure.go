package streamtest

import (
	"fmt"
	"slices"
	"strings"

	gocmp "github.com/google/go-cmp/cmp"
)

// explainPanes tells how the panes that came out differ from the wanted ones.
func (k *Captured[T]) explainPanes(want []Pane[T], got []firing[T]) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s emitted other panes than wanted\n", k.name())
	b.WriteString("\nwanted:\n")
	for _, p := range want {
		writePane(&b, "  ", p.title(), sorted(p.Values))
	}
	if len(want) == 0 {
		b.WriteString("  nothing\n")
	}
	k.writeStory(&b)
	b.WriteString("\ndifference (-wanted +emitted):\n")
	wantLines, gotLines := k.sideBySide(want, got)
	if lines, differ := difference(wantLines, gotLines); differ {
		writeLines(&b, lines)
	} else { // what differs does not show in print
		writeLines(&b, []string{gocmp.Diff(valuesOf(want), valuesOfFirings(got), k.compare)})
	}
	k.writeDrops(&b)
	return b.String()
}

// sideBySide are the lines of both lists of panes, such that equal values have
// equal lines wherever a pane stands beside its like.
func (k *Captured[T]) sideBySide(want []Pane[T], got []firing[T]) (wantLines, gotLines []string) {
	beside := make([]int, len(got)) // the pane of want that stands beside each of got
	free := make([]bool, len(want))
	for j := range want {
		free[j] = true
	}
	for i, f := range got {
		beside[i] = -1
		for _, strict := range []bool{true, false} {
			for j, p := range want {
				if beside[i] < 0 && free[j] && (p.match(f, k.compare) || !strict && p.Window == f[0].Window && p.Timing == f[0].Pane.Timing && p.retracted == f[0].Pane.Retraction) {
					beside[i], free[j] = j, false
				}
			}
		}
	}
	for _, p := range want {
		wantLines = append(wantLines, p.title())
		wantLines = append(wantLines, indented("    ", sorted(p.Values))...)
	}
	for i, f := range got {
		var like Pane[T]
		if beside[i] >= 0 {
			like = want[beside[i]]
		}
		_, extra, both := pair(like.Values, f.values(), k.compare)
		gotLines = append(gotLines, f.title(like))
		gotLines = append(gotLines, indented("    ", sorted(append(both, extra...)))...)
	}
	return wantLines, gotLines
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
	k.writeStory(&b)
	b.WriteString("\ndifference (-wanted +emitted):\n")
	lines, differ := difference(sorted(slices.Concat(missing, both)), sorted(slices.Concat(extra, both)))
	if !differ {
		lines = []string{gocmp.Diff(missing, extra, k.compare)}
	}
	writeLines(&b, lines)
	k.writeDrops(&b)
	return b.String()
}

// explainDropped tells what was dropped.
func (k *Captured[T]) explainDropped(want, got int64) string {
	var b strings.Builder
	fmt.Fprintf(&b, "the groupings before %s dropped %d as too late, and were wanted to drop %d\n", k.name(), got, want)
	k.writeStory(&b)
	k.writeDrops(&b)
	return b.String()
}

func (k *Captured[T]) name() string { return k.collection.Collection().Producer.Name }

// longStory is how many steps a failure tells even if nothing came of them.
const longStory = 40

// writeStory tells the steps, and what came of each.
func (k *Captured[T]) writeStory(b *strings.Builder) {
	panes := firings(k.fired, false)
	if len(panes) == 0 {
		b.WriteString("\nemitted nothing in any step:\n")
	} else {
		b.WriteString("\nemitted, step by step:\n")
	}
	var lines []string
	if k.run.script != nil {
		lines = k.run.script.lines()
	}
	for step, i := 0, 0; step <= len(lines); step++ {
		fires := i < len(panes) && panes[i][0].Step == step
		if fires || step > 0 && len(lines) <= longStory {
			fmt.Fprintf(b, "  %s\n", stepText(step, lines))
		}
		for ; i < len(panes) && panes[i][0].Step == step; i++ {
			writePane(b, "      ", panes[i].title(Pane[T]{}), sorted(panes[i].values()))
		}
	}
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

// writeDrops tells what was dropped, which may be what is missing.
func (k *Captured[T]) writeDrops(b *strings.Builder) {
	drops, _ := k.run.drops(k.collection.Collection())
	if len(drops) > 0 {
		b.WriteString("\ndropped as too late:\n")
	}
	for _, d := range drops {
		fmt.Fprintf(b, "  %d by %s\n", d.elements, d.grouping)
	}
}

// writeLines writes lines, each indented.
func writeLines(b *strings.Builder, lines []string) {
	for _, line := range indented("  ", lines) {
		fmt.Fprintln(b, strings.TrimRight(line, " \n"))
	}
}
