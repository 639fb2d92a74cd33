package engine

import (
	"cmp"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/millrace/millrace/internal/engine/cells"
	"github.com/millrace/millrace/model"
)

func windowAt(start int) model.Window {
	return model.Window{Start: model.Timestamp(start), End: model.Timestamp(start + 10)}
}

// drawTime draws times that often coincide, and the ends of time.
func drawTime(t *rapid.T, label string) model.Timestamp {
	at := rapid.IntRange(-2, 8).Draw(t, label)
	switch at {
	case -2:
		return model.MinTimestamp
	case -1:
		return model.MaxTimestamp
	}
	return model.Timestamp(at)
}

func drawWindow(t *rapid.T) model.Window {
	start, end := drawTime(t, "start"), drawTime(t, "end")
	return model.Window{Start: min(start, end), End: max(start, end)}
}

func TestWindowQueueIsSorted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var q windowQueue
		var want []dueWindow
		t.Repeat(map[string]func(*rapid.T){
			"push": func(t *rapid.T) {
				d := dueWindow{drawTime(t, "at"), drawWindow(t)}
				q.add(d.at, d.w)
				want = append(want, d)
				slices.SortFunc(want, func(a, b dueWindow) int {
					return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.w.End, b.w.End), cmp.Compare(a.w.Start, b.w.Start))
				})
			},
			"pop": func(t *rapid.T) {
				watermark := drawTime(t, "watermark")
				w, ok := q.due(watermark)
				due := len(want) > 0 && want[0].at <= watermark
				if ok != due || ok && w != want[0].w {
					t.Fatalf("pop(%d) is %v, %t; the sorted list is %v", watermark, w, ok, want)
				}
				if ok {
					want = want[1:]
				}
			},
			"": func(t *rapid.T) {
				if len(q.items) != len(want) {
					t.Fatalf("%d windows are queued, want %d", len(q.items), len(want))
				}
			},
		})
	})
}

func TestWakeQueueIsSortedAndStable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var q wakeQueue
		var want []wakeup
		next := 0
		t.Repeat(map[string]func(*rapid.T){
			"push": func(t *rapid.T) {
				w := wakeup{at: drawTime(t, "at"), k: cells.Entry(next), window: drawWindow(t)}
				next++
				q.push(w)
				want = append(want, w)
				slices.SortStableFunc(want, func(a, b wakeup) int {
					return cmp.Or(cmp.Compare(a.at, b.at), a.window.Compare(b.window))
				})
			},
			"pop": func(t *rapid.T) {
				now := drawTime(t, "now")
				w, ok := q.pop(now)
				due := len(want) > 0 && want[0].at <= now
				if ok != due || ok && w != want[0] {
					t.Fatalf("pop(%d) is %v, %t; the sorted list is %v", now, w, ok, want)
				}
				if ok {
					want = want[1:]
				}
			},
			"": func(t *rapid.T) {
				first := model.MaxTimestamp
				if len(want) > 0 {
					first = want[0].at
				}
				if q.next() != first || len(q.heap) != len(want) {
					t.Fatalf("next is %v of %d, want %v of %d", q.next(), len(q.heap), first, len(want))
				}
			},
		})
	})
}
