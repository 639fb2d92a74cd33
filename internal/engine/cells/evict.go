package cells

import (
	"fmt"

	"github.com/millrace/millrace/model"
)

// How paged tables keep within their room.

const (
	// valueFactor is what a value takes in memory, as a multiple of its encoding, and
	// collectorFactor what a byte of that needs until it is collected, by Go's default.
	valueFactor     = 4
	collectorFactor = 2
	// queueBytes is what the queues have of a key.
	queueBytes = 96
	// fixedBytes is what an entry takes in the index of the table and beside it.
	fixedBytes = 48
)

// measure takes the size of an encoded value into the average.
func (p *paged) measure(n int) { p.size += (float64(n) - p.size) / 16 }

// noteWritten takes note of an entry, which was the last to be put into c.
func (p *paged) noteWritten(i Entry, c *Changes) {
	v := c.puts[len(c.puts)-1].value
	p.measure(v.end - v.start)
	p.reindex(i, c)
}

// sample measures an entry, as those that are never saved grow, too.
func (p *paged) sample() {
	if len(p.marks) == 0 {
		return
	}
	i := Entry(p.calls / sampleEvery % len(p.marks))
	if !p.Has(i) {
		return
	}
	var err error
	if p.value, err = p.cell.form.Append(p.value[:0], p.Values, i); err == nil {
		p.measure(len(p.value))
	}
}

// sampleEvery is at how many calls of Relieve an entry is measured.
const sampleEvery = 512

// entryBytes is about what an entry takes.
func (p *paged) entryBytes() int64 {
	return collectorFactor * int64(p.plain+fixedBytes+queueBytes+int(valueFactor*p.size))
}

// bytes is about what is in memory.
func (p *paged) bytes() int64 {
	return int64(p.Len()+p.gone[0].s.len()+p.gone[1].s.len()) * p.entryBytes()
}

// Relieve is called where nobody is at work on an entry. It evicts if there are too
// many of them.
func (t *Table) Relieve() {
	p := t.paged
	if p == nil {
		return
	}
	d := p.cell.Durable
	if p.calls++; p.calls%sampleEvery == 0 {
		p.sample()
	}
	d.paging.Resident = p.bytes()
	if d.paging.Resident > d.paging.Bytes && !d.unsettled {
		p.evictSome()
	}
}

// evictSome evicts cold entries, until a room of an eighth is free.
func (p *paged) evictSome() {
	p.forgetAhead()
	d := p.cell.Durable
	n := min(p.Len()-int((d.paging.Bytes-d.paging.Bytes/8)/p.entryBytes()), p.Len())
	for n > 0 && d.err == nil {
		if p.hand >= len(p.marks) {
			p.hand = 0
		}
		i := Entry(p.hand)
		p.hand++
		switch {
		case !p.Has(i):
		case p.used[i]:
			p.used[i] = false
		default:
			p.evict(i)
			n--
		}
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
	p.stored, p.all = true, nil
	p.gone[1].Clear()
	p.pager.PagedOut()
	d.paging.Resident = p.bytes()
}

// evict has an entry written, if it is other than what is in the backing, and forgets it.
func (p *paged) evict(i Entry) {
	d := p.cell.Durable
	if p.marks[i]&^savedMark != 0 {
		p.write(i, &d.next)
	}
	p.noteEvicted(KeyGroup(p.hash(i), d.groups), p.indexed[i])
	d.paging.Evicted++
	p.pager.PageOut(i)
	p.marks[i] = 0
	p.Values.Free(i)
	p.Keys.remove(i)
}

// RecallAny reads some entries that are not in memory, whatever they are, and reports
// whether there were any.
func (t *Table) RecallAny() bool {
	p := t.paged
	if p == nil || !p.stored || p.cell.failed != nil {
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
		hash, own, err := p.cell.scan(key[len(p.cell.prefix):], p.Keys)
		if err != nil {
			d.fail(err)
			break
		}
		if _, here := p.Keys.findScratch(hash); !own || here || p.isGone(hash, key[len(p.cell.prefix)+groupBytes:]) {
			continue
		}
		p.took(p.bring(hash), value)
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
func (p *paged) most() int {
	return max(1, min(4096, int(p.cell.paging.Bytes/8/p.entryBytes())))
}
