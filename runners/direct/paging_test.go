package direct_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
	"github.com/millrace/millrace/model/state"
	"github.com/millrace/millrace/runners/direct"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/windowing"
)

// draws is a source of n keys that are drawn from a range, a microsecond apart; evenly
// or, if skew is more than 1, as Zipf's law has it, with that exponent. It goes on
// exactly where it was.
type draws struct {
	n, keys int64
	skew    float64
	waits   int64           // if it is more than 0, no more of them are there yet
	closed  <-chan struct{} // nothing comes any more, once it is closed
}

func (draws) Bounded() bool { return true }
func (draws) Splits(context.Context, int) ([]source.Split, error) {
	return []source.Split{{ID: "all"}}, nil
}

func (d draws) Open(_ context.Context, s source.Split) (source.Reader[int64], error) {
	r := &drawsReader{draws: d}
	if s.Position != nil {
		r.at = int64(binary.BigEndian.Uint64(s.Position))
	}
	return r, nil
}

type drawsReader struct {
	draws
	at, key int64
}

// keyOf is the i'th key.
func (d draws) keyOf(i int64) int64 {
	x := uint64(i) * 0x9E3779B97F4A7C15
	x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
	x = (x ^ x>>27) * 0x94D049BB133111EB
	u := float64((x^x>>31)>>11) / (1 << 53)
	if d.skew <= 1 {
		return int64(u * float64(d.keys))
	}
	a := 1 - d.skew // by the inverse of the integral
	k := math.Pow(1+u*(math.Pow(float64(d.keys), a)-1), 1/a)
	return int64(k-1) * 7919 % d.keys // the frequent ones are not side by side
}

func (r *drawsReader) Read(_ context.Context, max int, emit func(*int64, model.Timestamp)) (source.Status, error) {
	end := min(r.at+int64(max), r.n)
	if r.waits > 0 {
		if end = min(end, r.waits); r.at >= end {
			return source.Status{ResumeAfter: time.Millisecond}, nil
		}
	}
	select {
	case <-r.closed:
		return source.Status{ResumeAfter: time.Millisecond}, nil
	default:
	}
	for ; r.at < end; r.at++ {
		r.key = r.keyOf(r.at)
		emit(&r.key, model.Timestamp(r.at))
	}
	return source.Status{Done: r.at == r.n}, nil
}
func (r *drawsReader) Position() source.Split {
	return source.Split{ID: "all", Position: binary.BigEndian.AppendUint64(nil, uint64(r.at))}
}
func (r *drawsReader) Watermark() model.Timestamp { return model.Timestamp(r.at) }
func (r *drawsReader) Progress() source.Progress  { return source.Progress{} }
func (r *drawsReader) Close() error               { return nil }

// tally counts the elements of each key, and tells at the end.
type tally struct{ count state.Value[int64] }

func newTally() tally { return tally{state.NewValue[int64]("count")} }

func (d tally) Cells() []state.Cell { return []state.Cell{d.count} }

func (d tally) Process(_ context.Context, e *transforms.Keyed[int64, int64], _ transforms.Output[model.KV[int64, int64]]) error {
	d.count.Set(e, d.count.Get(e)+1)
	return nil
}

func (d tally) OnWindowExpiration(_ context.Context, f *transforms.Firing[int64], out transforms.Output[model.KV[int64, int64]]) error {
	out.Emit(model.KVOf(f.Key, d.count.Get(f)))
	return nil
}

// A reminder says, a while after the first element of a key, how many there were, and
// forgets it.
type reminder struct {
	count state.Value[int64]
	timer state.EventTimer
	after time.Duration
}

func newReminder(after time.Duration) reminder {
	return reminder{state.NewValue[int64]("count"), state.NewEventTimer("timer"), after}
}

func (d reminder) Cells() []state.Cell { return []state.Cell{d.count, d.timer} }

func (d reminder) Process(_ context.Context, e *transforms.Keyed[int64, int64], _ transforms.Output[model.KV[int64, int64]]) error {
	n := d.count.Get(e)
	if n == 0 {
		d.timer.Set(e, e.Timestamp.Add(d.after))
	}
	d.count.Set(e, n+1)
	return nil
}

func (d reminder) OnTimer(_ context.Context, f *transforms.Firing[int64], out transforms.Output[model.KV[int64, int64]]) error {
	out.Emit(model.KVOf(f.Key, d.count.Get(f)))
	d.count.Clear(f)
	return nil
}

func keyedDraws(p *model.Pipeline, d draws) model.PCollection[model.KV[int64, int64]] {
	return transforms.KeyBy(transforms.Read(p, source.Source[int64](d)), func(k int64) int64 { return k })
}

// sums adds up what is told by key.
func sums(c model.PCollection[model.KV[int64, int64]]) map[int64]int64 {
	var mu sync.Mutex
	sum := map[int64]int64{}
	transforms.ForEach(c, func(_ context.Context, e transforms.Element[model.KV[int64, int64]]) error {
		mu.Lock()
		defer mu.Unlock()
		sum[e.Value.Key] += e.Value.Value
		return nil
	})
	return sum
}

func (d draws) want() map[int64]int64 {
	want := map[int64]int64{}
	for i := range d.n {
		want[d.keyOf(i)]++
	}
	return want
}

// long is n, or a quarter of it with -short.
func long(n int64) int64 {
	if testing.Short() {
		return n / 4
	}
	return n
}

// little has the runner keep a few hundred keys in memory, in one of a few thousand.
var little = int64(1 << 20)

func TestStateLargerThanItsMemory(t *testing.T) {
	d := draws{n: long(20_000), keys: 4000}
	sessions := model.WindowingStrategy{Windows: windowing.Sessions{Gap: 10 * time.Millisecond}}
	for name, build := range map[string]func(model.PCollection[model.KV[int64, int64]]) model.PCollection[model.KV[int64, int64]]{
		"a count that is told in the end": func(c model.PCollection[model.KV[int64, int64]]) model.PCollection[model.KV[int64, int64]] {
			return transforms.DoKeyed(c, newTally())
		},
		"timers": func(c model.PCollection[model.KV[int64, int64]]) model.PCollection[model.KV[int64, int64]] {
			return transforms.DoKeyed(c, newReminder(20*time.Millisecond))
		},
		"sessions": func(c model.PCollection[model.KV[int64, int64]]) model.PCollection[model.KV[int64, int64]] {
			return transforms.CombinePerKey(transforms.Window(transforms.Map(c, func(kv model.KV[int64, int64]) model.KV[int64, int64] {
				return model.KVOf(kv.Key, int64(1))
			}), sessions), transforms.Sum[int64])
		},
	} {
		t.Run(name, func(t *testing.T) {
			var p model.Pipeline
			got := sums(build(keyedDraws(&p, d)))
			report, err := (direct.Runner{Parallelism: 2, Logger: quietly, Checkpoints: direct.Checkpoints{
				Dir: "state", Every: 20 * time.Millisecond, Memory: little,
			}.On(vfs.NewMem())}).Run(t.Context(), &p)
			if err != nil {
				t.Fatal(err)
			}
			if !maps.Equal(got, d.want()) {
				t.Errorf("%d keys were told, want %d", len(got), len(d.want()))
			}
			if paged := report.Checkpoints.Paging; paged.Evicted < 1000 || paged.Loaded < 1000 {
				t.Errorf("hardly anything was paged: %+v", paged)
			}
		})
	}
}

var quietly = slog.New(slog.DiscardHandler)

// TestStateIsPagedInAfterARestart stops a run again and again, with other numbers of
// tasks and more or less memory, and sees that no count is lost.
func TestStateIsPagedInAfterARestart(t *testing.T) {
	d := draws{n: long(40_000), keys: 4000}
	fs := vfs.NewMem()
	told := map[int64]int64{} // in the end, which may come more than once
	r := rand.New(rand.NewPCG(1, 1))
	for stops := 0; ; stops++ {
		var p model.Pipeline
		stop := make(chan struct{})
		read, at := int64(0), long(5_000+r.Int64N(5_000))
		d := d
		d.closed = stop // so that nothing but the stop ends the run
		in := transforms.Map(transforms.Read(&p, source.Source[int64](d)), func(k int64) int64 {
			if read++; read == at {
				close(stop)
			}
			return k
		})
		got := sums(transforms.DoKeyed(transforms.KeyBy(in, func(k int64) int64 { return k }), newTally()))
		_, err := (direct.Runner{Parallelism: 1 + stops%3, Logger: quietly, SourceBatch: 256, Stop: stop, Checkpoints: direct.Checkpoints{
			Dir: "state", Every: time.Duration(1+r.IntN(30)) * time.Millisecond, Memory: little + int64(stops%2)<<30,
		}.On(fs)}).Run(t.Context(), &p)
		maps.Copy(told, got)
		if err == nil {
			if stops < 2 {
				t.Errorf("was stopped %d times", stops)
			}
			if !maps.Equal(told, d.want()) {
				t.Errorf("%d keys were told, want %d", len(told), len(d.want()))
			}
			return
		}
		if !errors.Is(err, direct.ErrStopped) {
			t.Fatal(fmt.Errorf("after %d stops: %w", stops, err))
		}
	}
}
