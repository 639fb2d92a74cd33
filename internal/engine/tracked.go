package engine

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/coder"
)

// A Codec says how the keys and values of cells are saved.
type Codec[K comparable, S any] struct {
	Keys   Encoding[K]
	Values Encoding[S]
}

// An Encoding turns values into bytes and back. A [coder.Coder] is one.
type Encoding[S any] interface {
	Append(dst []byte, s *S) ([]byte, error)
	Decode(src []byte, s *S) (rest []byte, err error)
}

// trackedTable is Cells that know which of them changed.
type trackedTable[K comparable, S any] struct {
	Table[K, S]
	cell   *trackedCell[K, S]
	marks  []mark // by entry
	window model.Window
	at     int // up to where what is frozen has been saved
	// onSave is told of what has just been saved; nil is nobody.
	onSave func(i int, c *Changes)
	saved  bool // something of it may be
}

// trackedCell is what the tables of a declaration have in common.
type trackedCell[K comparable, S any] struct {
	*Durable
	prefix   []byte
	name     string
	windowed bool
	codec    Codec[K, S]
	hash     func(*K) uint64
}

// open makes the cell part of d, unless it cannot be saved.
func (c *trackedCell[K, S]) open(d *Durable, name string, encoding func() (Encoding[S], error)) bool {
	keys, err := coder.ForKey[K]()
	var values Encoding[S]
	if err == nil {
		values, err = encoding()
	}
	if err != nil {
		if d.err == nil {
			d.err = fmt.Errorf("%s cannot be saved: %w", name, err)
		}
		return false
	}
	id := d.id(name)
	d.ids = append(d.ids, id)
	values = upgraded(d, name, keys.Schema(), values)
	*c = trackedCell[K, S]{
		Durable: d, name: name, prefix: binary.BigEndian.AppendUint32(nil, id),
		codec: Codec[K, S]{keys, values}, hash: keys.Hash,
	}
	return true
}

func (t *trackedTable[K, S]) Get(hash uint64, k K) *S {
	i := t.find(hash, k)
	if i < 0 {
		return nil
	}
	t.touch(i)
	return &t.entries[i].Value
}

func (t *trackedTable[K, S]) Upsert(hash uint64, k K) (*S, bool) {
	i, fresh := t.place(hash, k)
	if fresh {
		t.marks = append(t.marks, t.cell.epoch&^savedMark)
	} else {
		t.touch(i)
	}
	return &t.entries[i].Value, fresh
}

// touch marks entry i as about to change.
func (t *trackedTable[K, S]) touch(i int) {
	if m := t.marks[i]; m|savedMark != t.cell.epoch {
		t.saveEntry(i)
		t.marks[i] = t.cell.epoch&^savedMark | t.marks[i]&savedMark
	}
}

// saveEntry writes entry i out if it is frozen and not saved yet.
func (t *trackedTable[K, S]) saveEntry(i int) {
	m := t.marks[i] &^ savedMark
	if m == 0 || t.cell.frozen == 0 || m > t.cell.frozen {
		return
	}
	e := &t.entries[i]
	c := &t.cell.saving
	key, err := t.cell.key(c, t.window, e.Hash, &e.Key)
	if err == nil {
		start := len(c.bytes)
		c.bytes, err = t.cell.codec.Values.Append(c.bytes, &e.Value)
		c.puts = append(c.puts, putSpan{key, span{start, len(c.bytes)}})
	}
	if err != nil && t.cell.err == nil {
		t.cell.err = fmt.Errorf("saving %s of key %s: %w", t.cell.name, bounded(e.Key), err)
	}
	if err == nil && t.onSave != nil {
		t.onSave(i, c)
	}
	t.marks[i] = savedMark
	t.saved = true
}

// key appends the key of an entry to what c keeps.
func (d *trackedCell[K, S]) key(c *Changes, w model.Window, hash uint64, k *K) (span, error) {
	start := len(c.bytes)
	c.bytes = d.group(c.bytes, w, KeyGroup(hash, d.groups))
	var err error
	c.bytes, err = d.codec.Keys.Append(c.bytes, k)
	return span{start, len(c.bytes)}, err
}

// group appends what the keys of a window's key group begin with.
func (d *trackedCell[K, S]) group(dst []byte, w model.Window, group int) []byte {
	dst = append(dst, d.prefix...)
	if d.windowed {
		dst = binary.BigEndian.AppendUint64(dst, ordered(w.End))
		dst = binary.BigEndian.AppendUint64(dst, ordered(w.Start))
	}
	return binary.BigEndian.AppendUint16(dst, uint16(group))
}

// ordered maps timestamps to numbers whose bytes sort alike.
func ordered(t model.Timestamp) uint64 { return uint64(t) ^ 1<<63 }

func (t *trackedTable[K, S]) Delete(hash uint64, k K) bool {
	i := t.find(hash, k)
	if i < 0 {
		return false
	}
	t.saveEntry(i)
	if t.marks[i]&savedMark != 0 {
		s, err := t.cell.key(&t.cell.next, t.window, hash, &k)
		if err != nil && t.cell.err == nil {
			t.cell.err = fmt.Errorf("letting go of %s of key %s: %w", t.cell.name, bounded(k), err)
		}
		t.cell.next.gone = append(t.cell.next.gone, s)
	}
	last := len(t.marks) - 1
	t.saveEntry(last) // it moves to where Save may have been already
	t.marks[i] = t.marks[last]
	t.marks = t.marks[:last]
	t.deleteAt(i)
	return true
}

// saveSome writes out about budget frozen entries.
func (t *trackedTable[K, S]) saveSome(budget int) (spent int) {
	for ; t.at < len(t.marks) && spent < budget; t.at++ {
		t.saveEntry(t.at)
		spent++
	}
	return spent
}

func (t *trackedTable[K, S]) add(hash uint64, k K, value []byte) error {
	i, fresh := t.place(hash, k)
	if !fresh {
		return fmt.Errorf("%s of key %s is there twice", t.cell.name, bounded(k))
	}
	t.marks = append(t.marks, savedMark)
	t.saved = true
	rest, err := t.cell.codec.Values.Decode(value, &t.entries[i].Value)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("%d bytes are left over", len(rest))
	}
	if err != nil {
		return fmt.Errorf("reading %s of key %s: %w", t.cell.name, bounded(k), err)
	}
	return nil
}

// decodeKey takes a saved key, without the cell's id and window, apart. Own is
// false for key groups of other tasks.
func (d *trackedCell[K, S]) decodeKey(src []byte, k *K) (hash uint64, own bool, err error) {
	if len(src) < 2 {
		return 0, false, fmt.Errorf("reading a key of %s: it has %d bytes", d.name, len(src))
	}
	if g := int(binary.BigEndian.Uint16(src)); g < d.lo || g >= d.hi {
		return 0, false, nil
	}
	rest, err := d.codec.Keys.Decode(src[2:], k)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("%d bytes are left over", len(rest))
	}
	if err != nil {
		return 0, false, fmt.Errorf("reading a key of %s: %w", d.name, err)
	}
	return d.hash(k), true, nil
}

// trackedKeys is the Cells of a declaration by key.
type trackedKeys[K comparable, S any] struct{ trackedTable[K, S] }

func (t *trackedKeys[K, S]) freeze()             { t.at = 0 }
func (t *trackedKeys[K, S]) save(budget int) int { return t.saveSome(budget) }

func (t *trackedKeys[K, S]) load(key, value []byte) error {
	var k K
	hash, own, err := t.cell.decodeKey(key, &k)
	if err != nil || !own {
		return err
	}
	return t.add(hash, k, value)
}

// trackedWindows is the WindowCells of a declaration.
type trackedWindows[K comparable, S any] struct {
	cell   trackedCell[K, S]
	tables map[model.Window]*trackedTable[K, S]
	open   []*trackedTable[K, S] // the same, in order of opening
	at     int                   // of open, where saving is
}

func (t *trackedWindows[K, S]) Window(w model.Window) (Cells[K, S], bool) {
	if c, ok := t.tables[w]; ok {
		return c, false
	}
	return t.make(w), true
}

func (t *trackedWindows[K, S]) make(w model.Window) *trackedTable[K, S] {
	c := &trackedTable[K, S]{cell: &t.cell, window: w}
	t.tables[w] = c
	t.open = append(t.open, c)
	return c
}

func (t *trackedWindows[K, S]) Lookup(w model.Window) Cells[K, S] {
	if c, ok := t.tables[w]; ok {
		return c
	}
	return nil
}

func (t *trackedWindows[K, S]) Len() int { return len(t.tables) }

// Drop lets go of the cells of w. What is frozen of them is saved first: their
// values may live on in other cells, and change there.
func (t *trackedWindows[K, S]) Drop(w model.Window) {
	c, ok := t.tables[w]
	if !ok {
		return
	}
	delete(t.tables, w)
	i := slices.Index(t.open, c)
	t.open = slices.Delete(t.open, i, i+1)
	if i < t.at {
		t.at--
	}
	d := t.cell.Durable
	if d.frozen != 0 {
		c.saveSome(maxBudget)
	}
	if !c.saved {
		return
	}
	n := &d.next
	start := len(n.bytes)
	n.bytes = t.cell.group(n.bytes, w, d.lo)
	mid := len(n.bytes)
	n.bytes = t.cell.group(n.bytes, w, d.hi)
	n.drops = append(n.drops, keyRange{span{start, mid}, span{mid, len(n.bytes)}})
}

func (t *trackedWindows[K, S]) freeze() {
	t.at = 0
	for _, c := range t.open {
		c.at = 0
	}
}

func (t *trackedWindows[K, S]) save(budget int) (spent int) {
	for t.at < len(t.open) && spent < budget {
		c := t.open[t.at]
		if spent += c.saveSome(budget - spent); c.at >= len(c.marks) {
			t.at++
			spent++ // an empty one costs, too
		}
	}
	return spent
}

func (t *trackedWindows[K, S]) load(key, value []byte) error {
	if len(key) < 16 {
		return fmt.Errorf("reading a key of %s: it has %d bytes", t.cell.name, len(key))
	}
	w := model.Window{End: unordered(key), Start: unordered(key[8:])}
	var k K
	hash, own, err := t.cell.decodeKey(key[16:], &k)
	if err != nil || !own {
		return err
	}
	c, ok := t.tables[w]
	if !ok {
		c = t.make(w)
	}
	return c.add(hash, k, value)
}

func unordered(b []byte) model.Timestamp { return model.Timestamp(binary.BigEndian.Uint64(b) ^ 1<<63) }

// eachWindow calls visit with the windows of cells that can be saved.
func eachWindow[K comparable, S any](cells WindowCells[K, S], visit func(w model.Window)) {
	if t, ok := cells.(*trackedWindows[K, S]); ok {
		for _, c := range t.open {
			visit(c.window)
		}
	}
}
