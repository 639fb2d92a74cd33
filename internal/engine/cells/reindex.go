package cells

import (
	"fmt"
	"slices"
	"strings"

	"github.com/millrace/millrace/model"
)

// How what was saved by other versions of a pipeline, or of the module, comes to an index
// of when its keys are due (dueIndex).

// indexSchema is the schema of all indexes.
const indexSchema = `{"index":"when keys are due","version":1}`

const indexSuffix = " by time"

// indexOf is the name of a cell's index.
func indexOf(cell string) string { return cell + indexSuffix }

// IndexOf reports whether what was saved by that name and with those schemas is the index
// of cells, and of which.
func IndexOf(name string, schemas []string) (cell string, ok bool) {
	cell, ok = strings.CutSuffix(name, indexSuffix)
	return cell, ok && slices.Equal(schemas, []string{indexSchema})
}

// outdatedIndex reports whether what was saved of the cells that were opened last has no
// index, or one that says of some keys that they are due when they are not any more: of
// those that waited for a timer that the pipeline has dropped.
func (d *Durable) outdatedIndex(cell string) bool {
	last := len(d.upgrades) - 1
	u := d.upgrades[last]
	if d.stored == nil || u.Fresh || u.Refused != nil {
		return false
	}
	if !slices.Equal(d.stored(indexOf(cell)), []string{indexSchema}) {
		return true
	}
	upgraded := len(d.schemas[last]) > len(d.stored(cell)) // since the last checkpoint
	return upgraded && len(u.Dropped) > 0
}

// reindexBytes is how much of an index is written at once.
const reindexBytes = 8 << 20

// rebuildIndex makes the task's part of the index anew. It reads all of the task's cells,
// one after the other.
func (p *paged) rebuildIndex() error {
	d := p.cell.Durable
	c := &Changes{}
	for what := range p.index {
		c.drop(func(dst []byte, group int) []byte { return p.dueFrom(dst, what, group) }, d.lo, d.hi)
	}
	seq, failed := d.paging.Backing.Scan(p.cell.group(nil, model.Window{}, d.lo), p.cell.group(nil, model.Window{}, d.hi))
	var err error
	for key, value := range seq {
		if err = p.indexSaved(c, key, value); err != nil {
			break
		}
		if len(c.bytes) >= reindexBytes {
			if err = d.paging.Backing.Write(c); err != nil {
				break
			}
			*c = Changes{puts: c.puts[:0], bytes: c.bytes[:0]}
		}
	}
	if failure := failed(); err == nil {
		err = failure
	}
	if err == nil {
		err = d.paging.Backing.Write(c)
	}
	if err == nil {
		err = d.err
	}
	if err != nil {
		return fmt.Errorf("noting when keys of %s are due: %w", p.cell.name, err)
	}
	return nil
}

// indexSaved has the index say when an entry is due that was saved. The table has it
// meanwhile.
func (p *paged) indexSaved(c *Changes, key, value []byte) error {
	hash, own, err := p.cell.scan(key[len(p.cell.prefix):], p.Keys)
	if err != nil || !own {
		return err
	}
	i := p.bring(hash)
	if err = p.read(i, value); err == nil {
		for what, at := range p.pager.DueAt(i) {
			if at < Never {
				c.puts = append(c.puts, putSpan{key: p.dueKey(c, what, at, i)})
			}
		}
	}
	p.marks[i] = 0
	p.Values.Free(i)
	p.Keys.remove(i)
	return err
}
