package cells

import (
	"encoding/binary"
	"iter"
)

// A Durable keeps the cells of a task whose state outlives it. Cells live in memory
// as they do without it, but for those that page ([Paging]); besides, it knows which
// of them changed since the last checkpoint, and writes those out.
//
// Freeze fixes what a checkpoint holds. Save then writes it out a part at a time
// while the task goes on: whoever changes a cell that is still to be saved saves
// it first. So the pause is that of Freeze, whatever the size of the state.
//
// It belongs to its task, and is used by one goroutine at a time.
type Durable struct {
	id     func(cell string) uint32
	groups int
	lo, hi int // the key groups of the task

	epoch    mark // the present interval between two checkpoints, with savedMark
	frozen   mark // the one that is being saved; 0 is none
	cells    []durableCells
	ids      []uint32   // of cells
	schemas  [][]string // of cells, oldest first
	stored   func(cell string) []string
	upgrades []Upgrade
	at       int     // of cells, where Save is
	saving   Changes // of the frozen interval
	next     Changes // of the present one: what was let go
	err      error

	paging    *Paging  // nil: all cells are in memory
	unsettled bool     // the checkpoint that was frozen last may not be committed yet
	failed    error    // of the backing
	indexes   []uint32 // ids
}

// A mark says of an entry in which interval it last changed, 0 if not since it
// was saved, and whether what is saved has its key.
type mark uint32

const savedMark mark = 1 << 31

// durableCells is one declaration's cells, of whatever type.
type durableCells interface {
	// save writes out frozen entries, about budget of them, and returns how many it
	// wrote; fewer than budget says that none are left.
	save(budget int) int
	load(key, value []byte) error
	freeze()
}

// NewDurable makes the store of task index of n. The id of a cell is part of each
// of its keys; it must be the same whenever the state is read again.
func NewDurable(id func(cell string) uint32, groups, index, n int) *Durable {
	d := &Durable{id: id, groups: groups, epoch: 1 | savedMark}
	d.lo, d.hi = OwnedGroups(groups, index, n)
	return d
}

// Err is why some of the cells cannot be saved, or could not.
func (d *Durable) Err() error { return d.err }

// Failure is why cells could not be read or written between two checkpoints. The task
// must end before it sends anything more.
func (d *Durable) Failure() error { return d.failed }

// fail notes that the backing failed.
func (d *Durable) fail(err error) {
	if d.failed == nil {
		d.failed = err
	}
}

// unsaved notes that a cell cannot be saved.
func (d *Durable) unsaved(err error) {
	if err != nil && d.err == nil {
		d.err = err
	}
}

// Upgrade has the cells that are opened from now on read what was saved by other
// versions of the pipeline: stored are the schemas that a cell had, oldest first, as
// Schemas gave them.
func (d *Durable) Upgrade(stored func(cell string) (schemas []string)) { d.stored = stored }

// Upgrades says of each declaration of cells what becomes of what was saved. Refused
// ones cannot be loaded.
func (d *Durable) Upgrades() []Upgrade { return d.upgrades }

// Schemas calls visit with the id of each declaration of cells, and the schemas with
// which they may be saved, oldest first; and with those of indexes ([IndexOf]).
func (d *Durable) Schemas(visit func(id uint32, schemas []string)) {
	for i, id := range d.ids {
		visit(id, d.schemas[i])
	}
	for _, id := range d.indexes {
		visit(id, []string{indexSchema})
	}
}

// Freeze fixes what the checkpoint holds: the cells as they are now.
func (d *Durable) Freeze() {
	if d.frozen != 0 {
		d.Save(maxBudget)
	}
	d.frozen = d.epoch &^ savedMark
	d.epoch = (d.frozen + 1) | savedMark
	d.saving, d.next = d.next, Changes{}
	d.at, d.unsettled = 0, true
	for _, c := range d.cells {
		c.freeze()
	}
}

const maxBudget = 1 << 62

// Save writes out about budget cells of the frozen state, and reports whether
// that was all. Then Changes has them.
func (d *Durable) Save(budget int) (done bool, err error) {
	for d.at < len(d.cells) && budget > 0 {
		budget -= d.cells[d.at].save(budget)
		if budget > 0 {
			d.at++
		}
	}
	if d.at < len(d.cells) && d.err == nil {
		return false, nil
	}
	d.frozen = 0
	return true, d.err
}

// Changes hands over what the last checkpoint changed, once Save is done.
func (d *Durable) Changes() Changes {
	c := d.saving
	d.saving = Changes{}
	return c
}

// Load reads the cells of the task's key groups out of saved state: scan calls
// visit with the entries whose keys are from start up to end, in order. Those that
// page are read when they are asked for.
func (d *Durable) Load(scan func(start, end []byte) iter.Seq2[[]byte, []byte]) error {
	for i, c := range d.cells {
		if t, ok := c.(*Table); ok && t.paged != nil {
			if err := t.paged.begin(); err != nil {
				return err
			}
			continue
		}
		start := binary.BigEndian.AppendUint32(nil, d.ids[i])
		end := binary.BigEndian.AppendUint32(nil, d.ids[i]+1)
		for key, value := range scan(start, end) {
			if err := c.load(key[4:], value); err != nil {
				return err
			}
		}
	}
	return nil
}
