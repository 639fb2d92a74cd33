package coder_test

import (
	"context"
	"encoding"
	"errors"
	"fmt"
	"math/big"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unique"
	"unsafe"

	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// order is a value as users have them, with something of everything.
type order struct {
	ID       string
	Placed   time.Time
	Items    []item
	Labels   map[string]string
	Weights  map[grade]float64
	Note     *string
	Raw      []byte
	Trace    [16]byte
	Origin   netip.Addr
	Extra    *structpb.Struct
	Timeout  time.Duration
	Parents  map[netip.Addr][]item
	total    acc
	Pair     pair[string, item]
	_        int
	Signal   [2]complex64
	Wide     complex128
	Counters counters
	base
	*origin
}

type (
	// vast must not be printed, or compared element by element.
	vast struct {
		Before int
		Unused [1 << 40]struct{}
		After  int
	}
	item struct {
		Name  string
		Price int32
		Gone  bool
		Sizes []uint16
	}
	acc    struct{ sum, n int }
	grade  int8
	base   struct{ version uint8 }
	origin struct{ Host string }

	pair[K comparable, V any] struct {
		Key   K
		Value V
	}
	counters struct {
		A int8
		B int16
		C int64
		D uint
		E uint32
		F uint64
		G float32
		H float64
	}
)

// Types that contain themselves.
type (
	tree struct {
		Value int
		Next  *tree
		Kids  []tree
		Named map[string]tree
	}
	nest  []nest
	maze  map[string]maze
	loop  *loop
	even  struct{ Odd *odd }
	odd   struct{ Evens []even }
	stump struct{ Kids [0]stumps }
	// stumps holds itself only where nothing is stored.
	stumps []stump
)

// Types that marshal themselves.

// celsius appends, by pointer, one byte less than MarshalBinary would.
type celsius struct{ degrees float64 }

func (c *celsius) AppendBinary(b []byte) ([]byte, error) {
	return append(b, fmt.Sprintf("%.1f", c.degrees)...), nil
}
func (c *celsius) MarshalBinary() ([]byte, error) { return fmt.Appendf(nil, "%.1fC", c.degrees), nil }
func (c *celsius) UnmarshalBinary(b []byte) error {
	_, err := fmt.Sscanf(string(b), "%f", &c.degrees)
	return err
}

// version marshals by value, and unmarshals only into what is empty.
type version struct{ text string }

func (v version) MarshalBinary() ([]byte, error) { return []byte("v" + v.text), nil }
func (v *version) UnmarshalBinary(b []byte) error {
	if v.text != "" {
		return errors.New("not empty")
	}
	v.text = strings.TrimPrefix(string(b), "v")
	return nil
}

// fickle does what its text says.
type fickle struct{ text string }

var errFickle = errors.New("out of sorts")

func (f *fickle) AppendBinary(b []byte) ([]byte, error) { return fickleAct(f.text, b) }
func (f *fickle) UnmarshalBinary(b []byte) error {
	f.text = string(b)
	_, err := fickleAct(strings.TrimPrefix(f.text, "read "), b)
	return err
}

func fickleAct(text string, b []byte) ([]byte, error) {
	switch text {
	case "fail":
		return nil, errFickle
	case "panic":
		panic("no mood")
	case "panic error":
		panic(errFickle)
	case "shrink":
		return b[:0], nil
	}
	return append(b, text...), nil
}

// uuid is an array that also marshals itself.
type uuid [16]byte

func (u uuid) MarshalBinary() ([]byte, error)  { return u[:], nil }
func (u *uuid) UnmarshalBinary(b []byte) error { copy(u[:], b); return nil }

// interned is comparable, marshals itself, and cannot be taken apart.
type interned struct {
	handle unique.Handle[string]
	_      *int // == does not look at it
}

func (i interned) MarshalBinary() ([]byte, error) { return []byte(i.handle.Value()), nil }
func (i *interned) UnmarshalBinary(b []byte) error {
	i.handle = unique.Make(string(b))
	return nil
}

// ratio is a number that marshals itself, and so can be a key.
type ratio float64

func (r ratio) MarshalBinary() ([]byte, error) { return fmt.Appendf(nil, "%g", float64(r)), nil }
func (r *ratio) UnmarshalBinary(b []byte) error {
	_, err := fmt.Sscan(string(b), (*float64)(r))
	return err
}

// segments marshals itself, but is not comparable.
type segments struct{ parts []string }

func (s segments) MarshalBinary() ([]byte, error) { return []byte(strings.Join(s.parts, "/")), nil }
func (s *segments) UnmarshalBinary(b []byte) error {
	s.parts = strings.Split(string(b), "/")
	return nil
}

// path is a slice that marshals itself.
type path []string

func (p path) MarshalBinary() ([]byte, error)  { return []byte(strings.Join(p, "/")), nil }
func (p *path) UnmarshalBinary(b []byte) error { *p = strings.Split(string(b), "/"); return nil }

// decimal is comparable, but only by address.
type decimal struct {
	value *big.Int
	exp   int32 //lint:ignore U1000 it is part of what is encoded
}

func (d decimal) MarshalBinary() ([]byte, error) { return d.value.GobEncode() }
func (d *decimal) UnmarshalBinary(b []byte) error {
	d.value = new(big.Int)
	return d.value.GobDecode(b)
}

// stamped is given time.Time's methods, which know nothing of By.
type stamped struct {
	time.Time
	By string
}

var _ encoding.BinaryAppender = stamped{}

// caption is given AppendBinary, and has the other methods itself.
type caption struct {
	appendOnly
	text string
}

func (c caption) MarshalBinary() ([]byte, error)       { return []byte(c.text), nil }
func (c *caption) UnmarshalBinary(b []byte) error      { c.text = string(b); return nil }
func (appendOnly) AppendBinary([]byte) ([]byte, error) { return nil, errors.New("not to be called") }

type appendOnly struct{}

// muted is given AppendBinary, and has UnmarshalBinary itself.
type muted struct {
	appendOnly
	text string
}

func (*muted) UnmarshalBinary([]byte) error { return errors.New("not to be called") }

// receipt is given UnmarshalBinary, which knows nothing of text.
type receipt struct {
	readOnly
	text string
}

func (r receipt) MarshalBinary() ([]byte, error) { return nil, errors.New("not to be called") }
func (*readOnly) UnmarshalBinary([]byte) error   { return errors.New("not to be called") }

type readOnly struct{ n int }

// writeOnly can be marshaled only, and so is taken apart.
type writeOnly struct{ n int }

func (w writeOnly) MarshalBinary() ([]byte, error) { return nil, errors.New("not to be called") }

// nothing takes no memory, yet some bytes.
type nothing struct{}

func (nothing) MarshalBinary() ([]byte, error)  { return []byte("-"), nil }
func (*nothing) UnmarshalBinary(b []byte) error { return nil }

type instant time.Time

type wrapped struct {
	*wrapperspb.StringValue
	More int
}

type noCopy struct{}

func (*noCopy) Lock()   {}
func (*noCopy) Unlock() {}

// Types that are refused.
type (
	refusedOrder struct {
		Items []refusedItem
		Again []refusedItem // its fields are told of once
		First any
		Next  any // not the same field as First
		Kids  []refusedOrder
		One   struct{ Meta any }
		Other struct{ Meta any } // nor are these the same field
	}
	refusedItem struct {
		Meta any
		Name string
	}
	refusedKinds struct {
		Func    func(int) string
		Chan    chan<- int
		Pointer unsafe.Pointer
		Address uintptr
		Named   fmt.Stringer
		Context context.Context
		Error   error
		InMap   map[string]map[int]any
		InKey   map[any]string
		ByAddr  map[*int]string
		ByTime  map[time.Time]string
		Inline  [2]struct{ F func() }
		Pair    pair[string, pair[int, any]]
	}
	refusedLocks struct {
		mu   sync.Mutex   //lint:ignore U1000 it is refused
		once *sync.Once   //lint:ignore U1000 it is refused
		n    atomic.Int64 //lint:ignore U1000 it is refused
		_    noCopy
		_    [0]sync.Mutex
		sync.RWMutex
		guard noCopy
	}
	refusedStandard struct {
		Text     strings.Builder
		Location *time.Location
		Handle   unique.Handle[string]
		Message  structpb.Struct
		Dynamic  *dynamicpb.Message
	}
	refusedSizes struct {
		Huge   [1 << 33]bool
		Many   [1 << 32]nothing
		Padded []struct{ _ [64]byte }
	}
	refusedKey struct {
		Ratio   float64
		Phase   complex64
		Next    *refusedKey
		Tags    []string
		Raw     []byte
		Index   map[string]int
		At      time.Time
		Since   instant
		Message *structpb.Struct
		Amount  decimal
		Big     big.Int
		Meta    any
		Path    segments
		Names   path
		Inner   struct{ Deep [2]pair[string, float32] }
		Stamp   stamped
		Fine    netip.AddrPort
		ID      uuid
		Share   ratio
	}
)
