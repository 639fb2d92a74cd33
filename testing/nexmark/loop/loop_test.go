package loop

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/testing/nexmark"
	"github.com/millrace/millrace/testing/nexmark/oracle"
)

// loops are all loops there are, with the query that each computes.
var loops = []struct {
	name  string
	query nexmark.Query
	run   func(context.Context, nexmark.Config) (nexmark.Result, error)
}{
	{"q1", nexmark.Q1, runner(nexmark.Q1)},
	{"q5", nexmark.Q5, runner(nexmark.Q5)},
	{"q5shuffle", nexmark.Q5, Q5Shuffle},
	{"q8", nexmark.Q8, runner(nexmark.Q8)},
}

func runner(q nexmark.Query) func(context.Context, nexmark.Config) (nexmark.Result, error) {
	return func(ctx context.Context, c nexmark.Config) (nexmark.Result, error) { return Run(ctx, q, c) }
}

// Results that implementations in several systems and languages agree on.
func TestKnownResults(t *testing.T) {
	want := map[nexmark.Query]map[int64]string{
		nexmark.Q1: {
			100_000:   "count=92000 sum=4187291012487",
			2_000_000: "count=1840000 sum=83529511845509",
		},
		nexmark.Q5: {
			100_000:   "count=9 sumCount=7280 sumAuction=33300",
			2_000_000: "count=104 sumCount=86082 sumAuction=6338700",
		},
		nexmark.Q8: {
			100_000:   "count=6000 sumId=11229815",
			2_000_000: "count=112838 sumId=2350940370",
		},
	}
	for _, l := range loops {
		for events, want := range want[l.query] {
			got, err := l.run(t.Context(), nexmark.Config{Events: events, Parallelism: 2})
			if err != nil || got.Checksum() != want {
				t.Errorf("%s of %d events: got %q, %v, want %q", l.name, events, got.Checksum(), err, want)
			}
		}
	}
}

// The result depends neither on how the events are split over the workers, even
// if some have none or only those of one kind, nor on where the stream ends.
func TestAgreesWithOracle(t *testing.T) {
	for _, l := range loops {
		for _, events := range []int64{1, 4, 5, 49, 51, 19_999, 20_000, 20_001, 100_001, 234_567} {
			want, err := oracle.Compute(l.query, events)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range []int{1, 2, 3, 7, 50, 64} {
				got, err := l.run(t.Context(), nexmark.Config{Events: events, Parallelism: p})
				if err != nil || got != want {
					t.Errorf("%s of %d events, parallelism %d: got %q, %v, want %q",
						l.name, events, p, got.Checksum(), err, want.Checksum())
				}
			}
		}
	}
}

func TestCancel(t *testing.T) {
	for _, l := range loops {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(10*time.Millisecond, cancel)
		// Far more events than the test has time for.
		_, err := l.run(ctx, nexmark.Config{Events: 1 << 36, Parallelism: 2})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got error %v, want %v", l.name, err, context.Canceled)
		}
	}
}

func TestErrors(t *testing.T) {
	one := nexmark.Config{Events: 1, Parallelism: 1}
	if _, err := Run(t.Context(), "q9", one); err == nil || !strings.Contains(err.Error(), `"q9"`) {
		t.Errorf("unknown query: got error %v", err)
	}
	for _, l := range loops {
		if _, err := l.run(t.Context(), nexmark.Config{Events: 1}); err == nil {
			t.Errorf("%s: no error for parallelism 0", l.name)
		}
	}
}

// BenchmarkLoops reports events per second of wall time, two workers each; for
// figures per CPU-second run cmd/nexmark.
func BenchmarkLoops(b *testing.B) {
	for _, l := range loops {
		b.Run(l.name, func(b *testing.B) {
			c := nexmark.Config{Events: 2_000_000, Parallelism: 2}
			for b.Loop() {
				if _, err := l.run(b.Context(), c); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(c.Events)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}
