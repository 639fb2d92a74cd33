package engine

// A minHeap is a heap of T by the order that before says, which must be total.
type minHeap[T any, P interface {
	*T
	before(*T) bool
}] struct{ items []T }

func (h *minHeap[T, P]) push(t T) {
	h.items = append(h.items, t)
	for i := len(h.items) - 1; i > 0; {
		parent := (i - 1) / 2
		if !P(&h.items[i]).before(&h.items[parent]) {
			return
		}
		h.items[i], h.items[parent] = h.items[parent], h.items[i]
		i = parent
	}
}

// pop takes the first out, of at least one.
func (h *minHeap[T, P]) pop() T {
	first := h.items[0]
	last := len(h.items) - 1
	h.items[0] = h.items[last]
	var zero T
	h.items[last] = zero
	h.items = h.items[:last]
	h.down(0)
	return first
}

func (h *minHeap[T, P]) down(i int) {
	for {
		c := 2*i + 1
		if c >= len(h.items) {
			return
		}
		if c+1 < len(h.items) && P(&h.items[c+1]).before(&h.items[c]) {
			c++
		}
		if !P(&h.items[c]).before(&h.items[i]) {
			return
		}
		h.items[i], h.items[c] = h.items[c], h.items[i]
		i = c
	}
}

// retain keeps what keep says.
func (h *minHeap[T, P]) retain(keep func(P) bool) {
	kept := h.items[:0]
	for i := range h.items {
		if keep(&h.items[i]) {
			kept = append(kept, h.items[i])
		}
	}
	clear(h.items[len(kept):])
	h.items = kept
	for i := len(kept)/2 - 1; i >= 0; i-- {
		h.down(i)
	}
}
