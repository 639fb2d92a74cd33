package cells

import (
	"fmt"
	"iter"
	"math"
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

// Pages reports whether some of the cells page.
func (d *Durable) Pages() bool { return len(d.indexes) > 0 }

// Settle says that the checkpoint that was frozen last has been committed: until then,
// nothing is evicted, as what is written would be in it, and what has been saved for
// it cannot be read. One that fails is not followed by Settle: what it has is in the next.
func (d *Durable) Settle() {
	d.unsettled = false
	for _, c := range d.cells {
		if t, ok := c.(*Table); ok && t.paged != nil {
			t.paged.settle()
		}
	}
}

// Crowded reports whether the cells have outgrown their room by half: the task should
// be given nothing more to do until Settle.
func (d *Durable) Crowded() bool {
	return d.paging != nil && d.unsettled && d.paging.Resident > d.paging.Bytes+d.paging.Bytes/2
}

// DueTimes says for what and when a key is looked at, though nothing comes for it: by
// event time, by processing time, and the least that it holds the watermark at. What
// there is none of is [Never].
type DueTimes [3]model.Timestamp

// The things of DueTimes.
const (
	EventTime      = 0
	ProcessingTime = 1
	Held           = 2
)

// Never is past the end of time, at which something may still be due.
const Never model.Timestamp = math.MaxInt64

// NotDue are the DueTimes of a key that nothing is due of.
var NotDue = DueTimes{Never, Never, Never}

// A Pager is the operator whose keys are paged. It keeps queues of what is due, in
// which there are only keys that are in memory; the others are in the index.
type Pager interface {
	// DueAt says when an entry is due. It must be the same after it was saved and read.
	DueAt(i Entry) DueTimes
	// PageIn queues an entry that has been read, PageOut forgets one that goes.
	PageIn(i Entry)
	PageOut(i Entry)
	// PagedOut lets the queues forget the entries that there are no more.
	PagedOut()
}

// paged is how a Table has only some of its entries in memory. An entry is evicted when
// it has not been asked for since the hand came by last.
//
// The invariants: an entry that is not in memory is, as it is, in the backing, unless
// its key is in gone; and of those that are neither in memory nor gone, the index in
// the backing has exactly when they are due.
type paged struct {
	*Table
	pager   Pager
	used    []bool     // by entry, since the hand came by
	indexed []DueTimes // by entry, what the index has
	hand    int
	stored  bool // some entries may not be in memory
	// gone are the encoded keys that were deleted, in the present interval, and before in
	// those that are not in a checkpoint yet: the last of these is the frozen one.
	gone     [2]Index[string]
	index    [3]dueIndex
	prefix   []byte  // of the index
	outdated bool    // the index, of what was saved
	all      []byte  // where RecallAny goes on
	size     float64 // of an entry, encoded, on average
	plain    int     // of an entry in the table, in bytes
	calls    int     // of Relieve

	key, value []byte // scratch
}

// OpenPaged opens cells by key that may be paged. Size is about what the operator keeps
// of an entry, in bytes, beside what is encoded.
func OpenPaged(d *Durable, decl Declaration, keys Keys, values Values, pager Pager, size int) *Table {
	t := OpenTable(d, decl, keys, values)
	if t.cell == nil || d.paging == nil {
		return t
	}
	p := &paged{Table: t, pager: pager, size: 64, plain: int(reflect.TypeOf(keys.scratch()).Elem().Size()) + size}
	index := d.id(indexOf(decl.Name))
	d.indexes = append(d.indexes, index)
	p.openIndex(index)
	p.outdated = d.outdatedIndex(decl.Name)
	t.paged = p
	return t
}

// Pages reports whether some entries may not be in memory.
func (t *Table) Pages() bool { return t.paged != nil }

func (p *paged) begin() error {
	p.stored = true
	if !p.outdated {
		return nil
	}
	return p.rebuildIndex()
}

// freeze keeps what was gone: if the checkpoint before has failed, the backing does not
// know of it yet.
func (p *paged) freeze() {
	if p.gone[0].s.len() == 0 {
		p.gone[0], p.gone[1] = p.gone[1], p.gone[0]
		return
	}
	for i := range Entry(p.gone[1].s.len()) {
		p.gone[0].Place(p.gone[1].Hash(i), p.gone[1].At(i))
	}
	p.gone[1].Clear()
}

func (p *paged) settle() {
	p.forgetAhead()
	p.gone[0].Clear()
}

// room makes room for what is kept beside an entry.
func (p *paged) room(i Entry) {
	if int(i) == len(p.used) {
		p.used, p.indexed = append(p.used, true), append(p.indexed, NotDue)
		return
	}
	p.used[i], p.indexed[i] = true, NotDue
}

// noteGone notes that a key was deleted, though it may be in the backing.
func (p *paged) noteGone(hash uint64, key []byte) {
	if p.stored {
		k := string(key[len(p.cell.prefix)+groupBytes:])
		p.gone[1].Place(hash, &k)
	}
}

// isGone reports whether a key, which is not in memory, was deleted, though it may be in
// the backing.
func (p *paged) isGone(hash uint64, key []byte) bool {
	if p.gone[0].s.len()+p.gone[1].s.len() == 0 {
		return false
	}
	k := string(key)
	if _, gone := p.gone[0].Find(hash, &k); gone {
		return true
	}
	_, gone := p.gone[1].Find(hash, &k)
	return gone
}

// fetch reads a fresh entry, if there is anything of its key.
func (p *paged) fetch(i Entry) (found bool) {
	if !p.stored || p.cell.failed != nil {
		return false
	}
	p.key = p.cell.group(p.key[:0], model.Window{}, KeyGroup(p.hash(i), p.cell.groups))
	head := len(p.key)
	var err error
	if p.key, err = p.cell.keys.Append(p.key, p.Keys.Key(i)); err == nil && !p.isGone(p.hash(i), p.key[head:]) {
		p.value, found, err = p.cell.paging.Backing.Get(p.key, p.value[:0])
	}
	if err != nil {
		p.cell.fail(fmt.Errorf("reading %s of key %s: %w", p.cell.name, p.keyText(i), err))
		return false
	}
	return found && p.took(i, p.value)
}

// took takes in what was read of a fresh entry.
func (p *paged) took(i Entry, value []byte) bool {
	if err := p.read(i, value); err != nil {
		p.cell.fail(err)
		return false
	}
	p.marks[i] = savedMark
	p.saved = true
	p.indexed[i] = p.pager.DueAt(i)
	p.measure(len(value))
	p.cell.paging.Loaded++
	p.pager.PageIn(i)
	return true
}

// bring has an entry for the key in the scratch, which there is none of.
func (p *paged) bring(hash uint64) Entry {
	i, _ := p.Keys.placeScratch(hash)
	p.Values.New(i)
	p.mark(i, p.cell.epoch&^savedMark)
	return i
}
