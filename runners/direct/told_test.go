package direct_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
	"github.com/millrace/millrace/model/state"
	"github.com/millrace/millrace/runners/direct"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/triggers"
	"github.com/millrace/millrace/windowing"
)

// tooLate counts numbers of which 5, 6 and 7 come when their window is given up.
func tooLate(p *model.Pipeline, opts ...model.Option) {
	strategy := model.WindowingStrategy{Windows: windowing.Fixed{Size: 10 * micro}, Lateness: 10 * micro, Panes: model.Discarding}
	c := transforms.Read(p, disordered{1, 2, 3, 12, 4, 15, 25, 5, 33, 6, 7}, model.Name("Events"))
	transforms.CombineGlobally(transforms.Window(c, strategy), transforms.Counting, append(opts, model.Name("Total"))...)
}

// Whoever asks for no progress is told at the end what was dropped, and where.
func TestTheLogTellsWhatWasDropped(t *testing.T) {
	log := newLogged()
	var p model.Pipeline
	tooLate(&p)
	if _, err := (direct.Runner{Parallelism: 1, SourceBatch: 1, Logger: log.Logger}).Run(t.Context(), &p); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"level=WARN", "dropped as too late", "dropped=3 of=11", "transform=Total/CombinePerKey", "told_test.go:", "more Lateness", "model.LateData"} {
		if log.count(want) != 1 {
			t.Errorf("the log has %q %d times, want it once:\n%s", want, log.count(want), log.lines.String())
		}
	}
}

func TestTheLogIsSilentOfWhatALateDataHas(t *testing.T) {
	log := newLogged()
	var p model.Pipeline
	var late model.LateData[int]
	tooLate(&p, late.To())
	if _, err := (direct.Runner{Parallelism: 1, SourceBatch: 1, Logger: log.Logger}).Run(t.Context(), &p); err != nil {
		t.Fatal(err)
	}
	if log.count("dropped") != 0 {
		t.Errorf("the log has\n%s", log.lines.String())
	}
}

func TestTheReportSaysThatAWatermarkHasNotMoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, promises := range []bool{false, true} {
			var p model.Pipeline
			stop := make(chan struct{})
			time.AfterFunc(time.Second, func() { close(stop) })
			transforms.Write((&numbers{n: 10, unbounded: true, promises: promises}).read(&p), &ledger{})
			report, err := direct.Runner{Parallelism: 1, Stop: stop, Logger: silent}.Run(t.Context(), &p)
			if err != direct.ErrStopped {
				t.Fatal(err)
			}
			if s := report.String(); strings.Contains(s, "10 elements, 100%, watermark has not moved;") == promises || !strings.Contains(s, ", watermark ") {
				t.Errorf("with a watermark that moves (%v), the report reads %q", promises, s)
			}
		}
	})
}

// A sumDoFn sends each element on: it waits for no window.
type sumDoFn struct{ sum state.Value[int] }

func (s sumDoFn) Cells() []state.Cell { return []state.Cell{s.sum} }
func (s sumDoFn) Process(_ context.Context, e *transforms.Keyed[int, int], out transforms.Output[int]) error {
	s.sum.Set(e, s.sum.Get(e)+e.Value)
	out.Emit(s.sum.Get(e))
	return nil
}

// asleepFor has the first read wait.
func asleepFor(d time.Duration) func(context.Context, int) (*source.Status, error) {
	asleep := false
	return func(context.Context, int) (*source.Status, error) {
		if asleep {
			return nil, nil
		}
		asleep = true
		return &source.Status{ResumeAfter: d}, nil
	}
}

// Windows that do not fire since nothing moves the watermark are told of in seconds,
// once, and so are side inputs. Those that fire, or need no watermark, are not.
func TestTheLogTellsOfWindowsThatDoNotFire(t *testing.T) {
	minutes := model.WindowingStrategy{Windows: windowing.Fixed{Size: time.Minute}}
	early := minutes
	early.Panes = model.Discarding
	early.Trigger = triggers.AfterWatermark{Early: triggers.AfterCount{N: 1}}
	onTime := minutes
	onTime.Panes = model.Discarding
	onTime.Trigger = triggers.AfterWatermark{}
	byKey := func(c model.PCollection[int]) model.PCollection[model.KV[int, int]] {
		return transforms.KeyBy(c, func(n int) int { return n % 2 })
	}
	for _, tc := range []struct {
		name  string
		src   *numbers
		build func(model.PCollection[int])
		where string // "" if nothing is to be told
	}{
		{"counts by the minute", &numbers{n: 10, unbounded: true}, func(c model.PCollection[int]) {
			transforms.Count(transforms.Window(c, minutes), model.Name("Counts"))
		}, "Counts/CombinePerKey"},
		{"two groupings", &numbers{n: 10, unbounded: true}, func(c model.PCollection[int]) {
			transforms.Count(transforms.Count(transforms.Window(c, minutes)), model.Name("Counts"))
		}, "Counts/CombinePerKey"},
		{"groups, when the watermark says so", &numbers{n: 10, unbounded: true}, func(c model.PCollection[int]) {
			transforms.GroupByKey(byKey(transforms.Window(c, onTime)), model.Name("Groups"))
		}, "Groups"},
		{"a join with what has a watermark", &numbers{n: 10, unbounded: true}, func(c model.PCollection[int]) {
			other := transforms.Window((&numbers{n: 10, unbounded: true, promises: true}).read(c.Pipeline()), minutes)
			transforms.Join(byKey(transforms.Window(c, minutes)), byKey(other), func(int, int, int) int { return 0 }, model.Name("Pairs"))
		}, "Pairs"},
		{"a side input", &numbers{n: 10, unbounded: true}, func(c model.PCollection[int]) {
			main := transforms.Window((&numbers{n: 10, unbounded: true, promises: true}).read(c.Pipeline()), minutes)
			transforms.MapWith(main, transforms.AsIterable(transforms.Window(c, minutes)), func(n int, _ []int) int { return n }, model.Name("Looked up"))
		}, "Looked up"},
		{"a watermark that moves", &numbers{n: 10, unbounded: true, promises: true}, func(c model.PCollection[int]) {
			transforms.Count(transforms.Window(c, minutes))
		}, ""},
		{"no elements", &numbers{unbounded: true}, func(c model.PCollection[int]) {
			transforms.Count(transforms.Window(c, minutes))
		}, ""},
		{"panes by count", &numbers{n: 10, unbounded: true}, func(c model.PCollection[int]) {
			transforms.Count(transforms.Window(c, early))
		}, ""},
		{"what waits for no window", &numbers{n: 10, unbounded: true}, func(c model.PCollection[int]) {
			transforms.Reshuffle(transforms.DoKeyed(byKey(transforms.Window(c, minutes)), sumDoFn{state.NewValue[int]("sum")}))
		}, ""},
		{"an input with an end", &numbers{n: 10, onRead: asleepFor(20 * time.Second)}, func(c model.PCollection[int]) {
			transforms.Count(transforms.Window(c, minutes))
		}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var p model.Pipeline
				tc.build(transforms.Read(&p, tc.src, model.Name("Ticks")))
				log := newLogged()
				stop := make(chan struct{})
				var soon atomic.Int64
				time.AfterFunc(7*time.Second, func() { soon.Store(int64(log.count("windows do not fire"))) })
				time.AfterFunc(time.Minute, func() { close(stop) })
				_, err := direct.Runner{Parallelism: 2, Stop: stop, Logger: log.Logger}.Run(t.Context(), &p)
				if err != direct.ErrStopped && err != nil {
					t.Fatal(err)
				}
				want := 0
				if tc.where != "" {
					want = 1
				}
				if in, all := int(soon.Load()), log.count("windows do not fire"); in != want || all != want {
					t.Errorf("told %d times in 7 s and %d in a minute, want %d", in, all, want)
				}
				for _, part := range []string{"source=Ticks", tc.where + " (", "told_test.go:", "source.WithEventTime"} {
					if want == 1 && log.count(part) == 0 {
						t.Errorf("the log lacks %q:\n%s", part, log.lines.String())
					}
				}
			})
		})
	}
}
