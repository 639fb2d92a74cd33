package engine

import (
	"cmp"

	"github.com/millrace/millrace/model"
)

// A timer is one that a user's code has set.
type timer struct {
	cell   int // among the layout's timers
	tag    string
	at     model.Timestamp
	output model.Timestamp // of what is emitted; the least, where not fixed
	fixed  bool
	hold   uint64 // its number among the holds; 0 is none
}

type timerID struct {
	cell int
	tag  string
}

func (t *timer) before(o *timer) bool {
	return cmp.Or(cmp.Compare(t.at, o.at), cmp.Compare(t.cell, o.cell), cmp.Compare(t.tag, o.tag)) < 0
}

// A timerHeap is the timers of one key and window on one clock, by time, then by
// the place of their cell, then by tag. A timer that is set again moves.
type timerHeap struct {
	items []timer
	index map[timerID]int // where each is; nil while there are few
}

// timerScan is up to how many timers are found without an index.
const timerScan = 8

func (h *timerHeap) find(cell int, tag string) int {
	if h.index != nil {
		if i, ok := h.index[timerID{cell, tag}]; ok {
			return i
		}
		return -1
	}
	for i := range h.items {
		if t := &h.items[i]; t.cell == cell && t.tag == tag {
			return i
		}
	}
	return -1
}

// first is the time of the first timer; never if there is none.
func (h *timerHeap) first() model.Timestamp {
	if len(h.items) == 0 {
		return never
	}
	return h.items[0].at
}

// due takes the first timer out that is due at now.
func (h *timerHeap) due(now model.Timestamp) (timer, bool) {
	if h.first() > now {
		return timer{}, false
	}
	return h.remove(0), true
}

// set sets t, in place of the one that remove has taken out before.
func (h *timerHeap) set(t timer) {
	h.items = append(h.items, t)
	last := len(h.items) - 1
	switch {
	case h.index != nil:
		h.index[timerID{t.cell, t.tag}] = last
	case len(h.items) > timerScan:
		h.index = make(map[timerID]int, 2*len(h.items))
		for i := range h.items {
			h.index[timerID{h.items[i].cell, h.items[i].tag}] = i
		}
	}
	h.up(last)
}

// remove takes the i'th timer out.
func (h *timerHeap) remove(i int) timer {
	t := h.items[i]
	last := len(h.items) - 1
	h.swap(i, last)
	h.items[last] = timer{}
	h.items = h.items[:last]
	if h.index != nil {
		delete(h.index, timerID{t.cell, t.tag})
		if last == 0 {
			h.index = nil
		}
	}
	if i < last {
		h.down(i)
		h.up(i)
	}
	return t
}

func (h *timerHeap) swap(i, j int) {
	a, b := &h.items[i], &h.items[j]
	*a, *b = *b, *a
	if h.index != nil {
		h.index[timerID{a.cell, a.tag}] = i
		h.index[timerID{b.cell, b.tag}] = j
	}
}

func (h *timerHeap) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if !h.items[i].before(&h.items[parent]) {
			return
		}
		h.swap(i, parent)
		i = parent
	}
}

func (h *timerHeap) down(i int) {
	for {
		c := 2*i + 1
		if c >= len(h.items) {
			return
		}
		if c+1 < len(h.items) && h.items[c+1].before(&h.items[c]) {
			c++
		}
		if !h.items[c].before(&h.items[i]) {
			return
		}
		h.swap(i, c)
		i = c
	}
}

// last is the time of the last timer; before all time if there is none.
func (h *timerHeap) last() model.Timestamp {
	last := model.MinTimestamp
	for i := range h.items {
		last = max(last, h.items[i].at)
	}
	return last
}

// cleared is h without its timers, to be used again.
func (h timerHeap) cleared() timerHeap {
	if cap(h.items) > 8*timerScan {
		return timerHeap{}
	}
	clear(h.items)
	return timerHeap{items: h.items[:0]}
}
