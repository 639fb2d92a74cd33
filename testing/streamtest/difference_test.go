package streamtest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// Whatever stands beside what, each side is its list, in order, and lines that
// are marked equal are.
func TestSidesAreWhatWasCompared(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		want, got := someBlocks(r), someBlocks(r)
		pairs := make([]int, len(got))
		free := r.Perm(len(want) + 2)
		for i := range pairs {
			if pairs[i] = -1; i < len(free) && free[i] < len(want) {
				pairs[i] = free[i]
			}
		}
		var left, right []string
		for _, row := range besideBlocks(want, got, pairs) {
			left, right = append(left, row.left.lines...), append(right, row.right.lines...)
			if row.same && !slices.Equal(row.left.lines, row.right.lines) {
				t.Fatalf("%q and %q pass for equal", row.left.lines, row.right.lines)
			}
		}
		if want, got := linesOf(want), linesOf(got); !slices.Equal(left, want) || !slices.Equal(right, got) {
			t.Fatalf("beside each other\n%q\n%q\nstand\n%q\n%q", want, got, left, right)
		}
	}
}

func someBlocks(r *rand.Rand) (blocks []block) {
	for range r.IntN(5) {
		b := block{title: string(rune('A' + r.IntN(3)))}
		for range r.IntN(4) {
			b.texts = append(b.texts, string(rune('a'+r.IntN(4))))
		}
		slices.Sort(b.texts)
		blocks = append(blocks, b)
	}
	return blocks
}

func linesOf(blocks []block) (lines []string) {
	for _, b := range blocks {
		lines = append(lines, b.title)
		for _, s := range b.texts {
			lines = append(lines, "    "+s)
		}
	}
	return lines
}

func TestLongestIncreasingRun(t *testing.T) {
	for _, tt := range []struct {
		numbers []int
		want    string
	}{
		{nil, ""},
		{[]int{-1, -1}, ".."},
		{[]int{0, 1, 2}, "xxx"},
		{[]int{2, 1, 0}, "..x"},
		{[]int{1, 0, -1, 2, 3}, ".x.xx"},
		{[]int{3, 0, 1, 4, 2}, ".xx.x"},
		{[]int{4, 0, 5, 1, 6, 2, 3}, ".x.x.xx"},
	} {
		got := ""
		for _, kept := range increasing(tt.numbers) {
			got += map[bool]string{true: "x", false: "."}[kept]
		}
		if got != tt.want {
			t.Errorf("%v: kept %q, want %q", tt.numbers, got, tt.want)
		}
	}
}

func TestLongRunsOfEqualLinesAreCut(t *testing.T) {
	var want, got []string
	for i := range 40 {
		want = append(want, fmt.Sprintf("%02d", i))
	}
	got = append(slices.Delete(slices.Clone(want), 30, 31), "x")
	heading, lines, differ := table("ours", "theirs", besideTexts(want, got))
	if heading != "side by side:" || !differ {
		t.Errorf("heading %q, differ %v", heading, differ)
	}
	text := strings.Join(lines, "\n")
	for _, line := range []string{"  ours    theirs", "  07      07\n  ... 14 equal lines\n  22      22", "- 30    ", "        + x"} {
		if !strings.Contains(text, line) {
			t.Errorf("no %q in\n%s", line, text)
		}
	}
}
