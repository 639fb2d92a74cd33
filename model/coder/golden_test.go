package coder_test

import (
	"encoding/hex"
	"fmt"
	"math"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"
	"unique"

	"github.com/cockroachdb/datadriven"
	"github.com/millrace/millrace/model/coder"
	"google.golang.org/protobuf/types/known/structpb"
)

// The files in testdata hold what must not change: stored data depends on it.
// They name values and types that stand in this file. To write the results of
// new cases: go test -run Golden -rewrite.

// goldenValues encode one value each.
var goldenValues = map[string]func() (*coder.Schema, []byte, error){
	"bool":          encoded(true),
	"int":           encoded(-1),
	"int8":          encoded[int8](math.MinInt8),
	"int16":         encoded[int16](math.MaxInt16),
	"int64":         encoded[int64](math.MinInt64),
	"uint8":         encoded[uint8](200),
	"uint64":        encoded[uint64](math.MaxUint64),
	"float32":       encoded[float32](1.5),
	"float64":       encoded(math.Copysign(0, -1)),
	"complex64":     encoded[complex64](1 + 2i),
	"string":        encoded("größe"),
	"bytes-nil":     encoded([]byte(nil)),
	"bytes-empty":   encoded([]byte{}),
	"bytes":         encoded([]byte{1, 2}),
	"byte-array":    encoded([4]byte{1, 2, 3, 4}),
	"array":         encoded([2]string{"a", "b"}),
	"slice-nil":     encoded([]int(nil)),
	"slice-empty":   encoded([]int{}),
	"slice":         encoded([]int{1, 2, 3}),
	"units":         encoded(make([]struct{}, 300)),
	"pointer-nil":   encoded[*string](nil),
	"pointer":       encoded(ptr("x")),
	"struct":        encoded(struct{ A, b, _ int }{1, 2, 3}),
	"nested":        encoded(pair[string, acc]{"k", acc{1, 2}}),
	"time-utc":      encoded(time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)),
	"time-zone":     encoded(time.Date(1969, 12, 31, 23, 59, 59, 1, time.FixedZone("", -3600))),
	"time-zero":     encoded(time.Time{}),
	"duration":      encoded(time.Second),
	"map-nil":       encoded(map[string]int(nil)),
	"map":           encoded(map[string]int{"b": 2, "aa": 1, "": 0}),
	"map-reflected": encoded(map[grade]acc{1: {1, 1}, -1: {2, 2}, 0: {}}),
	"tree":          encoded(tree{Value: 1, Next: &tree{}, Kids: []tree{{Value: 2}}}),
	"appender":      encoded(celsius{-3.5}),
	"marshaler":     encoded(version{"1"}),
	"marshaler-300": encoded(version{strings.Repeat("x", 299)}),
	"addr":          encoded(netip.MustParseAddr("192.0.2.7")),
	"uuid":          encoded(uuid{0xaa, 0xbb}),
	"promoted":      encoded(stamped{time.Unix(1, 0).UTC(), "me"}),
	"message-nil":   encoded[*structpb.Value](nil),
	"message-empty": encoded(&structpb.Value{}),
	"message":       encoded(structpb.NewStringValue("x")),
	"message-map":   encoded(&structpb.Struct{Fields: map[string]*structpb.Value{"b": structpb.NewBoolValue(true), "a": {}}}),
	"vast":          encoded(vast{}),
	"order":         encoded(*fullOrder()),
	"refused":       encoded[any](nil),
	"key-uuid":      encodedKey(uuid{0xaa, 0xbb}),
	"key-ratio":     encodedKey[ratio](0.5),
	"key-addr":      encodedKey(netip.MustParseAddrPort("192.0.2.7:80")),
}

func encoded[T any](v T) func() (*coder.Schema, []byte, error) {
	return func() (*coder.Schema, []byte, error) {
		c, err := coder.For[T]()
		if err != nil {
			return nil, nil, err
		}
		b, err := c.Append(nil, &v)
		return c.Schema(), b, err
	}
}

func encodedKey[T any](v T) func() (*coder.Schema, []byte, error) {
	return func() (*coder.Schema, []byte, error) {
		c, err := coder.ForKey[T]()
		if err != nil {
			return nil, nil, err
		}
		b, err := c.Append(nil, &v)
		return c.Schema(), b, err
	}
}

var goldenHashes = map[string]func() uint64{
	"int-0":        hashed(0),
	"int-1":        hashed(1),
	"int8-minus-1": hashed[int8](-1),
	"int-minus-1":  hashed(-1),
	"uint64":       hashed[uint64](1),
	"uint8":        hashed[uint8](1),
	"named":        hashed[grade](1),
	"empty":        hashed(""),
	"string":       hashed("abc"),
	"long":         hashed("Nobody inspects the spammish repetition"),
	"bool":         hashed(true),
	"struct":       hashed(pair[string, acc]{"k", acc{1, 2}}),
	"uuid":         hashed(uuid{0xaa, 0xbb}),
	"addr":         hashed(netip.MustParseAddr("192.0.2.7")),
	"interned":     hashed(interned{handle: unique.Make("a")}),
}

func hashed[T any](v T) func() uint64 {
	return func() uint64 { return must(coder.ForKey[T]()).Hash(&v) }
}

var goldenTypes = map[string]reflect.Type{
	"order":    reflect.TypeFor[refusedOrder](),
	"kinds":    reflect.TypeFor[refusedKinds](),
	"locks":    reflect.TypeFor[refusedLocks](),
	"standard": reflect.TypeFor[refusedStandard](),
	"sizes":    reflect.TypeFor[refusedSizes](),
	"key":      reflect.TypeFor[refusedKey](),
	"any":      reflect.TypeFor[any](),
	"float":    reflect.TypeFor[float64](),
	"generic":  reflect.TypeFor[pair[netip.Addr, []pair[uuid, struct{ F func(any) }]]](),
	"message":  reflect.TypeFor[structpb.Value](),
	"embedded": reflect.TypeFor[struct {
		*refusedItem
		pair[string, refusedItem]
	}](),
}

func TestGoldenEncodings(t *testing.T) {
	seen := map[string]bool{}
	datadriven.RunTest(t, "testdata/encodings", func(t *testing.T, d *datadriven.TestData) string {
		name := d.CmdArgs[0].Key
		seen[name] = true
		schema, encoding, err := goldenValues[name]()
		switch {
		case err != nil:
			return err.Error() + "\n"
		case d.Cmd == "schema":
			return schema.String()
		}
		return hex.Dump(encoding)
	})
	for name := range goldenValues {
		if !seen[name] {
			t.Errorf("nothing in testdata/encodings asks for %s", name)
		}
	}
}

func TestGoldenHashes(t *testing.T) {
	datadriven.RunTest(t, "testdata/hashes", func(t *testing.T, d *datadriven.TestData) string {
		return fmt.Sprintf("%#016x\n", goldenHashes[d.CmdArgs[0].Key]())
	})
}

func TestGoldenRefusals(t *testing.T) {
	datadriven.RunTest(t, "testdata/refusals", func(t *testing.T, d *datadriven.TestData) string {
		check := coder.Check
		if d.Cmd == "check-key" {
			check = coder.CheckKey
		}
		err := check(goldenTypes[d.CmdArgs[0].Key])
		if err == nil {
			return "accepted\n"
		}
		return err.Error() + "\n"
	})
}
