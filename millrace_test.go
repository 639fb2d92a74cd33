package millrace

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"os"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
	"github.com/millrace/millrace/runners/direct"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/windowing"
)

// outcome is what a program would have printed and exited with.
type outcome struct {
	code           int
	stdout, stderr string
}

func main_(t *testing.T, build func(*model.Pipeline) error, signals <-chan os.Signal, args ...string) outcome {
	t.Helper()
	var stdout, stderr bytes.Buffer
	fs := flag.NewFlagSet("prog", flag.ContinueOnError)
	fs.SetOutput(&stderr)
	notify := func() (<-chan os.Signal, func()) { return signals, func() {} }
	code := run(build, fs, args, notify, &stdout, &stderr)
	return outcome{code, stdout.String(), stderr.String()}
}

func sums(p *model.Pipeline) error {
	transforms.CombineGlobally(transforms.Create(p, 1, 2, 3), transforms.Sum[int])
	return nil
}

func TestExitCodes(t *testing.T) {
	mistaken := func(p *model.Pipeline) error {
		c := transforms.Create(p, 1)
		transforms.Window(c, model.WindowingStrategy{Windows: windowing.Fixed{}})
		transforms.Map(c, (func(int) int)(nil))
		return nil
	}
	failing := func(p *model.Pipeline) error {
		transforms.TryMap(transforms.Create(p, 1), func(context.Context, int) (int, error) { return 0, errors.New("no such luck") })
		return nil
	}
	for _, tc := range []struct {
		name  string
		build func(*model.Pipeline) error
		args  []string
		code  int
		says  string // on stderr
	}{
		{"a run that ends well", sums, []string{"-progress=0"}, ExitOK, ""},
		{"a user function's error", failing, nil, ExitFailed, "TryMap: no such luck"},
		{"mistakes in the pipeline, all of them", mistaken, nil, ExitUsage, "2 mistakes"},
		{"mistakes are found by -explain, too", mistaken, []string{"-explain"}, ExitUsage, "function is nil"},
		{"a build error", func(*model.Pipeline) error { return errors.New("need -input") }, nil, ExitUsage, "need -input"},
		{"parallelism of zero", sums, []string{"-parallelism=0"}, ExitUsage, "at least 1"},
		{"parallelism of words", sums, []string{"-parallelism=2x"}, ExitUsage, "at least 1"},
		{"batches of nothing", sums, []string{"-source-batch=0"}, ExitUsage, "at least 1"},
		{"an unknown runner", sums, []string{"-runner=spark"}, ExitUsage, "allowed: direct"},
		{"a restart strategy that is none", sums, []string{"-restart=often"}, ExitUsage, "allowed: none, fixed, exponential, rate"},
		{"restarts without a state directory", sums, []string{"-restart=fixed,attempts=3,delay=10s"}, ExitUsage, "-restart needs -state-dir"},
		{"no restarts, without a state directory", sums, []string{"-restart=none"}, ExitOK, ""},
		{"a time-out of nothing", sums, []string{"-checkpoint-timeout=0s"}, ExitUsage, "at least 1ms"},
		{"fewer failures than none", sums, []string{"-checkpoint-failures=-1"}, ExitUsage, "at least 0"},
		{"no checkpoints kept", sums, []string{"-checkpoint-retain=0"}, ExitUsage, "at least 1"},
		{"an unknown flag", sums, []string{"-paralelism=2"}, ExitUsage, "not defined"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := main_(t, tc.build, nil, tc.args...)
			if got.code != tc.code || !strings.Contains(got.stderr, tc.says) {
				t.Errorf("exit code %d, want %d; stderr should contain %q:\n%s", got.code, tc.code, tc.says, got.stderr)
			}
		})
	}
}

func TestCheckpointFlags(t *testing.T) {
	var o Options
	fs := flag.NewFlagSet("prog", flag.ContinueOnError)
	o.AddFlags(fs)
	args := strings.Fields(`-state-dir=s -checkpoint-every=2s -checkpoint-pause=1s -checkpoint-timeout=3m -checkpoint-failures=4
		-checkpoint-retain=5 -restart=fixed,attempts=6,delay=7s -source-batch=8`)
	if err := fs.Parse(args); err != nil {
		t.Fatal(err)
	}
	want := Options{
		Runner: "direct", StateDir: "s", CheckpointEvery: 2 * time.Second, CheckpointPause: time.Second, CheckpointTimeout: 3 * time.Minute,
		CheckpointFailures: 4, CheckpointRetain: 5, Restart: direct.FixedDelay{Attempts: 6, Delay: 7 * time.Second},
		SourceBatch: 8,
	}
	if !reflect.DeepEqual(o, want) {
		t.Errorf("the flags set %+v, want %+v", o, want)
	}
	for _, c := range []struct{ set, want Restart }{{nil, direct.DefaultRestart()}, {direct.NoRestart{}, direct.NoRestart{}}} {
		if got := (Options{StateDir: "s", Restart: c.set}).restart(); got != c.want {
			t.Errorf("with a state directory, %v becomes %v", c.set, got)
		}
	}
	if got := (Options{}).restart(); got != nil {
		t.Errorf("without a state directory, the strategy is %v", got)
	}
}

func TestExplainPrintsThePlan(t *testing.T) {
	got := main_(t, sums, nil, "-explain")
	if got.code != ExitOK || !strings.Contains(got.stdout, "CombineGlobally") || !strings.HasPrefix(got.stdout, "stage 0") {
		t.Errorf("exit code %d, stdout:\n%s%s", got.code, got.stdout, got.stderr)
	}
}

// ticking never ends, and calls first when it is first read.
type ticking struct {
	bounded bool
	first   func()
}

func (s ticking) Bounded() bool { return s.bounded }
func (ticking) Splits(context.Context, int) ([]source.Split, error) {
	return []source.Split{{ID: "only"}}, nil
}
func (s ticking) Open(context.Context, source.Split) (source.Reader[int], error) {
	return &tickReader{first: s.first}, nil
}

type tickReader struct {
	n     int
	first func()
}

func (r *tickReader) Read(_ context.Context, _ int, emit func(*int, model.Timestamp)) (source.Status, error) {
	if r.n++; r.n == 1 {
		r.first()
	}
	emit(&r.n, model.Timestamp(r.n))
	return source.Status{}, nil
}
func (r *tickReader) Position() source.Split     { return source.Split{ID: "only"} }
func (r *tickReader) Watermark() model.Timestamp { return model.Timestamp(r.n) }
func (r *tickReader) Progress() source.Progress  { return source.Progress{} }
func (r *tickReader) Close() error               { return nil }

func TestSignals(t *testing.T) {
	for _, tc := range []struct {
		name    string
		bounded bool
		code    int
	}{
		{"end an unbounded run well", false, ExitOK},
		{"cut a bounded run short", true, 128 + int(syscall.SIGTERM)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			signals := make(chan os.Signal, 1)
			got := main_(t, func(p *model.Pipeline) error {
				transforms.Read(p, source.Source[int](ticking{tc.bounded, func() { signals <- syscall.SIGTERM }}))
				return nil
			}, signals)
			if got.code != tc.code || !strings.Contains(got.stderr, "stopping gracefully") {
				t.Errorf("exit code %d, want %d:\n%s", got.code, tc.code, got.stderr)
			}
		})
	}
}

func TestASecondSignalEndsAtOnce(t *testing.T) {
	signals := make(chan os.Signal, 2)
	got := main_(t, func(p *model.Pipeline) error {
		ticks := transforms.Read(p, source.Source[int](ticking{false, func() {
			signals <- os.Interrupt
			signals <- os.Interrupt
		}}))
		transforms.TryMap(ticks, func(ctx context.Context, n int) (int, error) {
			<-ctx.Done() // user code that hangs lets go when told to
			return 0, ctx.Err()
		})
		return nil
	}, signals)
	if got.code != 128+int(syscall.SIGINT) || !strings.Contains(got.stderr, "second signal") {
		t.Errorf("exit code %d:\n%s", got.code, got.stderr)
	}
}

// A program that hangs while it builds, or in user code that pays no heed to its
// context, can still be ended from the keyboard.
func TestSignalsEndTheProcessWhereNobodyWaitsForThem(t *testing.T) {
	signals := make(chan os.Signal, 2)
	var listening, restored bool
	second := make(chan struct{})
	notify := func() (<-chan os.Signal, func()) {
		listening = true
		return signals, func() {
			if !restored {
				restored = true
				close(second)
			}
		}
	}
	build := func(p *model.Pipeline) error {
		if listening {
			t.Error("signals are taken from the process while the pipeline is built")
		}
		ticks := transforms.Read(p, source.Source[int](ticking{false, func() {
			signals <- os.Interrupt
			signals <- os.Interrupt
		}}))
		transforms.Map(ticks, func(n int) int {
			<-second // and not for the context
			return n
		})
		return nil
	}
	fs := flag.NewFlagSet("prog", flag.ContinueOnError)
	var stderr bytes.Buffer
	if code := run(build, fs, nil, notify, &stderr, &stderr); code != 128+int(syscall.SIGINT) {
		t.Errorf("exit code %d:\n%s", code, stderr.String())
	}
}

func TestMainOfNothing(t *testing.T) {
	if got := main_(t, nil, nil); got.code != ExitUsage || !strings.Contains(got.stderr, "is nil") {
		t.Errorf("exit code %d:\n%s", got.code, got.stderr)
	}
}
