package millrace_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// snippet is a block of Go in a page, and the file that it is said to be from.
var snippet = regexp.MustCompile("(?s)(?:<!-- (\\S+) -->\n)?```go\n(.*?)\n```")

// What the pages show of code is code that is compiled and tested: each block
// names the file that it is from, and is found there word for word.
func TestPagesShowCodeThatRuns(t *testing.T) {
	pages, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := 0
	for _, page := range append(pages, "README.md", "CONTRIBUTING.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range snippet.FindAllStringSubmatch(string(text), -1) {
			blocks++
			file, block := m[1], m[2]
			if file == "" {
				t.Errorf("%s: put <!-- file --> in front of the code that begins with %q", page, firstLine(block))
				continue
			}
			source, err := os.ReadFile(file)
			if err != nil {
				t.Errorf("%s: %v", page, err)
				continue
			}
			if !strings.Contains(flush(string(source)), flush(block)) {
				t.Errorf("%s: %s has not, or not any more, the code that begins with %q", page, file, firstLine(block))
			}
		}
	}
	if blocks < 4 {
		t.Errorf("found %d blocks of code; the README alone has 4", blocks)
	}
}

// flush is code without its indentation.
func flush(code string) string {
	lines := strings.Split(code, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimLeft(line, "\t ")
	}
	return strings.Join(lines, "\n")
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}
