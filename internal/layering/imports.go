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

// A file is a Go file of the module that is no test.
type file struct {
	folder string // of its package, "." at the top
	ast    *ast.File
}

// files parses the Go files of module, tests left out, in the order of their names.
func files(fset *token.FileSet, module fs.FS, mode parser.Mode) ([]file, error) {
	var out []file
	err := fs.WalkDir(module, ".", func(name string, d fs.DirEntry, err error) error {
		base := path.Base(name)
		switch {
		case err != nil:
			return err
		case d.IsDir():
			if name != "." && (base == "testdata" || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_")) {
				return fs.SkipDir
			}
			return nil
		case !strings.HasSuffix(base, ".go") || strings.HasSuffix(base, "_test.go"):
			return nil
		}
		src, err := fs.ReadFile(module, name)
		if err != nil {
			return err
		}
		f, err := parser.ParseFile(fset, name, src, mode)
		if err != nil {
			return err
		}
		out = append(out, file{path.Dir(name), f})
		return nil
	})
	return out, err
}

// imported are the paths that f imports, with where it does.
func imported(f *ast.File) map[string]token.Pos {
	out := map[string]token.Pos{}
	for _, i := range f.Imports {
		if p, err := strconv.Unquote(i.Path.Value); err == nil {
			out[p] = i.Pos()
		}
	}
	return out
}

// Imports lists the imports of module that table does not allow, and the packages
// that it does not know, a line each.
func Imports(module fs.FS, table []Row) ([]string, error) {
	fset := token.NewFileSet()
	all, err := files(fset, module, parser.ImportsOnly)
	if err != nil {
		return nil, err
	}
	var problems []string
	for _, f := range all {
		from := rowOf(table, f.folder)
		if from < 0 {
			problems = append(problems, fmt.Sprintf("package %s is in no row: add it to layering.Table, where it belongs", f.folder))
			continue
		}
		for p, pos := range imported(f.ast) {
			folder, ok := folderOf(p)
			if !ok {
				continue
			}
			if to := rowOf(table, folder); to < 0 || !may(table, from, to) {
				problems = append(problems, fmt.Sprintf("%v: %s may not import %s", fset.Position(pos), f.folder, folder))
			}
		}
	}
	slices.Sort(problems)
	return slices.Compact(problems), nil
}

// folderOf is the folder of a package of the module.
func folderOf(importPath string) (folder string, ok bool) {
	if importPath == Module {
		return ".", true
	}
	return strings.CutPrefix(importPath, Module+"/")
}
