package coder

import (
	"reflect"
	"unsafe"
)

// A field is one field of a struct, or of a struct that lies inside it.
type field struct {
	name   string
	offset uintptr
	enc    encodeFunc
	dec    decodeFunc
}

// structure compiles a struct. The fields of structs that lie within it are
// drawn up into its own list: their bytes would follow each other just so.
func (b *builder) structure(c *codec, t reflect.Type, m mode, path string) {
	c.node.kind, c.node.label = kindStruct, cleanLabel(typeName(t))
	least := uint64(0)
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Name == "_" {
			if lock := elementType(f.Type); isLock(lock) {
				b.refuse(joinPath(path, "_"), lockReason(lock))
			}
			continue
		}
		inner := b.compile(f.Type, m, joinPath(path, f.Name))
		least += uint64(inner.least)
		c.node.fields = append(c.node.fields, nodeField{name: f.Name, node: inner.node})
		if inner.flat {
			for _, g := range inner.fields {
				g.name, g.offset = joinPath(f.Name, g.name), f.Offset+g.offset
				c.fields = append(c.fields, g)
			}
			continue
		}
		c.fields = append(c.fields, field{name: f.Name, offset: f.Offset, enc: inner.enc, dec: inner.dec})
	}
	c.flat = true
	c.least = saturate(least)
	c.enc, c.dec = encodeStruct(c.fields), decodeStruct(c.fields)
}

// elementType returns what an array is an array of, and any other type itself.
func elementType(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Array {
		t = t.Elem()
	}
	return t
}

func encodeStruct(fields []field) encodeFunc {
	return func(dst []byte, p unsafe.Pointer, depth int) ([]byte, error) {
		var err error
		for i := range fields {
			f := &fields[i]
			if dst, err = f.enc(dst, unsafe.Add(p, f.offset), depth); err != nil {
				return nil, at(f.name, err)
			}
		}
		return dst, nil
	}
}

func decodeStruct(fields []field) decodeFunc {
	return func(src []byte, p unsafe.Pointer, depth int) ([]byte, error) {
		var err error
		for i := range fields {
			f := &fields[i]
			if src, err = f.dec(src, unsafe.Add(p, f.offset), depth); err != nil {
				return nil, at(f.name, err)
			}
		}
		return src, nil
	}
}

// array compiles an array. One whose elements encode to nothing costs nothing,
// however long it is.
func (b *builder) array(c *codec, t reflect.Type, m mode, path string) {
	n, size := t.Len(), t.Elem().Size()
	elem := b.compile(t.Elem(), m, path+"[]")
	c.node.kind, c.node.elem, c.node.length = kindArray, elem.node, n
	switch {
	case n == 0 || elem.least == 0:
		c.enc, c.dec = encodeNothing, decodeNothing
	case uint64(n) > maxArray/uint64(elem.least):
		b.refuse(path, arrayReason(t))
	case isByte(elem):
		c.least, c.enc, c.dec = n, encodeRaw(n), decodeRaw(n)
	default:
		c.least, c.enc, c.dec = n*elem.least, encodeArray(n, size, elem.enc), decodeArray(n, size, elem.dec)
	}
}

func encodeNothing(dst []byte, _ unsafe.Pointer, _ int) ([]byte, error) { return dst, nil }
func decodeNothing(src []byte, _ unsafe.Pointer, _ int) ([]byte, error) { return src, nil }

func encodeRaw(n int) encodeFunc {
	return func(dst []byte, p unsafe.Pointer, _ int) ([]byte, error) {
		return append(dst, unsafe.Slice((*byte)(p), n)...), nil
	}
}

func decodeRaw(n int) decodeFunc {
	return func(src []byte, p unsafe.Pointer, _ int) ([]byte, error) {
		if len(src) < n {
			return nil, errShort
		}
		copy(unsafe.Slice((*byte)(p), n), src)
		return src[n:], nil
	}
}

func encodeArray(n int, size uintptr, enc encodeFunc) encodeFunc {
	return func(dst []byte, p unsafe.Pointer, depth int) ([]byte, error) {
		var err error
		for i := range n {
			if dst, err = enc(dst, unsafe.Add(p, uintptr(i)*size), depth); err != nil {
				return nil, atIndex(i, err)
			}
		}
		return dst, nil
	}
}

func decodeArray(n int, size uintptr, dec decodeFunc) decodeFunc {
	return func(src []byte, p unsafe.Pointer, depth int) ([]byte, error) {
		var err error
		for i := range n {
			if src, err = dec(src, unsafe.Add(p, uintptr(i)*size), depth); err != nil {
				return nil, atIndex(i, err)
			}
		}
		return src, nil
	}
}

// sliceHeader is the form of a slice whose element type is known only to a
// codec.
type sliceHeader struct {
	data     unsafe.Pointer
	len, cap int
}

// nowhere is where slices point that take no memory but are not nil.
var nowhere uint64

func (b *builder) slice(c *codec, t reflect.Type, m mode, path string) {
	elem := b.compile(t.Elem(), m, path+"[]")
	c.least = 1
	if isByte(elem) {
		c.node.kind, c.enc, c.dec = kindBytes, encodeBytes, decodeBytes
		return
	}
	size := t.Elem().Size()
	if elem.least == 0 && size > 0 {
		// Each byte of input could then claim any amount of memory.
		b.refuse(path+"[]", paddingReason(t.Elem()))
	}
	c.node.kind, c.node.elem = kindSlice, elem.node
	c.enc, c.dec = encodeSlice(elem, size), decodeSlice(elem, t)
}

func encodeSlice(elem *codec, size uintptr) encodeFunc {
	enc, least := elem.enc, elem.least
	return func(dst []byte, p unsafe.Pointer, depth int) ([]byte, error) {
		s := (*sliceHeader)(p)
		if s.data == nil {
			return append(dst, 0), nil
		}
		dst = appendUvarint(dst, uint64(s.len)+1)
		if least == 0 {
			if s.len > maxEmpty {
				return nil, errEmpty
			}
			return dst, nil
		}
		var err error
		for i := range s.len {
			if dst, err = enc(dst, unsafe.Add(s.data, uintptr(i)*size), depth); err != nil {
				return nil, atIndex(i, err)
			}
		}
		return dst, nil
	}
}

func decodeSlice(elem *codec, t reflect.Type) decodeFunc {
	dec, least, size := elem.dec, elem.least, t.Elem().Size()
	return func(src []byte, p unsafe.Pointer, depth int) ([]byte, error) {
		n, src, err := count(src, least)
		if err != nil {
			return nil, err
		}
		s := (*sliceHeader)(p)
		s.data, s.len, s.cap = nil, 0, 0
		switch {
		case n < 0:
			return src, nil
		case n == 0 || least == 0:
			s.data, s.len, s.cap = unsafe.Pointer(&nowhere), n, n
			return src, nil
		}
		typed := reflect.NewAt(t, p).Elem()
		typed.Grow(room(n, size, len(src), depth))
		for i := range n {
			if i == s.cap {
				s.len = i
				typed.Grow(min(i, n-i))
			}
			if src, err = dec(src, unsafe.Add(s.data, uintptr(i)*size), depth); err != nil {
				return nil, atIndex(i, err)
			}
		}
		s.len = n
		return src, nil
	}
}

// pointer compiles a pointer, which stands for a value that may be absent.
func (b *builder) pointer(c *codec, t reflect.Type, m mode, path string) {
	elem := b.compile(t.Elem(), m, path)
	c.node.kind, c.node.elem = kindPointer, elem.node
	c.least, c.enc, c.dec = 1, encodePointer(elem.enc), decodePointer(elem, t.Elem())
}

func encodePointer(enc encodeFunc) encodeFunc {
	return func(dst []byte, p unsafe.Pointer, depth int) ([]byte, error) {
		q := *(*unsafe.Pointer)(p)
		if q == nil {
			return append(dst, 0), nil
		}
		return enc(append(dst, 1), q, depth)
	}
}

func decodePointer(elem *codec, t reflect.Type) decodeFunc {
	dec, least := elem.dec, elem.least
	return func(src []byte, p unsafe.Pointer, depth int) ([]byte, error) {
		set, src, err := flag(src)
		switch {
		case err != nil:
			return nil, err
		case !set:
			*(*unsafe.Pointer)(p) = nil
			return src, nil
		case len(src) < least:
			return nil, errShort
		}
		q := reflect.New(t).UnsafePointer()
		if src, err = dec(src, q, depth); err != nil {
			return nil, err
		}
		*(*unsafe.Pointer)(p) = q
		return src, nil
	}
}

// isByte reports whether elements are single bytes in memory, and so may be
// copied as one run.
func isByte(elem *codec) bool { return elem.node.kind == kindUint8 }
