package coder_test

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	"github.com/millrace/millrace/model/coder"
	"google.golang.org/protobuf/types/known/structpb"
)

// subjects are types for FuzzDecode. Each function decodes one value and, if
// that succeeds, encodes it again.
var subjects = []func(src []byte) (again []byte, err error){
	reencode[order],
	reencode[tree],
	reencode[nest],
	reencode[maze],
	reencode[loop],
	reencode[[]pair[string, []item]],
	reencode[map[float64]map[grade][]string],
	reencode[map[int]map[string][]byte],
	reencode[[][]struct{}],
	reencode[map[struct{}]map[[0]int]bool],
	reencode[[3]complex128],
	reencode[[]time.Time],
	reencode[map[netip.Addr]version],
	reencode[[]nothing],
	reencode[[]*structpb.Value],
	reencode[even],
	reencode[compound],
}

func reencode[T any](src []byte) ([]byte, error) {
	c := must(coder.For[T]())
	var v T
	if _, err := c.Decode(src, &v); err != nil {
		return nil, err
	}
	return c.Append(nil, &v)
}

// FuzzDecode holds decoding to what it promises of any input: no panic, memory
// in proportion to the input, and values that encode and decode again.
func FuzzDecode(f *testing.F) {
	for i := range subjects {
		f.Add(byte(i), []byte{})
		f.Add(byte(i), bytes.Repeat([]byte{1}, 40))
		f.Add(byte(i), bytes.Repeat([]byte{3}, 40))
		f.Add(byte(i), bytes.Repeat([]byte{0xff}, 40))
		f.Add(byte(i), bytes.Repeat([]byte{0xfe, 0x01}, 40))
	}
	f.Add(byte(0), must(must(coder.For[order]()).Append(nil, fullOrder())))
	v := tree{Value: 1, Next: &tree{Named: map[string]tree{"a": {}}}, Kids: []tree{{}, {Value: 2}}}
	f.Add(byte(1), must(must(coder.For[tree]()).Append(nil, &v)))
	f.Fuzz(func(t *testing.T, which byte, src []byte) {
		subject := subjects[int(which)%len(subjects)]
		var first []byte
		var err error
		// Protobuf's own messages take most: some hundreds of bytes for a field
		// that takes two.
		const fixed, perByte = 1 << 17, 1 << 10
		if got, most := allocated(func() { first, err = subject(src) }), uint64(fixed+perByte*len(src)); got > most {
			t.Errorf("%d bytes of input allocated %d", len(src), got)
		}
		if err != nil {
			return
		}
		second, err := subject(first)
		if err != nil {
			t.Fatalf("encoded again as %x, then: %v", first, err)
		}
		if !bytes.Equal(first, second) {
			t.Errorf("encoded again as %x, then as %x", first, second)
		}
	})
}

// FuzzSchema reads any text, and again what it wrote of it.
func FuzzSchema(f *testing.F) {
	for name, encode := range goldenValues {
		if schema, _, err := encode(); err == nil {
			f.Add(schema.String())
		} else if name != "refused" {
			f.Fatal(err)
		}
	}
	f.Add(schemaHeader + "root a\n\na = []a\n")
	f.Add(schemaHeader + "root a\n\na struct\n  b map[a]b\n\nb struct\n")
	f.Fuzz(func(t *testing.T, text string) {
		var s, again coder.Schema
		if s.UnmarshalText([]byte(text)) != nil {
			return
		}
		written := must(s.MarshalText())
		if err := again.UnmarshalText(written); err != nil {
			t.Fatalf("%v in\n%s", err, written)
		}
		if !again.Equal(&s) {
			t.Fatalf("%v in\n%s", coder.Compare(&s, &again), written)
		}
		if twice := must(again.MarshalText()); !bytes.Equal(written, twice) {
			t.Fatalf("written as\n%s\nand again as\n%s", written, twice)
		}
	})
}
