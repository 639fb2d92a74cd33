package cells

import (
	"encoding/binary"
	"fmt"
	"reflect"

	"github.com/millrace/millrace/model"
)

// TaskCells are what a task has for itself, whatever the keys: a value for each window,
// under a key group that the task owns.
//
// Other tasks, more or fewer, may go on from them. A task reads what is in its key
// groups or, of cells that all tasks have alike, what is in any, and what is there of a
// window several times is merged. With the next checkpoint it saves that under its own
// group, and lets go of what was under others of its groups.
type TaskCells struct {
	kind TaskKind
	cell *cell // nil: they live in memory only
	open map[model.Window]*TaskCell
	// Those that can be saved are linked in the order of opening; at is where saving is.
	oldest, newest, at *TaskCell
}

// A TaskKind is what task cells are.
type TaskKind struct {
	// New makes a value: a pointer.
	New func() any
	// Alike says that all tasks have the same in them. Merge brings what several of those
	// before had of a window together, if they had not.
	Alike bool
	Merge func(into, from any)
	// Hash is in the key group of the task, and Groups are how many there are.
	Hash   uint64
	Groups int
}

// A TaskCell is the value of a window.
type TaskCell struct {
	V any // a pointer

	window model.Window
	mark   mark
	saved  bool

	older, newer *TaskCell
}

// New implements [Values], as do the next two: of the only entry.
func (*TaskCell) New(Entry) {}

// Free implements [Values].
func (*TaskCell) Free(Entry) {}

// Clear implements [Values].
func (*TaskCell) Clear(bool) {}

// Value implements what [Plain] needs.
func (c *TaskCell) Value(Entry) any { return c.V }

// OpenTaskCells opens task cells.
func OpenTaskCells(d *Durable, decl Declaration, kind TaskKind) *TaskCells {
	t := &TaskCells{kind: kind, open: map[model.Window]*TaskCell{}}
	if d == nil {
		return t
	}
	if d.lo >= d.hi {
		d.unsaved(fmt.Errorf("%s cannot be saved: there are more tasks than the %d key groups; run with a lower parallelism", decl.Name, d.groups))
	}
	if t.cell = d.open(decl, reflect.TypeFor[struct{}]()); t.cell != nil {
		t.cell.windowed = true
		d.cells = append(d.cells, t)
	}
	return t
}

// Window is the cell of w, which is about to change. It is opened if there is none.
func (t *TaskCells) Window(w model.Window) (c *TaskCell, fresh bool) {
	if c, ok := t.open[w]; ok {
		t.touch(c)
		return c, false
	}
	return t.make(w), true
}

func (t *TaskCells) make(w model.Window) *TaskCell {
	c := &TaskCell{V: t.kind.New(), window: w}
	t.open[w] = c
	if t.cell != nil {
		c.mark = t.cell.epoch &^ savedMark
		t.link(c)
	}
	return c
}

func (t *TaskCells) link(c *TaskCell) {
	c.older = t.newest
	if c.older == nil {
		t.oldest = c
	} else {
		c.older.newer = c
	}
	t.newest = c
}

func (t *TaskCells) unlink(c *TaskCell) {
	if t.at == c {
		t.at = c.newer
	}
	if c.older == nil {
		t.oldest = c.newer
	} else {
		c.older.newer = c.newer
	}
	if c.newer == nil {
		t.newest = c.older
	} else {
		c.newer.older = c.older
	}
	c.older, c.newer = nil, nil
}

// Lookup is the cell of w, for a look; or nil.
func (t *TaskCells) Lookup(w model.Window) *TaskCell { return t.open[w] }

func (t *TaskCells) touch(c *TaskCell) {
	if t.cell != nil && c.mark|savedMark != t.cell.epoch {
		t.saveCell(c)
		c.mark = t.cell.epoch &^ savedMark
	}
}

// Len is the number of open windows.
func (t *TaskCells) Len() int { return len(t.open) }

// EachSaved visits the windows of cells that can be saved, in the order of opening.
func (t *TaskCells) EachSaved(visit func(w model.Window)) {
	for c := t.oldest; c != nil; c = c.newer {
		visit(c.window)
	}
}

// Drop lets go of the cell of w.
func (t *TaskCells) Drop(w model.Window) {
	c, ok := t.open[w]
	if !ok {
		return
	}
	delete(t.open, w)
	if t.cell == nil {
		return
	}
	t.saveCell(c)
	t.unlink(c)
	if c.saved {
		d := t.cell.Durable
		t.dropGroups(w, d.lo, d.hi)
	}
}

func (t *TaskCells) dropGroups(w model.Window, lo, hi int) {
	t.cell.next.drop(func(dst []byte, group int) []byte { return t.cell.group(dst, w, group) }, lo, hi)
}

// saveCell writes a cell out if it is frozen and not saved yet.
func (t *TaskCells) saveCell(c *TaskCell) {
	d := t.cell.Durable
	if c.mark == 0 || d.frozen == 0 || c.mark > d.frozen {
		return
	}
	to := &d.saving
	start := len(to.bytes)
	to.bytes = t.cell.group(to.bytes, c.window, KeyGroup(t.kind.Hash, t.kind.Groups))
	key := span{start, len(to.bytes)} // the key is empty
	err := to.put(key, func(dst []byte) ([]byte, error) { return t.cell.form.Append(dst, c, 0) })
	if err != nil {
		d.unsaved(fmt.Errorf("saving %s: %w", t.cell.name, err))
	}
	c.mark, c.saved = 0, true
}

func (t *TaskCells) freeze() { t.at = t.oldest }

func (t *TaskCells) save(budget int) (spent int) {
	for ; t.at != nil && spent < budget; t.at = t.at.newer {
		t.saveCell(t.at)
		spent++
	}
	return spent
}

func (t *TaskCells) load(key, value []byte) error {
	if len(key) < windowBytes+groupBytes {
		return fmt.Errorf("reading a key of %s: it has %d bytes", t.cell.name, len(key))
	}
	w, group := savedWindow(key), int(binary.BigEndian.Uint16(key[windowBytes:]))
	own := group >= t.cell.lo && group < t.cell.hi
	if !own && !t.kind.Alike {
		return nil
	}
	read := &TaskCell{V: t.kind.New()}
	if err := whole(t.cell.form.Decode(value, read, 0)); err != nil {
		return fmt.Errorf("reading %s: %w", t.cell.name, err)
	}
	c, fresh := t.Window(w)
	c.saved = true
	if fresh {
		c.V = read.V
	} else {
		t.kind.Merge(c.V, read.V)
	}
	if own && group != KeyGroup(t.kind.Hash, t.kind.Groups) {
		t.dropGroups(w, group, group+1)
	}
	return nil
}
