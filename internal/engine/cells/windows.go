package cells

import (
	"fmt"

	"github.com/millrace/millrace/model"
)

// Windows are the cells of a declaration window by window: for operators whose windows
// are the same for every key.
type Windows struct {
	make   func() (Keys, Values)
	cell   *cell // nil: they live in memory only
	tables map[model.Window]*Table
	free   []*Table // in memory, to be used again

	// Those that can be saved are linked in the order of opening; at is where saving is.
	oldest, newest, at *Table
}

// freeTables bounds the tables kept for reuse.
const freeTables = 64

// OpenWindows opens cells by window. Make makes the index and the values of a window.
func OpenWindows(d *Durable, decl Declaration, make func() (Keys, Values)) *Windows {
	ws := &Windows{make: make, tables: map[model.Window]*Table{}}
	if d == nil {
		return ws
	}
	keys, _ := make()
	if ws.cell = d.open(decl, keyType(keys)); ws.cell != nil {
		ws.cell.windowed = true
		d.cells = append(d.cells, ws)
	}
	return ws
}

// Window returns the cells of w, which it opens if there are none.
func (ws *Windows) Window(w model.Window) (t *Table, fresh bool) {
	if t, ok := ws.tables[w]; ok {
		return t, false
	}
	return ws.open(w), true
}

func (ws *Windows) open(w model.Window) *Table {
	var t *Table
	if n := len(ws.free); n > 0 {
		t, ws.free = ws.free[n-1], ws.free[:n-1]
	} else {
		t = &Table{cell: ws.cell}
		t.Keys, t.Values = ws.make()
	}
	t.window = w
	ws.tables[w] = t
	if ws.cell != nil {
		ws.link(t)
	}
	return t
}

func (ws *Windows) link(t *Table) {
	t.older = ws.newest
	if t.older == nil {
		ws.oldest = t
	} else {
		t.older.newer = t
	}
	ws.newest = t
}

func (ws *Windows) unlink(t *Table) {
	if ws.at == t {
		ws.at = t.newer
	}
	if t.older == nil {
		ws.oldest = t.newer
	} else {
		t.older.newer = t.newer
	}
	if t.newer == nil {
		ws.newest = t.older
	} else {
		t.newer.older = t.older
	}
	t.older, t.newer = nil, nil
}

// Lookup returns the cells of w, or nil.
func (ws *Windows) Lookup(w model.Window) *Table { return ws.tables[w] }

// Len is the number of open windows.
func (ws *Windows) Len() int { return len(ws.tables) }

// EachSaved visits the windows of cells that can be saved, in the order of opening.
func (ws *Windows) EachSaved(visit func(w model.Window)) {
	for t := ws.oldest; t != nil; t = t.newer {
		visit(t.window)
	}
}

// Drop lets go of the cells of w. What is frozen of them is saved first: their
// values may live on in other cells, and change there.
func (ws *Windows) Drop(w model.Window) {
	t, ok := ws.tables[w]
	if !ok {
		return
	}
	delete(ws.tables, w)
	if ws.cell == nil {
		if len(ws.free) < freeTables {
			t.Clear()
			ws.free = append(ws.free, t)
		}
		return
	}
	ws.unlink(t)
	d := ws.cell.Durable
	if d.frozen != 0 {
		t.save(maxBudget)
	}
	switch {
	case !t.saved:
	case t.Len() <= fewEntries:
		t.dropEach()
	default:
		d.next.drop(func(dst []byte, group int) []byte { return ws.cell.group(dst, w, group) }, d.lo, d.hi)
	}
}

// fewEntries is up to how many saved entries of a window go one by one. A range that goes
// costs the store more than some keys do, and each reader that passes it.
const fewEntries = 16

// dropEach has each entry go that may be saved.
func (t *Table) dropEach() {
	next := &t.cell.next
	t.Each(func(i Entry) bool {
		if t.marks[i]&savedMark == 0 {
			return true
		}
		s, err := t.cell.key(next, t.window, t.Keys, i)
		if err != nil {
			t.cell.unsaved(fmt.Errorf("letting go of %s of key %s: %w", t.cell.name, t.keyText(i), err))
		}
		next.gone = append(next.gone, s)
		return true
	})
}

// Clear empties a table that lives in memory only.
func (t *Table) Clear() { t.Values.Clear(t.Keys.Clear()) }

func (ws *Windows) freeze() {
	ws.at = ws.oldest
	for t := ws.oldest; t != nil; t = t.newer {
		t.at = 0
	}
}

func (ws *Windows) save(budget int) (spent int) {
	for ws.at != nil && spent < budget {
		t := ws.at
		if spent += t.save(budget - spent); t.at >= len(t.marks) {
			ws.at = t.newer
			spent++ // an empty one costs, too
		}
	}
	return spent
}

func (ws *Windows) load(key, value []byte) error {
	if len(key) < windowBytes {
		return fmt.Errorf("reading a key of %s: it has %d bytes", ws.cell.name, len(key))
	}
	if own, err := ws.cell.owns(key[windowBytes:]); err != nil || !own {
		return err
	}
	t, _ := ws.Window(savedWindow(key))
	return t.load(key[windowBytes:], value)
}

// windowBytes is what a window takes in a key.
const windowBytes = 16

// savedWindow is the window that a key begins with.
func savedWindow(key []byte) model.Window {
	return model.Window{End: unordered(key), Start: unordered(key[8:])}
}
