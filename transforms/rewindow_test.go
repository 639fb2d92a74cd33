package transforms_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/testing/streamtest"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/windowing"
)

// Windows through chains of groupings: cut anew, carried on, merged once, and
// brought together again.

type keyed = model.PCollection[model.KV[string, int]]

// summed adds up the values of each key.
func summed(c keyed) keyed { return transforms.CombinePerKey(c, transforms.Sum) }

// asIs passes elements through a Do, so that each carries the window it is in.
func asIs(c keyed) keyed {
	return transforms.Do(c, transforms.DoFunc[model.KV[string, int], model.KV[string, int]](passOn[model.KV[string, int]]))
}

func TestGroupingAgainGoesByTheSameWindows(t *testing.T) {
	var p model.Pipeline
	sales := streamtest.NewStream[model.KV[string, int]](&p).
		Add(10*second, of("a", 1, 2)...).
		Add(70*second, of("a", 3)...).
		Add(80*second, of("b", 4)...).
		End()
	perKey := transforms.Values(summed(windowed(sales, minutes)))
	streamtest.WantPanes(t, transforms.CombineGlobally(perKey, transforms.Counting),
		streamtest.OnTime(between(0, 60), int64(1)),
		streamtest.OnTime(between(60, 120), int64(2)))
}

func TestWindowingAgainCutsPanesByTheEndOfTheirWindow(t *testing.T) {
	var p model.Pipeline
	sales := streamtest.NewStream[model.KV[string, int]](&p).
		Add(10*second, of("a", 1)...).
		Add(70*second, of("a", 2)...).
		Add(130*second, of("a", 4)...).
		End()
	perMinute := summed(windowed(sales, minutes))
	perTwo := windowed(perMinute, windowing.Fixed{Size: 2 * time.Minute})
	streamtest.WantPanes(t, gathered(perTwo),
		streamtest.OnTime(between(0, 120), "a[1 2]"),
		streamtest.OnTime(between(120, 240), "a[4]"))
}

func TestWindowingAgainMergesAgain(t *testing.T) {
	var p model.Pipeline
	visits := streamtest.NewStream[model.KV[string, int]](&p).
		Add(0, of("a", 1)...).
		Add(100*second, of("a", 2)...).
		End()
	// Sessions of 60 s end at 60 and 160: within 120 s of each other.
	once := windowed(visits, sessions)
	again := windowed(summed(once), windowing.Sessions{Gap: 120 * time.Second})
	streamtest.Want(t, gathered(again), "a[1 2]")
}

func TestWindowIntoTheGlobalOneForgetsWindows(t *testing.T) {
	var p model.Pipeline
	sales := streamtest.NewStream[model.KV[string, int]](&p).Bounded().
		Add(10*second, of("a", 1)...).
		Add(70*second, of("a", 2)...).
		End()
	all := transforms.Window(summed(windowed(sales, minutes)), model.WindowingStrategy{Windows: windowing.Global{}})
	streamtest.WantPanes(t, gathered(all), streamtest.OnTime(model.GlobalWindow, "a[1 2]"))
}

// visits are two visits of a's, 30 s apart, and one of b's: sessions of a minute
// that merge, and one that does not.
func visits(p *model.Pipeline) keyed {
	return windowed(streamtest.NewStream[model.KV[string, int]](p).
		Add(0, of("a", 1)...).
		Add(30*second, of("a", 2)...).
		Add(45*second, of("b", 4)...).
		End(), sessions)
}

func TestSessionsMergeBehindADo(t *testing.T) {
	var p model.Pipeline
	streamtest.WantPanes(t, gathered(asIs(visits(&p))),
		streamtest.OnTime(between(0, 90), "a[1 2]"),
		streamtest.OnTime(between(45, 105), "b[4]"))
}

func TestSessionsMergeBehindADoAndNewKeys(t *testing.T) {
	var p model.Pipeline
	all := transforms.KeyBy(transforms.Values(asIs(visits(&p))), func(int) string { return "all" })
	streamtest.WantPanes(t, gathered(all), streamtest.OnTime(between(0, 105), "all[1 2 4]"))
}

func TestSessionsThatWereGroupedDoNotMergeAgain(t *testing.T) {
	var p model.Pipeline
	// The sessions of a and b overlap, but are two, whatever the new key is.
	all := transforms.KeyBy(transforms.Values(summed(visits(&p))), func(int) string { return "all" })
	streamtest.WantPanes(t, gathered(all),
		streamtest.OnTime(between(0, 90), "all[3]"),
		streamtest.OnTime(between(45, 105), "all[4]"))
}

func TestSessionsThatWereGroupedDoNotMergeAgainBehindADo(t *testing.T) {
	var p model.Pipeline
	all := transforms.KeyBy(transforms.Values(asIs(summed(visits(&p)))), func(int) string { return "all" })
	streamtest.WantPanes(t, gathered(all),
		streamtest.OnTime(between(0, 90), "all[3]"),
		streamtest.OnTime(between(45, 105), "all[4]"))
}

func TestFlattenOfCarriedAndUncarriedWindows(t *testing.T) {
	for _, order := range bothOrders {
		t.Run(order.name, func(t *testing.T) {
			var p model.Pipeline
			sales := windowed(streamtest.NewStream[model.KV[string, int]](&p).
				Add(10*second, of("a", 1, 2)...).
				Add(70*second, of("a", 4)...).
				End(), sliding)
			both := order.flatten(sales, asIs(sales))
			streamtest.WantPanes(t, gathered(both),
				streamtest.OnTime(between(-30, 30), "a[1 1 2 2]"),
				streamtest.OnTime(between(0, 60), "a[1 1 2 2]"),
				streamtest.OnTime(between(30, 90), "a[4 4]"),
				streamtest.OnTime(between(60, 120), "a[4 4]"))
		})
	}
}

func TestFlattenOfGroupedAndUngroupedWindows(t *testing.T) {
	for _, order := range bothOrders {
		t.Run(order.name, func(t *testing.T) {
			var p model.Pipeline
			sales := windowed(streamtest.NewStream[model.KV[string, int]](&p).
				Add(10*second, of("a", 1, 2)...).
				End(), minutes)
			streamtest.WantPanes(t, gathered(order.flatten(sales, summed(sales))),
				streamtest.OnTime(between(0, 60), "a[1 2 3]"))
		})
	}
}

// Where one side's sessions are still to be merged, all are.
func TestFlattenOfGroupedAndUngroupedSessionsMergesThem(t *testing.T) {
	for _, order := range bothOrders {
		t.Run(order.name, func(t *testing.T) {
			var p model.Pipeline
			streamtest.WantPanes(t, gathered(order.flatten(visits(&p), summed(visits(&p)))),
				streamtest.OnTime(between(0, 90), "a[1 2 3]"),
				streamtest.OnTime(between(45, 105), "b[4 4]"))
		})
	}
}

func TestFlattenOfGroupedSessionsLeavesThemAlone(t *testing.T) {
	var p model.Pipeline
	all := func() keyed {
		return transforms.KeyBy(transforms.Values(summed(visits(&p))), func(int) string { return "all" })
	}
	streamtest.WantPanes(t, gathered(transforms.Flatten(all(), all())),
		streamtest.OnTime(between(0, 90), "all[3 3]"),
		streamtest.OnTime(between(45, 105), "all[4 4]"))
}

var bothOrders = []struct {
	name    string
	flatten func(a, b keyed) keyed
}{
	{"the first as it is", func(a, b keyed) keyed { return transforms.Flatten(a, b) }},
	{"the second as it is", func(a, b keyed) keyed { return transforms.Flatten(b, a) }},
}

func TestJoinOfGroupedAndUngroupedWindows(t *testing.T) {
	for _, fn := range []model.WindowFn{minutes, sessions} {
		for _, side := range []string{"left", "right"} {
			t.Run(fmt.Sprint(fn, " grouped on the ", side), func(t *testing.T) {
				var p model.Pipeline
				sales := windowed(streamtest.NewStream[model.KV[string, int]](&p).
					Add(0, of("a", 1)...).
					Add(30*second, of("a", 2)...).
					End(), fn)
				left, right := summed(sales), sales
				if side == "right" {
					left, right = right, left
				}
				joined := transforms.CoGroup(left, right, func(_ string, a, b []int, emit func(string)) {
					emit(fmt.Sprint(slices.Sorted(slices.Values(append(slices.Clone(a), b...)))))
				})
				streamtest.Want(t, joined, "[1 2 3]")
			})
		}
	}
}

// A trip lasts as long as it says.
type trip struct {
	Name    string
	Minutes int
}

// trips are windows as long as the element says, which do not merge.
type trips struct{}

func (trips) AssignElementWindows(dst []model.Window, v trip, t model.Timestamp) []model.Window {
	return append(dst, model.Window{Start: t, End: t.Add(time.Duration(v.Minutes) * time.Minute)})
}

func (trips) AssignWindows(dst []model.Window, t model.Timestamp) []model.Window {
	return append(dst, model.Window{Start: t, End: t + 1})
}
func (trips) Validate() error     { return nil }
func (trips) String() string      { return "trips" }
func (trips) ElementType() string { return "a trip" }

func TestWindowsThatDependOnTheElementStayWithWhatBecomesOfIt(t *testing.T) {
	var p model.Pipeline
	all := streamtest.NewStream[trip](&p).
		Add(0, trip{"bus", 1}, trip{"train", 2}, trip{"tram", 1}).
		Watermark(60 * second).
		End()
	names := transforms.Map(windowed(all, trips{}), func(v trip) string { return v.Name })
	perWindow := transforms.CombineGlobally(names, transforms.Counting)
	streamtest.WantPanes(t, perWindow,
		streamtest.OnTime(between(0, 60), int64(2)).AtStep(2),
		streamtest.OnTime(between(0, 120), int64(1)).AtStep(3))
}
