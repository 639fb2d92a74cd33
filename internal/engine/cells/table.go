package cells

import (
	"fmt"
	"reflect"

	"github.com/millrace/millrace/model"
)

// A Table is the cells of a declaration, or of one of its windows: keys, and what is
// kept of each. It belongs to the operator that opened it, which holds the keys and the
// values by their types, and places the one and fills in the other itself.
type Table struct {
	Keys   Keys
	Values Values

	window model.Window
	cell   *cell  // nil: they live in memory only
	marks  []mark // by entry
	at     int    // up to where what is frozen has been saved
	saved  bool   // something of it may be
	paged  *paged // nil: all entries are in memory

	older, newer *Table // of the windows of a declaration
}

// OpenTable opens cells by key. They live in memory only where d is nil.
func OpenTable(d *Durable, decl Declaration, keys Keys, values Values) *Table {
	t := &Table{Keys: keys, Values: values}
	if d == nil {
		return t
	}
	if t.cell = d.open(decl, keyType(keys)); t.cell != nil {
		d.cells = append(d.cells, t)
	}
	return t
}

// Len is how many entries there are in memory.
func (t *Table) Len() int { return t.Keys.slots().len() }

// hash is the hash of an entry's key.
func (t *Table) hash(i Entry) uint64 { return t.Keys.slots().hashes[i] }

// Window is the window whose cells these are.
func (t *Table) Window() model.Window { return t.window }

// Has reports whether there is an entry of that number in memory.
func (t *Table) Has(i Entry) bool { return t.Keys.slots().has(i) }

// Each visits the entries in memory, in the order of their numbers, until visit returns
// false. Visit may remove the one that it is given.
func (t *Table) Each(visit func(i Entry) bool) {
	s := t.Keys.slots()
	for i := 0; i < len(s.hashes); i++ {
		if s.has(Entry(i)) && !visit(Entry(i)) {
			return
		}
	}
}

// Came takes what Place of the index has returned, of an entry that is about to
// change. Known says that something is kept of it: it is not fresh, or has been read.
func (t *Table) Came(i Entry, fresh bool) (known bool) {
	if t.cell == nil && !fresh {
		return true
	}
	return t.came(i, fresh)
}

func (t *Table) came(i Entry, fresh bool) (known bool) {
	if !fresh {
		t.Touch(i)
		return true
	}
	t.Values.New(i)
	if t.cell == nil {
		return false
	}
	t.mark(i, t.cell.epoch&^savedMark)
	if t.paged == nil || !t.paged.fetch(i) {
		return false
	}
	t.Touch(i)
	return true
}

// mark sets the mark of an entry, which may be the first beyond those that there are.
func (t *Table) mark(i Entry, m mark) {
	if int(i) == len(t.marks) {
		t.marks = append(t.marks, m)
	} else {
		t.marks[i] = m
	}
	if t.paged != nil {
		t.paged.room(i)
	}
}

// Touch marks an entry as about to change.
func (t *Table) Touch(i Entry) {
	if t.cell == nil {
		return
	}
	if m := t.marks[i]; m|savedMark != t.cell.epoch {
		t.saveEntry(i)
		t.marks[i] = t.cell.epoch&^savedMark | t.marks[i]&savedMark
	}
	if t.paged != nil {
		t.paged.used[i] = true
	}
}

// Remove lets go of an entry.
func (t *Table) Remove(i Entry) {
	if t.cell != nil {
		t.letGo(i)
	}
	t.Values.Free(i)
	t.Keys.remove(i)
}

func (t *Table) letGo(i Entry) {
	t.saveEntry(i)
	next := &t.cell.next
	if t.marks[i]&savedMark != 0 {
		s, err := t.cell.key(next, t.window, t.Keys, i)
		if err != nil {
			t.cell.unsaved(fmt.Errorf("letting go of %s of key %s: %w", t.cell.name, t.keyText(i), err))
		}
		next.gone = append(next.gone, s)
		if t.paged != nil {
			t.paged.noteGone(t.hash(i), next.at(s))
		}
	}
	if t.paged != nil {
		t.paged.unindex(i, next)
	}
	t.marks[i] = 0
}

// saveEntry writes an entry out if it is frozen and not saved yet.
func (t *Table) saveEntry(i Entry) {
	c := t.cell
	m := t.marks[i] &^ savedMark
	if m == 0 || c.frozen == 0 || m > c.frozen {
		return
	}
	t.write(i, &c.saving)
	t.marks[i] = savedMark
	t.saved = true
}

// write puts an entry into to.
func (t *Table) write(i Entry, to *Changes) {
	key, err := t.cell.key(to, t.window, t.Keys, i)
	if err == nil {
		err = to.put(key, func(dst []byte) ([]byte, error) { return t.cell.form.Append(dst, t.Values, i) })
	}
	switch {
	case err != nil:
		t.cell.unsaved(fmt.Errorf("saving %s of key %s: %w", t.cell.name, t.keyText(i), err))
	case t.paged != nil:
		t.paged.noteWritten(i, to)
	}
}

// keyText is the key of an entry, for errors.
func (t *Table) keyText(i Entry) string { return text(t.Keys.Key(i)) }

// text is what a pointer points to, cut to a bounded length.
func text(p any) (s string) {
	defer func() {
		if recover() != nil { // a String method of the user's
			s = fmt.Sprintf("%T", p)
		}
	}()
	const limit = 200
	s = fmt.Sprintf("%+v", reflect.ValueOf(p).Elem().Interface())
	if len(s) > limit {
		s = s[:limit] + "..."
	}
	return s
}

func (t *Table) freeze() {
	t.at = 0
	if t.paged != nil {
		t.paged.freeze()
	}
}

// save writes out about budget frozen entries.
func (t *Table) save(budget int) (spent int) {
	for ; t.at < len(t.marks) && spent < budget; t.at++ {
		t.saveEntry(Entry(t.at))
		spent++
	}
	return spent
}

func (t *Table) load(key, value []byte) error {
	hash, own, err := t.cell.scan(key, t.Keys)
	if err != nil || !own {
		return err
	}
	return t.add(hash, value)
}

// add takes in the entry of the key in the scratch, as it was saved.
func (t *Table) add(hash uint64, value []byte) error {
	i, fresh := t.Keys.placeScratch(hash)
	if !fresh {
		return fmt.Errorf("%s of key %s is there twice", t.cell.name, t.keyText(i))
	}
	t.Values.New(i)
	t.mark(i, savedMark)
	t.saved = true
	return t.read(i, value)
}

// read has an entry keep what was saved.
func (t *Table) read(i Entry, value []byte) error {
	if err := whole(t.cell.form.Decode(value, t.Values, i)); err != nil {
		return fmt.Errorf("reading %s of key %s: %w", t.cell.name, t.keyText(i), err)
	}
	return nil
}
