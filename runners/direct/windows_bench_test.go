package direct_test

import (
	"context"
	"flag"
	"testing"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
	"github.com/millrace/millrace/runners/direct"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/windowing"
)

var manyWindows = flag.Int("many-windows", 400_000, "how many windows BenchmarkManyWindows has")

// BenchmarkManyWindows opens 400,000 windows, one for each element, and lets them go as
// the watermark passes them, in memory only and with a state directory. It prints the time
// with the directory as a multiple.
func BenchmarkManyWindows(b *testing.B) {
	elements := make(timed, *manyWindows)
	for i := range elements {
		elements[i] = timedKey{at: model.Timestamp(i) * 1_000, key: int64(i % 10)}
	}
	run := func(c direct.Checkpoints) time.Duration {
		var p model.Pipeline
		keys := transforms.Window(transforms.Read(&p, source.Source[int64](elements)), model.WindowingStrategy{Windows: windowing.Fixed{Size: time.Millisecond}})
		transforms.Count(keys)
		begun := time.Now()
		if _, err := (direct.Runner{Parallelism: 1, Logger: quietly, Checkpoints: c}).Run(context.Background(), &p); err != nil {
			b.Fatal(err)
		}
		return time.Since(begun)
	}
	var memory, durable time.Duration
	for b.Loop() {
		memory += run(direct.Checkpoints{})
		durable += run(direct.Checkpoints{Dir: b.TempDir(), Every: 100 * time.Millisecond})
	}
	b.ReportMetric(memory.Seconds()/float64(b.N), "s_in_memory")
	b.ReportMetric(durable.Seconds()/float64(b.N), "s_with_state_directory")
	b.ReportMetric(float64(durable)/float64(memory), "x_of_memory")
}
