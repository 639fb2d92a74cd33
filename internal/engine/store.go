package engine

import "github.com/millrace/millrace/model"

// A Store keeps the state of one task. Operators ask it for the typed cells that
// they need, each under a name; who keeps them, in memory or over a disk, is the
// runner's choice. Cells are addressed by (stage, key group, key, window, cell); the key
// group follows from the key's hash, so that it is not spelled out.
type Store interface {
	// Open returns the cells that d declares: the type that d's own methods give.
	Open(d Declaration) any
}

// A Declaration says which cells an operator needs, and how to make them.
type Declaration interface {
	// Cell is the name of the cells, unique in the pipeline: that of the transform whose
	// they are, and theirs.
	Cell() string
	// InMemory makes cells that live in memory only.
	InMemory() any
	// Durable makes cells that d can save.
	Durable(d *Durable) any
}

// Memory is the Store that keeps everything in memory.
type Memory struct{}

// Open implements [Store].
func (Memory) Open(d Declaration) any { return d.InMemory() }

// WindowCells keep one S per window and key, window by window: for operators
// whose windows are the same for every key.
type WindowCells[K comparable, S any] interface {
	// Window returns the cells of w, which it opens if there are none.
	Window(w model.Window) (cells Cells[K, S], fresh bool)
	// Lookup returns the cells of w, or nil.
	Lookup(w model.Window) Cells[K, S]
	// Drop lets go of the cells of w.
	Drop(w model.Window)
	// Len is the number of open windows.
	Len() int
}

// Cells keep one S per key. Pointers hold until the next Upsert or Delete.
type Cells[K comparable, S any] interface {
	Get(hash uint64, k K) *S
	Upsert(hash uint64, k K) (s *S, fresh bool)
	Delete(hash uint64, k K) bool
	// Each visits the cells in a definite order until visit returns false. Visit may
	// change cells, but neither add nor delete any.
	Each(visit func(hash uint64, k K, s *S) bool)
	Len() int
}

// OpenWindowCells opens cells by window. A store that saves them uses encoding; the
// error is why there is none.
func OpenWindowCells[K comparable, S any](op *Op, cell string, encoding func() (Encoding[S], error)) WindowCells[K, S] {
	return op.task.cfg.Store.Open(windowDecl[K, S]{op.cellName(cell), encoding}).(WindowCells[K, S])
}

// OpenCells opens cells by key, as [OpenWindowCells] does by window.
func OpenCells[K comparable, S any](op *Op, cell string, encoding func() (Encoding[S], error)) Cells[K, S] {
	return op.task.cfg.Store.Open(keyDecl[K, S]{op.cellName(cell), encoding}).(Cells[K, S])
}

// cellName is the name of cells of the op's transform. It does not depend on the stage
// that the transform is fused into, unless it is fused into several.
func (o *Op) cellName(cell string) string {
	name := o.Node.Name + "/" + cell
	if s := o.task.cfg.Stage; o.Node.Class == model.Fused && s.Copies[o.Node].Of > 1 {
		name += " behind " + s.Head.Name
	}
	return name
}

type windowDecl[K comparable, S any] struct {
	cell     string
	encoding func() (Encoding[S], error)
}

func (d windowDecl[K, S]) Cell() string { return d.cell }

func (d windowDecl[K, S]) InMemory() any {
	return WindowCells[K, S](&windowTables[K, S]{tables: map[model.Window]*Table[K, S]{}})
}

func (d windowDecl[K, S]) Durable(to *Durable) any {
	t := &trackedWindows[K, S]{tables: map[model.Window]*trackedTable[K, S]{}}
	if !t.cell.open(to, d.cell, d.encoding) {
		return d.InMemory()
	}
	t.cell.windowed = true
	to.cells = append(to.cells, t)
	return WindowCells[K, S](t)
}

type keyDecl[K comparable, S any] struct {
	cell     string
	encoding func() (Encoding[S], error)
}

func (d keyDecl[K, S]) Durable(to *Durable) any {
	cell := new(trackedCell[K, S])
	if !cell.open(to, d.cell, d.encoding) {
		return d.InMemory()
	}
	t := &trackedKeys[K, S]{trackedTable[K, S]{cell: cell}}
	to.cells = append(to.cells, t)
	return Cells[K, S](t)
}

func (d keyDecl[K, S]) Cell() string  { return d.cell }
func (d keyDecl[K, S]) InMemory() any { return Cells[K, S](&Table[K, S]{}) }

// windowTables is WindowCells in memory: a Table for each window, reused.
type windowTables[K comparable, S any] struct {
	tables map[model.Window]*Table[K, S]
	free   []*Table[K, S]
}

const freeTables = 64

func (t *windowTables[K, S]) Window(w model.Window) (Cells[K, S], bool) {
	if c, ok := t.tables[w]; ok {
		return c, false
	}
	var c *Table[K, S]
	if n := len(t.free); n > 0 {
		c, t.free = t.free[n-1], t.free[:n-1]
	} else {
		c = &Table[K, S]{}
	}
	t.tables[w] = c
	return c, true
}

func (t *windowTables[K, S]) Lookup(w model.Window) Cells[K, S] {
	if c, ok := t.tables[w]; ok {
		return c
	}
	return nil
}

func (t *windowTables[K, S]) Drop(w model.Window) {
	c, ok := t.tables[w]
	if !ok {
		return
	}
	delete(t.tables, w)
	if len(t.free) < freeTables {
		c.Clear()
		t.free = append(t.free, c)
	}
}

func (t *windowTables[K, S]) Len() int { return len(t.tables) }

// Each implements [Cells].
func (t *Table[K, V]) Each(visit func(hash uint64, k K, v *V) bool) {
	for i := range t.entries {
		e := &t.entries[i]
		if !visit(e.Hash, e.Key, &e.Value) {
			return
		}
	}
}
