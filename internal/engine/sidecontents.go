package engine

import (
	"iter"
	"slices"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/coder"
)

// SideContents is what a side input has in one window, kept as those who look
// things up in it need it.
//
// Elements are given as pointers, which are not kept.
type SideContents interface {
	// add adds an element of a pane. It replaces what it belongs with of earlier panes.
	add(v any, pane int64)
	// remove takes back one element that is equal.
	remove(v any)
	// each visits the elements in an order such that adding them makes the same contents.
	each(visit func(v any, pane int64))
	// clear empties the contents. What was read off them before stays as it is.
	clear()
}

// A Same reports whether two values, given as pointers, have the same encoding.
type Same func(a, b any) bool

// sameBy is a Same. A value that cannot be encoded ends op's task.
func sameBy(op *Op, by *coder.Untyped) Same {
	c := comparer{op: op, by: by}
	return func(a, b any) bool {
		c.want(b)
		return c.same(a)
	}
}

// without takes one value equal to v out of values.
func without[V any](same Same, values []V, v *V) []V {
	for i := range values {
		if same(&values[i], v) {
			// A new slice: the old one may still be read.
			return append(slices.Clone(values[:i]), values[i+1:]...)
		}
	}
	return values
}

// A SideList is every element, in the order of arrival. Panes do not replace each
// other: there is nothing to tell which belong together.
type SideList[E any] struct {
	same   Same
	values []E
}

// NewSideList makes a SideList.
func NewSideList[E any](same Same) *SideList[E] { return &SideList[E]{same: same} }

// Values are the elements; the slice is nobody else's to append to.
func (l *SideList[E]) Values() []E { return slices.Clip(l.values) }

func (l *SideList[E]) add(v any, _ int64) { l.values = append(l.values, *v.(*E)) }
func (l *SideList[E]) remove(v any)       { l.values = without(l.same, l.values, v.(*E)) }
func (l *SideList[E]) clear()             { l.values = nil }

// sole is a place for one value, which may have got several by mistake.
type sole[V any] struct {
	pane int64
	n    int
	v    V
	more []V // the n-1 others
}

func (s *sole[V]) add(v *V, pane int64) {
	switch {
	case pane < s.pane:
	case s.n == 0 || pane > s.pane:
		*s = sole[V]{pane: pane, n: 1, v: *v}
	default:
		s.n++
		s.more = append(s.more, *v)
	}
}

func (s *sole[V]) remove(v *V, same Same) {
	switch {
	case s.n == 0:
	case !same(&s.v, v):
		s.more = without(same, s.more, v)
		s.n = 1 + len(s.more)
	case s.n == 1:
		*s = sole[V]{}
	default:
		*s = sole[V]{n: s.n - 1, v: s.more[0], more: slices.Clone(s.more[1:])}
	}
}

// A SideValue is the one element of a singleton.
type SideValue[E any] struct {
	same Same
	sole sole[E]
}

// NewSideValue makes a SideValue.
func NewSideValue[E any](same Same) *SideValue[E] { return &SideValue[E]{same: same} }

// Value is the first element, of n.
func (s *SideValue[E]) Value() (v E, n int) { return s.sole.v, s.sole.n }

func (s *SideValue[E]) add(v any, pane int64) { s.sole.add(v.(*E), pane) }
func (s *SideValue[E]) remove(v any)          { s.sole.remove(v.(*E), s.same) }
func (s *SideValue[E]) clear()                { s.sole = sole[E]{} }

// keyed is something for each key, in the order of their coming, but that one
// which is deleted leaves its place to the last.
type keyed[K comparable, C any] struct {
	index   map[K]int
	entries []keyedEntry[K, C]
}

type keyedEntry[K comparable, C any] struct {
	key K
	c   C
}

func (m *keyed[K, C]) get(k K) *C {
	if i, ok := m.index[k]; ok {
		return &m.entries[i].c
	}
	return nil
}

func (m *keyed[K, C]) upsert(k K) *C {
	i, ok := m.index[k]
	if !ok {
		if m.index == nil {
			m.index = map[K]int{}
		}
		i = len(m.entries)
		m.index[k] = i
		m.entries = append(m.entries, keyedEntry[K, C]{key: k})
	}
	return &m.entries[i].c
}

func (m *keyed[K, C]) delete(k K) {
	i := m.index[k]
	last := len(m.entries) - 1
	m.entries[i] = m.entries[last]
	m.index[m.entries[i].key] = i
	m.entries[last] = keyedEntry[K, C]{}
	m.entries = m.entries[:last]
	delete(m.index, k)
}

// A SideMap is one value for each key.
type SideMap[K comparable, V any] struct {
	same  Same
	keyed keyed[K, sole[V]]
	extra int // how many values there are more than keys
}

// NewSideMap makes a SideMap. Same compares values.
func NewSideMap[K comparable, V any](same Same) *SideMap[K, V] { return &SideMap[K, V]{same: same} }

// Get is the value of k.
func (m *SideMap[K, V]) Get(k K) (v V, ok bool) {
	if s := m.keyed.get(k); s != nil {
		return s.v, true
	}
	return v, false
}

// Len is the number of keys.
func (m *SideMap[K, V]) Len() int { return len(m.keyed.entries) }

// All is every key with its value.
func (m *SideMap[K, V]) All() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		for i := range m.keyed.entries {
			if e := &m.keyed.entries[i]; !yield(e.key, e.c.v) {
				return
			}
		}
	}
}

// Ambiguous is a key with more than one value, if there is any.
func (m *SideMap[K, V]) Ambiguous() (k K, n int) {
	if m.extra > 0 {
		for i := range m.keyed.entries {
			if e := &m.keyed.entries[i]; e.c.n > 1 {
				return e.key, e.c.n
			}
		}
	}
	return k, 0
}

// Set sets the value of k.
func (m *SideMap[K, V]) Set(k K, v V) { *m.keyed.upsert(k) = sole[V]{n: 1, v: v} }

func (m *SideMap[K, V]) add(v any, pane int64) {
	kv := v.(*model.KV[K, V])
	s := m.keyed.upsert(kv.Key)
	before := max(s.n, 1)
	s.add(&kv.Value, pane)
	m.extra += s.n - before
}

func (m *SideMap[K, V]) remove(v any) {
	kv := v.(*model.KV[K, V])
	s := m.keyed.get(kv.Key)
	if s == nil {
		return
	}
	before := s.n
	s.remove(&kv.Value, m.same)
	if s.n == 0 {
		m.keyed.delete(kv.Key)
		return
	}
	m.extra += s.n - before
}

func (m *SideMap[K, V]) clear() { *m = SideMap[K, V]{same: m.same} }

// A SideMultimap is every value of each key, in the order of arrival.
type SideMultimap[K comparable, V any] struct {
	same  Same
	keyed keyed[K, panedValues[V]]
}

// panedValues are the values of a key's latest pane.
type panedValues[V any] struct {
	pane   int64
	values []V
}

// NewSideMultimap makes a SideMultimap. Same compares values.
func NewSideMultimap[K comparable, V any](same Same) *SideMultimap[K, V] {
	return &SideMultimap[K, V]{same: same}
}

// Get are the values of k; the slice is nobody else's to append to.
func (m *SideMultimap[K, V]) Get(k K) []V {
	if c := m.keyed.get(k); c != nil {
		return slices.Clip(c.values)
	}
	return nil
}

// Len is the number of keys.
func (m *SideMultimap[K, V]) Len() int { return len(m.keyed.entries) }

// All is every key with its values.
func (m *SideMultimap[K, V]) All() iter.Seq2[K, []V] {
	return func(yield func(K, []V) bool) {
		for i := range m.keyed.entries {
			if e := &m.keyed.entries[i]; !yield(e.key, slices.Clip(e.c.values)) {
				return
			}
		}
	}
}

// Add adds a value to those of k.
func (m *SideMultimap[K, V]) Add(k K, v V) {
	c := m.keyed.upsert(k)
	c.values = append(c.values, v)
}

func (m *SideMultimap[K, V]) add(v any, pane int64) {
	kv := v.(*model.KV[K, V])
	c := m.keyed.upsert(kv.Key)
	switch {
	case pane < c.pane:
		return
	case pane > c.pane:
		c.pane, c.values = pane, nil
	}
	c.values = append(c.values, kv.Value)
}

func (m *SideMultimap[K, V]) remove(v any) {
	kv := v.(*model.KV[K, V])
	c := m.keyed.get(kv.Key)
	if c == nil {
		return
	}
	if c.values = without(m.same, c.values, &kv.Value); len(c.values) == 0 {
		m.keyed.delete(kv.Key)
	}
}

func (m *SideMultimap[K, V]) clear() { *m = SideMultimap[K, V]{same: m.same} }
