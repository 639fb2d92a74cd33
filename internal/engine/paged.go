package engine

import (
	"fmt"
	"iter"
	"reflect"

	"github.com/millrace/millrace/model"
)

// A Backing is where the cells are that are not in memory.
type Backing interface {
	// Get appends to dst the value of key; found is false if there is none.
	Get(key, dst []byte) (value []byte, found bool, err error)
	// Scan iterates over the entries with keys from start up to end, in order. The bytes
	// are valid until the next step. The function tells why it ended early.
	Scan(start, end []byte) (iter.Seq2[[]byte, []byte], func() error)
	// Write makes changes, so that Get and Scan see them. They belong to the next
	// checkpoint.
	Write(c *Changes) error
}

// Paging has a [Durable] keep only some of the cells by key in memory, and read the
// others when they are asked for. Those by window stay in memory.
type Paging struct {
	Backing Backing
	// Bytes is about what the entries may take in memory, with what Go's collector
	// needs on top.
	Bytes int64

	// Evicted and Loaded count entries, and Resident is about what those in memory take.
	Evicted, Loaded, Resident int64
}

// Page has d page the cells that are opened from now on.
func (d *Durable) Page(p *Paging) { d.paging = p }

// Settle says that the checkpoint that was frozen last has been committed: until then,
// nothing is evicted, as what is written would be in it, and what has been saved for
// it cannot be read. One that fails is not followed by Settle: what it has is in the next.
func (d *Durable) Settle() {
	d.unsettled = false
	for _, c := range d.cells {
		if p, ok := c.(pageable); ok {
			p.settle()
		}
	}
}

// Crowded reports whether the cells have outgrown their room by half: the task should
// be given nothing more to do until Settle.
func (d *Durable) Crowded() bool {
	return d.paging != nil && d.unsettled && d.paging.Resident > d.paging.Bytes+d.paging.Bytes/2
}

// pageable is cells that page.
type pageable interface {
	// begin says that there may be entries that are not in memory.
	begin() error
	settle()
}

// dueTimes says for what and when a key is looked at, though nothing comes for it:
// by event time, by processing time, and the least that it holds the watermark at.
// What there is none of is never.
type dueTimes [3]model.Timestamp

const held = 2

var notDue = dueTimes{never, never, never}

// A pager is the operator whose keys are paged. It keeps queues of what is due, in
// which there are only keys that are in memory; the others are in the index.
type pager[K comparable, S any] interface {
	// dueAt says when s is due. It must be the same after s was saved and read.
	dueAt(s *S) dueTimes
	// pageIn queues what has been read, pageOut forgets what goes.
	pageIn(hash uint64, k K, s *S)
	pageOut(s *S)
	// pagedOut lets the queues forget keys that are not in memory.
	pagedOut(resident func(hash uint64, k K) bool)
}

// pagedKeys are Cells of which only some are in memory. An entry is evicted when it
// has not been asked for since the hand came by last.
//
// The invariants: an entry that is not in memory is, as it is, in the backing, unless
// its key is in gone; and of those that are neither in memory nor gone, the index in
// the backing has exactly when they are due.
type pagedKeys[K comparable, S any] struct {
	trackedKeys[K, S]
	op      *Op
	pager   pager[K, S]
	used    []bool     // by entry, since the hand came by
	indexed []dueTimes // by entry, what the index has
	hand    int
	stored  bool // some entries may not be in memory
	// gone are those that were deleted, in the present interval, and before in those that
	// are not in a checkpoint yet: the last of these is the frozen one.
	gone     [2]Table[K, struct{}]
	missed   K    // is certainly not in the backing
	misses   bool // missed is set
	index    [3]dueIndex[K]
	prefix   []byte  // of the index
	outdated bool    // the index, of what was saved
	all      []byte  // where recallAny goes on
	size     float64 // of an entry, encoded, on average
	plain    int     // of an entry in the table, in bytes
	calls    int     // of relieve

	key, value []byte // scratch
}

type pagedDecl[K comparable, S any] struct {
	keyDecl[K, S]
	op    *Op
	pager pager[K, S]
}

// openPaged opens cells by key that may be paged; paged is nil if they are not.
func openPaged[K comparable, S any](op *Op, cell string, encoding func() (Encoding[S], error), p pager[K, S]) (cells Cells[K, S], paged *pagedKeys[K, S]) {
	cells = op.task.cfg.Store.Open(pagedDecl[K, S]{keyDecl[K, S]{op.cellName(cell), encoding}, op, p}).(Cells[K, S])
	paged, _ = cells.(*pagedKeys[K, S])
	return cells, paged
}

func (d pagedDecl[K, S]) Durable(to *Durable) any {
	if to.paging == nil {
		return d.keyDecl.Durable(to)
	}
	cell := new(trackedCell[K, S])
	if !cell.open(to, d.cell, d.encoding) {
		return d.InMemory()
	}
	p := &pagedKeys[K, S]{
		trackedKeys: trackedKeys[K, S]{trackedTable[K, S]{cell: cell}},
		op:          d.op, pager: d.pager, size: 64,
		plain: int(reflect.TypeFor[Entry[K, S]]().Size()),
	}
	p.onSave = p.noteSaved
	index := to.id(indexOf(d.cell))
	to.indexes = append(to.indexes, index)
	p.openIndex(index)
	p.outdated = to.outdatedIndex(d.cell)
	to.cells = append(to.cells, p)
	return Cells[K, S](p)
}

func (p *pagedKeys[K, S]) begin() error {
	p.stored = true
	if !p.outdated {
		return nil
	}
	return p.rebuildIndex()
}

// freeze keeps what was gone: if the checkpoint before has failed, the backing does not
// know of it yet.
func (p *pagedKeys[K, S]) freeze() {
	p.trackedKeys.freeze()
	if p.gone[0].Len() == 0 {
		p.gone[0], p.gone[1] = p.gone[1], p.gone[0]
		return
	}
	p.gone[1].Each(func(hash uint64, k K, _ *struct{}) bool {
		p.gone[0].Upsert(hash, k)
		return true
	})
	p.gone[1].Clear()
}

func (p *pagedKeys[K, S]) settle() {
	p.forgetAhead()
	p.gone[0].Clear()
}

// Get implements [Cells]. As it may read the entry, pointers hold until the next Get
// of another key, too.
func (p *pagedKeys[K, S]) Get(hash uint64, k K) *S {
	i := p.find(hash, k)
	if i < 0 {
		if i = p.fetch(hash, k); i < 0 {
			return nil
		}
	}
	p.used[i] = true
	p.touch(i)
	return &p.entries[i].Value
}

// resident is Get for a key that is in memory; nil otherwise.
func (p *pagedKeys[K, S]) resident(hash uint64, k K) *S {
	i := p.find(hash, k)
	if i < 0 {
		return nil
	}
	p.used[i] = true
	p.touch(i)
	return &p.entries[i].Value
}

func (p *pagedKeys[K, S]) has(hash uint64, k K) bool { return p.find(hash, k) >= 0 }

// Upsert implements [Cells].
func (p *pagedKeys[K, S]) Upsert(hash uint64, k K) (*S, bool) {
	if s := p.Get(hash, k); s != nil {
		return s, false
	}
	i, _ := p.place(hash, k)
	p.marks = append(p.marks, p.cell.epoch&^savedMark)
	p.used = append(p.used, true)
	p.indexed = append(p.indexed, notDue)
	return &p.entries[i].Value, true
}

// Delete implements [Cells].
func (p *pagedKeys[K, S]) Delete(hash uint64, k K) bool {
	i := p.find(hash, k)
	if i < 0 {
		if i = p.fetch(hash, k); i < 0 {
			return false
		}
	}
	p.saveEntry(i) // which may index it
	if p.stored && p.marks[i]&savedMark != 0 {
		p.gone[1].Upsert(hash, k)
	}
	p.unindex(i, &p.cell.next)
	p.moveLast(i)
	return p.trackedTable.Delete(hash, k)
}

// moveLast has what is kept beside the last entry take the place of i's.
func (p *pagedKeys[K, S]) moveLast(i int) {
	last := len(p.entries) - 1
	if i != last {
		p.saveEntry(last)
	}
	p.used[i], p.indexed[i] = p.used[last], p.indexed[last]
	p.used, p.indexed = p.used[:last], p.indexed[:last]
}

// isGone reports whether k, which is not in memory, was deleted, though it may be in
// the backing.
func (p *pagedKeys[K, S]) isGone(hash uint64, k K) bool {
	return p.gone[0].Len() > 0 && p.gone[0].Get(hash, k) != nil || p.gone[1].Len() > 0 && p.gone[1].Get(hash, k) != nil
}

// fetch reads k, and returns where it is; -1 if it is nowhere.
func (p *pagedKeys[K, S]) fetch(hash uint64, k K) int {
	if !p.stored || p.misses && p.missed == k || p.isGone(hash, k) || p.cell.failed != nil {
		return -1
	}
	var err error
	p.key = p.cell.group(p.key[:0], model.Window{}, KeyGroup(hash, p.cell.groups))
	found := false
	if p.key, err = p.cell.codec.Keys.Append(p.key, &k); err == nil {
		p.value, found, err = p.cell.paging.Backing.Get(p.key, p.value[:0])
	}
	switch {
	case err != nil:
		p.cell.fail(fmt.Errorf("reading %s of key %s: %w", p.cell.name, bounded(k), err))
		return -1
	case !found:
		p.missed, p.misses = k, true
		return -1
	}
	return p.took(hash, k, p.value)
}

// took takes in an entry that was read, and returns where it is.
func (p *pagedKeys[K, S]) took(hash uint64, k K, value []byte) int {
	if err := p.add(hash, k, value); err != nil {
		p.marks = p.marks[:len(p.marks)-1]
		p.deleteAt(len(p.entries) - 1)
		p.cell.fail(err)
		return -1
	}
	i := len(p.entries) - 1
	s := &p.entries[i].Value
	p.used = append(p.used, true)
	p.indexed = append(p.indexed, p.pager.dueAt(s))
	p.measure(len(value))
	p.cell.paging.Loaded++
	p.pager.pageIn(hash, k, s)
	return i
}

// fail notes that the backing failed. The task ends before it sends anything more.
func (d *Durable) fail(err error) {
	if d.failed == nil {
		d.failed = err
	}
}

// Pages reports whether some of the cells page.
func (d *Durable) Pages() bool { return len(d.indexes) > 0 }
