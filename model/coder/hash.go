package coder

import (
	"encoding/binary"
	"math/bits"
)

// mix spreads an integer over 64 bits: one step of SplitMix64, which gives each
// input an output of its own.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

const (
	prime1 uint64 = 0x9e3779b185ebca87
	prime2 uint64 = 0xc2b2ae3d27d4eb4f
	prime3 uint64 = 0x165667b19e3779f9
	prime4 uint64 = 0x85ebca77c2b2ae63
	prime5 uint64 = 0x27d4eb2f165667c5
)

// digest is XXH64 with seed 0. A published function lets other programs find a
// key's hash, and this one is good at the short inputs that keys are.
func digest(b []byte) uint64 {
	n := uint64(len(b))
	h := prime5
	if len(b) >= 32 {
		h, b = stripes(b)
	}
	h += n
	for ; len(b) >= 8; b = b[8:] {
		h = bits.RotateLeft64(h^round(0, binary.LittleEndian.Uint64(b)), 27)*prime1 + prime4
	}
	if len(b) >= 4 {
		h = bits.RotateLeft64(h^uint64(binary.LittleEndian.Uint32(b))*prime1, 23)*prime2 + prime3
		b = b[4:]
	}
	for _, c := range b {
		h = bits.RotateLeft64(h^uint64(c)*prime5, 11) * prime1
	}
	h = (h ^ h>>33) * prime2
	h = (h ^ h>>29) * prime3
	return h ^ h>>32
}

// stripes digests all whole 32 bytes, and returns the rest.
func stripes(b []byte) (uint64, []byte) {
	lanes := [4]uint64{prime1, prime2, 0, 0}
	lanes[0] += prime2
	lanes[3] -= prime1
	for ; len(b) >= 32; b = b[32:] {
		lanes[0] = round(lanes[0], binary.LittleEndian.Uint64(b))
		lanes[1] = round(lanes[1], binary.LittleEndian.Uint64(b[8:]))
		lanes[2] = round(lanes[2], binary.LittleEndian.Uint64(b[16:]))
		lanes[3] = round(lanes[3], binary.LittleEndian.Uint64(b[24:]))
	}
	h := bits.RotateLeft64(lanes[0], 1) + bits.RotateLeft64(lanes[1], 7) +
		bits.RotateLeft64(lanes[2], 12) + bits.RotateLeft64(lanes[3], 18)
	for _, lane := range lanes {
		h = (h^round(0, lane))*prime1 + prime4
	}
	return h, b
}

func round(acc, input uint64) uint64 {
	return bits.RotateLeft64(acc+input*prime2, 31) * prime1
}
