package coder_test

import (
	"bytes"
	"math"
	"math/big"
	"net/netip"
	"net/url"
	"reflect"
	"sync"
	"testing"
	"time"
	"unique"

	"github.com/google/go-cmp/cmp"
	"github.com/millrace/millrace/model/coder"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// roundTrip encodes a value after other bytes, decodes it before other bytes
// into a variable that is in use, and compares.
func roundTrip[T any](t *testing.T, c *coder.Coder[T], v, used T) {
	t.Helper()
	encoded, err := c.Append([]byte("before"), &v)
	if err != nil {
		t.Fatalf("%+v: %v", v, err)
	}
	encoding, ok := bytes.CutPrefix(encoded, []byte("before"))
	if !ok {
		t.Fatalf("%+v: what stood in the buffer was overwritten: %q", v, encoded)
	}
	rest, err := c.Decode(append(encoding, "after"...), &used)
	if err != nil {
		t.Fatalf("%+v: %v", v, err)
	}
	if string(rest) != "after" {
		t.Errorf("%+v: left %q of what follows the value", v, rest)
	}
	if diff := difference(v, used); diff != "" {
		t.Errorf("decoded (+) is not what was encoded (-):\n%s", diff)
	}
}

// difference compares values whole, with their unexported fields, and tells nil
// from empty.
func difference[T any](want, got T) string {
	return cmp.Diff(want, got, protocmp.Transform(),
		cmp.Exporter(func(reflect.Type) bool { return true }),
		cmp.Comparer(func(a, b time.Time) bool {
			_, x := a.Zone()
			_, y := b.Zone()
			return a.Equal(b) && x == y
		}),
		cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
		cmp.Comparer(func(a, b unique.Handle[string]) bool { return a == b }),
		cmp.Comparer(func(a, b big.Int) bool { return a.Cmp(&b) == 0 }),
		cmp.Comparer(sameBits),
		cmp.Comparer(func(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) }),
		cmp.Comparer(func(a, b complex128) bool { return sameBits(real(a), real(b)) && sameBits(imag(a), imag(b)) }),
	)
}

func sameBits(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) }

func values[T any](all ...T) func(*testing.T) {
	return func(t *testing.T) {
		c := must(coder.For[T]())
		for _, used := range all {
			for _, v := range all {
				roundTrip(t, c, v, used)
			}
		}
	}
}

func keys[T comparable](all ...T) func(*testing.T) {
	return func(t *testing.T) {
		c := must(coder.ForKey[T]())
		for _, v := range all {
			for _, used := range all {
				roundTrip(t, c, v, used)
				same := bytes.Equal(must(c.Append(nil, &v)), must(c.Append(nil, &used)))
				if same != (v == used) {
					t.Errorf("%v and %v: == is %v, equality of encodings %v", v, used, v == used, same)
				}
				if v == used && c.Hash(&v) != c.Hash(&used) {
					t.Errorf("%v: two hashes", v)
				}
			}
		}
	}
}

func TestRoundTrip(t *testing.T) {
	text := "text"
	quieter := math.Float64frombits(0x7ff8_0000_0000_0123)

	for name, run := range map[string]func(*testing.T){
		"bool":       values(false, true),
		"int8":       values[int8](0, 1, -1, math.MinInt8, math.MaxInt8),
		"int16":      values[int16](0, 1, -1, math.MinInt16, math.MaxInt16),
		"int32":      values[int32](0, 1, -1, math.MinInt32, math.MaxInt32),
		"int64":      values[int64](0, 1, -1, 63, 64, -64, -65, math.MinInt64, math.MaxInt64),
		"int":        values(0, math.MinInt, math.MaxInt),
		"uint8":      values[uint8](0, 127, 128, math.MaxUint8),
		"uint16":     values[uint16](0, math.MaxUint16),
		"uint32":     values[uint32](0, math.MaxUint32),
		"uint64":     values[uint64](0, 1<<63, math.MaxUint64),
		"uint":       values[uint](0, math.MaxUint),
		"float32":    values[float32](0, float32(math.Copysign(0, -1)), 1.5, float32(math.Inf(1)), float32(math.NaN())),
		"float64":    values(0, math.Copysign(0, -1), 1.5, math.Inf(-1), math.NaN(), quieter, math.SmallestNonzeroFloat64),
		"complex64":  values[complex64](0, 1+2i),
		"complex128": values(0, complex(1, math.Copysign(0, -1))),
		"string":     values("", "a", "\x00\xff", string(make([]byte, 127)), string(make([]byte, 128)), string(make([]byte, 70_000))),
		"bytes":      values(nil, []byte{}, []byte{0}, make([]byte, 200)),
		"array":      values([3]int{}, [3]int{1, -2, 3}),
		"byte array": values([4]byte{1, 2, 3, 255}, [4]byte{}),
		"no array":   values([0]string{}),
		"slice":      values(nil, []string{}, []string{""}, []string{"a", "bc"}),
		"slices":     values(nil, [][]int{}, [][]int{nil, {}, {1}}),
		"numbers":    values(nil, make([]uint64, 1000)),
		"empties":    values(nil, []struct{}{}, make([]struct{}, 1000)),
		"pointer":    values(nil, &text),
		"pointers":   values(nil, new(*string), ptr(&text)),
	} {
		t.Run(name, run)
	}
}

func TestRoundTripOfCompositeTypes(t *testing.T) {
	text := "text"
	zone := time.FixedZone("Somewhere", -(3*3600 + 1800))
	oddZone := time.FixedZone("LMT", 1172)
	message := must(structpb.NewStruct(map[string]any{"a": 1, "b": []any{true, "x"}, "c": nil}))
	full := fullOrder()

	for name, run := range map[string]func(*testing.T){
		"struct":    values(acc{}, acc{sum: -5, n: 3}),
		"anonymous": values(struct{ A, b int }{1, 2}),
		"empty":     values(struct{}{}),
		"time": values(time.Time{}, time.Unix(0, 0).UTC(), time.Unix(1, 999_999_999).In(zone), time.Unix(-1<<40, 1).In(oddZone),
			time.Unix(math.MaxInt64, 0).UTC(), time.Unix(math.MinInt64, 0).UTC(), time.Now()),
		"duration":  values(time.Duration(0), -time.Hour),
		"times":     values([]time.Time{time.Unix(5, 0)}),
		"map":       values(nil, map[string]int{}, map[string]int{"a": 1, "b": 2, "": 3}),
		"map sets":  values(nil, map[int]struct{}{1: {}, -1: {}}),
		"map named": values(nil, map[grade]string{}, map[grade]string{1: "a", -2: "b"}),
		"map deep":  values(map[string]map[acc][]item{"x": {{1, 2}: {{Name: "n"}}, {}: nil}, "y": nil}),
		"map float": values(map[float64]int{0.5: 1, math.Inf(1): 2}),
		"map unit":  values(nil, map[struct{}]string{{}: "only"}, map[struct{}]string{}),
		"map addr":  values(map[netip.Addr]bool{netip.MustParseAddr("fe80::1%eth0"): true}),
		"map uuid":  values(map[uuid]uuid{{1}: {2}}),
		"tree":      values(tree{}, tree{Value: 1, Next: &tree{Kids: []tree{{}, {Named: map[string]tree{"x": {}}}}}}),
		"nest":      values(nil, nest{}, nest{nil, {}, {{nil}}}),
		"maze":      values(nil, maze{"a": {"b": nil}, "c": {}}),
		"loop":      values[loop](nil, ptr[loop](nil)),
		"even":      values(even{}, even{&odd{[]even{{}, {&odd{}}}}}),
		"stump":     values(stump{}),
		"appender":  values(celsius{}, celsius{-3.5}),
		"marshaler": values(version{"1.2"}, version{"2"}),
		"in place":  values([]version{{"1"}, {"2"}}),
		"array too": values(uuid{1, 2}, uuid{}),
		"promoted":  values(stamped{time.Unix(5, 0), "me"}, stamped{}),
		"caption":   values(caption{text: "a"}, caption{}),
		"receipt":   values(receipt{readOnly{1}, "a"}, receipt{}),
		"muted":     values(muted{text: "a"}, muted{}),
		"path":      values(path{"a", "b"}, path{""}),
		"segments":  values(segments{[]string{"a", "b"}}, segments{[]string{""}}),
		"one way":   values(writeOnly{4}),
		"no memory": values([]nothing{{}, {}}, nil),
		"url":       values(*must(url.Parse("https://u:p@example.org/a?b=c#d"))),
		"url ptr":   values(nil, must(url.Parse("/relative"))),
		"big":       values(*big.NewInt(0), *new(big.Int).Lsh(big.NewInt(-3), 100)),
		"instant":   values(instant(time.Unix(5, 7).UTC()), instant{}),
		"message":   values(nil, &structpb.Struct{}, message),
		"wrapped":   values(wrapped{}, wrapped{wrapperspb.String("x"), 3}),
		"order":     values(order{}, *full, order{Extra: message, Note: &text, Labels: map[string]string{}}),
	} {
		t.Run(name, run)
	}
}

func TestRoundTripOfKeys(t *testing.T) {
	for name, run := range map[string]func(*testing.T){
		"bool":     keys(false, true),
		"int":      keys(0, 1, -1, math.MinInt, math.MaxInt),
		"int8":     keys[int8](0, 127, -128),
		"uint64":   keys[uint64](0, math.MaxUint64),
		"string":   keys("", "a", "ab", "b"),
		"named":    keys[grade](0, 1),
		"struct":   keys(pair[string, acc]{}, pair[string, acc]{"a", acc{1, 2}}, pair[string, acc]{"a", acc{2, 1}}),
		"strings":  keys([2]string{"a", "b"}, [2]string{"ab", ""}, [2]string{"", "ab"}),
		"uuid":     keys(uuid{}, uuid{1}),
		"addr":     keys(netip.Addr{}, netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("::ffff:10.0.0.1"), netip.MustParseAddr("fe80::1%a")),
		"addrport": keys(netip.MustParseAddrPort("10.0.0.1:80"), netip.MustParseAddrPort("10.0.0.1:81")),
		"interned": keys(interned{handle: unique.Make("a")}, interned{handle: unique.Make("b")}),
		"ratio":    keys[ratio](0.5, 1, -1),
		"unit":     keys(struct{}{}),
		"blank":    keys(struct{ A, _ int }{A: 1}, struct{ A, _ int }{A: 2}),
	} {
		t.Run(name, run)
	}
}

func TestDecodedSharesNoMemory(t *testing.T) {
	type shared struct {
		S string
		B []byte
		L []string
		M map[string][]byte
		P *acc
	}
	c := must(coder.For[shared]())
	v := shared{"string", []byte("bytes"), []string{"list"}, map[string][]byte{"key": []byte("value")}, &acc{1, 2}}
	encoded := must(c.Append(nil, &v))

	var first shared
	must(c.Decode(encoded, &first))
	kept := first
	again := shared{P: &acc{9, 9}, B: []byte("other"), L: []string{"other"}, M: map[string][]byte{}}
	must(c.Decode(must(c.Append(nil, &again)), &first))
	if diff := difference(v, kept); diff != "" {
		t.Errorf("decoding anew changed what was decoded before:\n%s", diff)
	}
	for i := range encoded {
		encoded[i] ^= 0xff
	}
	if diff := difference(v, kept); diff != "" {
		t.Errorf("changing the input changed the value:\n%s", diff)
	}
}

// An array whose elements have no content takes no time either.
func TestVastArray(t *testing.T) {
	c := must(coder.For[vast]())
	v, got := vast{Before: 1, After: 2}, vast{}
	encoded := must(c.Append(nil, &v))
	must(c.Decode(encoded, &got))
	if len(encoded) != 2 || got.Before != 1 || got.After != 2 {
		t.Errorf("%x was decoded as %d, %d", encoded, got.Before, got.After)
	}
}

func TestTimeLosesMonotonicClock(t *testing.T) {
	c := must(coder.For[time.Time]())
	now := time.Now()
	var got time.Time
	must(c.Decode(must(c.Append(nil, &now)), &got))
	if stripped := got.Round(0); got != stripped {
		t.Errorf("%v has a monotonic clock reading", got)
	}
	far := time.Unix(0, 0).In(time.FixedZone("far", 1<<40))
	if _, err := c.Append(nil, &far); err == nil {
		t.Error("a zone that cannot be decoded was encoded")
	}
}

func TestOneCoderPerType(t *testing.T) {
	type fresh struct{ A tree }
	var wait sync.WaitGroup
	made := make([]*coder.Coder[fresh], 8)
	for i := range made {
		wait.Go(func() {
			made[i] = must(coder.For[fresh]())
			v := fresh{tree{Kids: []tree{{Value: i}}}}
			var got fresh
			must(made[i].Decode(must(made[i].Append(nil, &v)), &got))
		})
	}
	wait.Wait()
	for _, c := range made {
		if c != made[0] {
			t.Fatal("one type has two coders")
		}
	}
	if k := must(coder.ForKey[acc]()); k == must(coder.For[acc]()) {
		t.Error("keys and values share a coder")
	}
}

func TestUntyped(t *testing.T) {
	var c coder.Any = must(coder.For[acc]())
	if c.Type() != reflect.TypeFor[acc]() {
		t.Errorf("the type is %v", c.Type())
	}
	if !c.Schema().Equal(must(coder.ForKey[acc]()).Schema()) {
		t.Errorf("as a key, the schema is another")
	}
	if err := coder.Check(nil); err == nil {
		t.Error("the nil type was accepted")
	}
	if err := coder.Check(reflect.TypeFor[order]()); err != nil {
		t.Error(err)
	}
	if err := coder.CheckKey(reflect.TypeFor[acc]()); err != nil {
		t.Error(err)
	}
}

// Both coders of a UUID read their own form only.
func TestKeysAreTakenApart(t *testing.T) {
	u := uuid{1, 2, 3}
	if n := len(must(must(coder.ForKey[uuid]()).Append(nil, &u))); n != 16 {
		t.Errorf("as a key a UUID takes %d bytes", n)
	}
	if n := len(must(must(coder.For[uuid]()).Append(nil, &u))); n != 17 {
		t.Errorf("as a value a UUID takes %d bytes", n)
	}
}

func ptr[T any](v T) *T { return &v }

func fullOrder() *order {
	return &order{
		ID:     "order-1",
		Placed: time.Date(2024, 2, 29, 12, 30, 0, 5, time.FixedZone("", 5*3600+1800)),
		Items: []item{
			{Name: "wheel", Price: 1250, Sizes: []uint16{1, 300}},
			{Name: "gate", Price: -1, Gone: true, Sizes: []uint16{}},
		},
		Labels:  map[string]string{"b": "2", "a": "1", "": "0"},
		Weights: map[grade]float64{-1: math.Inf(1), 1: 0.5},
		Note:    ptr("fragile"),
		Raw:     []byte{0, 1, 2},
		Trace:   [16]byte{15: 0xff},
		Origin:  netip.MustParseAddr("192.0.2.7"),
		Extra:   &structpb.Struct{Fields: map[string]*structpb.Value{"k": structpb.NewBoolValue(true)}},
		Timeout: time.Second,
		Parents: map[netip.Addr][]item{netip.MustParseAddr("::1"): nil, netip.MustParseAddr("::2"): {{Name: "x"}}},
		total:   acc{sum: 1 << 40, n: -7},
		Pair:    pair[string, item]{Key: "k", Value: item{Price: 64}},
		Signal:  [2]complex64{1 + 2i, -3i},
		Wide:    complex(math.Inf(-1), 0),
		Counters: counters{
			math.MinInt8, math.MaxInt16, math.MinInt64, math.MaxUint32, math.MaxUint32, math.MaxUint64, -0.25, math.Pi,
		},
		base:   base{version: 200},
		origin: &origin{Host: "mill"},
	}
}
