package checkpoint

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
)

// A sortKey stands for entry i by eight bytes of its key.
type sortKey struct {
	word uint64
	i    uint32
}

// sortEntries sorts by key, and the entries of a key from the latest to the first. It
// compares eight bytes of the keys at a time, side by side in memory: a tenth of
// the time of comparing the keys where they are.
func sortEntries(entries []entry) []entry {
	keys := make([]sortKey, len(entries))
	for i := range keys {
		keys[i].i = uint32(i)
	}
	sortFrom(entries, keys, 0)
	out := make([]entry, len(entries))
	for i, k := range keys {
		out[i] = entries[k.i]
	}
	return out
}

// fewKeys are sorted by comparing them whole.
const fewKeys = 16

// sortFrom sorts keys that are equal in the bytes before depth.
func sortFrom(entries []entry, keys []sortKey, depth int) {
	whole := func(a, b sortKey) int {
		x, y := &entries[a.i], &entries[b.i]
		if c := bytes.Compare(x.key, y.key); c != 0 {
			return c
		}
		return cmp.Compare(y.order, x.order)
	}
	longer := false // than depth
	for i := range keys {
		key := entries[keys[i].i].key
		longer = longer || len(key) > depth
		keys[i].word = word(key, depth)
	}
	if len(keys) <= fewKeys || !longer {
		slices.SortFunc(keys, whole)
		return
	}
	slices.SortFunc(keys, func(a, b sortKey) int { return cmp.Compare(a.word, b.word) })
	for start := 0; start < len(keys); {
		end := start + 1
		for end < len(keys) && keys[end].word == keys[start].word {
			end++
		}
		if end-start > 1 {
			sortFrom(entries, keys[start:end], depth+8)
		}
		start = end
	}
}

// word is the eight bytes of key from depth on, with zeros where it is shorter.
func word(key []byte, depth int) uint64 {
	if len(key) >= depth+8 {
		return binary.BigEndian.Uint64(key[depth:])
	}
	var w [8]byte
	if len(key) > depth {
		copy(w[:], key[depth:])
	}
	return binary.BigEndian.Uint64(w[:])
}
