package fnapi

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// Times of the protocol, in milliseconds since 1970. The last is the end of the global
// window, a day before the greatest timestamp there is.
const (
	MinTime          int64 = math.MinInt64 / 1000
	MaxTime          int64 = math.MaxInt64 / 1000
	EndOfGlobalTimes int64 = MaxTime - 24*60*60*1000
)

// noFiring is the pane of an element that no trigger made: first, last, of unknown timing.
const noFiring = 0x0f

var errShort = errors.New("it ends too early")

// A wireError says what of a message could not be read, and where.
type wireError struct {
	what string
	at   int
	err  error
}

func (e *wireError) Error() string {
	return fmt.Sprintf("fnapi: the engine sent %s that cannot be read, at byte %d: %v", e.what, e.at, e.err)
}

func (e *wireError) Unwrap() error { return e.err }

// AppendTime appends the encoding of a timestamp, in which the order of bytes is that of
// times.
func AppendTime(b []byte, ms int64) []byte {
	return binary.BigEndian.AppendUint64(b, uint64(ms)^1<<63)
}

// AppendBytes appends v behind its length: the coder "bytes" inside another.
func AppendBytes(b, v []byte) []byte {
	return append(binary.AppendUvarint(b, uint64(len(v))), v...)
}

// CutBytes takes apart what AppendBytes put together.
func CutBytes(b []byte) (v, rest []byte, err error) {
	n, err := skipBytes(b)
	if err != nil {
		return nil, nil, err
	}
	_, k := binary.Uvarint(b)
	return b[k:n:n], b[n:], nil
}

// AppendElementHeader appends what stands before an element: its time, the global window, and
// no pane.
func AppendElementHeader(b []byte, ms int64) []byte {
	return append(binary.BigEndian.AppendUint32(AppendTime(b, ms), 1), noFiring)
}

// A Timer is set by a bundle, or has fired for it.
type Timer struct {
	// Key is encoded, with its length where its coder is "bytes".
	Key []byte
	// Tag tells timers of one key and family apart.
	Tag []byte
	// Clear takes back the timer, instead of setting it; it has no times then.
	Clear bool
	// Fire is when it fires; until it has, the watermark behind the transform stays
	// at or before Hold.
	Fire, Hold int64
}

func appendTimer(b []byte, t *Timer) []byte {
	b = AppendBytes(append(b, t.Key...), t.Tag)
	b = binary.BigEndian.AppendUint32(b, 1)
	if t.Clear {
		return append(b, 1)
	}
	return append(AppendTime(AppendTime(append(b, 0), t.Fire), t.Hold), noFiring)
}

// The functions that read return how many bytes they have read.

func readTime(b []byte) (ms int64, n int, err error) {
	if len(b) < 8 {
		return 0, 0, errShort
	}
	return int64(binary.BigEndian.Uint64(b) ^ 1<<63), 8, nil
}

// skipGlobalWindows reads a list of windows; a global window is no byte.
func skipGlobalWindows(b []byte) (int, error) {
	if len(b) < 4 {
		return 0, errShort
	}
	if n := binary.BigEndian.Uint32(b); n != 1 {
		return 0, fmt.Errorf("it is in %d windows, not in the global one alone", n)
	}
	return 4, nil
}

// skipPane reads a pane: flags, and in the upper half how many numbers follow.
func skipPane(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, errShort
	}
	numbers := b[0] >> 4
	if numbers > 2 {
		return 0, fmt.Errorf("its pane has the unknown encoding %d", numbers)
	}
	n := 1
	for ; numbers > 0; numbers-- {
		k, err := skipVarint(b[n:])
		if err != nil {
			return 0, err
		}
		n += k
	}
	return n, nil
}

func readElementHeader(b []byte) (ms int64, n int, err error) {
	ms, n, err = readTime(b)
	if err != nil {
		return 0, 0, err
	}
	for _, skip := range []func([]byte) (int, error){skipGlobalWindows, skipPane} {
		k, err := skip(b[n:])
		if err != nil {
			return 0, 0, err
		}
		n += k
	}
	return ms, n, nil
}

// readTimer reads a timer whose key is as long as key says. Its slices are b's.
func readTimer(b []byte, key sizer, t *Timer) (n int, err error) {
	*t = Timer{}
	if n, err = key(b); err != nil {
		return 0, fmt.Errorf("its key: %w", err)
	}
	t.Key = b[:n:n]
	tag, rest, err := CutBytes(b[n:])
	if err != nil {
		return 0, fmt.Errorf("its tag: %w", err)
	}
	t.Tag, n = tag, len(b)-len(rest)
	k, err := skipGlobalWindows(b[n:])
	if err != nil {
		return 0, err
	}
	if n += k; n == len(b) || b[n] > 1 {
		return 0, errors.New("it neither sets nor clears")
	}
	t.Clear = b[n] == 1
	if n++; t.Clear {
		return n, nil
	}
	for _, at := range []*int64{&t.Fire, &t.Hold} {
		if *at, k, err = readTime(b[n:]); err != nil {
			return 0, err
		}
		n += k
	}
	k, err = skipPane(b[n:])
	return n + k, err
}

func skipVarint(b []byte) (int, error) {
	_, k := binary.Uvarint(b)
	switch {
	case k == 0:
		return 0, errShort
	case k < 0:
		return 0, errors.New("a number has more than 64 bits")
	}
	return k, nil
}

func skipBytes(b []byte) (int, error) {
	n, k := binary.Uvarint(b)
	if k <= 0 {
		return skipVarint(b)
	}
	if n > uint64(len(b)-k) {
		return 0, errShort
	}
	return k + int(n), nil
}
