package cells

import (
	"encoding/binary"
	"fmt"

	"github.com/millrace/millrace/model"
)

// A dueIndex says, of one thing that keys are looked at for, which keys are next. In
// the backing it is a key without a value for each entry: (cell, thing, key group, time,
// key). It has entries of keys in memory, too, which need not be right; so they are
// passed over.
type dueIndex struct {
	groups []dueGroup // of the task
}

// A dueGroup is where in the index of a key group one is.
type dueGroup struct {
	ahead []due // that were read
	at    int   // of ahead, the next
	// next is a time before which there is nothing behind ahead, and after where to
	// read on, if it is not nil.
	next  model.Timestamp
	after []byte
}

// A due is an entry of the index, with the encoded key.
type due struct {
	at  model.Timestamp
	key []byte
}

// dueAhead is how many entries of a key group are read at once.
const dueAhead = 64

func (p *paged) openIndex(id uint32) {
	p.prefix = binary.BigEndian.AppendUint32(nil, id)
	for i := range p.index {
		p.index[i].groups = make([]dueGroup, max(0, p.cell.hi-p.cell.lo))
		for g := range p.index[i].groups {
			p.index[i].groups[g].next = model.MinTimestamp
		}
	}
}

// dueKey appends the key of the index for an entry.
func (p *paged) dueKey(c *Changes, what int, at model.Timestamp, i Entry) span {
	start := len(c.bytes)
	c.bytes = p.dueFrom(c.bytes, what, KeyGroup(p.hash(i), p.cell.groups))
	c.bytes = binary.BigEndian.AppendUint64(c.bytes, ordered(at))
	var err error
	if c.bytes, err = p.cell.keys.Append(c.bytes, p.Keys.Key(i)); err != nil {
		p.cell.unsaved(fmt.Errorf("saving %s of key %s: %w", p.cell.name, p.keyText(i), err))
	}
	return span{start, len(c.bytes)}
}

func (p *paged) dueFrom(dst []byte, what, group int) []byte {
	dst = append(append(dst, p.prefix...), byte(what))
	return binary.BigEndian.AppendUint16(dst, uint16(group))
}

// reindex has the index say when an entry, which c has, is due.
func (p *paged) reindex(i Entry, c *Changes) {
	now := p.pager.DueAt(i)
	for what, at := range now {
		was := p.indexed[i][what]
		if was == at {
			continue
		}
		if was < Never {
			c.gone = append(c.gone, p.dueKey(c, what, was, i))
		}
		if at < Never {
			c.puts = append(c.puts, putSpan{key: p.dueKey(c, what, at, i)})
		}
	}
	p.indexed[i] = now
}

// unindex takes an entry out of the index.
func (p *paged) unindex(i Entry, c *Changes) {
	for what, at := range p.indexed[i] {
		if at < Never {
			c.gone = append(c.gone, p.dueKey(c, what, at, i))
		}
	}
	p.indexed[i] = NotDue
}

// noteEvicted notes that a key is to be found in the index from now on. Nothing of it
// has been read ahead.
func (p *paged) noteEvicted(group int, at DueTimes) {
	for what := range p.index {
		g := &p.index[what].groups[group-p.cell.lo]
		t := at[what]
		if t < Never && t <= g.next {
			g.next, g.after = t, nil
		}
	}
}

// forgetAhead forgets what was read ahead, as the index is about to change.
func (p *paged) forgetAhead() {
	for what := range p.index {
		for i := range p.index[what].groups {
			g := &p.index[what].groups[i]
			if g.at < len(g.ahead) {
				g.next, g.after = g.ahead[g.at].at, nil
			}
			g.ahead, g.at = g.ahead[:0], 0
		}
	}
}

// first is the time of the first in the group, or one before it; Never if there is
// none.
func (g *dueGroup) first() model.Timestamp {
	if g.at < len(g.ahead) {
		return g.ahead[g.at].at
	}
	return g.next
}

// next is the first key that is not in memory and to be looked at for what; nil if
// there is none. It holds until the next call. Its key is in the scratch, and this its
// hash.
func (p *paged) next(what int) (d *due, hash uint64) {
	if !p.stored {
		return nil, 0
	}
	groups := p.index[what].groups
	for {
		lowest, at := -1, Never
		for i := range groups {
			if t := groups[i].first(); t < at {
				lowest, at = i, t
			}
		}
		if lowest < 0 {
			return nil, 0
		}
		g := &groups[lowest]
		if g.at == len(g.ahead) {
			if !p.readAhead(what, lowest) {
				return nil, 0
			}
			continue
		}
		d := &g.ahead[g.at]
		hash, err := p.cell.scanKey(d.key, p.Keys)
		if err != nil {
			p.unreadableIndex(g, err)
			return nil, 0
		}
		if _, here := p.Keys.findScratch(hash); !here && !p.isGone(hash, d.key) {
			return d, hash
		}
		g.at++
	}
}

// readAhead reads what is next in a group of the index.
func (p *paged) readAhead(what, group int) bool {
	g := &p.index[what].groups[group]
	g.ahead, g.at = g.ahead[:0], 0
	from := p.dueFrom(nil, what, p.cell.lo+group)
	head := len(from)
	start := g.after
	if start == nil {
		start = binary.BigEndian.AppendUint64(from, ordered(g.next))
	}
	seq, failed := p.cell.paging.Backing.Scan(start, p.dueFrom(nil, what, p.cell.lo+group+1))
	g.next = Never
	for key := range seq {
		n := len(g.ahead)
		var buf []byte
		if n < cap(g.ahead) {
			buf = g.ahead[:n+1][n].key
		}
		d := due{at: unordered(key[head:]), key: append(buf[:0], key[head+8:]...)}
		g.ahead = append(g.ahead, d)
		if len(g.ahead) == dueAhead {
			g.next, g.after = d.at, append(append(g.after[:0], key...), 0)
			break
		}
	}
	if err := failed(); err != nil {
		p.unreadableIndex(g, err)
		return false
	}
	return true
}

// unreadableIndex notes that a group of the index could not be read.
func (p *paged) unreadableIndex(g *dueGroup, err error) {
	p.cell.fail(fmt.Errorf("reading when keys of %s are due: %w", p.cell.name, err))
	g.next = model.MinTimestamp // so that the watermark stays
}

// NextDue is when the first key is due that is not in memory; MaxTimestamp if there is
// none.
func (t *Table) NextDue(what int) model.Timestamp {
	p := t.paged
	if p == nil {
		return model.MaxTimestamp
	}
	d, _ := p.next(what)
	switch {
	case p.cell.failed != nil:
		return model.MinTimestamp
	case d == nil:
		return model.MaxTimestamp
	}
	return d.at
}

// Recall reads keys that are due by now, and before queued, when the first that is in
// memory is; it reports whether there were any. As it reads only some, it is to be
// called again before each that is looked at.
func (t *Table) Recall(what int, queued, now model.Timestamp) bool {
	p := t.paged
	if p == nil || !p.stored {
		return false
	}
	read := false
	for range p.most() {
		d, hash := p.next(what)
		if d == nil || d.at >= queued || d.at > now || p.cell.failed != nil {
			break
		}
		at := d.at
		i := p.bring(hash)
		found := p.fetch(i)
		switch {
		case p.cell.failed != nil:
		case !found:
			p.cell.fail(fmt.Errorf("reading %s of key %s: it is in the index and not there", p.cell.name, p.keyText(i)))
		case p.indexed[i][what] != at: // or it would be read again, and again
			p.cell.fail(fmt.Errorf("reading %s of key %s: it is due at %v, and in the index at %v", p.cell.name, p.keyText(i), p.indexed[i][what], at))
		}
		read = true
	}
	return read && p.cell.failed == nil
}
