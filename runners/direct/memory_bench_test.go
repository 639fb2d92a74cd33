package direct_test

import (
	"context"
	"flag"
	"fmt"
	"iter"
	"runtime"
	"testing"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
	"github.com/millrace/millrace/runners/direct"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/windowing"
)

var memoryKeys = flag.Int("memory-keys", 500_000, "how many keys BenchmarkBytesPerKey has")

// BenchmarkBytesPerKey has one element of each of many int64 keys in one window, and
// prints what the live heap has for each key once all are there.
func BenchmarkBytesPerKey(b *testing.B) {
	type pairs = model.PCollection[model.KV[int64, int64]]
	in := func(w model.WindowFn, of func(pairs)) func(pairs) {
		return func(c pairs) { of(transforms.Window(c, model.WindowingStrategy{Windows: w})) }
	}
	hour := windowing.Fixed{Size: time.Hour}
	sum := func(c pairs) { transforms.CombinePerKey(c, transforms.Sum[int64]) }
	for _, kind := range []struct {
		name  string
		build func(pairs)
	}{
		{"combine", in(hour, sum)},
		{"group", in(hour, func(c pairs) {
			transforms.ForEach(transforms.GroupByKey(c), func(context.Context, transforms.Element[model.KV[int64, iter.Seq[int64]]]) error { return nil })
		})},
		{"DoKeyed", in(hour, func(c pairs) { transforms.DoKeyed(c, newTally()) })},
		{"sessions", in(windowing.Sessions{Gap: time.Hour}, sum)},
	} {
		for _, durable := range []bool{false, true} {
			b.Run(fmt.Sprintf("%s, state directory %t", kind.name, durable), func(b *testing.B) {
				var perKey float64
				for b.Loop() {
					src := &countedKeys{n: *memoryKeys}
					var p model.Pipeline
					kind.build(transforms.Read(&p, source.Source[model.KV[int64, int64]](src)))
					r := direct.Runner{Logger: quietly, Parallelism: 2}
					if durable {
						r.Checkpoints = direct.Checkpoints{Dir: b.TempDir(), Every: time.Second, Memory: 64 << 30}
					}
					if _, err := r.Run(context.Background(), &p); err != nil {
						b.Fatal(err)
					}
					perKey += float64(src.live) / float64(*memoryKeys)
				}
				b.ReportMetric(perKey/float64(b.N), "B/key")
			})
		}
	}
}

// countedKeys is a source of the keys up to n, in one window. At its end it waits for
// the others, and for checkpoints, and measures the heap.
type countedKeys struct {
	n, at  int
	before uint64
	live   uint64
	since  time.Time
}

func (*countedKeys) Bounded() bool { return true }
func (*countedKeys) Splits(context.Context, int) ([]source.Split, error) {
	return []source.Split{{ID: "all"}}, nil
}

func (s *countedKeys) Open(context.Context, source.Split) (source.Reader[model.KV[int64, int64]], error) {
	s.before = liveHeap()
	return s, nil
}

func (s *countedKeys) Read(_ context.Context, most int, emit func(*model.KV[int64, int64], model.Timestamp)) (source.Status, error) {
	var kv model.KV[int64, int64]
	for end := min(s.n, s.at+most); s.at < end; s.at++ {
		kv.Key, kv.Value = int64(s.at)*1_000_003, 1
		emit(&kv, model.Timestamp(s.at))
	}
	if s.at < s.n {
		return source.Status{}, nil
	}
	if s.since.IsZero() {
		s.since = time.Now()
	}
	if time.Since(s.since) < 4*time.Second { // of which checkpoints take some
		return source.Status{ResumeAfter: 100 * time.Millisecond}, nil
	}
	if now := liveHeap(); now > s.before {
		s.live = now - s.before
	}
	return source.Status{Done: true}, nil
}

func (s *countedKeys) Position() source.Split     { return source.Split{ID: "all"} }
func (s *countedKeys) Watermark() model.Timestamp { return model.MinTimestamp }
func (s *countedKeys) Progress() source.Progress  { return source.Progress{} }
func (s *countedKeys) Close() error               { return nil }

func liveHeap() uint64 {
	runtime.GC()
	runtime.GC() // what pools kept
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
