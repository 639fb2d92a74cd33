package layering

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Pure are the packages whose code depends on nothing but what it is given.
var Pure = []string{"internal/engine", "internal/engine/cells", "windowing", "triggers"}

// pureImports are what they may import of the standard library. Package maps is
// not among them: it walks maps.
var pureImports = []string{
	"bytes", "cmp", "context", "encoding/binary", "errors", "fmt", "hash/maphash", "iter", "math", "math/bits",
	"reflect", "regexp", "runtime/debug", "slices", "sort", "strconv", "strings", "time", "unicode", "unicode/utf8",
}

// impure are the functions of those packages that reach outside, or remember.
var impure = map[string][]string{
	"context": {"AfterFunc", "WithDeadline", "WithDeadlineCause", "WithTimeout", "WithTimeoutCause"},
	"fmt":     {"Print", "Printf", "Println", "Scan", "Scanf", "Scanln"},
	"time": {
		"After", "AfterFunc", "LoadLocation", "Local", "NewTicker", "NewTimer", "Now", "Since", "Sleep", "Tick", "Until",
	},
	"hash/maphash": {"MakeSeed"},
}

// Impurities lists what the packages of module in the given folders do that pure
// code does not, a line each: clocks, goroutines and channels, and imports of
// what has those, or disks, or sockets.
func Impurities(module fs.FS, folders []string) ([]string, error) {
	fset := token.NewFileSet()
	all, err := files(fset, module, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	var problems []string
	for _, f := range all {
		if !slices.Contains(folders, f.folder) {
			continue
		}
		report := func(pos token.Pos, format string, args ...any) {
			problems = append(problems, fmt.Sprintf("%v: %s", fset.Position(pos), fmt.Sprintf(format, args...)))
		}
		names := checkImports(f.ast, report)
		ast.Inspect(f.ast, func(n ast.Node) bool {
			checkNode(n, names, report)
			return true
		})
	}
	slices.Sort(problems)
	return problems, nil
}

type reporter func(pos token.Pos, format string, args ...any)

// checkImports returns the path of each package by its name in f.
func checkImports(f *ast.File, report reporter) map[string]string {
	names := map[string]string{}
	for _, i := range f.Imports {
		p, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			continue
		}
		name := path.Base(p)
		if i.Name != nil {
			name = i.Name.Name
		}
		names[name] = p
		switch {
		case strings.HasPrefix(p, Module):
		case !slices.Contains(pureImports, p):
			report(i.Pos(), "imports %s", p)
		case name == "." && impure[p] != nil:
			report(i.Pos(), "imports %s without a name", p)
		}
	}
	return names
}

func checkNode(n ast.Node, names map[string]string, report reporter) {
	switch n := n.(type) {
	case *ast.GoStmt:
		report(n.Pos(), "starts a goroutine")
	case *ast.SelectStmt:
		report(n.Pos(), "selects")
	case *ast.SendStmt:
		report(n.Pos(), "sends on a channel")
	case *ast.ChanType:
		report(n.Pos(), "has a channel type")
	case *ast.UnaryExpr:
		if n.Op == token.ARROW {
			report(n.Pos(), "receives from a channel")
		}
	case *ast.SelectorExpr:
		if x, ok := n.X.(*ast.Ident); ok {
			if p := names[x.Name]; slices.Contains(impure[p], n.Sel.Name) {
				report(n.Pos(), "uses %s.%s", p, n.Sel.Name)
			}
		}
	case *ast.CallExpr:
		if f, ok := n.Fun.(*ast.Ident); ok && (f.Name == "print" || f.Name == "println") {
			report(n.Pos(), "prints")
		}
	}
}
