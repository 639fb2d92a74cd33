package dataflowpaper

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestPageShowsWhatIsTested wants the page to have a section for each figure, with
// its pipeline and the panes that its test wants, word for word.
func TestPageShowsWhatIsTested(t *testing.T) {
	page, err := os.ReadFile("../../docs/dataflow-paper.md")
	if err != nil {
		t.Fatal(err)
	}
	pipelines, tests := functions(t, "pipelines_test.go"), functions(t, "figures_test.go")
	sections := strings.Split(string(page), "\n## ")[1:]
	for i, section := range sections {
		title := fmt.Sprintf("Figure %d", 5+i)
		if !strings.HasPrefix(section, title+":") {
			t.Fatalf("section %d begins %.20q, and should be about %s", i+1, section, title)
		}
		n := strconv.Itoa(5 + i)
		if got, want := fenced(section, "go"), pipelines["figure"+n]; got != want || want == "" {
			t.Errorf("%s shows\n%s\nand the pipeline is\n%s", title, got, want)
		}
		if got, want := lines(fenced(section, "text")), lines(literal(tests["TestFigure"+n])); !slices.Equal(got, want) || len(want) == 0 {
			t.Errorf("%s shows\n%s\nand the test wants\n%s", title, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	if want := 14 - 5 + 1; len(sections) != want {
		t.Errorf("the page has %d figures, and should have %d", len(sections), want)
	}
}

// functions are the texts of a file's functions.
func functions(t *testing.T, file string) map[string]string {
	t.Helper()
	src, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	set := token.NewFileSet()
	parsed, err := parser.ParseFile(set, file, src, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	for _, d := range parsed.Decls {
		if f, ok := d.(*ast.FuncDecl); ok {
			texts[f.Name.Name] = string(src[set.Position(f.Pos()).Offset:set.Position(f.End()).Offset])
		}
	}
	return texts
}

// fenced is the only block of a section in that language.
func fenced(section, language string) string {
	blocks := strings.Split(section, "```"+language+"\n")
	if len(blocks) != 2 {
		return fmt.Sprintf("%d blocks of %s", len(blocks)-1, language)
	}
	text, _, _ := strings.Cut(blocks[1], "\n```")
	return text
}

// literal is the first raw string of a function.
func literal(function string) string {
	_, rest, _ := strings.Cut(function, "`")
	text, _, _ := strings.Cut(rest, "`")
	return text
}
