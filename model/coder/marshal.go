package coder

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"unsafe"

	"google.golang.org/protobuf/proto"
)

var (
	appenderType    = reflect.TypeFor[encoding.BinaryAppender]()
	marshalerType   = reflect.TypeFor[encoding.BinaryMarshaler]()
	unmarshalerType = reflect.TypeFor[encoding.BinaryUnmarshaler]()
	messageType     = reflect.TypeFor[proto.Message]()
)

// marshalsItself reports whether t is to be stored through methods of its own.
func marshalsItself(t reflect.Type) bool {
	if t.Kind() == reflect.Pointer || t.Kind() == reflect.Interface {
		return false
	}
	p := reflect.PointerTo(t)
	return p.Implements(unmarshalerType) && !embeds(t, unmarshalerType) &&
		(p.Implements(appenderType) && !embeds(t, appenderType) ||
			p.Implements(marshalerType) && !embeds(t, marshalerType))
}

// isMessage reports whether a pointer to t is a protobuf message.
func isMessage(t reflect.Type) bool {
	return t.Kind() != reflect.Interface && reflect.PointerTo(t).Implements(messageType) && !embeds(t, messageType)
}

// embeds reports whether methods of t that make up iface may be those of an
// embedded field.
func embeds(t, iface reflect.Type) bool {
	if t.Kind() != reflect.Struct {
		return false
	}
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous && (f.Type.Implements(iface) || reflect.PointerTo(f.Type).Implements(iface)) {
			return true
		}
	}
	return false
}

// selfMarshaled compiles a type that marshals itself.
func selfMarshaled(c *codec, t reflect.Type) {
	c.node.kind, c.node.name = kindBinary, qualifiedName(t)
	c.least = 1
	p := reflect.PointerTo(t)
	if p.Implements(appenderType) && !embeds(t, appenderType) {
		c.enc = encodeBinary(t, appendBinary)
	} else {
		c.enc = encodeBinary(t, marshalBinary)
	}
	c.dec = decodeBinary(t)
}

func encodeBinary(t reflect.Type, call func(dst []byte, v any) ([]byte, error)) encodeFunc {
	return func(dst []byte, p unsafe.Pointer, _ int) ([]byte, error) {
		start := len(dst)
		dst, err := call(append(dst, 0), reflect.NewAt(t, p).Interface())
		if err != nil {
			return nil, err
		}
		return sealLength(dst, start, 0), nil
	}
}

var errShrunk = errors.New("it returned less than it was given")

func appendBinary(dst []byte, v any) (out []byte, err error) {
	defer rescue("AppendBinary", &err)
	out, err = v.(encoding.BinaryAppender).AppendBinary(dst)
	if err == nil && len(out) < len(dst) {
		err = errShrunk
	}
	return out, err
}

func marshalBinary(dst []byte, v any) (out []byte, err error) {
	defer rescue("MarshalBinary", &err)
	data, err := v.(encoding.BinaryMarshaler).MarshalBinary()
	return append(dst, data...), err
}

func decodeBinary(t reflect.Type) decodeFunc {
	return func(src []byte, p unsafe.Pointer, _ int) ([]byte, error) {
		n, src, err := sized(src)
		if err != nil {
			return nil, err
		}
		v := reflect.NewAt(t, p)
		v.Elem().SetZero()
		if err := unmarshalBinary(src[:n:n], v.Interface()); err != nil {
			return nil, err
		}
		return src[n:], nil
	}
}

func unmarshalBinary(src []byte, v any) (err error) {
	defer rescue("UnmarshalBinary", &err)
	return v.(encoding.BinaryUnmarshaler).UnmarshalBinary(src)
}

// message compiles a pointer to a protobuf message.
func (b *builder) message(c *codec, t reflect.Type, path string) {
	name, err := messageName(t)
	if err != nil {
		b.refuse(path, dynamicReason(t))
		return
	}
	c.node.kind, c.node.name = kindProto, name
	c.least, c.enc, c.dec = 1, encodeMessage(t.Elem()), decodeMessage(t.Elem())
}

// messageName asks a message for its descriptor, which a message whose fields
// are known at run time only hasn't got.
func messageName(t reflect.Type) (name string, err error) {
	defer rescue("ProtoReflect", &err)
	d := reflect.New(t.Elem()).Interface().(proto.Message).ProtoReflect().Descriptor()
	if d == nil {
		return "", errors.New("no descriptor")
	}
	return string(d.FullName()), nil
}

func encodeMessage(t reflect.Type) encodeFunc {
	return func(dst []byte, p unsafe.Pointer, _ int) ([]byte, error) {
		q := *(*unsafe.Pointer)(p)
		start := len(dst)
		dst = append(dst, 0)
		if q == nil {
			return dst, nil
		}
		dst, err := marshalMessage(dst, reflect.NewAt(t, q).Interface())
		if err != nil {
			return nil, err
		}
		return sealLength(dst, start, 1), nil
	}
}

func marshalMessage(dst []byte, v any) (out []byte, err error) {
	defer rescue("protobuf", &err)
	return proto.MarshalOptions{Deterministic: true}.MarshalAppend(dst, v.(proto.Message))
}

func decodeMessage(t reflect.Type) decodeFunc {
	return func(src []byte, p unsafe.Pointer, _ int) ([]byte, error) {
		n, src, err := count(src, 1)
		if err != nil {
			return nil, err
		}
		if n < 0 {
			*(*unsafe.Pointer)(p) = nil
			return src, nil
		}
		v := reflect.New(t)
		if err := unmarshalMessage(src[:n:n], v.Interface()); err != nil {
			return nil, err
		}
		*(*unsafe.Pointer)(p) = v.UnsafePointer()
		return src[n:], nil
	}
}

func unmarshalMessage(src []byte, v any) (err error) {
	defer rescue("protobuf", &err)
	return proto.Unmarshal(src, v.(proto.Message))
}

// rescue turns a panic or an error of code that is not ours into an error that
// names that code. It must be deferred directly.
func rescue(name string, err *error) {
	if r := recover(); r != nil {
		if cause, ok := r.(error); ok {
			*err = fmt.Errorf("%s panicked: %w", name, cause)
		} else {
			*err = fmt.Errorf("%s panicked: %v", name, r)
		}
		return
	}
	if *err != nil {
		*err = fmt.Errorf("%s: %w", name, *err)
	}
}
