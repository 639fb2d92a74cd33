package windowing_test

import (
	"context"
	"fmt"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/runners/direct"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/windowing"
)

// A Click is what the windows look at.
type Click struct {
	User   string
	At     string
	Mobile bool
}

func (c Click) Time() time.Time {
	t, _ := time.Parse("15:04", c.At)
	return t
}

// Visits are sessions whose gap depends on the element: who taps on a phone is
// gone sooner than who reads at a desk.
type Visits struct{ Desk, Mobile time.Duration }

func (v Visits) AssignElementWindows(dst []model.Window, c Click, t model.Timestamp) []model.Window {
	gap := v.Desk
	if c.Mobile {
		gap = v.Mobile
	}
	return append(dst, model.Window{Start: t, End: t.Add(gap)})
}

// AssignWindows is not called: AssignElementWindows takes its place.
func (v Visits) AssignWindows(dst []model.Window, t model.Timestamp) []model.Window {
	return append(dst, model.Window{Start: t, End: t.Add(v.Desk)})
}

// ElementType has Window refuse anything but a collection of clicks.
func (Visits) ElementType() string { return "a Click" }

// MergeWindows makes what overlaps one visit, and MergesOverlapping says so: only
// the neighbours of a new window need to be looked at then.
func (Visits) MergeWindows(windows, into []model.Window) { windowing.MergeOverlapping(windows, into) }
func (Visits) MergesOverlapping()                        {}

func (v Visits) Validate() error {
	if v.Desk <= 0 || v.Mobile <= 0 {
		return fmt.Errorf("%v needs two positive gaps", v)
	}
	return nil
}

func (v Visits) String() string { return fmt.Sprintf("visits(%v, mobile %v)", v.Desk, v.Mobile) }

var (
	_ model.ElementWindowFn[Click] = Visits{}
	_ model.ElementAware           = Visits{}
	_ model.OverlapMerging         = Visits{}
)

// A WindowFn of one's own: sessions whose gap depends on the element.
func Example_ownSessions() {
	var p model.Pipeline
	clicks := transforms.WithTimestamps(transforms.Create(&p,
		Click{"ann", "09:00", false},
		Click{"ann", "09:20", false},
		Click{"ann", "09:45", true},
		Click{"ann", "09:55", true},
		Click{"bob", "09:00", true},
		Click{"bob", "09:02", true},
	), Click.Time)

	visits := transforms.Window(clicks, model.WindowingStrategy{
		Windows: Visits{Desk: 30 * time.Minute, Mobile: 5 * time.Minute},
	})
	byUser := transforms.KeyBy(visits, func(c Click) string { return c.User })
	clicksPerVisit := transforms.CombinePerKey(byUser, transforms.Counting)

	transforms.ForEach(clicksPerVisit, func(_ context.Context, e transforms.Element[model.KV[string, int64]]) error {
		fmt.Printf("%s: %d clicks, %v to %v\n", e.Value.Key, e.Value.Value, clock(e.Window.Start), clock(e.Window.End))
		return nil
	})
	if err := direct.Run(context.Background(), &p); err != nil {
		fmt.Println(err)
	}
	// Unordered output:
	// ann: 3 clicks, 09:00 to 09:50
	// ann: 1 clicks, 09:55 to 10:00
	// bob: 2 clicks, 09:00 to 09:07
}

func clock(t model.Timestamp) string { return t.Time().Format("15:04") }
