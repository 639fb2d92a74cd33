package transforms_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strings"
	"testing"
)

func TestEveryVerbHasAnExample(t *testing.T) {
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	verbs, examples := map[string]bool{}, map[string]bool{}
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), f.Name(), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Recv != nil {
				continue
			}
			if name, ok := strings.CutPrefix(fn.Name.Name, "Example"); ok {
				examples[name] = true
			} else if fn.Name.IsExported() && !strings.HasSuffix(f.Name(), "_test.go") {
				verbs[fn.Name.Name] = true
			}
		}
	}
	for name := range verbs {
		if !examples[name] {
			t.Errorf("%s has no example", name)
		}
	}
}
