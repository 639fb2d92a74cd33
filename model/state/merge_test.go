package state_test

import (
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/state"
)

// What two windows hold becomes what one would hold that was given everything, those
// of the earlier window first.
func TestMergedCellsHoldWhatBothHeld(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sum := state.NewCombining("sum", sums{})
		bag := state.NewBag[int]("bag")
		set := state.NewSet[int]("set")
		multi := state.NewMultimap[int, int]("multimap")
		list := state.NewOrderedList[int]("list")
		cells := []state.Cell{sum, bag, set, multi, list}
		a, b, both := newHost(t, cells...), newHost(t, cells...), newHost(t, cells...)
		write := func(h *host, v int) {
			sum.Add(h, v)
			bag.Add(h, v)
			set.Add(h, v)
			multi.Add(h, v%4, v)
			list.Add(h, model.Timestamp(v/3), v)
		}
		numbers := rapid.SliceOfN(rapid.IntRange(0, 30), 0, 20)
		for i, part := range []*host{a, b} {
			for _, v := range numbers.Draw(t, []string{"first", "second"}[i]) {
				write(part, v)
				write(both, v)
			}
		}
		for i, spec := range a.layout.Specs {
			if !spec.Merges() {
				t.Fatalf("%s does not merge", spec.Name)
			}
			switch {
			case b.slots[i] == nil:
			case a.slots[i] == nil:
				a.slots[i] = b.slots[i]
			default:
				spec.Merge(a.slots[i], b.slots[i])
			}
		}
		for _, h := range []*host{a, both} {
			h.evict(t)
		}
		same := func(what string, got, want []int) {
			if !slices.Equal(got, want) {
				t.Errorf("%s: %v, want %v", what, got, want)
			}
		}
		same("sum", []int{sum.Get(a)}, []int{sum.Get(both)})
		same("bag", slices.Collect(bag.All(a)), slices.Collect(bag.All(both)))
		same("set", slices.Collect(set.All(a)), slices.Collect(set.All(both)))
		same("keys", slices.Collect(multi.Keys(a)), slices.Collect(multi.Keys(both)))
		for k := range multi.Keys(both) {
			same("values", slices.Collect(multi.Values(a, k)), slices.Collect(multi.Values(both, k)))
		}
		same("list", slices.Collect(second(list.All(a))), slices.Collect(second(list.All(both))))
	})
}

func second(seq func(func(model.Timestamp, int) bool)) func(func(int) bool) {
	return func(yield func(int) bool) {
		seq(func(_ model.Timestamp, v int) bool { return yield(v) })
	}
}

// What expires in one of two merged windows expires in the merged one, no sooner
// and no later.
func TestMergedCellsExpireAsTheirPartsDo(t *testing.T) {
	tick := state.ExpireAfterEventTime(10_000) // 10 microseconds
	sum := state.NewCombining("sum", sums{}, tick)
	bag := state.NewBag[int]("bag", tick)
	set := state.NewSet[int]("set", tick)
	multi := state.NewMultimap[int, int]("multimap", tick)
	list := state.NewOrderedList[int]("list", tick)
	cells := []state.Cell{sum, bag, set, multi, list}
	early, late := newHost(t, cells...), newHost(t, cells...)
	late.clocks[state.EventTime] = 5
	for i, h := range []*host{early, late} {
		sum.Add(h, i)
		bag.Add(h, i)
		set.Add(h, i)
		set.Add(h, 2)
		multi.Add(h, 0, i)
		list.Add(h, h.clocks[state.EventTime], i)
	}
	for i, spec := range early.layout.Specs {
		spec.Merge(early.slots[i], late.slots[i])
	}
	left := map[model.Timestamp][]int{}
	for _, now := range []model.Timestamp{9, 10, 14, 15} {
		early.clocks[state.EventTime] = now
		_, live := sum.Lookup(early)
		left[now] = []int{btoi(live), bag.Len(early), set.Len(early), len(slices.Collect(multi.Values(early, 0))), list.Len(early)}
		early.sweep()
	}
	want := map[model.Timestamp][]int{
		9:  {1, 2, 3, 2, 2},
		10: {1, 1, 2, 1, 1},
		14: {1, 1, 2, 1, 1},
		15: {0, 0, 0, 0, 0},
	}
	if !maps.EqualFunc(left, want, slices.Equal[[]int]) {
		t.Errorf("left: %v, want %v", left, want)
	}
	for i, s := range early.slots {
		if s != nil {
			t.Errorf("%s is kept, but empty", early.layout.Specs[i].Name)
		}
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
