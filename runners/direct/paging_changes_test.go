package direct_test

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"sync"
	"sync/atomic"
	"syscall"
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

// paging is a runner with memory for a few hundred keys, and its state in fs.
func paging(fs vfs.FS) direct.Runner {
	return direct.Runner{Parallelism: 2, Logger: quietly, Checkpoints: direct.Checkpoints{Dir: "state", Every: 5 * time.Millisecond, Memory: little}.On(fs)}
}

// A teller counts the elements of each key, and tells of each as it comes.
type teller struct{ count state.Value[int64] }

func newTeller() teller { return teller{state.NewValue[int64]("count")} }

func (d teller) Cells() []state.Cell { return []state.Cell{d.count} }

func (d teller) Process(_ context.Context, e *transforms.Keyed[int64, int64], out transforms.Output[model.KV[int64, int64]]) error {
	d.count.Set(e, d.count.Get(e)+1)
	out.Emit(model.KVOf(e.Key, int64(1)))
	return nil
}

// A holder is a teller that also holds the watermark, by a timer that is far away.
type holder struct {
	teller
	far state.EventTimer
}

func newHolder() holder { return holder{newTeller(), state.NewEventTimer("far")} }

func (d holder) Cells() []state.Cell { return []state.Cell{d.count, d.far} }

func (d holder) Process(ctx context.Context, e *transforms.Keyed[int64, int64], out transforms.Output[model.KV[int64, int64]]) error {
	if d.count.Get(e) == 0 {
		d.far.SetWithOutput(e, e.Timestamp.Add(time.Hour), e.Timestamp)
	}
	return d.teller.Process(ctx, e, out)
}

func (d holder) OnTimer(context.Context, *transforms.Firing[int64], transforms.Output[model.KV[int64, int64]]) error {
	return nil
}

// TestATimerThatIsDroppedHoldsNothing goes on with a version that does not have the timer
// that the keys have set, most of which are not in memory.
func TestATimerThatIsDroppedHoldsNothing(t *testing.T) {
	d := draws{n: long(20_000), keys: 4000}
	fs := vfs.NewMem()
	build := func(p *model.Pipeline, d draws, dofn func(in model.PCollection[model.KV[int64, int64]]) model.PCollection[model.KV[int64, int64]], stop chan struct{}) map[int64]int64 {
		read := int64(0)
		in := transforms.Map(transforms.Read(p, source.Source[int64](d)), func(k int64) int64 {
			if read++; stop != nil && read == long(10_000) { // as many as there are
				close(stop)
			}
			return k
		})
		counts := dofn(transforms.KeyBy(in, func(k int64) int64 { return k }))
		// Which is told only as the watermark comes by.
		fixed := model.WindowingStrategy{Windows: windowing.Fixed{Size: 5 * time.Millisecond}}
		return sums(transforms.CombinePerKey(transforms.Window(counts, fixed), transforms.Sum[int64]))
	}
	var first, second model.Pipeline
	stop := make(chan struct{})
	soFar := d
	soFar.waits = long(10_000)
	told := build(&first, soFar, func(in model.PCollection[model.KV[int64, int64]]) model.PCollection[model.KV[int64, int64]] {
		return transforms.DoKeyed(in, newHolder(), model.Name("count"))
	}, stop)
	r := paging(fs)
	r.Stop, r.SourceBatch = stop, 256
	if _, err := r.Run(t.Context(), &first); !errors.Is(err, direct.ErrStopped) {
		t.Fatal(err)
	}
	if len(told) > 0 {
		t.Errorf("%d keys were told before the end of what is held", len(told))
	}
	got := build(&second, d, func(in model.PCollection[model.KV[int64, int64]]) model.PCollection[model.KV[int64, int64]] {
		return transforms.DoKeyed(in, newTeller(), model.Name("count"))
	}, nil)
	r.Stop, r.Checkpoints.AllowDropped = nil, true
	if _, err := r.Run(t.Context(), &second); err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(got, d.want()) {
		t.Errorf("%d keys were told, want %d", len(got), len(d.want()))
	}
}

// healing is a logger that mends the disk after so many failures.
type healing struct {
	slog.Handler
	fs   *failingFS
	left *atomic.Int64
}

func (h healing) Enabled(context.Context, slog.Level) bool { return true }

func (h healing) Handle(_ context.Context, r slog.Record) error {
	if (r.Message == "a checkpoint failed; what it had is in the next one" || r.Level == slog.LevelError) && h.left.Add(-1) == 0 {
		h.fs.fail(nil)
	}
	return nil
}

func (h healing) WithAttrs([]slog.Attr) slog.Handler { return h }

// TestStateThatIsPagedOutlastsAFullDisk fills the disk: checkpoints fail, and the run may
// fail as well, if it wants to evict something, and is started again.
func TestStateThatIsPagedOutlastsAFullDisk(t *testing.T) {
	d := draws{n: long(40_000), keys: 4000}
	fs := &failingFS{FS: vfs.NewMem()}
	var p model.Pipeline
	var read, failures atomic.Int64
	failures.Store(4)
	in := transforms.Map(transforms.Read(&p, source.Source[int64](d)), func(k int64) int64 {
		if read.Add(1) == long(10_000) {
			fs.fail(syscall.ENOSPC)
		}
		return k
	})
	// The end may come more than once: the run can fail in the middle of telling it.
	want, told := d.want(), map[int64]int64{}
	var mu sync.Mutex
	tallied := transforms.DoKeyed(transforms.KeyBy(in, func(k int64) int64 { return k }), newTally())
	transforms.ForEach(tallied, func(_ context.Context, e transforms.Element[model.KV[int64, int64]]) error {
		mu.Lock()
		defer mu.Unlock()
		k, n := e.Value.Key, e.Value.Value
		if n != want[k] {
			t.Errorf("key %d was told as %d, want %d", k, n, want[k])
		}
		told[k] = n
		return nil
	})
	r := paging(fs)
	r.Logger = slog.New(healing{slog.DiscardHandler, fs, &failures})
	r.Checkpoints.Tolerate = 1000
	r.Restart = direct.FixedDelay{Attempts: 1000, Delay: time.Millisecond}
	report, err := r.Run(t.Context(), &p)
	if err != nil {
		t.Fatal(err)
	}
	if failures.Load() > 0 {
		t.Error("nothing has failed")
	}
	if len(told) != len(want) {
		t.Errorf("%d keys were told, want %d", len(told), len(want))
	}
	if paged := report.Checkpoints.Paging; paged.Evicted < 1000 || paged.Budget > little {
		t.Errorf("hardly anything was paged: %+v", paged)
	}
}

// TestATaskThatPagesIsStartedAgain has user code fail in between.
func TestATaskThatPagesIsStartedAgain(t *testing.T) {
	d := draws{n: long(40_000), keys: 4000}
	var p model.Pipeline
	var read atomic.Int64
	in := transforms.TryMap(transforms.Read(&p, source.Source[int64](d)), func(_ context.Context, k int64) (int64, error) {
		if n := read.Add(1); n == long(9_000) || n == long(20_000) || n == long(31_000) {
			return 0, errors.New("it fails now and then")
		}
		return k, nil
	})
	got := sums(transforms.DoKeyed(transforms.KeyBy(in, func(k int64) int64 { return k }), newTally()))
	r := paging(vfs.NewMem())
	r.Restart = direct.FixedDelay{Attempts: 5, Delay: time.Millisecond}
	report, err := r.Run(t.Context(), &p)
	if err != nil || report.Restart.Restarts != 3 {
		t.Fatalf("it was started again %d times: %v", report.Restart.Restarts, err)
	}
	if !maps.Equal(got, d.want()) {
		t.Errorf("%d keys were told, want %d", len(got), len(d.want()))
	}
}
