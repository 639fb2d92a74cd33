package coder_test

import (
	"encoding/binary"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/model/coder"
)

// decodeError decodes into a variable in use, which must be zero after an error.
func decodeError[T any](t *testing.T, src []byte, used T) error {
	t.Helper()
	_, err := must(coder.For[T]()).Decode(src, &used)
	if err != nil {
		var zero T
		if diff := difference(zero, used); diff != "" {
			t.Errorf("%x: after an error there is\n%s", src, diff)
		}
	}
	return err
}

func TestDecodeErrors(t *testing.T) {
	long := strings.Repeat("\xff", 9)
	huge := string(binary.AppendUvarint(nil, 1<<62))
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"nothing":        {decodeError(t, nil, 1), "coder: decoding int: the input ends early"},
		"half a varint":  {decodeError(t, []byte("\x80"), 1), "ends early"},
		"long varint":    {decodeError(t, []byte(long+"\x02"), uint64(1)), "does not fit 64 bits"},
		"int8":           {decodeError(t, []byte("\x80\x02"), int8(1)), "does not fit its type"},
		"int16 negative": {decodeError(t, []byte("\x81\x80\x04"), int16(1)), "does not fit its type"},
		"uint32":         {decodeError(t, []byte("\x80\x80\x80\x80\x10"), uint32(1)), "does not fit its type"},
		"bool":           {decodeError(t, []byte("\x02"), true), "neither 0 nor 1"},
		"pointer":        {decodeError(t, []byte("\x02"), ptr(1)), "neither 0 nor 1"},
		"pointer alone":  {decodeError(t, []byte("\x01"), ptr(1)), "ends early"},
		"float32":        {decodeError(t, []byte("abc"), float32(1)), "ends early"},
		"float64":        {decodeError(t, []byte("abcdefg"), float64(1)), "ends early"},
		"complex":        {decodeError(t, []byte("abcdefg"), complex64(1)), "ends early"},
		"string":         {decodeError(t, []byte("\x04abc"), "x"), "ends early"},
		"huge string":    {decodeError(t, []byte(huge), "x"), "ends early"},
		"bytes":          {decodeError(t, []byte("\x05abc"), []byte("x")), "ends early"},
		"byte array":     {decodeError(t, []byte("abc"), [4]byte{1}), "ends early"},
		"array":          {decodeError(t, []byte("\x02\x02"), [3]int{1}), "[2]: the input ends early"},
		"slice":          {decodeError(t, []byte("\x04\x02\x80"), []int{1}), "ends early"},
		"slice element":  {decodeError(t, []byte("\x03\x02\x80"), []int{1}), "[1]: the input ends early"},
		"huge slice":     {decodeError(t, []byte(huge), []int{1}), "ends early"},
		"slice of units": {decodeError(t, []byte("\x82\x80\x40"), []struct{}{{}}), "without content"},
		"map":            {decodeError(t, []byte("\x02\x00"), map[string]int{"a": 1}), "ends early"},
		"map key":        {decodeError(t, []byte("\x02\x05a"), map[string]int{"a": 1}), "[key]: the input ends early"},
		"map value":      {decodeError(t, []byte("\x02\x00\x80"), map[string]int{"a": 1}), "[value]: the input ends early"},
		"map twice":      {decodeError(t, []byte("\x03\x01a\x00\x01a\x00"), map[string]int{"a": 1}), "one key twice"},
		"grades twice":   {decodeError(t, []byte("\x03\x02\x00\x02\x02"), map[grade]grade{1: 1}), "one key twice"},
		"units twice":    {decodeError(t, []byte("\x03\x02\x02"), map[struct{}]int{{}: 1}), "one key twice"},
		"only units":     {decodeError(t, []byte("\x03"), map[struct{}]struct{}{{}: {}}), "one key twice"},
		"time nanos":     {decodeError(t, []byte("\x00\x80\x94\xeb\xdc\x03\x00"), time.Unix(1, 1)), "out of range"},
		"time zone":      {decodeError(t, []byte("\x00\x00\x80\x80\x80\x80\x10"), time.Unix(1, 1)), "out of range"},
		"time alone":     {decodeError(t, []byte("\x00\x00"), time.Unix(1, 1)), "ends early"},
		"field": {decodeError(t, []byte("\x01k\x00\x00\x00\x02\x80"), pair[string, item]{"a", item{Price: 1}}),
			"coder: decoding coder_test.pair[string,coder_test.item]: Value.Sizes[0]: the input ends early"},
		"trailing": {decodeError(t, []byte("\x02rest"), 1), ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := "no error"
			if test.err != nil {
				got = test.err.Error()
			}
			if (test.err == nil) != (test.want == "") || !strings.Contains(got, test.want) && test.err != nil {
				t.Errorf("got %s, want %q", got, test.want)
			}
		})
	}
}

func TestEveryTruncationIsAnError(t *testing.T) {
	c := must(coder.For[order]())
	encoded := must(c.Append(nil, fullOrder()))
	for n := range encoded {
		var v order
		if _, err := c.Decode(encoded[:n], &v); err == nil {
			t.Errorf("the first %d of %d bytes were decoded", n, len(encoded))
		}
	}
}

// A claimed length allocates no more than the input makes plausible, at any
// depth.
func TestClaimsAllocateLittle(t *testing.T) {
	const inputs = 30_000
	claim := string(binary.AppendUvarint(nil, inputs-10))
	nested := strings.Repeat("\xf0\x01", inputs/2) // each level claims 239 more
	wide := strings.Repeat(string(binary.AppendUvarint(nil, inputs/4)), inputs/2)
	keyed := strings.Repeat(string(binary.AppendUvarint(nil, inputs/6))+"\x00", inputs/3) // each map claims as much, under the key ""
	type big struct {
		_ [1 << 16]byte
		N int
	}
	for name, decode := range map[string]func([]byte) error{
		"strings":       decodeInto[[]string],
		"slices":        decodeInto[[][][]int],
		"times":         decodeInto[[]time.Time],
		"nests":         decodeInto[nest],
		"trees":         decodeInto[[]tree],
		"mazes":         decodeInto[maze],
		"map":           decodeInto[map[string]order],
		"reflected map": decodeInto[map[grade][4]string],
		"pointer":       decodeInto[*[1 << 20]int64],
	} {
		for _, src := range []string{claim + strings.Repeat("\xff", inputs-len(claim)), nested, wide, keyed, strings.Repeat("\x03", inputs), strings.Repeat("\x01", inputs)} {
			if got, most := allocated(func() { decode([]byte(src)) }), uint64(256*len(src)); got > most {
				t.Errorf("%s: %d bytes of %.8x… allocated %d, more than %d", name, len(src), src, got, most)
			}
		}
	}
	// What an element takes beyond its encoding is the type's own doing, and
	// allocated as elements are read.
	const read = 40
	src := append([]byte(claim), make([]byte, read)...)
	src = append(src, strings.Repeat("\xff", inputs)...)
	if got := allocated(func() { decodeInto[[]big](src) }); got > 4*read<<16 {
		t.Errorf("%d elements of 64 KiB allocated %d", read, got)
	}
}

func decodeInto[T any](src []byte) error {
	_, err := must(coder.For[T]()).Decode(src, new(T))
	return err
}

// allocated counts the bytes that f allocates when it runs a second time.
func allocated(f func()) uint64 {
	f()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestDepthIsBounded(t *testing.T) {
	c := must(coder.For[nest]())
	var decoded nest
	if _, err := c.Decode([]byte(strings.Repeat("\x02", 1_000_000)), &decoded); err == nil || !strings.Contains(err.Error(), "nested more than 10000 deep") {
		t.Errorf("decoding a million levels: %v", err)
	}

	cyclic := tree{Value: 1}
	cyclic.Next = &tree{Named: map[string]tree{"x": {Next: &cyclic}}}
	kids := make(nest, 2)
	kids[1] = kids
	self := loop(nil)
	self = &self
	for name, err := range map[string]error{
		"tree": appendError(cyclic),
		"nest": appendError(kids),
		"loop": appendError(self),
	} {
		if err == nil || !strings.Contains(err.Error(), "is the value cyclic?") || len(err.Error()) > 500 {
			t.Errorf("%s: %v", name, err)
		}
	}

	// What can be encoded can be decoded, up to the very limit.
	chain := &tree{}
	fits := 0
	for depth := 9_990; depth < 10_010; depth++ {
		v := *chain
		v.Next = lengthen(depth)
		encoded, err := must(coder.For[tree]()).Append(nil, &v)
		if err != nil {
			continue
		}
		fits = depth
		var got tree
		if _, err := must(coder.For[tree]()).Decode(encoded, &got); err != nil {
			t.Errorf("a chain of %d was encoded, and then: %v", depth, err)
		}
	}
	if fits != 10_000 {
		t.Errorf("the longest chain is %d", fits)
	}
}

func lengthen(n int) (chain *tree) {
	for range n {
		chain = &tree{Next: chain}
	}
	return chain
}

func appendError[T any](v T) error {
	kept := []byte("kept")
	out, err := must(coder.For[T]()).Append(kept, &v)
	if err != nil && string(out) != "kept" {
		return nil
	}
	return err
}

func TestSlicesOfUnitsAreBounded(t *testing.T) {
	most := make([]struct{}, 1<<20)
	var got []struct{}
	c := must(coder.For[[]struct{}]())
	must(c.Decode(must(c.Append(nil, &most)), &got))
	if len(got) != len(most) {
		t.Errorf("%d elements came back as %d", len(most), len(got))
	}
	if err := appendError(make([]struct{}, 1<<20+1)); err == nil {
		t.Error("more was encoded than would be decoded")
	}
}
