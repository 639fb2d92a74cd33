package coder_test

import (
	"bytes"
	"math"
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/millrace/millrace/model/coder"
	"google.golang.org/protobuf/types/known/structpb"
	"pgregory.net/rapid"
)

// The encoding is what the reference says, and decodes to the same value.
func TestOrdersEncodeAsDocumented(t *testing.T) {
	c := must(coder.For[order]())
	gen := anyOrder()
	rapid.Check(t, func(t *rapid.T) {
		v := gen.Draw(t, "order")
		got := must(c.Append(nil, v))
		if want := reference(reflect.ValueOf(v).Elem()); !bytes.Equal(got, want) {
			t.Fatalf("encoded as\n%x\nnot\n%x", got, want)
		}
		used := *gen.Draw(t, "used")
		rest := must(c.Decode(got, &used))
		if diff := difference(*v, used); diff != "" || len(rest) > 0 {
			t.Fatalf("decoded (+) is not what was encoded (-), or left %x:\n%s", rest, diff)
		}
	})
}

func TestTreesEncodeAsDocumented(t *testing.T) {
	c := must(coder.For[tree]())
	rapid.Check(t, func(t *rapid.T) {
		v := drawTree(t, 4)
		got := must(c.Append(nil, &v))
		if want := reference(reflect.ValueOf(&v).Elem()); !bytes.Equal(got, want) {
			t.Fatalf("encoded as\n%x\nnot\n%x", got, want)
		}
		var decoded tree
		must(c.Decode(got, &decoded))
		if diff := difference(v, decoded); diff != "" {
			t.Fatal(diff)
		}
	})
}

// compound is a key of every kind of part, with few values, so that equal ones
// turn up.
type compound struct {
	name  string
	n     int16
	flags [2]bool
	addr  netip.Addr
	_     int
	inner struct{ id uuid }
	more  [2]string
}

func anyCompound() *rapid.Generator[compound] {
	word := rapid.SampledFrom([]string{"", "a", "aa", "b", "\x00"})
	return rapid.Custom(func(t *rapid.T) compound {
		k := compound{
			name:  word.Draw(t, "name"),
			n:     rapid.Int16Range(-1, 1).Draw(t, "n"),
			flags: [2]bool{rapid.Bool().Draw(t, "flag"), false},
			addr:  rapid.SampledFrom([]netip.Addr{{}, netip.IPv4Unspecified(), netip.IPv6Unspecified()}).Draw(t, "addr"),
			more:  [2]string{word.Draw(t, "more"), word.Draw(t, "more")},
		}
		k.inner.id[15] = rapid.ByteRange(0, 1).Draw(t, "id")
		return k
	})
}

func TestKeysAreEqualAsTheirEncodings(t *testing.T) {
	c := must(coder.ForKey[compound]())
	gen := anyCompound()
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfN(gen, 2, 20).Draw(t, "keys")
		for _, a := range all {
			for _, b := range all {
				encA, encB := must(c.Append(nil, &a)), must(c.Append(nil, &b))
				if bytes.Equal(encA, encB) != (a == b) {
					t.Fatalf("%+v is %x, %+v is %x", a, encA, b, encB)
				}
				if a == b && c.Hash(&a) != c.Hash(&b) {
					t.Fatalf("%+v has two hashes", a)
				}
				if !bytes.Equal(encA, encB) && (bytes.HasPrefix(encA, encB) || bytes.HasPrefix(encB, encA)) {
					t.Fatalf("of %x and %x one begins with the other", encA, encB)
				}
			}
		}
		var got compound
		must(c.Decode(must(c.Append(nil, &all[0])), &got))
		if got != all[0] {
			t.Fatalf("%+v came back as %+v", all[0], got)
		}
	})
}

func TestMapOrderDoesNotShow(t *testing.T) {
	type mapped struct {
		Typed     map[string]int
		Reflected map[acc]string
		Nested    map[int]map[grade]bool
	}
	c := must(coder.For[mapped]())
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.SliceOfNDistinct(rapid.IntRange(-1000, 1000), 1, 50, rapid.ID).Draw(t, "keys")
		fill := func(keys []int) []byte {
			m := mapped{map[string]int{}, map[acc]string{}, map[int]map[grade]bool{}}
			for _, k := range keys {
				m.Typed[string(rune(k+2000))] = k
				m.Reflected[acc{k % 7, k}] = string(rune(k + 2000))
				m.Nested[k] = map[grade]bool{grade(k): true, grade(k + 1): false, grade(k + 2): true}
			}
			return must(c.Append(nil, &m))
		}
		first := fill(keys)
		slices.Reverse(keys)
		if second := fill(keys); !bytes.Equal(first, second) {
			t.Fatalf("%x\n%x", first, second)
		}
	})
}

func TestValuesFollowEachOther(t *testing.T) {
	c := must(coder.For[order]())
	gen := anyOrder()
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfN(gen, 0, 5).Draw(t, "orders")
		var stream []byte
		for _, v := range all {
			stream = must(c.Append(stream, v))
		}
		for i, v := range all {
			var got order
			stream = must(c.Decode(stream, &got))
			if diff := difference(*v, got); diff != "" {
				t.Fatalf("value %d:\n%s", i, diff)
			}
		}
		if len(stream) > 0 {
			t.Fatalf("%x is left", stream)
		}
	})
}

func anyOrder() *rapid.Generator[*order] {
	text := rapid.SampledFrom([]string{"", "a", "mill", "größe", "a longer text, of more bytes than a varint's first can count: " + string(make([]byte, 100))})
	float := rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{math.NaN(), math.Inf(1), math.Copysign(0, -1)}))
	items := maybe(rapid.SliceOfN(rapid.Custom(func(t *rapid.T) item {
		return item{
			Name: text.Draw(t, "name"), Price: rapid.Int32().Draw(t, "price"), Gone: rapid.Bool().Draw(t, "gone"),
			Sizes: maybe(rapid.SliceOfN(rapid.Uint16(), 0, 3)).Draw(t, "sizes"),
		}
	}), 0, 3))
	addr := rapid.Custom(func(t *rapid.T) netip.Addr {
		return netip.AddrFrom4([4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "ip")))
	})
	return rapid.Custom(func(t *rapid.T) *order {
		o := &order{
			ID:      text.Draw(t, "id"),
			Placed:  drawTime(t),
			Items:   items.Draw(t, "items"),
			Labels:  maybe(rapid.MapOfN(text, text, 0, 4)).Draw(t, "labels"),
			Weights: maybe(rapid.MapOfN(rapid.Custom(func(t *rapid.T) grade { return grade(rapid.Int8().Draw(t, "g")) }), float, 0, 4)).Draw(t, "weights"),
			Note:    rapid.Ptr(text, true).Draw(t, "note"),
			Raw:     maybe(rapid.SliceOfN(rapid.Byte(), 0, 4)).Draw(t, "raw"),
			Trace:   [16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "trace")),
			Origin:  addr.Draw(t, "origin"),
			Timeout: time.Duration(rapid.Int64().Draw(t, "timeout")),
			Parents: maybe(rapid.MapOfN(addr, items, 0, 3)).Draw(t, "parents"),
			total:   acc{rapid.Int().Draw(t, "sum"), rapid.Int().Draw(t, "n")},
			Pair:    pair[string, item]{Key: text.Draw(t, "key")},
			Signal:  [2]complex64{complex(rapid.Float32().Draw(t, "re"), 0), 0},
			Wide:    complex(float.Draw(t, "re"), float.Draw(t, "im")),
			Counters: counters{
				rapid.Int8().Draw(t, "A"), rapid.Int16().Draw(t, "B"), rapid.Int64().Draw(t, "C"), rapid.Uint().Draw(t, "D"),
				rapid.Uint32().Draw(t, "E"), rapid.Uint64().Draw(t, "F"), rapid.Float32().Draw(t, "G"), float.Draw(t, "H"),
			},
			base: base{rapid.Uint8().Draw(t, "version")},
		}
		if rapid.Bool().Draw(t, "has origin") {
			o.origin = &origin{text.Draw(t, "host")}
		}
		if rapid.Bool().Draw(t, "has extra") {
			o.Extra = &structpb.Struct{Fields: map[string]*structpb.Value{text.Draw(t, "k"): structpb.NewNumberValue(float.Draw(t, "v"))}}
		}
		return o
	})
}

func drawTime(t *rapid.T) time.Time {
	at := time.Unix(rapid.Int64().Draw(t, "seconds"), rapid.Int64Range(0, 999_999_999).Draw(t, "nanos"))
	return at.In(time.FixedZone("", rapid.IntRange(-50_000, 50_000).Draw(t, "zone")))
}

func drawTree(t *rapid.T, depth int) tree {
	v := tree{Value: rapid.Int().Draw(t, "value")}
	if depth == 0 {
		return v
	}
	if rapid.Bool().Draw(t, "next") {
		v.Next = ptr(drawTree(t, depth-1))
	}
	for range rapid.IntRange(0, 2).Draw(t, "kids") {
		v.Kids = append(v.Kids, drawTree(t, depth-1))
	}
	if rapid.Bool().Draw(t, "named") {
		v.Named = map[string]tree{"a": drawTree(t, depth-1), "b": {}}
	}
	return v
}

// maybe adds the zero value to what a generator gives: nil to slices and maps.
func maybe[T any](gen *rapid.Generator[T]) *rapid.Generator[T] {
	var zero T
	return rapid.OneOf(gen, rapid.Just(zero))
}
