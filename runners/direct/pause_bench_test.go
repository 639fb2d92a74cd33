package direct_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
	"github.com/millrace/millrace/model/state"
	"github.com/millrace/millrace/runners/direct"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/windowing"
)

// cycle is a source of rounds times the same keys, so that all are changed between any
// two checkpoints. Its time stands still until the end.
type cycle struct{ keys, rounds int64 }

func (cycle) Bounded() bool { return true }
func (cycle) Splits(context.Context, int) ([]source.Split, error) {
	return []source.Split{{ID: "all"}}, nil
}
func (c cycle) Open(context.Context, source.Split) (source.Reader[int64], error) {
	return &cycleReader{cycle: c}, nil
}

type cycleReader struct {
	cycle
	at, key int64
}

func (r *cycleReader) Read(_ context.Context, max int, emit func(*int64, model.Timestamp)) (source.Status, error) {
	end := min(r.at+int64(max), r.keys*r.rounds)
	for ; r.at < end; r.at++ {
		r.key = r.at % r.keys
		emit(&r.key, 0)
	}
	return source.Status{Done: r.at == r.keys*r.rounds}, nil
}
func (r *cycleReader) Position() source.Split     { return source.Split{ID: "all"} }
func (r *cycleReader) Watermark() model.Timestamp { return model.MinTimestamp }
func (r *cycleReader) Progress() source.Progress  { return source.Progress{} }
func (r *cycleReader) Close() error               { return nil }

// seen counts the elements of each key.
type seen struct{ count state.Value[int64] }

func (d seen) Cells() []state.Cell { return []state.Cell{d.count} }

func (d seen) Process(_ context.Context, e *transforms.Keyed[int64, int64], _ transforms.Output[int64]) error {
	d.count.Set(e, d.count.Get(e)+1)
	return nil
}

// BenchmarkCheckpointPause takes checkpoints of a million keys, all of which changed
// since the one before, of each kind of state. It prints the longest time for which a
// task did nothing but see to the checkpoint, and its share of 100 ms, which is what
// it must stay under, and of the time that the checkpoint took.
func BenchmarkCheckpointPause(b *testing.B) {
	const million = 1_000_000
	for _, kind := range []struct {
		name   string
		rounds int64
		build  func(model.PCollection[int64])
	}{
		{"aligned", 60, func(keys model.PCollection[int64]) {
			transforms.Count(transforms.Window(keys, model.WindowingStrategy{Windows: windowing.Fixed{Size: time.Hour}}))
		}},
		{"sessions", 15, func(keys model.PCollection[int64]) {
			transforms.Count(transforms.Window(keys, model.WindowingStrategy{Windows: windowing.Sessions{Gap: time.Hour}}))
		}},
		{"DoFn", 15, func(keys model.PCollection[int64]) {
			keyed := transforms.KeyBy(keys, func(k int64) int64 { return k })
			transforms.DoKeyed(keyed, seen{state.NewValue[int64]("count")})
		}},
	} {
		b.Run(kind.name, func(b *testing.B) {
			var longest, last time.Duration
			var taken int64
			for b.Loop() {
				var p model.Pipeline
				kind.build(transforms.Read(&p, source.Source[int64](cycle{million, kind.rounds})))
				r, err := (direct.Runner{Checkpoints: direct.Checkpoints{Dir: b.TempDir(), Every: 2 * time.Second}}).Run(context.Background(), &p)
				if err != nil {
					b.Fatal(err)
				}
				longest = max(longest, r.Checkpoints.LongestPause)
				last = max(last, r.Checkpoints.Last)
				taken += r.Checkpoints.Taken
			}
			if taken < 2 {
				b.Fatal(fmt.Errorf("%d checkpoints were taken; the run was too short", taken))
			}
			b.ReportMetric(float64(taken)/float64(b.N), "checkpoints/op")
			b.ReportMetric(float64(longest.Microseconds())/1000, "pause-ms")
			b.ReportMetric(float64(longest)/float64(100*time.Millisecond), "x_of_100ms")
			b.ReportMetric(float64(longest)/float64(last), "x_of_checkpoint")
		})
	}
}
