package coder

import (
	"bytes"
	"reflect"
	"slices"
	"sync"
	"unsafe"
)

// A mapping is the codec of one map type: those of its keys and values, and
// scratch space. Entries pass through variables of the scratch space, since a
// map has no addresses to give.
type mapping struct {
	key, value *codec
	least      int     // bytes that an entry takes in the input
	size       uintptr // memory that an entry takes, roughly
	clear      bool    // the decoders are given zeroed memory
	scratch    sync.Pool
}

func (b *builder) mapping(c *codec, t reflect.Type, m mode, path string) {
	keyMode := m
	if m == asValue {
		keyMode = asMapKey
	}
	mp := &mapping{
		key:   b.compile(t.Key(), keyMode, path+"[key]"),
		value: b.compile(t.Elem(), m, path+"[value]"),
		size:  t.Key().Size() + t.Elem().Size() + 1,
	}
	mp.least = saturate(uint64(mp.key.least) + uint64(mp.value.least))
	c.node.kind, c.node.key, c.node.elem = kindMap, mp.key.node, mp.value.node
	c.least = 1
	if typed, ok := typedMaps[reflect.MapOf(t.Key(), t.Elem())]; ok {
		c.enc, c.dec = typed(mp)
		return
	}
	c.enc, c.dec = reflectedMap(mp, t)
}

// claim reads the number of entries, and for how many to make room. The number
// is -1 for a nil map.
func (m *mapping) claim(src []byte, depth int) (n, hint int, rest []byte, err error) {
	n, rest, err = count(src, m.least)
	if err != nil || n < 0 {
		return n, 0, rest, err
	}
	return n, room(n, m.size, len(rest), depth), rest, nil
}

func (m *mapping) decodeEntry(src []byte, k, v unsafe.Pointer, depth int) ([]byte, error) {
	src, err := m.key.dec(src, k, depth)
	if err != nil {
		return nil, at("[key]", err)
	}
	if src, err = m.value.dec(src, v, depth); err != nil {
		return nil, at("[value]", err)
	}
	return src, nil
}

// entries holds the encoded entries of a map until all are there to be sorted.
type entries struct {
	buf   []byte
	spans []span
}

type span struct{ from, to int }

func (e *entries) add(m *mapping, k, v unsafe.Pointer, depth int) error {
	buf, err := m.key.enc(e.buf, k, depth)
	if err != nil {
		return at("[key]", err)
	}
	if buf, err = m.value.enc(buf, v, depth); err != nil {
		return at("[value]", err)
	}
	e.spans = append(e.spans, span{len(e.buf), len(buf)})
	e.buf = buf
	return nil
}

// appendSorted appends the entries in their order. No encoding is a prefix of
// another, so ordering whole entries orders them by key.
func (e *entries) appendSorted(dst []byte) []byte {
	slices.SortFunc(e.spans, func(a, b span) int {
		return bytes.Compare(e.buf[a.from:a.to], e.buf[b.from:b.to])
	})
	dst = slices.Grow(dst, len(e.buf))
	for _, s := range e.spans {
		dst = append(dst, e.buf[s.from:s.to]...)
	}
	return dst
}

// reset keeps the memory for the next map, unless one huge map made it huge.
func (e *entries) reset() {
	const keep = 1 << 16
	if cap(e.buf) > keep {
		*e = entries{}
		return
	}
	e.buf, e.spans = e.buf[:0], e.spans[:0]
}

// typedMaps has the maps common enough to deserve code of their own.
var typedMaps = func() map[reflect.Type]typedMap {
	all := map[reflect.Type]typedMap{}
	registerKey[string](all)
	registerKey[int](all)
	registerKey[int64](all)
	registerKey[uint64](all)
	return all
}()

type typedMap func(*mapping) (encodeFunc, decodeFunc)

func registerKey[K comparable](all map[reflect.Type]typedMap) {
	all[reflect.TypeFor[map[K]string]()] = typedMapOf[K, string]
	all[reflect.TypeFor[map[K]bool]()] = typedMapOf[K, bool]
	all[reflect.TypeFor[map[K]int]()] = typedMapOf[K, int]
	all[reflect.TypeFor[map[K]int64]()] = typedMapOf[K, int64]
	all[reflect.TypeFor[map[K]float64]()] = typedMapOf[K, float64]
	all[reflect.TypeFor[map[K][]byte]()] = typedMapOf[K, []byte]
	all[reflect.TypeFor[map[K]struct{}]()] = typedMapOf[K, struct{}]
}

type typedScratch[K comparable, V any] struct {
	entries
	key   K
	value V
}

// release clears what the scratch space would else keep alive.
func (s *typedScratch[K, V]) release(m *mapping) {
	var (
		key   K
		value V
	)
	s.reset()
	s.key, s.value = key, value
	m.scratch.Put(s)
}

func typedMapOf[K comparable, V any](m *mapping) (encodeFunc, decodeFunc) {
	m.scratch.New = func() any { return new(typedScratch[K, V]) }
	enc := func(dst []byte, p unsafe.Pointer, depth int) ([]byte, error) {
		mp := *(*map[K]V)(p)
		if mp == nil {
			return append(dst, 0), nil
		}
		dst = appendUvarint(dst, uint64(len(mp))+1)
		if len(mp) == 0 {
			return dst, nil
		}
		s := m.scratch.Get().(*typedScratch[K, V])
		defer s.release(m)
		for s.key, s.value = range mp {
			if err := s.add(m, unsafe.Pointer(&s.key), unsafe.Pointer(&s.value), depth); err != nil {
				return nil, err
			}
		}
		return s.appendSorted(dst), nil
	}
	dec := func(src []byte, p unsafe.Pointer, depth int) ([]byte, error) {
		n, hint, src, err := m.claim(src, depth)
		if err != nil {
			return nil, err
		}
		if n < 0 {
			*(*map[K]V)(p) = nil
			return src, nil
		}
		mp := make(map[K]V, hint)
		*(*map[K]V)(p) = mp
		s := m.scratch.Get().(*typedScratch[K, V])
		defer s.release(m)
		for range n {
			if src, err = m.decodeEntry(src, unsafe.Pointer(&s.key), unsafe.Pointer(&s.value), depth); err != nil {
				return nil, err
			}
			mp[s.key] = s.value
		}
		if len(mp) != n {
			return nil, errTwice
		}
		return src, nil
	}
	return enc, dec
}

type reflectedScratch struct {
	entries
	iter       reflect.MapIter
	key, value reflect.Value
}

func (s *reflectedScratch) release(m *mapping) {
	s.reset()
	s.iter.Reset(reflect.Value{})
	s.key.SetZero()
	s.value.SetZero()
	m.scratch.Put(s)
}

func reflectedMap(m *mapping, t reflect.Type) (encodeFunc, decodeFunc) {
	m.scratch.New = func() any {
		return &reflectedScratch{key: reflect.New(t.Key()).Elem(), value: reflect.New(t.Elem()).Elem()}
	}
	enc := func(dst []byte, p unsafe.Pointer, depth int) ([]byte, error) {
		mp := reflect.NewAt(t, p).Elem()
		if mp.IsNil() {
			return append(dst, 0), nil
		}
		dst = appendUvarint(dst, uint64(mp.Len())+1)
		if mp.Len() == 0 {
			return dst, nil
		}
		s := m.scratch.Get().(*reflectedScratch)
		defer s.release(m)
		for s.iter.Reset(mp); s.iter.Next(); {
			s.key.SetIterKey(&s.iter)
			s.value.SetIterValue(&s.iter)
			if err := s.add(m, s.key.Addr().UnsafePointer(), s.value.Addr().UnsafePointer(), depth); err != nil {
				return nil, err
			}
		}
		return s.appendSorted(dst), nil
	}
	dec := func(src []byte, p unsafe.Pointer, depth int) ([]byte, error) {
		n, hint, src, err := m.claim(src, depth)
		if err != nil {
			return nil, err
		}
		if n < 0 {
			*(*unsafe.Pointer)(p) = nil
			return src, nil
		}
		mp := reflect.MakeMapWithSize(t, hint)
		*(*unsafe.Pointer)(p) = mp.UnsafePointer()
		s := m.scratch.Get().(*reflectedScratch)
		defer s.release(m)
		for range n {
			if m.clear {
				s.key.SetZero()
				s.value.SetZero()
			}
			if src, err = m.decodeEntry(src, s.key.Addr().UnsafePointer(), s.value.Addr().UnsafePointer(), depth); err != nil {
				return nil, err
			}
			mp.SetMapIndex(s.key, s.value)
		}
		if mp.Len() != n {
			return nil, errTwice
		}
		return src, nil
	}
	return enc, dec
}
