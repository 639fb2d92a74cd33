package engine

import (
	"encoding/binary"
	"fmt"

	"github.com/millrace/millrace/model"
)

// A dueIndex says, of one thing that keys are looked at for, which keys are next. In
// the backing it is a key without a value for each entry: (cell, thing, key group, time,
// key). It has entries of keys in memory, too, which need not be right; so they are
// passed over.
type dueIndex[K comparable] struct {
	groups []dueGroup[K] // of the task
}

// A dueGroup is where in the index of a key group one is.
type dueGroup[K comparable] struct {
	ahead []due[K] // that were read
	at    int      // of ahead, the next
	// next is a time before which there is nothing behind ahead, and after where to
	// read on, if it is not nil.
	next  model.Timestamp
	after []byte
}

// A due is an entry of the index.
type due[K comparable] struct {
	at   model.Timestamp
	hash uint64
	key  K
}

// dueAhead is how many entries of a key group are read at once.
const dueAhead = 64

func (p *pagedKeys[K, S]) openIndex(id uint32) {
	p.prefix = binary.BigEndian.AppendUint32(nil, id)
	for i := range p.index {
		p.index[i].groups = make([]dueGroup[K], p.cell.hi-p.cell.lo)
		for g := range p.index[i].groups {
			p.index[i].groups[g].next = model.MinTimestamp
		}
	}
}

// dueKey appends the key of the index for a key.
func (p *pagedKeys[K, S]) dueKey(c *Changes, what int, at model.Timestamp, hash uint64, k *K) span {
	start := len(c.bytes)
	c.bytes = p.dueFrom(c.bytes, what, KeyGroup(hash, p.cell.groups))
	c.bytes = binary.BigEndian.AppendUint64(c.bytes, ordered(at))
	var err error
	if c.bytes, err = p.cell.codec.Keys.Append(c.bytes, k); err != nil && p.cell.err == nil {
		p.cell.err = fmt.Errorf("saving %s of key %s: %w", p.cell.name, bounded(*k), err)
	}
	return span{start, len(c.bytes)}
}

func (p *pagedKeys[K, S]) dueFrom(dst []byte, what, group int) []byte {
	dst = append(append(dst, p.prefix...), byte(what))
	return binary.BigEndian.AppendUint16(dst, uint16(group))
}

// reindex has the index say when entry i, which c has, is due.
func (p *pagedKeys[K, S]) reindex(i int, c *Changes) {
	e := &p.entries[i]
	now := p.pager.dueAt(&e.Value)
	for what, at := range now {
		was := p.indexed[i][what]
		if was == at {
			continue
		}
		if was < never {
			c.gone = append(c.gone, p.dueKey(c, what, was, e.Hash, &e.Key))
		}
		if at < never {
			c.puts = append(c.puts, putSpan{key: p.dueKey(c, what, at, e.Hash, &e.Key)})
		}
	}
	p.indexed[i] = now
}

// unindex takes entry i out of the index.
func (p *pagedKeys[K, S]) unindex(i int, c *Changes) {
	e := &p.entries[i]
	for what, at := range p.indexed[i] {
		if at < never {
			c.gone = append(c.gone, p.dueKey(c, what, at, e.Hash, &e.Key))
		}
	}
	p.indexed[i] = notDue
}

// noteEvicted notes that a key is to be found in the index from now on. Nothing of it
// has been read ahead.
func (p *pagedKeys[K, S]) noteEvicted(group int, at dueTimes) {
	for what := range p.index {
		g := &p.index[what].groups[group-p.cell.lo]
		t := at[what]
		if t < never && t <= g.next {
			g.next, g.after = t, nil
		}
	}
}

// forgetAhead forgets what was read ahead, as the index is about to change.
func (p *pagedKeys[K, S]) forgetAhead() {
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

// first is the time of the first in the group, or one before it; never if there is
// none.
func (g *dueGroup[K]) first() model.Timestamp {
	if g.at < len(g.ahead) {
		return g.ahead[g.at].at
	}
	return g.next
}

// next is the first key that is not in memory and to be looked at for what; nil if
// there is none. It holds until the next call.
func (p *pagedKeys[K, S]) next(what int) *due[K] {
	if !p.stored {
		return nil
	}
	groups := p.index[what].groups
	for {
		lowest, at := -1, never
		for i := range groups {
			if t := groups[i].first(); t < at {
				lowest, at = i, t
			}
		}
		if lowest < 0 {
			return nil
		}
		g := &groups[lowest]
		if g.at == len(g.ahead) {
			if !p.readAhead(what, lowest) {
				return nil
			}
			continue
		}
		d := &g.ahead[g.at]
		if !p.has(d.hash, d.key) && !p.isGone(d.hash, d.key) {
			return d
		}
		g.at++
	}
}

// readAhead reads what is next in a group of the index.
func (p *pagedKeys[K, S]) readAhead(what, group int) bool {
	g := &p.index[what].groups[group]
	g.ahead, g.at = g.ahead[:0], 0
	from := p.dueFrom(nil, what, p.cell.lo+group)
	head := len(from)
	start := g.after
	if start == nil {
		start = binary.BigEndian.AppendUint64(from, ordered(g.next))
	}
	seq, failed := p.cell.paging.Backing.Scan(start, p.dueFrom(nil, what, p.cell.lo+group+1))
	g.next = never
	var err error
	for key := range seq {
		d := due[K]{at: unordered(key[head:])}
		if _, err = p.cell.codec.Keys.Decode(key[head+8:], &d.key); err != nil {
			break
		}
		d.hash = p.cell.hash(&d.key)
		g.ahead = append(g.ahead, d)
		if len(g.ahead) == dueAhead {
			g.next, g.after = d.at, append(append(g.after[:0], key...), 0)
			break
		}
	}
	if failure := failed(); err == nil {
		err = failure
	}
	if err != nil {
		p.cell.fail(fmt.Errorf("reading when keys of %s are due: %w", p.cell.name, err))
		g.next = model.MinTimestamp // so that the watermark stays
	}
	return err == nil
}

// nextDue is when the first key is due that is not in memory; MaxTimestamp if there is
// none.
func (p *pagedKeys[K, S]) nextDue(what int) model.Timestamp {
	if p == nil {
		return model.MaxTimestamp
	}
	d := p.next(what)
	switch {
	case p.cell.failed != nil:
		return model.MinTimestamp
	case d == nil:
		return model.MaxTimestamp
	}
	return d.at
}

// recall reads keys that are due by now, and before queued, when the first that is in
// memory is; it reports whether there were any. As it reads only some, it is to be
// called again before each that is looked at.
func (p *pagedKeys[K, S]) recall(what int, queued, now model.Timestamp) bool {
	if p == nil || !p.stored {
		return false
	}
	read := false
	for range p.most() {
		d := p.next(what)
		if d == nil || d.at >= queued || d.at > now || p.cell.failed != nil {
			break
		}
		key := *d
		i := p.fetch(key.hash, key.key)
		switch {
		case p.cell.failed != nil:
		case i < 0:
			p.cell.fail(fmt.Errorf("reading %s of key %s: it is in the index and not there", p.cell.name, bounded(key.key)))
		case p.indexed[i][what] != key.at: // or it would be read again, and again
			p.cell.fail(fmt.Errorf("reading %s of key %s: it is due at %v, and in the index at %v", p.cell.name, bounded(key.key), p.indexed[i][what], key.at))
		}
		read = true
	}
	return read && p.cell.failed == nil
}
