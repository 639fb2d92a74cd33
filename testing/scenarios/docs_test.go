package scenarios_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/millrace/millrace/model"
)

// What docs/triggers.md shows is what is tested here.

func page(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile("../../docs/triggers.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}

// fenced are the page's blocks in that language.
func fenced(page, language string) (blocks []string) {
	for _, part := range strings.Split(page, "```"+language+"\n")[1:] {
		text, _, _ := strings.Cut(part, "```")
		blocks = append(blocks, text)
	}
	return blocks
}

func TestStoriesOfThePage(t *testing.T) {
	stories := fenced(page(t), "scenario")
	if len(stories) == 0 {
		t.Fatal("the page has no stories")
	}
	for _, s := range stories {
		story, want, _ := strings.Cut(s, "----\n")
		if got := play(t, story); got != want {
			t.Errorf("of\n%s\ncomes\n%s\nand the page says\n%s", story, got, want)
		}
	}
}

// TestCodeOfThePage wants each block of Go to be part of a file of this folder.
func TestCodeOfThePage(t *testing.T) {
	var tested []string
	for _, file := range []string{"quiet_test.go", "choices_test.go", "strategies_test.go"} {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		tested = append(tested, string(src))
	}
	blocks := fenced(page(t), "go")
	for _, block := range blocks {
		if !slices.ContainsFunc(tested, func(src string) bool { return strings.Contains(src, block) }) {
			t.Errorf("this is in no file that is tested:\n%s", block)
		}
	}
	if len(blocks) != len(tested) {
		t.Errorf("the page shows %d blocks of %d files", len(blocks), len(tested))
	}
}

func TestChoicesAreNamedAsTheyPrint(t *testing.T) {
	for name, trigger := range choices {
		if trigger.String() != name {
			t.Errorf("%s prints as %v", name, trigger)
		}
	}
}

// TestTableOfThePage plays the stream at the head of the table under the trigger of
// each row.
func TestTableOfThePage(t *testing.T) {
	var rows [][]string
	for line := range strings.Lines(page(t)) {
		if cells := strings.Split(strings.Trim(line, "|\n"), "|"); len(cells) > 5 {
			for i := range cells {
				cells[i] = strings.Trim(cells[i], " `")
			}
			rows = append(rows, cells)
		}
	}
	if len(rows) < 3 {
		t.Fatal("the page has no table")
	}
	steps := rows[0][1:]
	if distinct := slices.Compact(slices.Sorted(slices.Values(steps))); len(distinct) < len(steps) {
		t.Fatal("two columns of the table have the same name")
	}
	left := maps.Clone(choices)
	for _, row := range rows[2:] {
		trigger := choices[row[0]]
		if trigger == nil {
			t.Errorf("%s is none of the choices, or comes twice", row[0])
			continue
		}
		delete(left, row[0])
		for i, got := range cells(t, trigger, steps) {
			if got != row[i+1] {
				t.Errorf("%s: at %s it says %q, and not %q", row[0], steps[i], got, row[i+1])
			}
		}
	}
	for name := range left {
		t.Errorf("the table has no %s", name)
	}
}

// cells is what a trigger says at each step.
func cells(t *testing.T, trigger model.Trigger, steps []string) []string {
	t.Helper()
	told := play(t, fmt.Sprintf("window fixed 1m\ntrigger %v\nmay-finish\nlateness 1m\npanes discarding\n%s", trigger, strings.Join(steps, "\n")))
	cells := make([]string, len(steps))
	at := 0
	for line := range strings.Lines(told) {
		line = strings.TrimSuffix(line, "\n")
		what, said := strings.CutPrefix(line, "  ")
		if !said {
			at = slices.Index(steps, line)
			continue
		}
		pane, values, _ := strings.Cut(what, ": ")
		words := strings.Fields(pane)
		cell := words[2] + " " + values // [0s, 1m) on-time #0: a b
		if words[0] == "drop" {
			cell = "drops " + words[1]
		}
		cells[at] = strings.TrimPrefix(cells[at]+"; "+cell, "; ")
	}
	return cells
}
