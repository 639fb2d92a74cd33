package engine

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/millrace/millrace/model"
)

func TestWatermarkIsTheMinimumOverTheChannels(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 5).Draw(t, "channels")
		w := newWatermarks(n)
		channels := make([]model.Timestamp, n)
		for i := range channels {
			channels[i] = model.MinTimestamp
		}
		ended, idle := map[int]bool{}, map[int]bool{}
		want := model.MinTimestamp
		channel := rapid.IntRange(0, n-1)
		// expect raises what is wanted, and reports whether that is more.
		expect := func() bool {
			var active, idling []model.Timestamp
			for i, c := range channels {
				switch {
				case c == model.MaxTimestamp:
				case idle[i]:
					idling = append(idling, c)
				default:
					active = append(active, c)
				}
			}
			now := model.MaxTimestamp
			switch {
			case len(active) > 0:
				now = slices.Min(active)
			case len(idling) > 0:
				now = slices.Max(idling)
			}
			rose := now > want
			want = max(want, now)
			return rose
		}
		t.Repeat(map[string]func(*rapid.T){
			"advance": func(t *rapid.T) {
				i, to := channel.Draw(t, "channel"), drawTime(t, "to")
				channels[i] = max(channels[i], to) // one that goes back is ignored
				if rose, should := w.advance(i, to), expect(); rose != should {
					t.Fatalf("advance(%d, %v) says rose=%t; the minimum is %v", i, to, rose, want)
				}
			},
			"idle": func(t *rapid.T) {
				i, to := channel.Draw(t, "channel"), rapid.Bool().Draw(t, "to")
				idle[i] = to
				if rose, should := w.setIdle(i, to), expect(); rose != should {
					t.Fatalf("setIdle(%d, %t) says rose=%t; the minimum is %v", i, to, rose, want)
				}
			},
			"end": func(t *rapid.T) {
				i := channel.Draw(t, "channel")
				w.end(i) // once or several times
				ended[i] = true
			},
			"": func(t *rapid.T) {
				if w.min != want {
					t.Fatalf("the watermark is %v, want %v", w.min, want)
				}
				if want := n - len(ended); w.open != want {
					t.Fatalf("%d channels are open, want %d", w.open, want)
				}
			},
		})
	})
}

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
