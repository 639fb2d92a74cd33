package direct_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/state"
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

// A mismerging WindowFn has sessions of ten, which it merges in the wrong way that it is
// named for.
type mismerging string

const (
	less   mismerging = "into less"
	empty  mismerging = "into nothing"
	beyond mismerging = "beyond time"
	apart  mismerging = "not at all"
)

func (mismerging) AssignWindows(dst []model.Window, t model.Timestamp) []model.Window {
	return append(dst, model.Window{Start: t, End: t + 10})
}

func (m mismerging) MergeWindows(windows, into []model.Window) {
	for i, w := range windows {
		switch m {
		case less:
			into[i] = windows[len(windows)-1]
		case empty:
			into[i] = model.Window{}
		case beyond:
			into[i] = model.Window{Start: w.Start, End: math.MaxInt64}
		case apart:
			into[i] = w
		}
	}
}

func (mismerging) Validate() error  { return nil }
func (m mismerging) String() string { return string(m) }

// overlapMismerging says that what it merges is what overlaps.
type overlapMismerging struct{ mismerging }

func (overlapMismerging) MergesOverlapping() {}

// A baggingDoFn keeps what it is given.
type baggingDoFn struct{ bag state.Bag[int] }

func (b baggingDoFn) Cells() []state.Cell { return []state.Cell{b.bag} }
func (b baggingDoFn) Process(_ context.Context, e *transforms.Keyed[int, int], _ transforms.Output[int]) error {
	b.bag.Add(e, e.Value)
	return nil
}

// A window that does not hold what it was merged from loses that. So do windows that
// overlap and are said not to.
func TestWrongMergesOfAWindowFnEndTheRun(t *testing.T) {
	const hold, ends, overlap = "which does not hold all of it", "which goes beyond the ends of time", "has MergesOverlapping, but leaves"
	shapes := map[string]func(model.PCollection[model.KV[int, int]]){
		"grouped":  func(c model.PCollection[model.KV[int, int]]) { transforms.GroupByKey(c) },
		"combined": func(c model.PCollection[model.KV[int, int]]) { transforms.CombinePerKey(c, transforms.Sum) },
		"in a DoFn with state": func(c model.PCollection[model.KV[int, int]]) {
			transforms.DoKeyed(c, baggingDoFn{state.NewBag[int]("bag")})
		},
	}
	for _, tc := range []struct {
		fn   model.WindowFn
		want string
	}{
		{less, hold}, {empty, hold}, {beyond, ends}, {apart, ""},
		{overlapMismerging{less}, hold}, {overlapMismerging{empty}, hold}, {overlapMismerging{beyond}, ends}, {overlapMismerging{apart}, overlap},
	} {
		for where, behind := range shapes {
			t.Run(fmt.Sprintf("%s %T %v", where, tc.fn, tc.fn), func(t *testing.T) {
				var p model.Pipeline
				all := transforms.KeyBy((&numbers{n: 6}).read(&p), func(int) int { return 0 })
				behind(transforms.Window(all, model.WindowingStrategy{Windows: tc.fn}))
				_, err := direct.Runner{Parallelism: 2}.Run(t.Context(), &p)
				if tc.want == "" {
					if err != nil {
						t.Errorf("the run returned %v", err)
					}
					return
				}
				for _, want := range []string{tc.want, fmt.Sprintf("the WindowFn %v (set at windows_test.go:", tc.fn), "windows_test.go:", "key: 0"} {
					if err == nil || !strings.Contains(err.Error(), want) {
						t.Errorf("the run returned %v; want it to say %q", err, want)
					}
				}
			})
		}
	}
}

// Elements that a WindowFn gives no window are left out, which is told.
func TestElementsWithoutAWindowAreCounted(t *testing.T) {
	for name, shape := range map[string]struct {
		fn     model.WindowFn
		behind func(c model.PCollection[int])
		by     string
	}{
		"lifted":             {byTime{given{}}, counted, "CombineGlobally/CombinePerKey"},
		"sliced":             {unsliced{}, counted, "CombineGlobally/CombinePerKey"},
		"grouped":            {byTime{given{}}, func(c model.PCollection[int]) { transforms.GroupByKey(transforms.KeyBy(c, byUnits)) }, "GroupByKey"},
		"in front of a DoFn": {byTime{given{}}, func(c model.PCollection[int]) { transforms.Write(c, &ledger{}) }, "Write"},
		"by element":         {given{}, counted, "Window"},
	} {
		t.Run(name, func(t *testing.T) {
			log := newLogged()
			var p model.Pipeline
			shape.behind(transforms.Window((&numbers{n: 5}).read(&p), model.WindowingStrategy{Windows: shape.fn}))
			report, err := direct.Runner{Parallelism: 2, Logger: log.Logger}.Run(t.Context(), &p)
			if err != nil {
				t.Fatal(err)
			}
			if want := []direct.WindowlessReport{{Name: shape.by, Elements: 5}}; !slices.Equal(report.Windowless, want) || report.Dropped() != 5 {
				t.Errorf("%d were dropped, in no window %v; want %v", report.Dropped(), report.Windowless, want)
			}
			if s := report.String(); !strings.Contains(s, "; 5 in no window") || strings.Contains(s, "too late") {
				t.Errorf("the report reads %q", s)
			}
			for _, want := range []string{"level=INFO", "gave them no window", "dropped=5", "transform=" + shape.by, "_test.go:"} {
				if log.count(want) != 1 {
					t.Errorf("the log has %q %d times, want it once:\n%s", want, log.count(want), log.lines.String())
				}
			}
		})
	}
}

// An unsliced WindowFn has slices that are in no window.
type unsliced struct{ byTime }

func (unsliced) AssignWindows(dst []model.Window, _ model.Timestamp) []model.Window { return dst }
func (unsliced) Slice(model.Timestamp) model.Window                                 { return model.Window{Start: 0, End: 10} }
func (unsliced) SliceWindows(dst []model.Window, _ model.Window) []model.Window     { return dst }
func (unsliced) WindowSlices(dst []model.Window, _ model.Window) []model.Window     { return dst }
func (unsliced) Validate() error                                                    { return nil }
func (unsliced) String() string                                                     { return "unsliced" }
