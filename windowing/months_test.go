package windowing_test

import (
	"testing"
	"time"
	_ "time/tzdata" // for machines without zones

	"github.com/millrace/millrace/model"
)

// A zone is read from disk where it is loaded, with much allocation: where windows are
// assigned, for each element, there is none.
func TestMonthsAssignWithoutLoadingTheirZone(t *testing.T) {
	months, err := NewMonths("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	at := model.TimestampOf(time.Date(2026, 2, 1, 4, 0, 0, 0, time.UTC)) // still January in New York
	dst := make([]model.Window, 0, 1)
	if n := testing.AllocsPerRun(100, func() { dst = months.AssignWindows(dst[:0], at) }); n != 0 {
		t.Errorf("%v allocations for each element, want none", n)
	}
	want := model.Window{
		Start: model.TimestampOf(time.Date(2026, 1, 1, 5, 0, 0, 0, time.UTC)),
		End:   model.TimestampOf(time.Date(2026, 2, 1, 5, 0, 0, 0, time.UTC)),
	}
	if dst[0] != want {
		t.Errorf("the window is %v, want %v", dst[0], want)
	}
	if err := (Months{}).Validate(); err == nil {
		t.Error("months without a zone are taken")
	}
}
