package cells

import "math/bits"

// DefaultKeyGroups is how many key groups keys are hashed to. A key group is the
// unit of state, timers, checkpoint and rescaling; their number is fixed for
// the life of the state.
const DefaultKeyGroups = 128

// KeyGroup is the group of a key with the given hash. It takes the hash's high
// bits; an [Index] takes the low ones.
func KeyGroup(hash uint64, groups int) int {
	hi, _ := bits.Mul64(hash, uint64(groups))
	return int(hi)
}

// Owner is the task, of n, that owns a key group: each owns a contiguous range.
func Owner(group, groups, n int) int { return group * n / groups }

// OwnedGroups is the range of key groups that task index of n owns.
func OwnedGroups(groups, index, n int) (lo, hi int) {
	return (index*groups + n - 1) / n, ((index+1)*groups + n - 1) / n
}

// GroupHash is the least hash of a key group.
func GroupHash(group, groups int) uint64 {
	lo, rest := bits.Div64(uint64(group), 0, uint64(groups))
	if rest > 0 {
		lo++
	}
	return lo
}
