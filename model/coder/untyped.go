package coder

import (
	"fmt"
	"reflect"
	"sync"
	"unsafe"
)

// An Untyped encodes values of a type that its holder knows at run time only. It
// has the encoding of the [Coder] of that type, and is compiled once for all
// types. Values are given as pointers: for a type T, as a *T. A pointer to
// anything else is a mistake of the caller's, and a panic.
//
// It is immutable and safe for concurrent use.
type Untyped struct {
	codec  *codec
	schema *Schema
	name   string
	typ    reflect.Type
	ptr    reflect.Type
	key    bool
}

// ForType is [For] of a type that is known at run time only.
func ForType(t reflect.Type) (*Untyped, error) { return untypedOf(t, asValue) }

// ForKeyType is [ForKey] of a type that is known at run time only.
func ForKeyType(t reflect.Type) (*Untyped, error) { return untypedOf(t, asKey) }

// untyped holds those made so far, by request.
var untyped sync.Map

func untypedOf(t reflect.Type, m mode) (*Untyped, error) {
	r := request{t, m}
	if known, ok := untyped.Load(r); ok {
		return known.(*Untyped), nil
	}
	if err := check(t, m); err != nil {
		return nil, err
	}
	compiled, err := codecOf(r)
	if err != nil {
		return nil, err
	}
	shared, _ := untyped.LoadOrStore(r, &Untyped{
		codec:  compiled,
		schema: &Schema{root: compiled.node},
		name:   typeName(t),
		typ:    t,
		ptr:    reflect.PointerTo(t),
		key:    m == asKey,
	})
	return shared.(*Untyped), nil
}

// Type is the type of the values.
func (u *Untyped) Type() reflect.Type { return u.typ }

// Schema describes the encoding. It is shared, and not to be changed.
func (u *Untyped) Schema() *Schema { return u.schema }

// Append is [Coder.Append].
func (u *Untyped) Append(dst []byte, v any) ([]byte, error) { return u.append(dst, u.pointer(v)) }

// Decode is [Coder.Decode].
func (u *Untyped) Decode(src []byte, v any) (rest []byte, err error) {
	return u.decode(src, u.pointer(v))
}

// Hash is [Coder.Hash].
func (u *Untyped) Hash(v any) uint64 { return u.hash(u.pointer(v)) }

// pointer is what v points to.
func (u *Untyped) pointer(v any) unsafe.Pointer {
	p := reflect.ValueOf(v)
	if !p.IsValid() || p.Type() != u.ptr {
		panic(fmt.Sprintf("coder: a %T was given where a %v belongs", v, u.ptr))
	}
	return p.UnsafePointer()
}

func (u *Untyped) append(dst []byte, p unsafe.Pointer) ([]byte, error) {
	out, err := u.codec.enc(dst, p, 0)
	if err != nil {
		return dst, fmt.Errorf("coder: encoding %s: %w", u.name, err)
	}
	return out, nil
}

func (u *Untyped) decode(src []byte, p unsafe.Pointer) (rest []byte, err error) {
	rest, err = u.codec.dec(src, p, 0)
	if err != nil {
		u.zero(p)
		return nil, fmt.Errorf("coder: decoding %s: %w", u.name, err)
	}
	return rest, nil
}

func (u *Untyped) zero(p unsafe.Pointer) { reflect.NewAt(u.typ, p).Elem().SetZero() }

// hash may keep the key from staying on its owner's stack.
func (u *Untyped) hash(p unsafe.Pointer) uint64 {
	if !u.key {
		panic("coder: Hash of " + u.name + " needs a coder made for keys")
	}
	if h, ok := hashScalar(u.typ.Kind(), p); ok {
		return h
	}
	buf := hashBuffers.Get().(*[]byte)
	encoding, err := u.codec.enc((*buf)[:0], p, 0)
	h := uint64(0)
	if err == nil {
		*buf = encoding
		h = digest(encoding)
	}
	hashBuffers.Put(buf)
	return h
}

var hashBuffers = sync.Pool{New: func() any { return new([]byte) }}

// hashScalar hashes a key of a kind that need not be encoded for it.
func hashScalar(kind reflect.Kind, p unsafe.Pointer) (uint64, bool) {
	switch kind {
	case reflect.String:
		return hashString(p), true
	case reflect.Int:
		return mix(uint64(*(*int)(p))), true
	case reflect.Int8:
		return mix(uint64(*(*int8)(p))), true
	case reflect.Int16:
		return mix(uint64(*(*int16)(p))), true
	case reflect.Int32:
		return mix(uint64(*(*int32)(p))), true
	case reflect.Int64:
		return mix(uint64(*(*int64)(p))), true
	case reflect.Uint:
		return mix(uint64(*(*uint)(p))), true
	case reflect.Uint8:
		return mix(uint64(*(*uint8)(p))), true
	case reflect.Uint16:
		return mix(uint64(*(*uint16)(p))), true
	case reflect.Uint32:
		return mix(uint64(*(*uint32)(p))), true
	case reflect.Uint64:
		return mix(*(*uint64)(p)), true
	}
	return 0, false
}

func hash64(p unsafe.Pointer) uint64 { return mix(*(*uint64)(p)) }

func hashString(p unsafe.Pointer) uint64 {
	s := *(*string)(p)
	return digest(unsafe.Slice(unsafe.StringData(s), len(s)))
}

// HashOf returns the hash function of keys of type K, which is [Coder.Hash]. The
// compiler moves a local variable that it is given to the heap: it is for keys
// that are there already.
func HashOf[K any]() (func(*K) uint64, error) {
	u, err := ForKeyType(reflect.TypeFor[K]())
	if err != nil {
		return nil, err
	}
	hash := u.hash
	switch k := u.typ.Kind(); {
	case u.typ.Size() == 0: // all keys are equal
		same := u.hash(unsafe.Pointer(new(K)))
		return func(*K) uint64 { return same }, nil
	case k == reflect.Int64 || k == reflect.Uint64:
		hash = hash64
	case k == reflect.String:
		hash = hashString
	}
	return func(k *K) uint64 { return hash(unsafe.Pointer(k)) }, nil
}

// An UntypedMigration decodes values that were encoded under other schemas.
type UntypedMigration struct {
	of      *Untyped
	dec     decodeFunc
	changes []Difference
}

// From is [Coder.From].
func (u *Untyped) From(stored *Schema, later ...*Schema) (*UntypedMigration, error) {
	m := asValue
	if u.key {
		m = asKey
	}
	dec, changes, err := migrate(stored, later, request{u.typ, m})
	if err != nil {
		return nil, err
	}
	return &UntypedMigration{u, dec, changes}, nil
}

// Changes lists in what the type differs from what was stored.
func (m *UntypedMigration) Changes() []Difference { return m.changes }

// Decode is [Coder.Decode] of what was stored.
func (m *UntypedMigration) Decode(src []byte, v any) (rest []byte, err error) {
	return m.decode(src, m.of.pointer(v))
}

func (m *UntypedMigration) decode(src []byte, p unsafe.Pointer) (rest []byte, err error) {
	m.of.zero(p)
	if rest, err = m.dec(src, p, 0); err != nil {
		m.of.zero(p)
		return nil, fmt.Errorf("coder: decoding %s as it was stored: %w", m.of.name, err)
	}
	return rest, nil
}
