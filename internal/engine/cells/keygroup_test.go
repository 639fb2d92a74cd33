package cells

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestEveryKeyGroupHasOneOwner(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		groups := rapid.SampledFrom([]int{1, 2, 3, 7, 128, 1000}).Draw(t, "groups")
		n := rapid.IntRange(1, 200).Draw(t, "tasks")
		owned := make([]int, n)
		last := 0
		for g := range groups {
			task := Owner(g, groups, n)
			if task < last || task >= n {
				t.Fatalf("group %d of %d belongs to task %d of %d, after one of task %d: ranges must be contiguous", g, groups, task, n, last)
			}
			last = task
			owned[task]++
		}
		if most, least := slices.Max(owned), slices.Min(owned); most-least > 1 {
			t.Fatalf("a task owns %d groups and another %d; they must share evenly", most, least)
		}
	})
}

func TestKeyGroupsFollowTheHash(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		groups := rapid.IntRange(1, 1000).Draw(t, "groups")
		a, b := rapid.Uint64().Draw(t, "a"), rapid.Uint64().Draw(t, "b")
		ga, gb := KeyGroup(a, groups), KeyGroup(b, groups)
		if ga < 0 || ga >= groups {
			t.Fatalf("hash %x is in group %d of %d", a, ga, groups)
		}
		if a <= b && ga > gb {
			t.Fatalf("hashes %x <= %x are in groups %d > %d: groups must be contiguous ranges of hashes", a, b, ga, gb)
		}
	})
	for _, groups := range []int{1, 7, 128} {
		if first, last := KeyGroup(0, groups), KeyGroup(1<<64-1, groups); first != 0 || last != groups-1 {
			t.Errorf("the hashes of %d groups begin in %d and end in %d", groups, first, last)
		}
	}
}
