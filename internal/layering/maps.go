package layering

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"path"
	"slices"
)

// MapWalks lists the loops over maps in the packages of module in the given
// folders, a line each: their order differs from run to run.
//
// Types are checked as far as the module's own sources tell them. Packages of
// others are taken for empty, so a map that one of their functions returns goes
// unnoticed.
func MapWalks(module fs.FS, folders []string) ([]string, error) {
	fset := token.NewFileSet()
	all, err := files(fset, module, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	sources := &sources{fset: fset, files: map[string][]*ast.File{}, checked: map[string]*types.Package{}}
	for _, f := range all {
		sources.files[f.folder] = append(sources.files[f.folder], f.ast)
	}
	var problems []string
	for _, folder := range folders {
		info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}}
		sources.check(folder, info)
		for _, f := range sources.files[folder] {
			ast.Inspect(f, func(n ast.Node) bool {
				if r, ok := n.(*ast.RangeStmt); ok && isMap(info.TypeOf(r.X)) {
					problems = append(problems, fmt.Sprintf("%v: ranges over a map", fset.Position(r.Pos())))
				}
				return true
			})
		}
	}
	slices.Sort(problems)
	return problems, nil
}

func isMap(t types.Type) bool {
	if t == nil {
		return false
	}
	switch u := t.Underlying().(type) {
	case *types.Map:
		return true
	case *types.Interface: // of a type parameter
		for i := range u.NumEmbeddeds() {
			if union, ok := u.EmbeddedType(i).(*types.Union); ok && union.Len() > 0 && isMap(union.Term(0).Type()) {
				return true
			}
		}
	}
	return false
}

// sources is a types.Importer of the module's packages.
type sources struct {
	fset    *token.FileSet
	files   map[string][]*ast.File // by folder
	checked map[string]*types.Package
}

// Import implements types.Importer.
func (s *sources) Import(importPath string) (*types.Package, error) {
	folder, ok := folderOf(importPath)
	if !ok {
		p := types.NewPackage(importPath, path.Base(importPath))
		p.MarkComplete()
		return p, nil
	}
	if p := s.checked[folder]; p != nil {
		return p, nil
	}
	return s.check(folder, nil), nil
}

// check types a package as well as it can.
func (s *sources) check(folder string, info *types.Info) *types.Package {
	cfg := types.Config{
		Importer:         s,
		IgnoreFuncBodies: info == nil,
		Error:            func(error) {}, // of what is imported from elsewhere
	}
	p, _ := cfg.Check(Module+"/"+folder, s.fset, s.files[folder], info)
	s.checked[folder] = p
	return p
}
