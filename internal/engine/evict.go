package engine

import (
	"fmt"

	"github.com/millrace/millrace/model"
)

// How pagedKeys keep within their room.

const (
	// valueFactor is what a value takes in memory, as a multiple of its encoding, and
	// collectorFactor what a byte of that needs until it is collected, by Go's default.
	valueFactor     = 4
	collectorFactor = 2
	// queueBytes is what the queues have of a key, besides the key.
	queueBytes = 96
	// fixedBytes is what an entry takes in the index of the table and beside it.
	fixedBytes = 48
)

// measure takes the size of an encoded value into the average.
func (p *pagedKeys[K, S]) measure(n int) { p.size += (float64(n) - p.size) / 16 }

// noteSaved takes note of entry i, which was the last to be put into c.
func (p *pagedKeys[K, S]) noteSaved(i int, c *Changes) {
	v := c.puts[len(c.puts)-1].value
	p.measure(v.end - v.start)
	p.reindex(i, c)
}

// sample measures an entry, as those that are never saved grow, too.
func (p *pagedKeys[K, S]) sample() {
	if len(p.entries) == 0 {
		return
	}
	var err error
	i := p.calls / sampleEvery % len(p.entries)
	if p.value, err = p.cell.codec.Values.Append(p.value[:0], &p.entries[i].Value); err == nil {
		p.measure(len(p.value))
	}
}

// sampleEvery is at how many calls of relieve an entry is measured.
const sampleEvery = 512

// entryBytes is about what an entry takes.
func (p *pagedKeys[K, S]) entryBytes() int64 {
	return collectorFactor * int64(p.plain+fixedBytes+queueBytes+int(valueFactor*p.size))
}

// bytes is about what is in memory.
func (p *pagedKeys[K, S]) bytes() int64 {
	return int64(len(p.entries)+p.gone[0].Len()+p.gone[1].Len()) * p.entryBytes()
}

// relieve is called where nobody has a pointer to an entry. It evicts if there are too
// many of them.
func (p *pagedKeys[K, S]) relieve() {
	d := p.cell.Durable
	if p.op.task.unreadable() {
		return
	}
	if p.calls++; p.calls%sampleEvery == 0 {
		p.sample()
	}
	d.paging.Resident = p.bytes()
	if d.paging.Resident > d.paging.Bytes && !d.unsettled && !p.op.Failed() {
		p.evictSome()
	}
}

// evictSome evicts cold entries, until a room of an eighth is free.
func (p *pagedKeys[K, S]) evictSome() {
	p.forgetAhead()
	d := p.cell.Durable
	n := len(p.entries) - int((d.paging.Bytes-d.paging.Bytes/8)/p.entryBytes())
	n = min(n, len(p.entries))
	for n > 0 && d.err == nil {
		if p.hand >= len(p.entries) {
			p.hand = 0
		}
		if p.used[p.hand] {
			p.used[p.hand] = false
			p.hand++
			continue
		}
		p.evict(p.hand)
		n--
	}
	if err := d.err; err != nil {
		d.fail(err)
		return
	}
	if err := d.paging.Backing.Write(&d.next); err != nil {
		d.fail(fmt.Errorf("evicting %s: %w", p.cell.name, err))
		return
	}
	d.next = Changes{drops: d.next.drops[:0], gone: d.next.gone[:0], puts: d.next.puts[:0], bytes: d.next.bytes[:0]}
	p.stored, p.misses, p.all = true, false, nil
	p.gone[1].Clear()
	p.pager.pagedOut(p.has)
	d.paging.Resident = p.bytes()
}

// evict has entry i written, if it is other than what is in the backing, and forgets it.
func (p *pagedKeys[K, S]) evict(i int) {
	d := p.cell.Durable
	e := &p.entries[i]
	if p.marks[i]&^savedMark != 0 {
		c := &d.next
		key, err := p.cell.key(c, model.Window{}, e.Hash, &e.Key)
		start := len(c.bytes)
		if err == nil {
			c.bytes, err = p.cell.codec.Values.Append(c.bytes, &e.Value)
		}
		if err != nil && d.err == nil {
			d.err = fmt.Errorf("saving %s of key %s: %w", p.cell.name, bounded(e.Key), err)
		}
		c.puts = append(c.puts, putSpan{key, span{start, len(c.bytes)}})
		p.measure(len(c.bytes) - start)
		p.reindex(i, c)
	}
	p.noteEvicted(KeyGroup(e.Hash, d.groups), p.indexed[i])
	d.paging.Evicted++
	p.pager.pageOut(&e.Value)
	p.moveLast(i)
	last := len(p.marks) - 1
	p.marks[i] = p.marks[last]
	p.marks = p.marks[:last]
	p.deleteAt(i)
}

// recallAny reads some entries that are not in memory, whatever they are, and reports
// whether there were any.
func (p *pagedKeys[K, S]) recallAny() bool {
	if !p.stored || p.cell.failed != nil {
		return false
	}
	d := p.cell.Durable
	start := p.all
	if start == nil {
		start = p.cell.group(nil, model.Window{}, d.lo)
	}
	seq, failed := d.paging.Backing.Scan(start, p.cell.group(nil, model.Window{}, d.hi))
	n, most := 0, p.most()
	for key, value := range seq {
		p.all = append(append(p.all[:0], key...), 0)
		var k K
		hash, own, err := p.cell.decodeKey(key[len(p.cell.prefix):], &k)
		if err != nil {
			d.fail(err)
			break
		}
		if !own || p.has(hash, k) || p.isGone(hash, k) {
			continue
		}
		p.took(hash, k, value)
		if n++; n >= most {
			break
		}
	}
	if err := failed(); err != nil {
		d.fail(fmt.Errorf("reading %s: %w", p.cell.name, err))
	}
	return n > 0
}

// most is how many entries are read ahead of their use.
func (p *pagedKeys[K, S]) most() int {
	return max(1, min(4096, int(p.cell.paging.Bytes/8/p.entryBytes())))
}
