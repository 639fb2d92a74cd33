package checkpoint

import (
	"bytes"
	"iter"
	"slices"
	"sort"

	"github.com/cockroachdb/pebble/v2/objstorage/objstorageprovider"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Changes is what a task changed since the last checkpoint: first ranges of keys
// go, from start up to end, then keys, then entries are put. The bytes are read
// during the iteration only.
type Changes interface {
	Drops() iter.Seq2[[]byte, []byte]
	Gone() iter.Seq[[]byte]
	Puts() iter.Seq2[[]byte, []byte]
}

// pending gathers changes until they are written as one table. A later change
// prevails over an earlier one.
type pending struct {
	chunk   []byte // where the next bytes go
	entries []entry
	drops   []drop
	order   uint32
	size    int // about what it takes in memory
}

type entry struct {
	key, value []byte
	order      uint32
	gone       bool
}

type drop struct {
	start, end []byte
	order      uint32
}

const (
	entrySize = 64
	chunkSize = 1 << 20
	// fullSize is when pending is written, so that changes of any number are gathered
	// in bounded memory.
	fullSize = 64 << 20
)

func (p *pending) empty() bool { return len(p.entries) == 0 && len(p.drops) == 0 }

func (p *pending) next() uint32 {
	p.order++
	return p.order
}

// keep copies b to where it stays.
func (p *pending) keep(b []byte) []byte {
	if cap(p.chunk)-len(p.chunk) < len(b) {
		p.chunk = make([]byte, 0, max(chunkSize, len(b)))
	}
	start := len(p.chunk)
	p.chunk = append(p.chunk, b...)
	p.size += len(b)
	return p.chunk[start:len(p.chunk):len(p.chunk)]
}

func (p *pending) drop(start, end []byte) {
	if bytes.Compare(start, end) < 0 {
		p.drops = append(p.drops, drop{p.keep(start), p.keep(end), p.next()})
		p.size += entrySize
	}
}

func (p *pending) change(key, value []byte, gone bool) {
	p.entries = append(p.entries, entry{p.keep(key), p.keep(value), p.next(), gone})
	p.size += entrySize
}

// settle sorts what was gathered, and leaves of each key what prevailed, and of the
// drops their union.
func (p *pending) settle() {
	p.entries = sortEntries(p.entries)
	p.entries = slices.CompactFunc(p.entries, func(a, b entry) bool { return bytes.Equal(a.key, b.key) })

	dropped := false
	for _, d := range p.drops {
		i := sort.Search(len(p.entries), func(i int) bool { return bytes.Compare(p.entries[i].key, d.start) >= 0 })
		for ; i < len(p.entries) && bytes.Compare(p.entries[i].key, d.end) < 0; i++ {
			if e := &p.entries[i]; e.order < d.order {
				e.order, dropped = 0, true
			}
		}
	}
	if dropped {
		p.entries = slices.DeleteFunc(p.entries, func(e entry) bool { return e.order == 0 })
	}

	slices.SortFunc(p.drops, func(a, b drop) int { return bytes.Compare(a.start, b.start) })
	union := p.drops[:0]
	for _, d := range p.drops {
		if n := len(union); n > 0 && bytes.Compare(d.start, union[n-1].end) <= 0 {
			if bytes.Compare(d.end, union[n-1].end) > 0 {
				union[n-1].end = d.end
			}
			continue
		}
		union = append(union, d)
	}
	p.drops = union
}

// write writes the table and syncs it. Within a table, drops do not reach the
// table's own entries.
func (p *pending) write(fs vfs.FS, path string, o sstable.WriterOptions) error {
	p.settle()
	f, err := fs.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	w := sstable.NewWriter(objstorageprovider.NewFileWritable(f), o)
	for _, d := range p.drops {
		if err == nil {
			err = w.DeleteRange(d.start, d.end)
		}
	}
	for _, e := range p.entries {
		if err != nil {
			break
		}
		if e.gone {
			err = w.Delete(e.key)
		} else {
			err = w.Set(e.key, e.value)
		}
	}
	if closing := w.Close(); err == nil {
		err = closing
	}
	return err
}
