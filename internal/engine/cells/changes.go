package cells

import "iter"

// Changes is what a checkpoint changes in the saved state: first ranges and keys
// go, then entries are put.
type Changes struct {
	drops []keyRange
	gone  []span
	puts  []putSpan
	bytes []byte
}

type span struct{ start, end int }

type keyRange struct{ start, end span }

type putSpan struct{ key, value span }

// Len is how many changes there are.
func (c *Changes) Len() int { return len(c.drops) + len(c.gone) + len(c.puts) }

// Drops are ranges of keys that are gone.
func (c *Changes) Drops() iter.Seq2[[]byte, []byte] {
	return func(yield func(start, end []byte) bool) {
		for _, d := range c.drops {
			if !yield(c.at(d.start), c.at(d.end)) {
				return
			}
		}
	}
}

// Gone are keys that are gone.
func (c *Changes) Gone() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for _, s := range c.gone {
			if !yield(c.at(s)) {
				return
			}
		}
	}
}

// Puts are the entries that are new or other than they were.
func (c *Changes) Puts() iter.Seq2[[]byte, []byte] {
	return func(yield func(key, value []byte) bool) {
		for _, p := range c.puts {
			if !yield(c.at(p.key), c.at(p.value)) {
				return
			}
		}
	}
}

func (c *Changes) at(s span) []byte { return c.bytes[s.start:s.end:s.end] }

// put appends an entry: a key that is there already, and what value appends.
func (c *Changes) put(key span, value func(dst []byte) ([]byte, error)) error {
	start := len(c.bytes)
	b, err := value(c.bytes)
	c.bytes = b
	c.puts = append(c.puts, putSpan{key, span{start, len(c.bytes)}})
	return err
}

// drop appends a range of keys that are gone: those of the groups from lo up to hi.
func (c *Changes) drop(head func(dst []byte, group int) []byte, lo, hi int) {
	start := len(c.bytes)
	c.bytes = head(c.bytes, lo)
	mid := len(c.bytes)
	c.bytes = head(c.bytes, hi)
	c.drops = append(c.drops, keyRange{span{start, mid}, span{mid, len(c.bytes)}})
}
