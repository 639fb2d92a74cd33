package direct_test

import (
	"math"
	"strings"
	"testing"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/runners/direct"
	"github.com/millrace/millrace/transforms"
)

// given is a WindowFn that gives what it is made with.
type given []model.Window

func (g given) AssignWindows(dst []model.Window, _ model.Timestamp) []model.Window {
	return append(dst, g...)
}
func (g given) AssignElementWindows(dst []model.Window, _ int, _ model.Timestamp) []model.Window {
	return append(dst, g...)
}
func (given) Validate() error { return nil }
func (given) String() string  { return "given" }

// byTime hides that a WindowFn could look at elements.
type byTime struct{ model.WindowFn }

// A window that an element does not belong to loses it, and one given twice counts
// it twice. Neither is to happen in silence.
func TestWrongWindowsOfAWindowFnEndTheRun(t *testing.T) {
	good := model.Window{Start: -5, End: 5}
	shapes := map[string]struct {
		byElement bool
		behind    func(c model.PCollection[int])
	}{
		"lifted":             {false, counted},
		"grouped":            {false, func(c model.PCollection[int]) { transforms.GroupByKey(transforms.KeyBy(c, byUnits)) }},
		"in front of a DoFn": {false, func(c model.PCollection[int]) { transforms.Write(c, &ledger{}) }},
		"by element":         {true, func(c model.PCollection[int]) { transforms.Write(c, &ledger{}) }},
	}
	for name, windows := range map[string]given{
		"does not hold it":             {good, {Start: 1, End: 5}},
		"goes beyond the ends of time": {{Start: 0, End: math.MaxInt64}},
		"was given before":             {good, {Start: 0, End: 5}, good},
	} {
		for where, shape := range shapes {
			t.Run(where+" "+name, func(t *testing.T) {
				var p model.Pipeline
				var fn model.WindowFn = byTime{windows}
				if shape.byElement {
					fn = windows
				}
				src := &numbers{n: 1}
				shape.behind(transforms.Window(src.read(&p), model.WindowingStrategy{Windows: fn}))
				_, err := direct.Runner{Parallelism: 2}.Run(t.Context(), &p)
				if err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "the WindowFn given (set at windows_test.go:") {
					t.Errorf("the run returned %v", err)
				}
			})
		}
	}
}
