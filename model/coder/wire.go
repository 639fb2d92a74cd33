package coder

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

const (
	// maxDepth bounds how often a value may pass through a type that contains
	// itself. It keeps the goroutine's stack far from its limit, and turns a
	// cyclic value into an error.
	maxDepth = 10_000

	// maxEmpty bounds the length of a slice whose elements encode to nothing:
	// the input cannot back such a length, so nothing else does.
	maxEmpty = 1 << 20

	// maxPath bounds the path in an error, which a deep value would make long.
	maxPath = 80
)

var (
	errShort    = errors.New("the input ends early")
	errOverflow = errors.New("a varint does not fit 64 bits")
	errRange    = errors.New("a number does not fit its type")
	errFlag     = errors.New("a flag is neither 0 nor 1")
	errTime     = errors.New("a time is out of range")
	errTwice    = errors.New("a map holds one key twice")
	errDepth    = fmt.Errorf("nested more than %d deep: is the value cyclic? (a long chain is better kept as a slice)", maxDepth)
	errEmpty    = fmt.Errorf("a slice of elements without content is longer than %d", maxEmpty)
)

func appendUvarint(dst []byte, u uint64) []byte {
	if u < 0x80 {
		return append(dst, byte(u))
	}
	return binary.AppendUvarint(dst, u)
}

func uvarint(src []byte) (uint64, []byte, error) {
	if len(src) > 0 && src[0] < 0x80 {
		return uint64(src[0]), src[1:], nil
	}
	return longUvarint(src)
}

func longUvarint(src []byte) (uint64, []byte, error) {
	u, n := binary.Uvarint(src)
	switch {
	case n > 0:
		return u, src[n:], nil
	case n == 0:
		return 0, nil, errShort
	default:
		return 0, nil, errOverflow
	}
}

func zigzag(i int64) uint64   { return uint64(i)<<1 ^ uint64(i>>63) }
func unzigzag(u uint64) int64 { return int64(u>>1) ^ -int64(u&1) }

// sized reads a length and checks it against what the input holds.
func sized(src []byte) (n int, rest []byte, err error) {
	u, rest, err := uvarint(src)
	if err != nil {
		return 0, nil, err
	}
	if u > uint64(len(rest)) {
		return 0, nil, errShort
	}
	return int(u), rest, nil
}

// count reads the length of something that may be nil, of which each element
// takes at least that many bytes. It returns -1 for nil.
func count(src []byte, least int) (n int, rest []byte, err error) {
	u, rest, err := uvarint(src)
	if err != nil || u == 0 {
		return -1, rest, err
	}
	u--
	switch {
	case least == 0 && u > maxEmpty:
		return 0, nil, errEmpty
	case least > 0 && u > uint64(len(rest)/least):
		return 0, nil, errShort
	}
	return int(u), rest, nil
}

// room says for how many of n claimed elements to allocate before any of them
// has been read: as much as the input makes plausible. The share shrinks with
// depth, so that the claims of nested values sum to a multiple of the input.
func room(n int, size uintptr, input, depth int) int {
	const perByte = 64
	if size == 0 {
		return n
	}
	budget := uint64(input) * perByte >> min(depth, 63)
	return int(min(uint64(n), max(1, budget/uint64(size))))
}

// sealLength puts the length of dst[start+1:] where dst[start] stands, moving
// the content when the length takes more than that one byte. What may be nil
// adds one to its length.
func sealLength(dst []byte, start, bias int) []byte {
	n := len(dst) - start - 1
	length := uint64(n + bias)
	if length < 0x80 {
		dst[start] = byte(length)
		return dst
	}
	var prefix [binary.MaxVarintLen64]byte
	width := binary.PutUvarint(prefix[:], length)
	dst = append(dst, prefix[1:width]...)
	copy(dst[start+width:], dst[start+1:start+1+n])
	copy(dst[start:], prefix[:width])
	return dst
}

// saturate keeps a lower bound on an encoding's length inside an int everywhere.
func saturate(n uint64) int { return int(min(n, math.MaxInt32)) }

// A placed error says where inside a value something failed.
type placed struct {
	path  string
	cause error
}

func (e *placed) Error() string { return e.path + ": " + e.cause.Error() }
func (e *placed) Unwrap() error { return e.cause }

// at adds one step, from outside, to the place of an error.
func at(step string, err error) error {
	e, ok := err.(*placed)
	if !ok {
		return &placed{path: step, cause: err}
	}
	if len(e.path) > maxPath {
		e.path = "…"
	}
	e.path = joinPath(step, e.path)
	return e
}

func atIndex(i int, err error) error { return at("["+strconv.Itoa(i)+"]", err) }

// joinPath joins steps as Go would write them: A.B, A[], [].B.
func joinPath(a, b string) string {
	if a == "" || b == "" || strings.HasPrefix(b, "[") {
		return a + b
	}
	return a + "." + b
}
