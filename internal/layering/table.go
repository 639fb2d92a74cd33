package layering

import "strings"

// Module is the path of the module that the table is of.
const Module = "github.com/millrace/millrace"

// A Row is a layer: packages that may import those of the rows above, but not
// each other.
type Row struct {
	// Packages are folders; one that ends in "/..." stands for all below it, too.
	Packages []string
	// Only, if not nil, are the rows above that may be imported, by a package of each.
	Only []string
	// Except are rows above that may not be imported.
	Except []string
	// Together lets packages of the row import each other.
	Together bool
}

// Table is the module from the bottom up. Verbs are above the engine: they make
// instances of its generic operators, which Go allows only where the types are
// known.
var Table = []Row{
	{Packages: []string{"model"}},
	{Packages: []string{"model/coder"}, Only: []string{}}, // knows nothing of graphs
	{Packages: []string{"model/state"}},
	{Packages: []string{"model/source", "model/sink"}, Only: []string{"model"}},
	{Packages: []string{"windowing", "triggers"}, Only: []string{"model"}},
	{Packages: []string{"internal/plan"}, Only: []string{"model"}},                   // knows nothing of execution
	{Packages: []string{"internal/engine/cells"}, Except: []string{"internal/plan"}}, // knows nothing of operators
	{Packages: []string{"internal/engine/cells/cellstest"}, Only: []string{"internal/engine/cells"}},
	{Packages: []string{"internal/engine"}},
	{Packages: []string{"transforms"}},
	{Packages: []string{"internal/checkpoint"}, Only: []string{"model", "model/source", "model/sink"}}, // knows nothing of the engine
	{Packages: []string{"objectstore"}, Only: []string{}},                                              // of stores, not what is kept there
	{Packages: []string{"objectstore/blobs"}, Only: []string{"objectstore"}},                           // which is all that most programs do without
	{Packages: []string{"internal/shipping"}, Only: []string{"internal/checkpoint", "objectstore"}},    // of files, not what is in them
	{Packages: []string{"internal/drive"}, Only: []string{}},                                           // of whoever drives, not what is driven
	{Packages: []string{"internal/control"}, Only: []string{}},
	{Packages: []string{"internal/fnapi"}, Only: []string{}}, // a protocol, and nothing of what it carries
	{Packages: []string{"runners/..."}},
	{Packages: []string{"io/compression"}, Only: []string{}},
	{Packages: []string{"io/internal/..."}, Except: []string{"runners/..."}, Together: true},
	{Packages: []string{"io/..."}, Except: []string{"runners/..."}},
	// What results are held against shares no code with what makes them.
	{Packages: []string{"testing/nexmark"}, Only: []string{}},
	{Packages: []string{"testing/nexmark/loop", "testing/nexmark/oracle"}, Only: []string{"testing/nexmark"}},
	{Packages: []string{"testing/fnengine"}, Only: []string{}},
	{Packages: []string{"testing/reference"}, Only: []string{"model", "windowing"}},
	{Packages: []string{"testing/..."}, Together: true},
	{Packages: []string{"."}}, // package millrace
	{Packages: []string{"cmd/...", "examples/..."}, Together: true},
	{Packages: []string{"internal/layering"}, Only: []string{}},
}

// rowOf is the row of the package in folder, or -1: the one that names it most
// exactly.
func rowOf(table []Row, folder string) int {
	best, row := -1, -1
	for i, r := range table {
		for _, p := range r.Packages {
			prefix, tree := strings.CutSuffix(p, "/...")
			if folder != prefix && !(tree && strings.HasPrefix(folder, prefix+"/")) {
				continue
			}
			exact := 2 * len(prefix)
			if !tree {
				exact++
			}
			if exact > best {
				best, row = exact, i
			}
		}
	}
	return row
}

// may reports whether a package of row from may import one of row to.
func may(table []Row, from, to int) bool {
	r := table[from]
	listed := func(packages []string) bool {
		for _, p := range packages {
			if rowOf(table, strings.TrimSuffix(p, "/...")) == to {
				return true
			}
		}
		return false
	}
	switch {
	case from == to:
		return r.Together
	case to > from:
		return false
	case r.Only != nil:
		return listed(r.Only)
	}
	return !listed(r.Except)
}
