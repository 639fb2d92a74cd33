package coder_test

import (
	"bytes"
	"encoding/gob"
	"testing"
	"time"

	"github.com/millrace/millrace/model/coder"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/sourcecontextpb"
	"google.golang.org/protobuf/types/known/typepb"
)

// The benchmarks store one value: the description of a message type, as the
// protobuf module declares it (typepb.Type) and as Go structs with the same
// content. The comparison favours the others where it must lean to a side. gob
// writes to one stream, so that it sends its type descriptions once; a store of
// separate values would have to repeat them. protobuf leaves out zero fields,
// which are half of the fields here; on the other hand it keeps each element of
// a repeated field behind a pointer, and marks each field with a tag that
// tolerates changes of the struct, which this package leaves to the schema.

type description struct {
	Name          string
	Fields        []fieldDescription
	Oneofs        []string
	SourceContext string
	Syntax        int32
	Edition       string
}

type fieldDescription struct {
	Kind         int32
	Cardinality  int32
	Number       int32
	Name         string
	TypeURL      string
	OneofIndex   int32
	Packed       bool
	JSONName     string
	DefaultValue string
}

func benchmarkValue() *description {
	d := &description{
		Name:          "shop.Order",
		Oneofs:        []string{"payment"},
		SourceContext: "shop/order.proto",
		Syntax:        1,
		Edition:       "2023",
	}
	for i, name := range []string{"id", "customer", "placed_at", "currency", "total_cents", "card", "invoice", "items"} {
		d.Fields = append(d.Fields, fieldDescription{
			Kind: int32(i + 3), Cardinality: 1, Number: int32(i + 1),
			Name: name, TypeURL: "type.shop.example/shop." + name, JSONName: name,
		})
	}
	return d
}

func (d *description) message() *typepb.Type {
	t := &typepb.Type{
		Name: d.Name, Oneofs: d.Oneofs, Syntax: typepb.Syntax(d.Syntax), Edition: d.Edition,
		SourceContext: &sourcecontextpb.SourceContext{FileName: d.SourceContext},
	}
	for _, f := range d.Fields {
		t.Fields = append(t.Fields, &typepb.Field{
			Kind: typepb.Field_Kind(f.Kind), Cardinality: typepb.Field_Cardinality(f.Cardinality), Number: f.Number,
			Name: f.Name, TypeUrl: f.TypeURL, OneofIndex: f.OneofIndex, Packed: f.Packed,
			JsonName: f.JSONName, DefaultValue: f.DefaultValue,
		})
	}
	return t
}

// A contender encodes or decodes the value once.
type contender struct {
	name string
	run  func() (bytes int, err error)
}

func encoders() []contender {
	c := must(coder.For[description]())
	v := benchmarkValue()
	message := v.message()
	var buf []byte
	var stream bytes.Buffer
	gobs := gob.NewEncoder(&stream)
	return []contender{
		{"coder", func() (n int, err error) {
			buf, err = c.Append(buf[:0], v)
			return len(buf), err
		}},
		{"gob", func() (int, error) {
			stream.Reset()
			err := gobs.Encode(v)
			return stream.Len(), err
		}},
		{"proto", func() (n int, err error) {
			buf, err = proto.MarshalOptions{}.MarshalAppend(buf[:0], message)
			return len(buf), err
		}},
	}
}

// A repeater gives a gob decoder the type descriptions once, and then the same
// value over and over.
type repeater struct {
	first, value []byte
	next         bytes.Reader
}

func (r *repeater) Read(p []byte) (int, error) {
	if r.next.Len() == 0 {
		r.next.Reset(r.value)
	}
	return r.next.Read(p)
}

func (r *repeater) ReadByte() (byte, error) {
	if r.next.Len() == 0 {
		r.next.Reset(r.value)
	}
	return r.next.ReadByte()
}

func gobRepeater(v any) *repeater {
	var stream bytes.Buffer
	e := gob.NewEncoder(&stream)
	e.Encode(v)
	r := &repeater{first: bytes.Clone(stream.Bytes())}
	stream.Reset()
	e.Encode(v)
	r.value = bytes.Clone(stream.Bytes())
	r.next.Reset(r.first)
	return r
}

func decoders() []contender {
	c := must(coder.For[description]())
	v := benchmarkValue()
	own := must(c.Append(nil, v))
	wire := must(proto.Marshal(v.message()))
	source := gobRepeater(v)
	gobs := gob.NewDecoder(source)
	var decoded description
	return []contender{
		{"coder", func() (int, error) {
			_, err := c.Decode(own, &decoded)
			return len(own), err
		}},
		{"gob", func() (int, error) {
			decoded = description{} // else gob fills the old slices
			return len(source.value), gobs.Decode(&decoded)
		}},
		{"proto", func() (int, error) {
			return len(wire), proto.Unmarshal(wire, new(typepb.Type))
		}},
	}
}

func BenchmarkEncode(b *testing.B) { benchmarkEach(b, encoders()) }
func BenchmarkDecode(b *testing.B) { benchmarkEach(b, decoders()) }

func benchmarkEach(b *testing.B, all []contender) {
	for _, c := range all {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			size := 0
			for b.Loop() {
				n, err := c.run()
				if err != nil {
					b.Fatal(err)
				}
				size = n
			}
			b.ReportMetric(float64(size), "bytes/value")
		})
	}
}

// BenchmarkRatio times the three side by side in short turns, so that whatever
// else the machine does falls on all of them, and reports how often the coder is
// as fast as each of the others.
func BenchmarkRatio(b *testing.B) {
	for _, direction := range []struct {
		name string
		all  []contender
	}{{"Encode", encoders()}, {"Decode", decoders()}} {
		b.Run(direction.name, func(b *testing.B) {
			const turn = 200
			spent := make([]time.Duration, len(direction.all))
			for b.Loop() {
				for i, c := range direction.all {
					start := time.Now()
					for range turn {
						if _, err := c.run(); err != nil {
							b.Fatal(err)
						}
					}
					spent[i] += time.Since(start)
				}
			}
			for i, c := range direction.all[1:] {
				b.ReportMetric(float64(spent[i+1])/float64(spent[0]), "x_"+c.name)
			}
		})
	}
}

// BenchmarkMaps shows what maps cost that have no code of their own.
func BenchmarkMaps(b *testing.B) {
	typed, reflected := map[int64]int64{}, map[time.Duration]int64{}
	for i := range int64(1000) {
		typed[i], reflected[time.Duration(i)] = i, i
	}
	b.Run("Encode/typed", func(b *testing.B) { benchmarkEncode(b, typed) })
	b.Run("Encode/reflected", func(b *testing.B) { benchmarkEncode(b, reflected) })
	b.Run("Decode/typed", func(b *testing.B) { benchmarkDecode(b, typed) })
	b.Run("Decode/reflected", func(b *testing.B) { benchmarkDecode(b, reflected) })
}

func benchmarkEncode[K comparable, V any](b *testing.B, m map[K]V) {
	c := must(coder.For[map[K]V]())
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = must(c.Append(buf[:0], &m))
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(m)), "ns/entry")
}

func benchmarkDecode[K comparable, V any](b *testing.B, m map[K]V) {
	c := must(coder.For[map[K]V]())
	encoded := must(c.Append(nil, &m))
	b.ReportAllocs()
	for b.Loop() {
		must(c.Decode(encoded, &m))
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(m)), "ns/entry")
}

func BenchmarkHash(b *testing.B) {
	b.Run("int", func(b *testing.B) { benchmarkHash(b, 12345) })
	b.Run("string", func(b *testing.B) { benchmarkHash(b, "user-12345") })
	b.Run("struct", func(b *testing.B) { benchmarkHash(b, pair[string, acc]{"user-12345", acc{1, 2}}) })
	b.Run("uuid", func(b *testing.B) { benchmarkHash(b, uuid{1, 2, 3}) })
}

func benchmarkHash[T any](b *testing.B, k T) {
	c := must(coder.ForKey[T]())
	b.ReportAllocs()
	for b.Loop() {
		local := k
		c.Hash(&local)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
