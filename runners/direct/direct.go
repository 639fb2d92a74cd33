package direct

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"github.com/millrace/millrace/internal/plan"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/transforms"
)

// A Runner runs pipelines in this process. The zero Runner is ready to use.
type Runner struct {
	// Parallelism is how many tasks each stage has, and how many workers step them;
	// 0 is the number of cores that Go may use. Results do not depend on it.
	Parallelism int
	// SourceBatch is how many elements are read in one step of a task; 0 is 4096. The
	// watermark advances between steps: fewer make it finer and cost more.
	SourceBatch int
	// Stop, when closed, ends the run gracefully: sources are read no further,
	// what was read is processed, and Run returns ErrStopped. Windows that are still
	// open do not fire. Sinks commit, unless a bounded input was cut short: a part of
	// its result would pass for the whole, and is discarded.
	Stop <-chan struct{}
	// Progress, if set, is called every ProgressEvery (0 is a second), and once at
	// the end.
	Progress      func(Report)
	ProgressEvery time.Duration
	// Logger is told of what goes on: of windows that do not fire since the watermark
	// does not move, for example, and at the end of what was dropped. Nil is
	// slog.Default.
	Logger *slog.Logger
	// Checkpoints say how the run survives the end of its process. With them, Stop
	// takes a checkpoint and ends; the next run goes on from there.
	Checkpoints Checkpoints
	// Restart says what is done about a failure, where there are checkpoints; nil is
	// NoRestart: it ends the run.
	Restart Restart

	clock *clock                                        // of a call of Run
	read  func() (wall time.Time, passed time.Duration) // of tests; nil is the machine's clock
}

// ErrStopped is what Run returns after a graceful stop.
var ErrStopped = errors.New("millrace: stopped before the input ended")

// Run runs p with the zero Runner.
func Run(ctx context.Context, p *model.Pipeline) error {
	_, err := Runner{}.Run(ctx, p)
	return err
}

// Run runs p until its sources end, ctx is done, or something fails. It reports
// construction mistakes before it starts anything. The report is of use after an
// error, too.
func (r Runner) Run(ctx context.Context, p *model.Pipeline) (Report, error) {
	if r.Parallelism < 0 {
		return Report{}, errors.New("direct: Parallelism is negative; it must be at least 1, or 0 for the number of cores")
	}
	if r.Parallelism == 0 {
		r.Parallelism = runtime.GOMAXPROCS(0)
	}
	if r.SourceBatch <= 0 {
		r.SourceBatch = 4096
	}
	if r.ProgressEvery <= 0 {
		r.ProgressEvery = time.Second
	}
	if r.Logger == nil {
		r.Logger = slog.Default()
	}
	if r.Restart == nil {
		r.Restart = NoRestart{}
	}
	if err := r.checkRestart(); err != nil {
		return Report{}, err
	}
	pl, err := plan.New(p)
	if err != nil {
		return Report{}, err
	}
	if r.Checkpoints.ships, err = r.openShipping(ctx); err != nil {
		return Report{}, err
	}
	if r.Checkpoints.Restore != "" {
		err = r.restore(ctx, pl)
	}
	if err != nil {
		return Report{}, errors.Join(err, r.Checkpoints.ships.close())
	}
	report, err := r.runAttempts(ctx, pl)
	r.tellDropped(p, report)
	if closing := r.Checkpoints.ships.close(); closing != nil {
		r.Logger.Warn("closing the object store", "failure", closing)
	}
	return report, err
}

func (r Runner) logger() *slog.Logger {
	if r.Logger == nil {
		return slog.Default()
	}
	return r.Logger
}

// Collect runs the pipeline of c and returns the elements of c, in no
// particular order. All of them are held in memory.
func Collect[T any](ctx context.Context, c model.PCollection[T]) ([]T, error) {
	var mu sync.Mutex
	var out []T
	transforms.ForEach(c, func(_ context.Context, e transforms.Element[T]) error {
		mu.Lock()
		defer mu.Unlock()
		out = append(out, e.Value)
		return nil
	})
	if err := Run(ctx, c.Pipeline()); err != nil {
		return nil, err
	}
	return out, nil
}
