package fnengine

import (
	"encoding/binary"
	"fmt"
)

// A KV is an element: the engine's are pairs of byte strings.
type KV struct {
	Time       int64 // milliseconds since 1970
	Key, Value string
}

// A Timer is one that was set, or is to fire.
type Timer struct {
	Key, Tag   string
	Clear      bool
	Fire, Hold int64
}

func appendTime(b []byte, ms int64) []byte {
	return binary.BigEndian.AppendUint64(b, uint64(ms)+1<<63)
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// Encode encodes elements as windowed values: time, one window, which is no byte, a pane.
func Encode(elements ...KV) (b []byte) {
	for i, e := range elements {
		b = append(appendTime(b, e.Time), 0, 0, 0, 1)
		switch i % 3 { // panes of all three forms
		case 0:
			b = append(b, 0x0f)
		case 1:
			b = append(b, 0x14, 0x81, 0x02)
		default:
			b = append(b, 0x24, 0x03, 0x04)
		}
		b = appendString(appendString(b, e.Key), e.Value)
	}
	return b
}

// EncodeTimers encodes timers.
func EncodeTimers(timers ...Timer) (b []byte) {
	for _, t := range timers {
		b = append(appendString(appendString(b, t.Key), t.Tag), 0, 0, 0, 1)
		if t.Clear {
			b = append(b, 1)
			continue
		}
		b = append(appendTime(appendTime(append(b, 0), t.Fire), t.Hold), 0x0f)
	}
	return b
}

// A decoder reads what a worker sent; what cannot be read is a panic, which is its test's
// failure.
type decoder struct{ b []byte }

func (d *decoder) take(n int) []byte {
	if n > len(d.b) {
		panic(fmt.Sprintf("fnengine: the worker sent %d bytes where %d should be", len(d.b), n))
	}
	out := d.b[:n]
	d.b = d.b[n:]
	return out
}

func (d *decoder) time() int64 { return int64(binary.BigEndian.Uint64(d.take(8)) - 1<<63) }

func (d *decoder) string() string {
	n, k := binary.Uvarint(d.b)
	if k <= 0 {
		panic("fnengine: the worker sent no length where one should be")
	}
	d.take(k)
	return string(d.take(int(n)))
}

func (d *decoder) want(what string, bytes ...byte) {
	if got := d.take(len(bytes)); string(got) != string(bytes) {
		panic(fmt.Sprintf("fnengine: the worker sent %x for %s", got, what))
	}
}

// Decode decodes elements.
func Decode(b []byte) (out []KV) {
	for d := (&decoder{b}); len(d.b) > 0; {
		e := KV{Time: d.time()}
		d.want("windows and pane", 0, 0, 0, 1, 0x0f)
		e.Key, e.Value = d.string(), d.string()
		out = append(out, e)
	}
	return out
}

// DecodeTimers decodes timers.
func DecodeTimers(b []byte) (out []Timer) {
	for d := (&decoder{b}); len(d.b) > 0; {
		t := Timer{Key: d.string(), Tag: d.string()}
		d.want("windows", 0, 0, 0, 1)
		if t.Clear = d.take(1)[0] == 1; !t.Clear {
			t.Fire, t.Hold = d.time(), d.time()
			d.want("a pane", 0x0f)
		}
		out = append(out, t)
	}
	return out
}
