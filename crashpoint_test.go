package millrace_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/sink"
	"github.com/millrace/millrace/model/source"
)

// A crashPoint is where a process kills itself: as it comes to one thing for the n'th
// time, or has read so many elements. The nil crashPoint is nowhere.
type crashPoint struct {
	mu   sync.Mutex
	left map[string]int // how often until then
}

// What a crashPoint may be at.
const (
	atElement   = "element"
	atPrepare   = "prepare"
	atCommit    = "commit"    // the checkpoint is durable, and its output not seen
	atCommitted = "committed" // and now it is, though nobody has noted that
)

// drawCrashPoint draws where the i'th process kills itself. Each other one lives to see
// two barriers, and so a checkpoint that is durable.
func drawCrashPoint(i int) string {
	at, n := atElement, 1+rand.IntN(2*gateElements)
	elements := 2*gateElements + 1 + rand.IntN(gateElements)
	if i%2 > 0 && rand.IntN(2) == 0 {
		at, n = []string{atPrepare, atCommit, atCommitted}[rand.IntN(3)], 1+rand.IntN(3)
	} else if i%2 == 0 {
		n = elements
	}
	return fmt.Sprint(elements, " ", n, " ", at)
}

// parseCrashPoint reads what drawCrashPoint made, or "".
func parseCrashPoint(s string) (*crashPoint, error) {
	if s == "" {
		return nil, nil
	}
	var at string
	var elements, n int
	if _, err := fmt.Sscan(s, &elements, &n, &at); err != nil {
		return nil, err
	}
	p := &crashPoint{left: map[string]int{atElement: elements}}
	p.left[at] = n
	return p, nil
}

// reach kills the process if it is the time to.
func (p *crashPoint) reach(at string) {
	if p == nil {
		return
	}
	p.mu.Lock()
	p.left[at]--
	due := p.left[at] == 0
	p.mu.Unlock()
	if !due {
		return
	}
	self, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = self.Kill()
	}
	if err != nil {
		panic(err)
	}
	select {} // until it is dead
}

// gated is a source that, where processes are killed, has nothing for a while once many
// elements were read since the last barrier: so that there are checkpoints on the
// way, however fast the machine is.
type gated struct {
	source.Source[string]
	closed <-chan struct{} // no element comes any more, once it is closed
}

const gateElements = 30_000

// sinceBarrier is how many elements were read since a sink last prepared.
var sinceBarrier atomic.Int64

func (g gated) Open(ctx context.Context, s source.Split) (source.Reader[string], error) {
	r, err := g.Source.Open(ctx, s)
	return gatedReader{r, g.closed}, err
}

type gatedReader struct {
	source.Reader[string]
	closed <-chan struct{}
}

func (r gatedReader) Read(ctx context.Context, limit int, emit func(*string, model.Timestamp)) (source.Status, error) {
	if os.Getenv(crashPipeline) != "" && sinceBarrier.Load() >= gateElements {
		return source.Status{ResumeAfter: time.Millisecond}, nil
	}
	select {
	case <-r.closed:
		return source.Status{ResumeAfter: time.Millisecond}, nil
	default:
	}
	return r.Reader.Read(ctx, limit, func(v *string, t model.Timestamp) {
		sinceBarrier.Add(1)
		emit(v, t)
	})
}

// killing is a sink in which the process may be killed.
type killing struct {
	sink.Sink[string]
	point *crashPoint
}

func (k killing) Open(ctx context.Context, s sink.Shard) (sink.Writer[string], error) {
	w, err := k.Sink.Open(ctx, s)
	return killingWriter{w, k.point}, err
}

func (k killing) Commit(ctx context.Context, prepared []sink.Committable) error {
	k.point.reach(atCommit)
	err := k.Sink.Commit(ctx, prepared)
	k.point.reach(atCommitted)
	return err
}

func (k killing) Sweep(ctx context.Context, owner string) (int, error) {
	return k.Sink.(sink.Sweeper).Sweep(ctx, owner)
}

type killingWriter struct {
	sink.Writer[string]
	point *crashPoint
}

func (w killingWriter) Prepare(ctx context.Context) ([]byte, error) {
	sinceBarrier.Store(0)
	w.point.reach(atPrepare)
	return w.Writer.Prepare(ctx)
}
