package engine

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/millrace/millrace/model"
)

// Task cells are WindowCells of what a task has for itself, whatever the keys: one S per
// window, under the first of the task's key groups ([ownHash]).
//
// Other tasks, more or fewer, may go on from them. A task reads what is in its key
// groups or, of cells that all tasks have alike, what is in any, and what is there of a
// window several times is merged. With the next checkpoint it saves that under its own
// group, and lets go of what was under others of its groups.
type taskDecl[S any] struct {
	windowDecl[struct{}, S]
	hash  uint64
	alike bool
	merge func(into, from *S)
}

// openTaskCells opens task cells. Alike says that all tasks have the same in them; merge
// brings what several of those before had of a window together, if they had not.
func openTaskCells[S any](op *Op, cell string, alike bool, merge func(into, from *S), encoding func() (Encoding[S], error)) WindowCells[struct{}, S] {
	d := taskDecl[S]{windowDecl[struct{}, S]{op.cellName(cell), encoding}, ownHash(op), alike, merge}
	return op.task.cfg.Store.Open(d).(WindowCells[struct{}, S])
}

func (d taskDecl[S]) Durable(to *Durable) any {
	t := &trackedTask[S]{decl: d}
	t.tables = map[model.Window]*trackedTable[struct{}, S]{}
	if to.lo >= to.hi && to.err == nil {
		to.err = fmt.Errorf("%s cannot be saved: there are more tasks than the %d key groups; run with a lower parallelism", d.cell, to.groups)
	}
	if !t.cell.open(to, d.cell, d.encoding) {
		return d.InMemory()
	}
	t.cell.windowed = true
	to.cells = append(to.cells, t)
	return WindowCells[struct{}, S](t)
}

// trackedTask are task cells that can be saved.
type trackedTask[S any] struct {
	trackedWindows[struct{}, S]
	decl taskDecl[S]
}

func (t *trackedTask[S]) load(key, value []byte) error {
	if len(key) < 18 {
		return fmt.Errorf("reading a key of %s: it has %d bytes", t.cell.name, len(key))
	}
	d := t.cell.Durable
	w := model.Window{End: unordered(key), Start: unordered(key[8:])}
	group := int(binary.BigEndian.Uint16(key[16:]))
	own := group >= d.lo && group < d.hi
	if !own && !t.decl.alike {
		return nil
	}
	var s S
	rest, err := t.cell.codec.Values.Decode(value, &s)
	if err == nil && len(rest) > 0 {
		err = errors.New("bytes are left over")
	}
	if err != nil {
		return fmt.Errorf("reading %s: %w", t.cell.name, err)
	}
	c, ok := t.tables[w]
	if !ok {
		c = t.make(w)
	}
	c.saved = true
	if into, fresh := c.Upsert(t.decl.hash, struct{}{}); fresh {
		*into = s
	} else {
		t.decl.merge(into, &s)
	}
	if own && group != KeyGroup(t.decl.hash, d.groups) {
		n := &d.next
		start := len(n.bytes)
		n.bytes = t.cell.group(n.bytes, w, group)
		mid := len(n.bytes)
		n.bytes = t.cell.group(n.bytes, w, group+1)
		n.drops = append(n.drops, keyRange{span{start, mid}, span{mid, len(n.bytes)}})
	}
	return nil
}

// windowsOf calls visit with the windows of task cells that can be saved.
func windowsOf[S any](cells WindowCells[struct{}, S], visit func(w model.Window)) {
	if t, ok := cells.(*trackedTask[S]); ok {
		for _, c := range t.open {
			visit(c.window)
		}
	}
}

// peek is Get for who will not change what it gets, so that it need not be saved again.
func peek[K comparable, S any](cells Cells[K, S], hash uint64, k K) *S {
	if t, ok := cells.(*trackedTable[K, S]); ok {
		return t.Table.Get(hash, k)
	}
	return cells.Get(hash, k)
}
