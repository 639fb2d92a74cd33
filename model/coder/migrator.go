package coder

import (
	"encoding/binary"
	"math"
	"reflect"
	"unsafe"
)

// A migration is one type in the stored schema, and what it is read into.
type migration struct {
	stored *node
	into   request
}

// A skipFunc passes over one value.
type skipFunc func(src []byte, depth int) ([]byte, error)

// A migrator compiles decoders of stored encodings. Differences are known to be
// such as can be bridged. What it compiles is given zeroed memory: a field that is
// not stored is left alone.
type migrator struct {
	reads   map[migration]*decodeFunc // nil functions are being compiled
	skips   map[*node]*skipFunc
	leasts  map[*node]int
	refused []Difference
}

// reader returns what reads a stored value into t.
func (b *migrator) reader(stored *node, t reflect.Type, m mode, path string) decodeFunc {
	c, err := codecOf(request{t, m})
	if err != nil { // it is part of a type that has a codec
		panic(err)
	}
	if same(stored, c.node) && !holdsGone(stored, map[*node]bool{}) {
		return c.dec
	}
	key := migration{stored, request{t, m}}
	if known, ok := b.reads[key]; ok {
		return deeper(known)
	}
	read := new(decodeFunc)
	b.reads[key] = read
	*read = b.byKind(stored, c, t, m, path)
	return *read
}

// deeper reads a type that contains itself.
func deeper(read *decodeFunc) decodeFunc {
	return func(src []byte, p unsafe.Pointer, depth int) ([]byte, error) {
		if depth >= maxDepth {
			return nil, errDepth
		}
		return (*read)(src, p, depth+1)
	}
}

func (b *migrator) byKind(stored *node, c *codec, t reflect.Type, m mode, path string) decodeFunc {
	switch c.node.kind {
	case kindStruct:
		return b.structure(stored, t, m, path)
	case kindPointer:
		elem := &codec{dec: b.reader(stored.elem, t.Elem(), m, path), least: b.least(stored.elem)}
		return decodePointer(elem, t.Elem())
	case kindSlice:
		return b.slice(stored, t, m, path+"[]")
	case kindArray:
		return b.array(stored, t, m, path+"[]")
	case kindMap:
		return b.mapping(stored, t, m, path)
	default:
		return widening(stored.kind, t.Kind())
	}
}

func (b *migrator) structure(stored *node, t reflect.Type, m mode, path string) decodeFunc {
	type step struct {
		name   string
		offset uintptr
		read   decodeFunc // nil: skip
		skip   skipFunc
	}
	var steps []step
	for _, f := range stored.fields {
		into, ok := fieldNamed(t, f.name)
		if f.gone || !ok {
			steps = append(steps, step{name: f.name, skip: b.skipper(f.node)})
			continue
		}
		steps = append(steps, step{name: f.name, offset: into.Offset, read: b.reader(f.node, into.Type, m, joinPath(path, f.name))})
	}
	return func(src []byte, p unsafe.Pointer, depth int) ([]byte, error) {
		var err error
		for i := range steps {
			s := &steps[i]
			if s.read != nil {
				src, err = s.read(src, unsafe.Add(p, s.offset), depth)
			} else {
				src, err = s.skip(src, depth)
			}
			if err != nil {
				return nil, at(s.name, err)
			}
		}
		return src, nil
	}
}

// fieldNamed is a field of t itself, and not of a struct that it embeds.
func fieldNamed(t reflect.Type, name string) (reflect.StructField, bool) {
	for i := range t.NumField() {
		if f := t.Field(i); f.Name == name && name != "_" {
			return f, true
		}
	}
	return reflect.StructField{}, false
}

func (b *migrator) slice(stored *node, t reflect.Type, m mode, path string) decodeFunc {
	elem := &codec{dec: b.reader(stored.elem, t.Elem(), m, path), least: b.least(stored.elem)}
	if elem.least == 0 && t.Elem().Size() > 0 {
		// Each byte of input could then claim any amount of memory.
		b.refused = append(b.refused, Difference{path, Incompatible, mention(stored.elem) + ", which was stored as nothing", typeName(t.Elem())})
	}
	return decodeSlice(elem, t)
}

func (b *migrator) array(stored *node, t reflect.Type, m mode, path string) decodeFunc {
	n, size := t.Len(), t.Elem().Size()
	switch {
	case n == 0 || b.least(stored.elem) == 0:
		return decodeNothing
	case stored.elem.kind == kindUint8:
		return decodeArray(n, size, wideningBytes(t.Elem().Kind()))
	}
	return decodeArray(n, size, b.reader(stored.elem, t.Elem(), m, path))
}

func (b *migrator) mapping(stored *node, t reflect.Type, m mode, path string) decodeFunc {
	keyMode := m
	if m == asValue {
		keyMode = asMapKey
	}
	mp := &mapping{
		key:   &codec{dec: b.reader(stored.key, t.Key(), keyMode, path+"[key]"), least: b.least(stored.key)},
		value: &codec{dec: b.reader(stored.elem, t.Elem(), m, path+"[value]"), least: b.least(stored.elem)},
		size:  t.Key().Size() + t.Elem().Size() + 1,
		clear: true,
	}
	mp.least = saturate(uint64(mp.key.least) + uint64(mp.value.least))
	_, dec := reflectedMap(mp, t)
	return dec
}

// least is the number of bytes that any encoding of n takes at least.
func (b *migrator) least(n *node) int {
	if l, ok := b.leasts[n]; ok {
		return l
	}
	b.leasts[n] = 1 // of a type that contains itself, by way of one that takes a byte
	l := 1
	switch n.kind {
	case kindFloat32:
		l = 4
	case kindFloat64, kindComplex64:
		l = 8
	case kindComplex128:
		l = 16
	case kindTime:
		l = 3
	case kindArray:
		l = 0
		if each := b.least(n.elem); each > 0 && n.length > 0 {
			l = math.MaxInt32
			if n.length <= math.MaxInt32/each {
				l = n.length * each
			}
		}
	case kindStruct:
		sum := uint64(0)
		for _, f := range n.fields {
			sum += uint64(b.least(f.node))
		}
		l = saturate(sum)
	}
	b.leasts[n] = l
	return l
}

// holdsGone reports whether a field of n, at any depth, is to be skipped.
func holdsGone(n *node, seen map[*node]bool) bool {
	if n == nil || seen[n] {
		return false
	}
	seen[n] = true
	for _, f := range n.fields {
		if f.gone || holdsGone(f.node, seen) {
			return true
		}
	}
	return holdsGone(n.key, seen) || holdsGone(n.elem, seen)
}

// widening reads a number of a kind into a larger one.
func widening(stored kind, into reflect.Kind) decodeFunc {
	switch numbers[stored].family {
	case kindInt8:
		return wideningSigned(numbers[stored].bits, integerStore(into))
	case kindUint8:
		return wideningUnsigned(numbers[stored].bits, integerStore(into))
	case kindFloat32:
		return decode32as64
	default:
		return decodePair(decode32as64, 8)
	}
}

// integerStore writes an integer of a kind, which can take it.
func integerStore(into reflect.Kind) func(p unsafe.Pointer, bits uint64) {
	switch into {
	case reflect.Int16, reflect.Uint16:
		return func(p unsafe.Pointer, bits uint64) { *(*uint16)(p) = uint16(bits) }
	case reflect.Int32, reflect.Uint32:
		return func(p unsafe.Pointer, bits uint64) { *(*uint32)(p) = uint32(bits) }
	case reflect.Int, reflect.Uint:
		return func(p unsafe.Pointer, bits uint64) { *(*uint)(p) = uint(bits) }
	default:
		return func(p unsafe.Pointer, bits uint64) { *(*uint64)(p) = bits }
	}
}

func wideningSigned(bits int, store func(unsafe.Pointer, uint64)) decodeFunc {
	spare := 64 - bits
	return func(src []byte, p unsafe.Pointer, _ int) ([]byte, error) {
		u, rest, err := uvarint(src)
		if err != nil {
			return nil, err
		}
		i := unzigzag(u)
		if i<<spare>>spare != i {
			return nil, errRange
		}
		store(p, uint64(i))
		return rest, nil
	}
}

func wideningUnsigned(bits int, store func(unsafe.Pointer, uint64)) decodeFunc {
	return func(src []byte, p unsafe.Pointer, _ int) ([]byte, error) {
		u, rest, err := uvarint(src)
		if err != nil {
			return nil, err
		}
		if u>>bits != 0 {
			return nil, errRange
		}
		store(p, u)
		return rest, nil
	}
}

// wideningBytes reads the bytes of an array of them.
func wideningBytes(into reflect.Kind) decodeFunc {
	store := integerStore(into)
	return func(src []byte, p unsafe.Pointer, _ int) ([]byte, error) {
		if len(src) == 0 {
			return nil, errShort
		}
		store(p, uint64(src[0]))
		return src[1:], nil
	}
}

func decode32as64(src []byte, p unsafe.Pointer, _ int) ([]byte, error) {
	if len(src) < 4 {
		return nil, errShort
	}
	*(*float64)(p) = float64(math.Float32frombits(binary.LittleEndian.Uint32(src)))
	return src[4:], nil
}
