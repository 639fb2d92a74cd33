package coder_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/millrace/millrace/model/coder"
)

func allocs(t *testing.T, what string, want float64, f func()) {
	t.Helper()
	if raceEnabled {
		return // the race detector makes pools forget
	}
	if got := testing.AllocsPerRun(1000, f); got != want {
		t.Errorf("%s allocates %v times, not %v", what, got, want)
	}
}

func encodeAllocs[T any](t *testing.T, what string, want float64, v T) {
	t.Helper()
	c := must(coder.For[T]())
	buf := make([]byte, 0, 1<<12)
	allocs(t, "encoding "+what, want, func() { must(c.Append(buf, &v)) })
}

func decodeAllocs[T any](t *testing.T, what string, want float64, v T) {
	t.Helper()
	c := must(coder.For[T]())
	encoded := must(c.Append(nil, &v))
	allocs(t, "decoding "+what, want, func() { must(c.Decode(encoded, &v)) })
}

func hashAllocs[T any](t *testing.T, what string, want float64, v T) {
	t.Helper()
	c := must(coder.ForKey[T]())
	allocs(t, "hashing "+what, want, func() {
		local := v
		c.Hash(&local)
	})
}

func TestAllocations(t *testing.T) {
	const text = "a text that is not interned"
	kolkata := time.FixedZone("", 5*3600+1800)

	encodeAllocs(t, "ints and strings", 0, pair[string, acc]{text, acc{1, 2}})
	encodeAllocs(t, "a tree", 0, tree{Next: &tree{}, Kids: []tree{{}, {}}})
	encodeAllocs(t, "a map", 0, map[string]int{"a": 1, "b": 2, "c": 3})
	encodeAllocs(t, "a reflected map", 0, map[grade]acc{1: {}, 2: {}, 3: {}})
	encodeAllocs(t, "nested maps", 0, map[string]map[string]string{"a": {"b": "c"}, "d": {"e": "f"}})
	encodeAllocs(t, "an appender", 0, netip.MustParseAddr("192.0.2.7"))
	encodeAllocs(t, "a time", 0, time.Unix(1, 0).In(kolkata))
	encodeAllocs(t, "an order without a message", 0, func() order { o := *fullOrder(); o.Extra = nil; return o }())

	decodeAllocs(t, "numbers", 0, counters{1, 2, 3, 4, 5, 6, 7, 8})
	decodeAllocs(t, "a time", 0, time.Unix(1, 0).In(kolkata))
	decodeAllocs(t, "a string", 1, text)
	decodeAllocs(t, "bytes", 1, []byte(text))
	decodeAllocs(t, "a pointer", 1, ptr(acc{1, 2}))
	decodeAllocs(t, "a slice", 1, []acc{{1, 2}, {3, 4}})
	decodeAllocs(t, "a slice of strings", 1+2, []string{text, text})
	decodeAllocs(t, "an address", 0, netip.MustParseAddr("192.0.2.7"))
	decodeAllocs(t, "an order", 2, pair[string, []acc]{text, []acc{{1, 2}}})
	// A map takes what make and the assignments take.
	decodeAllocs(t, "a map", mapAllocs(map[string]int{"a": 1, "b": 2}), map[string]int{"a": 1, "b": 2})
	decodeAllocs(t, "a reflected map", mapAllocs(map[grade]acc{1: {}, 2: {}}), map[grade]acc{1: {}, 2: {}})

	hashAllocs(t, "an int", 0, 1<<40)
	hashAllocs(t, "a string", 0, text)
	hashAllocs(t, "a struct", 0, pair[string, acc]{text, acc{1, 2}})
	hashAllocs(t, "an address", 0, netip.MustParseAddr("192.0.2.7"))
	hashAllocs(t, "a UUID", 0, uuid{1})
}

var sink any

// mapAllocs counts what building a map takes; its keys are a byte or a string of
// one byte, which take nothing.
func mapAllocs[K comparable, V any](m map[K]V) float64 {
	var kept map[K]V
	n := testing.AllocsPerRun(100, func() {
		kept = make(map[K]V, len(m))
		for k, v := range m {
			kept[k] = v
		}
	})
	sink = kept
	return n
}
