package direct_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
	"github.com/millrace/millrace/model/state"
	"github.com/millrace/millrace/runners/direct"
	"github.com/millrace/millrace/transforms"
)

// A hoarder keeps elements back in memory, and emits them fifty at a time. What is left
// it emits as it is flushed.
type hoarder struct {
	kept []int
	out  transforms.Output[int]
}

func (*hoarder) Instance() transforms.DoFn[int, int] { return &hoarder{} }

func (h *hoarder) Process(_ context.Context, e transforms.Element[int], out transforms.Output[int]) error {
	h.kept, h.out = append(h.kept, e.Value), out
	if len(h.kept) < 50 {
		return nil
	}
	return h.Flush(nil)
}

func (h *hoarder) Flush(context.Context) error {
	for _, v := range h.kept {
		h.out.Emit(v)
	}
	h.kept = nil
	return nil
}

// A keyedHoarder does so with keys.
type keyedHoarder struct{ hoarder }

func (*keyedHoarder) Cells() []state.Cell { return nil }

func (*keyedHoarder) Instance() transforms.KeyedDoFn[int, int, int] { return &keyedHoarder{} }

func (h *keyedHoarder) Process(ctx context.Context, e *transforms.Keyed[int, int], out transforms.Output[int]) error {
	return h.hoarder.Process(ctx, transforms.Element[int]{Meta: e.Meta, Value: e.Value}, out)
}

// hoarding are pipelines from c to b with a step that keeps elements back.
var hoarding = map[string]func(p *model.Pipeline, c *counter, b *book){
	"at the source": func(p *model.Pipeline, c *counter, b *book) {
		transforms.Write(transforms.Do(transforms.Read(p, c), &hoarder{}), b)
	},
	"behind an exchange": func(p *model.Pipeline, c *counter, b *book) {
		transforms.Write(transforms.Do(transforms.Reshuffle(transforms.Read(p, c)), &hoarder{}), b)
	},
	"twice": func(p *model.Pipeline, c *counter, b *book) {
		once := transforms.Do(transforms.Reshuffle(transforms.Read(p, c)), &hoarder{})
		transforms.Write(transforms.Do(once, &hoarder{}), b)
	},
	"by key": func(p *model.Pipeline, c *counter, b *book) {
		keyed := transforms.KeyBy(transforms.Read(p, c), byUnits)
		transforms.Write(transforms.DoKeyed(keyed, &keyedHoarder{}), b)
	},
}

// What a step keeps in memory is behind the barrier of no checkpoint: neither a graceful
// stop loses it, nor the end of a process at any moment.
func TestWhatAStepKeepsBackIsFlushedBeforeEachCheckpoint(t *testing.T) {
	for name, build := range hoarding {
		for _, end := range []string{"stopped", "killed"} {
			t.Run(name+", "+end, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { hoardOn(t, build, end == "stopped") })
			})
		}
	}
}

// hoardOn has 2,000 elements go through in runs that end every 617, with a checkpoint
// for every hundred or so.
func hoardOn(t *testing.T, build func(*model.Pipeline, *counter, *book), gracefully bool) {
	const n, each = 2000, 617
	fs, b := vfs.NewMem(), &book{}
	for ends := 1; ; ends++ {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		r := savedIn(fs)
		r.Checkpoints.Every = 100 * time.Millisecond
		stop := make(chan struct{})
		r.Stop = stop
		ended := false
		c := &counter{n: n, pause: time.Millisecond, onRead: func(_ context.Context, next int) error {
			if next == ends*each && !ended {
				ended = true
				if gracefully {
					close(stop)
				} else {
					cancel()
				}
			}
			return nil
		}}
		var p model.Pipeline
		build(&p, c, b)
		_, err := r.Run(ctx, &p)
		if err == nil {
			break
		}
		if !errors.Is(err, direct.ErrStopped) && !errors.Is(err, context.Canceled) || ends > n/each+1 {
			t.Fatal(err)
		}
	}
	b.want(t, n)
}

// What is kept back has lost its window: what is emitted as a step is flushed could only
// be put in another's.
func TestAStepThatEmitsAsItIsFlushedNeedsTheGlobalWindow(t *testing.T) {
	var p model.Pipeline
	windowed := transforms.Window(transforms.Read(&p, source.Source[int](&counter{n: 10})), tens)
	transforms.Write(transforms.Do(windowed, &hoarder{}, model.Name("Hoarder")), &book{})
	_, err := direct.Runner{Parallelism: 1, Logger: silent}.Run(t.Context(), &p)
	if err == nil || !strings.Contains(err.Error(), "Hoarder") || !strings.Contains(err.Error(), "flushing: an element is emitted in Flush") {
		t.Errorf("got %v", err)
	}
}
