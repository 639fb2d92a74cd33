package direct_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
	"github.com/millrace/millrace/runners/direct"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/triggers"
	"github.com/millrace/millrace/windowing"
)

// A timedKey is an element of the benchmarks.
type timedKey struct {
	at  model.Timestamp
	key int64
}

// timed is a source of elements with their event times; the watermark stays
// behind all of them until the end.
type timed []timedKey

func (timed) Bounded() bool { return true }
func (timed) Splits(context.Context, int) ([]source.Split, error) {
	return []source.Split{{ID: "all"}}, nil
}
func (t timed) Open(context.Context, source.Split) (source.Reader[int64], error) {
	return &timedReader{rest: t}, nil
}

type timedReader struct{ rest timed }

func (r *timedReader) Read(_ context.Context, max int, emit func(*int64, model.Timestamp)) (source.Status, error) {
	n := min(max, len(r.rest))
	for i := range r.rest[:n] {
		emit(&r.rest[i].key, r.rest[i].at)
	}
	r.rest = r.rest[n:]
	return source.Status{Done: len(r.rest) == 0}, nil
}
func (r *timedReader) Position() source.Split     { return source.Split{ID: "all"} }
func (r *timedReader) Watermark() model.Timestamp { return model.MinTimestamp }
func (r *timedReader) Progress() source.Progress  { return source.Progress{} }
func (r *timedReader) Close() error               { return nil }

func countIn(b *testing.B, elements timed, s model.WindowingStrategy) {
	b.Helper()
	var p model.Pipeline
	keys := transforms.Window(transforms.Read(&p, source.Source[int64](elements)), s)
	transforms.Count(keys)
	if _, err := (direct.Runner{Parallelism: 1}).Run(context.Background(), &p); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkSessions has ten sessions' worth of elements for each of 100 open
// session windows of each of 100, 1,000 and 10,000 keys arrive in random order,
// most of them merging windows. The time per element stays about the same: the
// cost is linear. The ratio to the smallest is printed.
func BenchmarkSessions(b *testing.B) {
	const perKey, perSession = 100, 3
	gap := 10 * time.Second
	var smallest float64
	for _, keys := range []int{100, 1_000, 10_000} {
		elements := make(timed, 0, keys*perKey*perSession)
		rng := rand.New(rand.NewPCG(1, 2))
		for k := range keys {
			for s := range perKey {
				for i := range perSession { // 8 s apart: each overlaps the next
					at := model.Timestamp(s*60+i*8) * 1_000_000
					elements = append(elements, timedKey{at, int64(k)})
				}
			}
		}
		rng.Shuffle(len(elements), func(i, j int) { elements[i], elements[j] = elements[j], elements[i] })
		b.Run(fmt.Sprintf("keys=%d", keys), func(b *testing.B) {
			for b.Loop() {
				countIn(b, elements, model.WindowingStrategy{Windows: windowing.Sessions{Gap: gap}})
			}
			perElement := float64(b.Elapsed().Nanoseconds()) / float64(b.N) / float64(len(elements))
			if smallest == 0 {
				smallest = perElement
			}
			b.ReportMetric(perElement, "ns/element")
			b.ReportMetric(perElement/smallest, "x_of_100_keys")
		})
	}
}

// BenchmarkTriggers counts the same elements in fixed windows under several
// triggers. The default one, spelled out or not, costs the same: richer ones cost
// nothing where they are not used. The ratio to no trigger at all is printed.
func BenchmarkTriggers(b *testing.B) {
	elements := make(timed, 1_000_000)
	rng := rand.New(rand.NewPCG(3, 4))
	for i := range elements {
		elements[i] = timedKey{model.Timestamp(i) * 1000, rng.Int64N(1000)}
	}
	var plain float64
	for _, t := range []struct {
		name    string
		trigger model.Trigger
	}{
		{"none", nil},
		{"default", triggers.Default{}},
		{"watermark", triggers.AfterWatermark{}},
		{"early-and-late", triggers.AfterWatermark{Early: triggers.Repeatedly{Trigger: triggers.AfterCount{N: 1000}}, Late: triggers.Always{}}},
	} {
		b.Run(t.name, func(b *testing.B) {
			for b.Loop() {
				countIn(b, elements, model.WindowingStrategy{Windows: windowing.Fixed{Size: time.Minute}, Trigger: t.trigger, Panes: model.Accumulating})
			}
			perElement := float64(b.Elapsed().Nanoseconds()) / float64(b.N) / float64(len(elements))
			if plain == 0 {
				plain = perElement
			}
			b.ReportMetric(perElement, "ns/element")
			b.ReportMetric(perElement/plain, "x_of_no_trigger")
		})
	}
}
