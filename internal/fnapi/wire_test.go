package fnapi

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"

	pipepb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/pipeline_v1"
)

// Bytes as Beam's own coders write them.
func TestWireFormat(t *testing.T) {
	for _, tc := range []struct {
		what      string
		got, want []byte
	}{
		{"an element at 0", AppendElementHeader(nil, 0), []byte("\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x0f")},
		{"an element before 1970", AppendElementHeader(nil, -2), []byte("\x7f\xff\xff\xff\xff\xff\xff\xfe\x00\x00\x00\x01\x0f")},
		{"the least time", AppendTime(nil, MinTime), []byte("\x7f\xdf\x3b\x64\x5a\x1c\xac\x09")},
		{"the greatest time", AppendTime(nil, MaxTime), []byte("\x80\x20\xc4\x9b\xa5\xe3\x53\xf7")},
		{"a timer", appendTimer(nil, &Timer{Key: []byte("\x03key"), Tag: []byte("t"), Fire: 1000, Hold: 999}),
			[]byte("\x03key\x01t\x00\x00\x00\x01\x00\x80\x00\x00\x00\x00\x00\x03\xe8\x80\x00\x00\x00\x00\x00\x03\xe7\x0f")},
		{"a timer taken back", appendTimer(nil, &Timer{Key: []byte("\x03key"), Clear: true}), []byte("\x03key\x00\x00\x00\x00\x01\x01")},
	} {
		if !bytes.Equal(tc.got, tc.want) {
			t.Errorf("%s is %x, want %x", tc.what, tc.got, tc.want)
		}
	}
}

func FuzzElementHeader(f *testing.F) {
	f.Add(AppendElementHeader(nil, 5))
	f.Add([]byte("\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x24\x81\x02\x03"))
	f.Fuzz(func(t *testing.T, b []byte) {
		ms, n, err := readElementHeader(b)
		if err != nil {
			return
		}
		if n < 13 || n > len(b) {
			t.Fatalf("%d bytes of %d were read", n, len(b))
		}
		if again, _, err := readElementHeader(AppendElementHeader(nil, ms)); err != nil || again != ms {
			t.Fatalf("%d is read as %d, %v", ms, again, err)
		}
	})
}

func FuzzTimer(f *testing.F) {
	f.Add(appendTimer(nil, &Timer{Key: []byte("\x03key"), Tag: []byte("t"), Fire: 1000, Hold: 999}))
	f.Add(appendTimer(nil, &Timer{Key: []byte("\x03key"), Clear: true}))
	f.Fuzz(func(t *testing.T, b []byte) {
		var first, second Timer
		n, err := readTimer(b, skipBytes, &first)
		if err != nil {
			return
		}
		if n < 6 || n > len(b) {
			t.Fatalf("%d bytes of %d were read", n, len(b))
		}
		if _, err := readTimer(appendTimer(nil, &first), skipBytes, &second); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(first.Key, second.Key) || !bytes.Equal(first.Tag, second.Tag) || first.Fire != second.Fire || first.Hold != second.Hold || first.Clear != second.Clear {
			t.Fatalf("%+v is read as %+v", first, second)
		}
	})
}

func FuzzSizes(f *testing.F) {
	spec := func(urn string, parts ...string) *pipepb.Coder {
		return &pipepb.Coder{Spec: &pipepb.FunctionSpec{Urn: urn}, ComponentCoderIds: parts}
	}
	coders := map[string]*pipepb.Coder{
		"bytes": spec("beam:coder:bytes:v1"), "varint": spec("beam:coder:varint:v1"), "double": spec("beam:coder:double:v1"),
		"bool": spec("beam:coder:bool:v1"), "pair": spec("beam:coder:kv:v1", "varint", "bytes"),
		"all": spec("beam:coder:kv:v1", "pair", "double", "bool"),
	}
	size, err := newSizer(coders, "all", 0)
	if err != nil {
		f.Fatal(err)
	}
	whole := AppendBytes(binary.AppendUvarint(nil, 300), []byte("value"))
	whole = append(binary.BigEndian.AppendUint64(whole, math.Float64bits(1)), 1)
	if n, err := size(whole); n != len(whole) || err != nil {
		f.Fatalf("%d bytes of %d, %v", n, len(whole), err)
	}
	f.Add(whole)
	f.Add([]byte("\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"))
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := size(b)
		if err != nil {
			return
		}
		if n > len(b) {
			t.Fatalf("%d bytes of %d", n, len(b))
		}
		if again, err := size(b[:n]); again != n || err != nil {
			t.Fatalf("the value of %d bytes has %d, %v", n, again, err)
		}
		if _, err := size(b[:n-1]); err == nil {
			t.Fatal("a value is whole without its last byte")
		}
	})
}
