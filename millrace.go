// Package millrace starts pipelines: it is what a program's main calls. It has
// the flags, the signals, the log and the exit codes; the pipeline itself is
// built with packages model, transforms, windowing and the connectors under io.
//
// It is the top layer, and imports everything; nothing of the module imports it.
// Its invariant: a pipeline with a mistake never starts, and every way a run can
// end has an exit code of its own.
package millrace

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/runners/direct"
)

// A Report is how far a run is, or was when it ended.
type Report = direct.Report

// A GroupingReport is what a grouping made of its elements.
type GroupingReport = direct.GroupingReport

// A Restart is one of the strategies of package direct, such as [direct.FixedDelay].
type Restart = direct.Restart

// ErrStopped is what Run returns after a graceful stop.
var ErrStopped = direct.ErrStopped

// Options say how to run a pipeline. The zero Options run it in this process on
// all cores.
type Options struct {
	// Runner is "direct", which "" means too: this process.
	Runner string
	// Parallelism is how many tasks each stage has; 0 is one per core. Results do
	// not depend on it.
	Parallelism int
	// SourceBatch is how many elements are read before the watermark follows; 0
	// leaves it to the runner. 1 is exact about what is late, and costs more.
	SourceBatch int
	// Progress, if set, is called every ProgressEvery, and once at the end.
	Progress      func(Report)
	ProgressEvery time.Duration
	// Logger is told of what goes on, and at the end of what was dropped as too late; nil
	// is slog.Default.
	Logger *slog.Logger
	// Stop, when closed, ends the run gracefully, as [direct.Runner] says.
	Stop <-chan struct{}
	// StateDir is where the run keeps its checkpoints; a run that finds some goes on
	// from the newest. "" keeps everything in memory only.
	StateDir string
	// CheckpointEvery is the time between two checkpoints; 0 is 10 s.
	CheckpointEvery time.Duration
	// CheckpointPause is the least time from the end of one to the beginning of the next.
	CheckpointPause time.Duration
	// CheckpointTimeout is how long one may take before it has failed; 0 is 10 min.
	CheckpointTimeout time.Duration
	// CheckpointFailures is how many in a row may fail without the run failing.
	CheckpointFailures int
	// CheckpointRetain is how many are kept; 0 is 2.
	CheckpointRetain int
	// Restore is a savepoint or another checkpoint, or a state directory that has some, to
	// begin from: it is copied to StateDir, which must not have state. Or it is the URL that
	// checkpoints were shipped to; #NAME or #NUMBER at its end names another than the newest.
	Restore string
	// CheckpointShip is the URL of an object store that checkpoints are shipped to, for the
	// loss of the machine; docs/shipping.md has what the program is to import.
	CheckpointShip string
	// CommitShipped has sinks commit only what is in a checkpoint that was shipped.
	CommitShipped bool
	// Restart says whether a run that failed is started again, and when: with a state
	// directory, nil is [direct.DefaultRestart]. Without one, the first failure ends it.
	Restart Restart
	// AllowDroppedState says that what is in StateDir and nothing in the pipeline claims
	// any more, by its name, is to be lost. Otherwise the pipeline is not started.
	AllowDroppedState bool
	// AllowChangedIO says that sources and sinks may be at another place, or of another form,
	// than those that the state in StateDir was made with, as where files were moved: they
	// are read on there, and written there from now on. Otherwise the pipeline is not started.
	AllowChangedIO bool
	// StateMemory is about how many bytes of what the state directory holds are kept in
	// memory: of cells by key, those that are used; docs/checkpoints.md says which are
	// not counted. 0 is 1 GiB.
	StateMemory int64
}

// AddFlags defines the flags that set o, with its present values as defaults. It
// panics, as package flag does, if fs has a flag of one of their names already.
func (o *Options) AddFlags(fs *flag.FlagSet) {
	if o.Runner == "" {
		o.Runner = "direct"
	}
	fs.Func("runner", "what runs the pipeline: direct (this process) (default direct)", func(s string) error {
		if err := checkRunner(s); err != nil {
			return err
		}
		o.Runner = s
		return nil
	})
	fs.Func("parallelism", "tasks per stage, at least 1 (default one per core)", func(s string) error {
		var n int
		if _, err := fmt.Sscanf(s, "%d", &n); err != nil || n < 1 || fmt.Sprint(n) != s {
			return errors.New("it must be a whole number, at least 1")
		}
		o.Parallelism = n
		return nil
	})
	batch := "some thousand"
	if o.SourceBatch > 0 {
		batch = fmt.Sprint(o.SourceBatch)
	}
	countFlag(fs, &o.SourceBatch, "source-batch", "elements that are read before the watermark follows, at least 1, which is exact about what is late and costs more (default "+batch+")", 1)
	fs.StringVar(&o.StateDir, "state-dir", o.StateDir, "`folder` for the pipeline's state and checkpoints, to go on from if it has some; none keeps all in memory")
	fs.BoolVar(&o.AllowDroppedState, "allow-dropped-state", o.AllowDroppedState, "lose the state that nothing in the pipeline claims any more")
	fs.BoolVar(&o.AllowChangedIO, "allow-changed-io", o.AllowChangedIO, "go on though input or output is elsewhere, or of another form, than the state was made with")
	o.addCheckpointFlags(fs)
}

func checkRunner(name string) error {
	if name != "" && name != "direct" {
		return fmt.Errorf("unknown runner %q, allowed: direct", name)
	}
	return nil
}

// Run runs p until its sources end, ctx is done, or something fails.
// Construction mistakes are reported before anything starts.
func Run(ctx context.Context, p *model.Pipeline, o Options) (Report, error) {
	if err := checkRunner(o.Runner); err != nil {
		return Report{}, err
	}
	if err := p.Err(); err != nil {
		return Report{}, &MistakesError{err}
	}
	return o.direct().Run(ctx, p)
}

// direct is the direct runner with these options.
func (o Options) direct() direct.Runner {
	return direct.Runner{
		Parallelism:   o.Parallelism,
		SourceBatch:   o.SourceBatch,
		Progress:      o.Progress,
		ProgressEvery: o.ProgressEvery,
		Logger:        o.Logger,
		Stop:          o.Stop,
		Checkpoints:   o.checkpoints(),
		Restart:       o.restart(),
	}
}

// A MistakesError is what Run returns for a pipeline with construction mistakes.
type MistakesError struct{ Err error }

func (e *MistakesError) Error() string {
	n := strings.Count(e.Err.Error(), "\n") + 1
	if n == 1 {
		return "the pipeline has a mistake and was not started:\n" + e.Err.Error()
	}
	return fmt.Sprintf("the pipeline has %d mistakes and was not started:\n%v", n, e.Err)
}

func (e *MistakesError) Unwrap() error { return e.Err }

// Explain prints the stages that p is run as, and how often what each sink is given
// takes effect: exactly, at least or at most once, and why.
func Explain(p *model.Pipeline) (string, error) { return Options{}.Explain(p) }

// Explain is [Explain] for a run with these options.
func (o Options) Explain(p *model.Pipeline) (string, error) {
	if err := p.Err(); err != nil {
		return "", &MistakesError{err}
	}
	return o.direct().Explain(p)
}

// Exit codes of Main. A run that a signal stopped before its bounded input ended
// exits with 128 plus the signal's number; one over unbounded input, which ends
// in no other way, and one that was asked to end by the command millrace, with ExitOK.
const (
	ExitOK     = 0
	ExitFailed = 1
	ExitUsage  = 2 // a wrong flag, or a mistake in the pipeline
)

// Main is a program's main: it parses the command line, has build build the
// pipeline, runs it, and exits. The program's own flags are defined with package
// flag before, under other names than Main's, and are set when build is called. Main adds
//
//	-runner NAME       what runs the pipeline
//	-parallelism N     tasks per stage
//	-source-batch N    elements that are read before the watermark follows
//	-state-dir DIR     keep state and checkpoints there
//	-checkpoint-every D
//	-checkpoint-pause D, -checkpoint-timeout D, -checkpoint-failures N, -checkpoint-retain N
//	-state-memory BYTES
//	-restore PATH      begin from a savepoint, or another checkpoint; a path or a URL
//	-checkpoint-ship URL, -commit-shipped
//	-restart STRATEGY  what to do about a failure
//	-allow-dropped-state
//	-explain           print the plan and exit
//	-plan-diff         print what would become of the state, and exit
//	-progress D        log progress this often; 0 is never
//	-log-level LEVEL   debug, info, warn or error
//	-log-json          log as JSON
//
// The first SIGINT or SIGTERM stops the run gracefully; a second one ends it as soon as
// user code returns, whose context is done then; a third one ends the process where it
// is, and so does any while build is at work.
func Main(build func(p *model.Pipeline) error) {
	os.Exit(run(build, flag.CommandLine, os.Args[1:], notify, os.Stdout, os.Stderr))
}

// notify has signals delivered until restore is called: from then on they end the
// process, as they do before.
func notify() (signals <-chan os.Signal, restore func()) {
	c := make(chan os.Signal, 2)
	signal.Notify(c, os.Interrupt, syscall.SIGTERM)
	return c, func() { signal.Stop(c) }
}

func run(build func(*model.Pipeline) error, fs *flag.FlagSet, args []string, notify func() (<-chan os.Signal, func()), stdout, stderr io.Writer) int {
	if build == nil {
		fmt.Fprintln(stderr, "millrace.Main: the function that builds the pipeline is nil")
		return ExitUsage
	}
	if err := taken(fs); err != nil {
		fmt.Fprintln(stderr, err)
		return ExitUsage
	}
	o, m := mainDefaults()
	m.addTo(fs, &o)
	if err := fs.Parse(args); err != nil { // a FlagSet that exits does not get here
		if errors.Is(err, flag.ErrHelp) {
			return ExitOK
		}
		return ExitUsage
	}
	if err := o.checkFlags(); err != nil {
		fmt.Fprintln(stderr, err)
		return ExitUsage
	}
	logger := m.logger(stderr)
	var p model.Pipeline
	if err := built(build, &p); err != nil {
		fmt.Fprintln(stderr, err)
		return ExitUsage
	}
	if m.explain {
		text, err := o.Explain(&p)
		if err != nil {
			fmt.Fprintln(stderr, err)
			return ExitUsage
		}
		fmt.Fprint(stdout, text)
		return ExitOK
	}
	o.Logger = logger
	if m.planDiff {
		return printDiff(&p, o, stdout, stderr)
	}
	if m.progress > 0 {
		o.ProgressEvery = m.progress
		o.Progress = func(r Report) { logger.Info("progress", "report", r.String()) }
	}
	return supervise(&p, o, notify, stderr)
}

// supervise runs p under the program's signals and turns the outcome into an
// exit code.
func supervise(p *model.Pipeline, o Options, notify func() (<-chan os.Signal, func()), stderr io.Writer) int {
	signals, restore := notify()
	defer restore()
	sctx := WatchSignals(context.Background(), o.Logger, signals)
	defer sctx.Release()
	// User code may pay no heed to the second signal: a third ends the process.
	defer context.AfterFunc(sctx.Context, restore)()
	o.Stop = sctx.Stop
	_, err := Run(sctx.Context, p, o)
	var mistakes *MistakesError
	switch {
	case err == nil:
		return ExitOK
	case errors.As(err, &mistakes):
		fmt.Fprintln(stderr, err)
		return ExitUsage
	case errors.Is(err, ErrStopped) && (unbounded(p) || sctx.Signal() == nil): // as it was asked to
		return ExitOK
	}
	fmt.Fprintln(stderr, err)
	if s, ok := sctx.Signal().(syscall.Signal); ok {
		return 128 + int(s)
	}
	return ExitFailed
}

func unbounded(p *model.Pipeline) bool {
	for _, c := range p.Collections() {
		if c.Unbounded {
			return true
		}
	}
	return false
}
