package direct_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
	"github.com/millrace/millrace/runners/direct"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/windowing"
)

// A disordered source is numbers that come as they are listed; the watermark is
// the highest so far.
type disordered []int

func (disordered) Bounded() bool { return true }
func (disordered) Splits(context.Context, int) ([]source.Split, error) {
	return []source.Split{{ID: "only", Size: 100}}, nil
}

func (d disordered) Open(context.Context, source.Split) (source.Reader[int], error) {
	return &disorderedReader{rest: d, watermark: model.MinTimestamp}, nil
}

type disorderedReader struct {
	rest      []int
	watermark model.Timestamp
}

func (r *disorderedReader) Read(_ context.Context, limit int, emit func(*int, model.Timestamp)) (source.Status, error) {
	for ; limit > 0 && len(r.rest) > 0; limit-- {
		v := r.rest[0]
		r.rest = r.rest[1:]
		emit(&v, model.Timestamp(v))
		r.watermark = max(r.watermark, model.Timestamp(v))
	}
	return source.Status{Done: len(r.rest) == 0}, nil
}

func (r *disorderedReader) Position() source.Split     { return source.Split{ID: "only"} }
func (r *disorderedReader) Watermark() model.Timestamp { return r.watermark }
func (r *disorderedReader) Progress() source.Progress {
	return source.Progress{Done: int64(100 - len(r.rest)), Total: 100}
}
func (r *disorderedReader) Close() error { return nil }

func TestTheReportCounts(t *testing.T) {
	strategy := model.WindowingStrategy{Windows: windowing.Fixed{Size: 10 * micro}, Lateness: 10 * micro, Panes: model.Discarding}
	var p model.Pipeline
	//                    on time   late      dropped
	events := disordered{1, 2, 3, 12, 4, 15, 25, 5, 33, 6, 7}
	c := transforms.Read(&p, events, model.Name("Events"))
	counts := transforms.CombinePerKey(transforms.KeyBy(transforms.Window(c, strategy), func(int) string { return "all" }), transforms.Counting, model.Name("Count"))
	transforms.Write(transforms.Map(counts, func(kv model.KV[string, int64]) int { return int(kv.Value) }), &ledger{}, model.Name("Books"))
	var progress []direct.Report
	// One task: of two, the one without a split holds the watermark until it was stepped.
	runner := direct.Runner{Parallelism: 1, SourceBatch: 1, Progress: func(r direct.Report) { progress = append(progress, r) }}
	report, err := runner.Run(t.Context(), &p)
	if err != nil {
		t.Fatal(err)
	}
	g := report.Grouping("Count")
	// 4 comes when the watermark is at 12, behind the end of its window at 10; at 25 and
	// at 33, those of 5, 6 and 7 are let go of.
	want := direct.GroupingReport{Name: "Count", OnTime: 7, Late: 1, Dropped: 3, Panes: 5, Watermark: model.MaxTimestamp}
	if g != want || report.Dropped() != 3 {
		t.Errorf("the grouping's report is\n%+v, want\n%+v", g, want)
	}
	if diff := cmp.Diff(direct.SourceReport{Name: "Events", Elements: 11, Done: 100, Total: 100, Watermark: model.MaxTimestamp}, report.Sources[0]); diff != "" {
		t.Errorf("the source's report (-want +got):\n%s", diff)
	}
	if s := report.Sinks[0]; s != (direct.SinkReport{Name: "Books", Elements: 5}) {
		t.Errorf("the sink's report is %+v", s)
	}
	if s := report.String(); !strings.Contains(s, "Events: 11 elements, 100%") || !strings.Contains(s, "3 dropped as too late") {
		t.Errorf("the report reads %q", s)
	}
	if n := len(progress); n == 0 || progress[n-1].Grouping("Count") != want {
		t.Errorf("the last of %d calls of Progress is not the report", n)
	}
	if report.Grouping("none of the kind") != (direct.GroupingReport{}) {
		t.Error("there is a report of a grouping that there is not")
	}
}

func TestProgressIsToldFromTimeToTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stop := make(chan struct{})
		var elements []int64
		var totals []int64
		src := &numbers{n: 10, unbounded: true, promises: true}
		var p model.Pipeline
		transforms.Write(src.read(&p), &ledger{})
		time.AfterFunc(10*time.Second+1, func() { close(stop) })
		runner := direct.Runner{Parallelism: 2, Stop: stop, ProgressEvery: 3 * time.Second, Progress: func(r direct.Report) {
			elements = append(elements, r.Sources[0].Elements)
			totals = append(totals, r.Sources[0].Total)
		}}
		if _, err := runner.Run(t.Context(), &p); err != direct.ErrStopped {
			t.Fatal(err)
		}
		if len(elements) != 4 { // after 3, 6 and 9 s, and at the end
			t.Errorf("Progress was called %d times in 10 s, want every 3 and at the end", len(elements))
		}
		for i := range elements {
			if elements[i] != 10 || totals[i] != 10 {
				t.Errorf("call %d told of %d of %d elements, want 10 of 10", i, elements[i], totals[i])
			}
		}
	})
}

func TestProgressKnowsOfSplitsThatNobodyReadsYet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		waited := false
		src := &numbers{n: 1000, splits: 10, onRead: func(_ context.Context, next int) (*source.Status, error) {
			if next == 300 && !waited {
				waited = true
				return &source.Status{ResumeAfter: aWhile}, nil
			}
			return nil, nil
		}}
		var seen []source.Progress
		var p model.Pipeline
		transforms.Write(src.read(&p), &ledger{})
		runner := direct.Runner{Parallelism: 1, ProgressEvery: aWhile * 3 / 4, Progress: func(r direct.Report) {
			seen = append(seen, source.Progress{Done: r.Sources[0].Done, Total: r.Sources[0].Total})
		}}
		if _, err := runner.Run(t.Context(), &p); err != nil {
			t.Fatal(err)
		}
		want := []source.Progress{{Done: 300, Total: 1000}, {Done: 1000, Total: 1000}}
		if !slices.Equal(seen, want) {
			t.Errorf("the progress is %v, want %v", seen, want)
		}
	})
}

func TestTheReportTellsWhatWaitsForSideInputs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asleep := true
		late := &numbers{n: 1, onRead: func(context.Context, int) (*source.Status, error) {
			if asleep {
				asleep = false
				return &source.Status{ResumeAfter: aWhile}, nil
			}
			return nil, nil
		}}
		var waiting []int64
		var told []string
		var p model.Pipeline
		sums := transforms.MapWith((&numbers{n: 10}).read(&p), transforms.AsSingleton(transforms.Read(&p, late)), func(a, b int) int { return a + b })
		transforms.Write(sums, &ledger{})
		runner := direct.Runner{Parallelism: 2, ProgressEvery: aWhile * 3 / 4, Progress: func(r direct.Report) {
			waiting = append(waiting, r.Grouping("MapWith").Waiting)
			told = append(told, r.String())
		}}
		if _, err := runner.Run(t.Context(), &p); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(waiting, []int64{10, 0}) {
			t.Errorf("%v elements wait, want 10 until the side input has come, then none", waiting)
		}
		if !strings.Contains(told[0], "; 10 wait for side inputs;") || strings.Contains(told[len(told)-1], "wait") {
			t.Errorf("the reports read %q", told)
		}
	})
}

// What was done before a failure is in the report, the last step included.
func TestTheReportOfAFailure(t *testing.T) {
	var p model.Pipeline
	out := &ledger{}
	checked := transforms.TryMap((&numbers{n: 1000}).read(&p), func(_ context.Context, v int) (int, error) {
		if v == 700 {
			return 0, errBroken
		}
		return v, nil
	})
	transforms.Write(checked, out)
	report, err := direct.Runner{Parallelism: 1}.Run(t.Context(), &p)
	if !errors.Is(err, errBroken) {
		t.Fatal(err)
	}
	if n := report.Sinks[0].Elements; n != 700 {
		t.Errorf("the report tells of %d elements written, want 700", n)
	}
}
