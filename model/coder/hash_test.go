package coder_test

import (
	"fmt"
	"math"
	"math/bits"
	"net/netip"
	"testing"

	"github.com/millrace/millrace/model/coder"
)

// Keys as they come in practice fall evenly into groups, whether a group is
// taken from the high bits, the low bits, or a remainder.
func TestHashesSpread(t *testing.T) {
	const n, groups = 1 << 16, 128
	for name, hash := range map[string]func(i int) uint64{
		"counted":  hashOf(func(i int) int { return i }),
		"rounded":  hashOf(func(i int) int64 { return int64(i) << 32 }),
		"negative": hashOf(func(i int) int { return -i }),
		"numbered": hashOf(func(i int) string { return fmt.Sprintf("user-%d", i) }),
		"padded":   hashOf(func(i int) string { return fmt.Sprintf("%040d", i) }),
		"struct":   hashOf(func(i int) pair[string, acc] { return pair[string, acc]{"k", acc{i % 256, i / 256}} }),
		"uuid":     hashOf(func(i int) uuid { return uuid{3: byte(i), 9: byte(i >> 8)} }),
		"addr":     hashOf(func(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}) }),
	} {
		var high, low, rest [groups]int
		for i := range n {
			h := hash(i)
			high[h>>57]++
			low[h%groups]++
			rest[h%127]++
		}
		for what, counts := range map[string][]int{"high bits": high[:], "low bits": low[:], "remainders": rest[:127]} {
			// The statistic has mean groups-1 and deviation 16; chance alone
			// would pass 6 deviations once in a billion times.
			mean, chi := float64(n)/float64(len(counts)), 0.0
			for _, c := range counts {
				chi += (float64(c) - mean) * (float64(c) - mean) / mean
			}
			if chi > groups+6*16 {
				t.Errorf("%s, %s: chi-squared is %.0f over %d groups", name, what, chi, len(counts))
			}
		}
	}
}

func TestIntegersOfOneValueHaveOneHash(t *testing.T) {
	for _, n := range []int64{0, 1, 100, math.MaxInt8, math.MaxInt16, math.MaxInt32, math.MaxInt64,
		-1, -100, math.MinInt8, math.MinInt16, math.MinInt32, math.MinInt64} {
		sameHash[int](t, n)
		sameHash[int8](t, n)
		sameHash[int16](t, n)
		sameHash[int32](t, n)
		sameHash[uint](t, n)
		sameHash[uint8](t, n)
		sameHash[uint16](t, n)
		sameHash[uint32](t, n)
		sameHash[uint64](t, n)
	}
}

func sameHash[I int | int8 | int16 | int32 | uint | uint8 | uint16 | uint32 | uint64](t *testing.T, n int64) {
	t.Helper()
	k := I(n)
	if int64(k) != n || (k < 0) != (n < 0) {
		return // it does not fit
	}
	if got, want := must(coder.ForKey[I]()).Hash(&k), must(coder.ForKey[int64]()).Hash(&n); got != want {
		t.Errorf("%T(%d): %x, but of an int64 %x", k, k, got, want)
	}
}

func hashOf[T any](key func(int) T) func(int) uint64 {
	c := must(coder.ForKey[T]())
	return func(i int) uint64 {
		k := key(i)
		return c.Hash(&k)
	}
}

// Each bit of a key sways about half of the hash.
func TestHashesAvalanche(t *testing.T) {
	hash := must(coder.ForKey[uint64]())
	text := must(coder.ForKey[string]())
	for bit := range 64 {
		flipped, flippedText := 0, 0
		for i := range uint64(200) {
			a, b := i*0x1234567, i*0x1234567^1<<bit
			flipped += bits.OnesCount64(hash.Hash(&a) ^ hash.Hash(&b))
			s, u := fmt.Sprintf("%08b", a), fmt.Sprintf("%08b", b)
			flippedText += bits.OnesCount64(text.Hash(&s) ^ text.Hash(&u))
		}
		for name, n := range map[string]int{"integers": flipped, "strings": flippedText} {
			if mean := float64(n) / 200; mean < 29 || mean > 35 {
				t.Errorf("%s: bit %d flips %.1f bits of the hash", name, bit, mean)
			}
		}
	}
}

// Every length takes every path of the hash of strings.
func TestHashesOfPrefixesDiffer(t *testing.T) {
	c := must(coder.ForKey[string]())
	seen := map[uint64]int{}
	zeros := string(make([]byte, 200))
	for n := range 200 {
		s := zeros[:n]
		h := c.Hash(&s)
		if other, ok := seen[h]; ok {
			t.Errorf("%d and %d zeros have one hash", other, n)
		}
		seen[h] = n
	}
}

func TestHashOfUnmarshalableKey(t *testing.T) {
	c := must(coder.ForKey[refusing]())
	if h := c.Hash(&refusing{}); h != 0 {
		t.Errorf("the hash is %x", h)
	}
	if _, err := c.Append(nil, &refusing{}); err == nil {
		t.Error("the key was encoded")
	}
}

// refusing is a key that never marshals.
type refusing struct {
	f float64 //lint:ignore U1000 it makes the type no key by its structure
}

func (r refusing) MarshalBinary() ([]byte, error)  { return nil, errFickle }
func (r *refusing) UnmarshalBinary(b []byte) error { return nil }

func TestHashNeedsKey(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a coder of values hashed")
		}
	}()
	must(coder.For[string]()).Hash(new(string))
}
