package scenarios_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
)

// TestScenarios plays the stories of testdata/scenarios.
func TestScenarios(t *testing.T) {
	titles := map[string]string{} // where each is
	datadriven.Walk(t, "testdata/scenarios", func(t *testing.T, path string) {
		file, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(string(file), "\n")
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			if d.Cmd != "scenario" {
				d.Fatalf(t, "there is nothing but scenarios here, not %s", d.Cmd)
			}
			title, err := titleOf(lines, d.Pos)
			if err != nil {
				d.Fatalf(t, "%v", err)
			}
			if other := titles[title]; other != "" {
				d.Fatalf(t, "it has the title of %s", other)
			}
			titles[title] = d.Pos
			return play(t, d.Input)
		})
	})
	const atLeast = 150
	if n := len(titles); n < atLeast {
		t.Errorf("there are %d scenarios, and should be %d", n, atLeast)
	}
}

// titleOf is the line in front of the scenario at pos, which says in one sentence
// what it shows.
func titleOf(lines []string, pos string) (string, error) {
	var line int
	if _, err := fmt.Sscanf(pos[strings.LastIndex(pos, ":"):], ":%d", &line); err != nil {
		return "", fmt.Errorf("at %q: %w", pos, err)
	}
	above, title := "", ""
	if line >= 3 {
		above, title = lines[line-3], lines[line-2]
	}
	sentence, found := strings.CutPrefix(title, "# ")
	if !found || above != "" || !strings.HasSuffix(sentence, ".") {
		return "", fmt.Errorf("it needs a line above it, with an empty one in front, that says what it shows: # A sentence")
	}
	return sentence, nil
}

func TestScenariosWithoutATitleAreRefused(t *testing.T) {
	for _, tt := range []struct{ file, title string }{
		{"# What it is about.\n\n# What it shows.\nscenario", "What it shows."},
		{"\n# A topic\n# is not a title.\nscenario", ""},
		{"\n# No sentence\nscenario", ""},
		{"# A title.\n\nscenario", ""},
		{"\n#\nscenario", ""},
		{"scenario", ""},
	} {
		lines := strings.Split(tt.file, "\n")
		title, err := titleOf(lines, fmt.Sprintf("file:%d", len(lines)))
		if title != tt.title || (err == nil) != (tt.title != "") {
			t.Errorf("of\n%s\nthe title is %q, %v; want %q", tt.file, title, err, tt.title)
		}
	}
}

func TestStoriesThatAreNoneAreRefused(t *testing.T) {
	for line, want := range map[string]string{
		"look at this":                      "this is neither a setting nor a step",
		"add":                               "it needs a time",
		"add 10s":                           "it adds nothing",
		"add soon a":                        `time: invalid duration "soon"`,
		"watermark 10s 20s":                 `"20s" is too much`,
		"watermark left":                    "it needs a time",
		"window round 10s":                  `no window reads "round 10s"`,
		"window fixed 10s every 5s":         `no window reads "fixed 10s every 5s"`,
		"window sliding 10s every now":      `time: invalid duration "now"`,
		"trigger always":                    "say the window first",
		"window fixed 1m\n panes sometimes": `"sometimes" is none of [discarding accumulating retracting]`,
		"closing never":                     "it can be always, or left out",
		"transform magic":                   `there is no transform "magic"`,
		"then what":                         "a second grouping is together, by-key, by-value or dropped, and there is no third",
		"then together\n then by-key":       "a second grouping is together, by-key, by-value or dropped, and there is no third",
		"add left 10s a\n add 10s b":        "it is left's or right's, since there are two inputs",
		"transform join\n add 10s k:a":      "a join has two inputs: add left, or add right",
		"then by-key\n transform cogroup":   "a join has two inputs: add left, or add right",
		"add left 10s a\n watermark 1m":     "",
		"window sliding 10s every 5s":       "",
		"window fixed 1m\n closing always":  "",
	} {
		_, err := parse(line)
		if want == "" && err != nil || want != "" && (err == nil || !strings.HasSuffix(err.Error(), want)) {
			t.Errorf("%q: %v, want %q", line, err, want)
		}
	}
}
