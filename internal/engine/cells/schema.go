package cells

import (
	"slices"

	"github.com/millrace/millrace/model/coder"
	"github.com/millrace/millrace/model/state"
)

// A Schema says how the cells of a declaration are saved. Its text is kept with
// them.
type Schema struct {
	Key, Value *coder.Schema
	// Frame is what an operator keeps beside each value, or nil.
	Frame *coder.Schema
	// Said is what a grouping keeps of the panes that it may have to take back, or nil.
	Said *coder.Schema
	// Cells and Timers are those of a DoFn, in the order in which they are saved.
	Cells  []CellPart
	Timers []TimerPart
}

// A CellPart is a cell of a DoFn.
type CellPart struct {
	Name, Kind string
	Expires    bool
	Types      []state.TypeSpec
}

// A TimerPart is a timer of a DoFn.
type TimerPart struct {
	Name, Clock string
	Family      bool
}

// An Upgrade says what becomes of cells that were saved by another version of the
// pipeline.
type Upgrade struct {
	// Cell is the name of the declaration.
	Cell string
	// Fresh says that none were saved.
	Fresh bool
	// Changes are the fields that are read otherwise than they were saved, a line
	// each.
	Changes []string
	// Added and Dropped are cells and timers of a DoFn; what is in those that are
	// dropped is lost.
	Added, Dropped []string
	// Refused is why the cells cannot be read at all.
	Refused error
}

// Note adds a line to one of the lists, once.
func (u *Upgrade) Note(list *[]string, line string) {
	if !slices.Contains(*list, line) {
		*list = append(*list, line)
	}
}
