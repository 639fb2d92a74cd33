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
