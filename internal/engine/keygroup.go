package engine

import "math/bits"

// DefaultKeyGroups is how many key groups keys are hashed to. A key group is the
// unit of state, timers, checkpoint and rescaling; their number is fixed for
// the life of the state.
const DefaultKeyGroups = 128

// KeyGroup is the group of a key with the given hash. It takes the hash's high
// bits; tables take the low ones.
func KeyGroup(hash uint64, groups int) int {
	hi, _ := bits.Mul64(hash, uint64(groups))
	return int(hi)
}

// Owner is the task, of n, that owns a key group: each owns a contiguous range.
func Owner(group, groups, n int) int { return group * n / groups }
