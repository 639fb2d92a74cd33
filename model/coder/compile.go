package coder

import (
	"reflect"
	"sync"
	"unsafe"
)

// An encodeFunc appends the encoding of the value at p. A decodeFunc reads one
// value from src into the memory at p, which it overwrites fully, and returns
// what follows. Neither keeps the slice or the pointer. The depth counts how
// often the value has passed through a type that contains itself.
type (
	encodeFunc func(dst []byte, p unsafe.Pointer, depth int) ([]byte, error)
	decodeFunc func(src []byte, p unsafe.Pointer, depth int) ([]byte, error)
)

// A codec is one compiled type. It is immutable once its builder is done.
type codec struct {
	enc    encodeFunc // nil until the type is compiled
	dec    decodeFunc
	least  int     // bytes that any encoding takes at least; 0 only if all are empty
	node   *node   // the type in the schema
	fields []field // of a struct
	flat   bool    // the fields may be drawn up into an enclosing struct
}

// A mode says what a type is compiled for; the later ones refuse more.
type mode uint8

const (
	asValue  mode = iota
	asMapKey      // the key of a map inside a value
	asKey
)

// A request names what can be compiled.
type request struct {
	typ  reflect.Type
	mode mode
}

// compiled holds, by request, the codec or the error that came of it.
var compiled sync.Map

func codecOf(r request) (*codec, error) {
	found, ok := compiled.Load(r)
	if !ok {
		b := builder{done: map[request]*codec{}}
		var made any = b.compile(r.typ, r.mode, "")
		if len(b.refused) > 0 {
			made = &RefusedError{Type: r.typ, Key: r.mode == asKey, Refused: b.refused}
		}
		found, _ = compiled.LoadOrStore(r, made)
	}
	if err, ok := found.(*RefusedError); ok {
		return nil, err
	}
	return found.(*codec), nil
}

// A builder compiles one type and all that it is made of. It goes on after a
// refusal, to find the others; what it compiles is then of no use.
type builder struct {
	done    map[request]*codec
	refused []Refusal
}

func (b *builder) refuse(path string, r reason) {
	b.refused = append(b.refused, Refusal{Path: path, What: r.what, Fix: r.fix})
}

// compile returns the codec of a type. A named type is compiled once: so one
// that contains itself comes to an end, and its bad fields are reported once.
func (b *builder) compile(t reflect.Type, m mode, path string) *codec {
	if r, bad := refusal(t, m); bad {
		b.refuse(path, r)
		return &codec{least: 1, node: &node{}}
	}
	c := &codec{node: &node{}}
	if t.Name() != "" {
		r := request{t, m}
		if known, ok := b.done[r]; ok && known.enc == nil {
			return again(known, t)
		} else if ok {
			return known
		}
		b.done[r] = c
	}
	if marshalsItself(t) && t != timeType && opaque(t, m) {
		selfMarshaled(c, t)
	} else {
		b.byKind(c, t, m, path)
	}
	return c
}

// byKind compiles a type by its structure.
func (b *builder) byKind(c *codec, t reflect.Type, m mode, path string) {
	switch t.Kind() {
	case reflect.Struct:
		if isTime(t) {
			*c = fixed(kindTime, 3, encodeTime, decodeTime)
			return
		}
		b.structure(c, t, m, path)
	case reflect.Pointer:
		if isMessage(t.Elem()) {
			b.message(c, t, path)
			return
		}
		b.pointer(c, t, m, path)
	case reflect.Array:
		b.array(c, t, m, path)
	case reflect.Slice:
		b.slice(c, t, m, path)
	case reflect.Map:
		b.mapping(c, t, m, path)
	default:
		*c = scalar(t.Kind())
	}
}

// again returns the codec of a type that is still being compiled, and so
// contains itself. Every cycle of types has such a link, and the link counts.
func again(c *codec, t reflect.Type) *codec {
	if c.node.label == "" {
		c.node.label = cleanLabel(typeName(t))
	}
	return &codec{
		node: c.node,
		// A type can contain itself by way of a pointer, a slice or a map
		// only, and each of them takes a byte.
		least: 1,
		enc: func(dst []byte, p unsafe.Pointer, depth int) ([]byte, error) {
			if depth >= maxDepth {
				return nil, errDepth
			}
			return c.enc(dst, p, depth+1)
		},
		dec: func(src []byte, p unsafe.Pointer, depth int) ([]byte, error) {
			if depth >= maxDepth {
				return nil, errDepth
			}
			return c.dec(src, p, depth+1)
		},
	}
}

// opaque reports whether a type that can marshal itself is to do so. A key is
// taken apart where that is possible: its structure is what == compares.
func opaque(t reflect.Type, m mode) bool {
	if m == asValue {
		return true
	}
	if _, bad := structuralRefusal(t, m); bad {
		return true // else refusal would have told
	}
	probe := builder{done: map[request]*codec{}}
	probe.byKind(&codec{node: &node{}}, t, m, "")
	return len(probe.refused) > 0 && t.Comparable()
}
