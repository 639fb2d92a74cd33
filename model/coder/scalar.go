package coder

import (
	"encoding/binary"
	"reflect"
	"sync/atomic"
	"time"
	"unsafe"
)

// scalar returns the codec of a kind without parts.
func scalar(k reflect.Kind) codec {
	switch k {
	case reflect.Bool:
		return fixed(kindBool, 1, encodeBool, decodeBool)
	case reflect.Int:
		return fixed(kindInt64, 1, encodeInt[int], decodeInt[int])
	case reflect.Int8:
		return fixed(kindInt8, 1, encodeInt[int8], decodeInt[int8])
	case reflect.Int16:
		return fixed(kindInt16, 1, encodeInt[int16], decodeInt[int16])
	case reflect.Int32:
		return fixed(kindInt32, 1, encodeInt[int32], decodeInt[int32])
	case reflect.Int64:
		return fixed(kindInt64, 1, encodeInt[int64], decodeInt[int64])
	case reflect.Uint:
		return fixed(kindUint64, 1, encodeUint[uint], decodeUint[uint])
	case reflect.Uint8:
		return fixed(kindUint8, 1, encodeUint[uint8], decodeUint[uint8])
	case reflect.Uint16:
		return fixed(kindUint16, 1, encodeUint[uint16], decodeUint[uint16])
	case reflect.Uint32:
		return fixed(kindUint32, 1, encodeUint[uint32], decodeUint[uint32])
	case reflect.Uint64:
		return fixed(kindUint64, 1, encodeUint[uint64], decodeUint[uint64])
	case reflect.Float32:
		return fixed(kindFloat32, 4, encode32, decode32)
	case reflect.Float64:
		return fixed(kindFloat64, 8, encode64, decode64)
	case reflect.Complex64:
		return fixed(kindComplex64, 8, encodePair(encode32, 4), decodePair(decode32, 4))
	case reflect.Complex128:
		return fixed(kindComplex128, 16, encodePair(encode64, 8), decodePair(decode64, 8))
	case reflect.String:
		return fixed(kindString, 1, encodeString, decodeString)
	default:
		panic("coder: no scalar is of kind " + k.String())
	}
}

func fixed(k kind, least int, enc encodeFunc, dec decodeFunc) codec {
	return codec{enc: enc, dec: dec, least: least, node: &node{kind: k}}
}

func encodeBool(dst []byte, p unsafe.Pointer, _ int) ([]byte, error) {
	if *(*bool)(p) {
		return append(dst, 1), nil
	}
	return append(dst, 0), nil
}

func decodeBool(src []byte, p unsafe.Pointer, _ int) ([]byte, error) {
	set, rest, err := flag(src)
	if err != nil {
		return nil, err
	}
	*(*bool)(p) = set
	return rest, nil
}

func flag(src []byte) (set bool, rest []byte, err error) {
	switch {
	case len(src) == 0:
		return false, nil, errShort
	case src[0] > 1:
		return false, nil, errFlag
	}
	return src[0] == 1, src[1:], nil
}

func encodeInt[I int | int8 | int16 | int32 | int64](dst []byte, p unsafe.Pointer, _ int) ([]byte, error) {
	return appendUvarint(dst, zigzag(int64(*(*I)(p)))), nil
}

func decodeInt[I int | int8 | int16 | int32 | int64](src []byte, p unsafe.Pointer, _ int) ([]byte, error) {
	u, rest, err := uvarint(src)
	if err != nil {
		return nil, err
	}
	i := unzigzag(u)
	if int64(I(i)) != i {
		return nil, errRange
	}
	*(*I)(p) = I(i)
	return rest, nil
}

func encodeUint[U uint | uint8 | uint16 | uint32 | uint64](dst []byte, p unsafe.Pointer, _ int) ([]byte, error) {
	return appendUvarint(dst, uint64(*(*U)(p))), nil
}

func decodeUint[U uint | uint8 | uint16 | uint32 | uint64](src []byte, p unsafe.Pointer, _ int) ([]byte, error) {
	u, rest, err := uvarint(src)
	if err != nil {
		return nil, err
	}
	if uint64(U(u)) != u {
		return nil, errRange
	}
	*(*U)(p) = U(u)
	return rest, nil
}

// Floats travel as their bits, so that NaN payloads and signed zeros survive.

func encode32(dst []byte, p unsafe.Pointer, _ int) ([]byte, error) {
	return binary.LittleEndian.AppendUint32(dst, *(*uint32)(p)), nil
}

func decode32(src []byte, p unsafe.Pointer, _ int) ([]byte, error) {
	if len(src) < 4 {
		return nil, errShort
	}
	*(*uint32)(p) = binary.LittleEndian.Uint32(src)
	return src[4:], nil
}

func encode64(dst []byte, p unsafe.Pointer, _ int) ([]byte, error) {
	return binary.LittleEndian.AppendUint64(dst, *(*uint64)(p)), nil
}

func decode64(src []byte, p unsafe.Pointer, _ int) ([]byte, error) {
	if len(src) < 8 {
		return nil, errShort
	}
	*(*uint64)(p) = binary.LittleEndian.Uint64(src)
	return src[8:], nil
}

// encodePair encodes a complex number as its two parts.
func encodePair(part encodeFunc, size uintptr) encodeFunc {
	return func(dst []byte, p unsafe.Pointer, depth int) ([]byte, error) {
		dst, _ = part(dst, p, depth)
		return part(dst, unsafe.Add(p, size), depth)
	}
}

func decodePair(part decodeFunc, size uintptr) decodeFunc {
	return func(src []byte, p unsafe.Pointer, depth int) ([]byte, error) {
		src, err := part(src, p, depth)
		if err != nil {
			return nil, err
		}
		return part(src, unsafe.Add(p, size), depth)
	}
}

func encodeString(dst []byte, p unsafe.Pointer, _ int) ([]byte, error) {
	s := *(*string)(p)
	return append(appendUvarint(dst, uint64(len(s))), s...), nil
}

func decodeString(src []byte, p unsafe.Pointer, _ int) ([]byte, error) {
	n, rest, err := sized(src)
	if err != nil {
		return nil, err
	}
	*(*string)(p) = string(rest[:n])
	return rest[n:], nil
}

func encodeBytes(dst []byte, p unsafe.Pointer, _ int) ([]byte, error) {
	b := *(*[]byte)(p)
	if b == nil {
		return append(dst, 0), nil
	}
	return append(appendUvarint(dst, uint64(len(b))+1), b...), nil
}

func decodeBytes(src []byte, p unsafe.Pointer, _ int) ([]byte, error) {
	n, rest, err := count(src, 1)
	if err != nil {
		return nil, err
	}
	if n < 0 {
		*(*[]byte)(p) = nil
		return rest, nil
	}
	b := make([]byte, n)
	copy(b, rest)
	*(*[]byte)(p) = b
	return rest[n:], nil
}

func encodeTime(dst []byte, p unsafe.Pointer, _ int) ([]byte, error) {
	t := (*time.Time)(p)
	_, offset := t.Zone()
	if offset != int(int32(offset)) {
		return nil, errTime
	}
	dst = appendUvarint(dst, zigzag(t.Unix()))
	dst = appendUvarint(dst, uint64(t.Nanosecond()))
	return appendUvarint(dst, zigzag(int64(offset))), nil
}

func decodeTime(src []byte, p unsafe.Pointer, _ int) ([]byte, error) {
	seconds, src, err := uvarint(src)
	if err != nil {
		return nil, err
	}
	nanos, src, err := uvarint(src)
	if err != nil {
		return nil, err
	}
	offset, src, err := uvarint(src)
	if err != nil {
		return nil, err
	}
	east := unzigzag(offset)
	if nanos >= uint64(time.Second) || east != int64(int32(east)) {
		return nil, errTime
	}
	*(*time.Time)(p) = time.Unix(unzigzag(seconds), int64(nanos)).In(zone(int(east)))
	return src, nil
}

// zones holds the offsets in use on Earth, quarter hours up to a day, so that
// decoding a time allocates nothing.
var zones [2*24*4 + 1]atomic.Pointer[time.Location]

func zone(east int) *time.Location {
	const quarter = 15 * 60
	if east == 0 {
		return time.UTC
	}
	i := east/quarter + len(zones)/2
	if east%quarter != 0 || i < 0 || i >= len(zones) {
		return time.FixedZone("", east)
	}
	if z := zones[i].Load(); z != nil {
		return z
	}
	zones[i].CompareAndSwap(nil, time.FixedZone("", east))
	return zones[i].Load()
}
