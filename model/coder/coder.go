package coder

import (
	"errors"
	"reflect"
	"sync"
	"unsafe"
)

// A Coder encodes values of T. It is made by [For] or [ForKey], of which all
// calls for one type share it. It is immutable and safe for concurrent use; the
// values given to it remain the caller's.
type Coder[T any] struct {
	of      *Untyped
	scratch sync.Pool // of *T, for keys that are hashed by their encoding
}

// Any is a [Coder] whose type is not known where it is held.
type Any interface {
	Schema() *Schema
	Type() reflect.Type
}

// For returns the coder for a type. If some part of the type has no encoding,
// the error is a [*RefusedError] with all such parts.
func For[T any]() (*Coder[T], error) { return coderOf[T](asValue) }

// ForKey returns the coder for a type of keys, with which two values have the
// same encoding if and only if they are equal by ==. Types that For accepts are
// refused where that cannot be promised. A type that can marshal itself may
// have another encoding as a key than as a value.
func ForKey[T any]() (*Coder[T], error) { return coderOf[T](asKey) }

// Check returns the error that [For] would return.
func Check(t reflect.Type) error { return check(t, asValue) }

// CheckKey returns the error that [ForKey] would return.
func CheckKey(t reflect.Type) error { return check(t, asKey) }

func check(t reflect.Type, m mode) error {
	if t == nil {
		return errors.New("coder: the type is nil")
	}
	_, err := codecOf(request{t, m})
	return err
}

// coders holds the coders made so far, by request.
var coders sync.Map

func coderOf[T any](m mode) (*Coder[T], error) {
	r := request{reflect.TypeFor[T](), m}
	if known, ok := coders.Load(r); ok {
		return known.(*Coder[T]), nil
	}
	u, err := untypedOf(r.typ, m)
	if err != nil {
		return nil, err
	}
	c := &Coder[T]{of: u}
	c.scratch.New = func() any { return new(T) }
	shared, _ := coders.LoadOrStore(r, c)
	return shared.(*Coder[T]), nil
}

// Type returns T.
func (c *Coder[T]) Type() reflect.Type { return c.of.typ }

// Schema describes the encoding. It is shared, and not to be changed.
func (c *Coder[T]) Schema() *Schema { return c.of.schema }

// Append appends the encoding of *v to dst. It keeps no reference to v, yet the
// compiler cannot see that, so a local variable will be moved to the heap: in
// hot code, encode what is there already. On an error dst comes back as it was
// given, save for its spare capacity.
func (c *Coder[T]) Append(dst []byte, v *T) ([]byte, error) {
	return c.of.append(dst, unsafe.Pointer(v))
}

// Decode reads one value from the beginning of src into *v and returns what
// follows it. It overwrites *v whole, and what *v referred to before it leaves
// alone; the value decoded shares no memory with src. On an error *v is zero.
func (c *Coder[T]) Decode(src []byte, v *T) (rest []byte, err error) {
	return c.of.decode(src, unsafe.Pointer(v))
}

// Hash returns a hash of a key, the same in all processes and versions, and well
// spread in its high and low bits. It is SplitMix64 of an integer, whatever the
// integer's type, XXH64 of the bytes of a string, and XXH64 of the encoding of
// any other key. A key that its own methods fail to marshal hashes to 0; Append
// tells why.
//
// Hash allocates nothing. It panics on a coder that For made: equal values might
// differ in their hash.
func (c *Coder[T]) Hash(v *T) uint64 {
	if c.of.key {
		if h, ok := hashScalar(c.of.typ.Kind(), unsafe.Pointer(v)); ok {
			return h
		}
	}
	// A copy, so that the key need not leave its caller's stack.
	k := c.scratch.Get().(*T)
	*k = *v
	h := c.of.hash(unsafe.Pointer(k))
	var zero T
	*k = zero
	c.scratch.Put(k)
	return h
}
