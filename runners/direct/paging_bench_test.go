//go:build unix

package direct_test

import (
	"context"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/runners/direct"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/windowing"
)

// BenchmarkStateLargerThanMemory counts the elements of a million keys, eight times as
// many, with memory for all of the keys and then for a tenth. It prints the elements
// per CPU-second with a tenth as a share of those with all, and how much the process grew beyond what it was
// told to take.
func BenchmarkStateLargerThanMemory(b *testing.B) {
	sessions := model.WindowingStrategy{Windows: windowing.Sessions{Gap: 2 * time.Second}}
	for _, skew := range []struct {
		name string
		by   float64
	}{{"zipf 1.2", 1.2}, {"zipf 1.01", 1.01}, {"even", 0}} {
		for _, kind := range []struct {
			name  string
			build func(model.PCollection[model.KV[int64, int64]]) model.PCollection[model.KV[int64, int64]]
		}{
			{"count by DoFn", func(c model.PCollection[model.KV[int64, int64]]) model.PCollection[model.KV[int64, int64]] {
				return transforms.DoKeyed(c, newTally())
			}},
			{"count by session", func(c model.PCollection[model.KV[int64, int64]]) model.PCollection[model.KV[int64, int64]] {
				return transforms.CombinePerKey(transforms.Window(c, sessions), transforms.Sum[int64])
			}},
		} {
			b.Run(kind.name+", "+skew.name, func(b *testing.B) {
				var ratio, wall, beyond float64
				run := func(memory int64) (cpu, took time.Duration, r direct.CheckpointReport, grown int64) {
					var p model.Pipeline
					transforms.ForEach(kind.build(keyedDraws(&p, draws{n: 8_000_000, keys: 1_000_000, skew: skew.by})),
						func(context.Context, transforms.Element[model.KV[int64, int64]]) error { return nil })
					debug.FreeOSMemory()
					stop := watchMemory()
					begun, used := time.Now(), cpuTime()
					report, err := (direct.Runner{Logger: quietly, Checkpoints: direct.Checkpoints{Dir: b.TempDir(), Every: 5 * time.Second, Memory: memory}}).Run(context.Background(), &p)
					if err != nil {
						b.Fatal(err)
					}
					return cpuTime() - used, time.Since(begun), report.Checkpoints, stop()
				}
				for b.Loop() {
					all, allTook, report, _ := run(64 << 30)
					room := max(report.Paging.Most/10, 8<<20)
					some, someTook, paged, grown := run(room)
					b.Logf("all in memory: %v, at most %d MB; a tenth: %v, %+v", all, report.Paging.Most>>20, some, paged)
					ratio += float64(all) / float64(some)
					wall += float64(allTook) / float64(someTook)
					beyond = max(beyond, float64(grown-room)/(1<<20))
				}
				b.ReportMetric(ratio/float64(b.N), "x_of_rate")
				b.ReportMetric(wall/float64(b.N), "x_of_wall_rate")
				b.ReportMetric(beyond, "MB-beyond")
			})
		}
	}
}

// cpuTime is what the process has used.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// watchMemory watches how much larger the process is than at first; stop tells the
// most.
func watchMemory() (stop func() int64) {
	done := make(chan struct{})
	before := residentBytes()
	var most atomic.Int64
	go func() {
		for {
			select {
			case <-done:
				return
			case <-time.After(10 * time.Millisecond):
				most.Store(max(most.Load(), residentBytes()-before))
			}
		}
	}()
	return func() int64 {
		close(done)
		return most.Load()
	}
}

// residentBytes is the resident size of the process; 0 where /proc does not tell.
func residentBytes() int64 {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(b))
	pages, _ := strconv.ParseInt(fields[1], 10, 64)
	return pages * int64(os.Getpagesize())
}
