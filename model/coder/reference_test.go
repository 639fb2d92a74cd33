package coder_test

import (
	"bytes"
	"encoding"
	"encoding/binary"
	"math"
	"reflect"
	"slices"
	"time"
	"unsafe"

	"google.golang.org/protobuf/proto"
)

// reference encodes by reflection, slowly, what the table in the package's
// documentation says. v must be addressable.
func reference(v reflect.Value) []byte {
	if enc, ok := referenceLeaf(v); ok {
		return enc
	}
	switch v.Kind() {
	case reflect.Struct:
		return referenceFields(v)
	case reflect.Array:
		return referenceElements(nil, v)
	case reflect.Slice:
		if v.IsNil() {
			return []byte{0}
		}
		return referenceElements(binary.AppendUvarint(nil, uint64(v.Len())+1), v)
	case reflect.Map:
		return referenceMap(v)
	case reflect.Pointer:
		if v.IsNil() {
			return []byte{0}
		}
		return append([]byte{1}, reference(v.Elem())...)
	}
	panic("no reference for " + v.Type().String())
}

// referenceLeaf encodes what has no parts, or takes care of them itself.
func referenceLeaf(v reflect.Value) ([]byte, bool) {
	switch x := reflect.NewAt(v.Type(), unsafe.Pointer(v.UnsafeAddr())).Interface().(type) {
	case *time.Time:
		_, offset := x.Zone()
		enc := binary.AppendVarint(nil, x.Unix())
		enc = binary.AppendUvarint(enc, uint64(x.Nanosecond()))
		return binary.AppendVarint(enc, int64(offset)), true
	case encoding.BinaryAppender:
		return withLength(must(x.AppendBinary(nil)), 0), true
	case encoding.BinaryMarshaler:
		return withLength(must(x.MarshalBinary()), 0), true
	case *[]byte:
		if *x == nil {
			return []byte{0}, true
		}
		return withLength(*x, 1), true
	}
	if message, ok := asMessage(v); ok {
		if v.IsNil() {
			return []byte{0}, true
		}
		return withLength(must(proto.MarshalOptions{Deterministic: true}.Marshal(message)), 1), true
	}
	return referenceScalar(v)
}

func asMessage(v reflect.Value) (proto.Message, bool) {
	if v.Kind() != reflect.Pointer {
		return nil, false
	}
	m, ok := reflect.NewAt(v.Type(), unsafe.Pointer(v.UnsafeAddr())).Elem().Interface().(proto.Message)
	return m, ok
}

func referenceScalar(v reflect.Value) ([]byte, bool) {
	switch {
	case v.CanInt():
		return binary.AppendVarint(nil, v.Int()), true
	case v.CanUint():
		return binary.AppendUvarint(nil, v.Uint()), true
	}
	switch v.Kind() {
	case reflect.Bool:
		if v.Bool() {
			return []byte{1}, true
		}
		return []byte{0}, true
	case reflect.Float32:
		// Not by way of float64, which might quieten a NaN.
		return binary.LittleEndian.AppendUint32(nil, *(*uint32)(unsafe.Pointer(v.UnsafeAddr()))), true
	case reflect.Float64:
		return binary.LittleEndian.AppendUint64(nil, math.Float64bits(v.Float())), true
	case reflect.Complex64:
		enc := binary.LittleEndian.AppendUint32(nil, math.Float32bits(float32(real(v.Complex()))))
		return binary.LittleEndian.AppendUint32(enc, math.Float32bits(float32(imag(v.Complex())))), true
	case reflect.Complex128:
		enc := binary.LittleEndian.AppendUint64(nil, math.Float64bits(real(v.Complex())))
		return binary.LittleEndian.AppendUint64(enc, math.Float64bits(imag(v.Complex()))), true
	case reflect.String:
		return withLength([]byte(v.String()), 0), true
	}
	return nil, false
}

func referenceFields(v reflect.Value) (enc []byte) {
	for i := range v.NumField() {
		if v.Type().Field(i).Name != "_" {
			enc = append(enc, reference(v.Field(i))...)
		}
	}
	return enc
}

func referenceElements(enc []byte, v reflect.Value) []byte {
	for i := range v.Len() {
		if v.Type().Elem().Kind() == reflect.Uint8 {
			enc = append(enc, byte(v.Index(i).Uint()))
			continue
		}
		if v.Type().Elem().Size() == 0 {
			break // nor do its elements encode to anything, in the types tested
		}
		enc = append(enc, reference(v.Index(i))...)
	}
	return enc
}

func referenceMap(v reflect.Value) []byte {
	if v.IsNil() {
		return []byte{0}
	}
	v = reflect.NewAt(v.Type(), unsafe.Pointer(v.UnsafeAddr())).Elem()
	var entries [][]byte
	for k, e := range v.Seq2() {
		key, value := reflect.New(k.Type()).Elem(), reflect.New(e.Type()).Elem()
		key.Set(k)
		value.Set(e)
		entries = append(entries, append(reference(key), reference(value)...))
	}
	slices.SortFunc(entries, bytes.Compare)
	return append(binary.AppendUvarint(nil, uint64(v.Len())+1), slices.Concat(entries...)...)
}

func withLength(b []byte, bias int) []byte {
	return append(binary.AppendUvarint(nil, uint64(len(b)+bias)), b...)
}
