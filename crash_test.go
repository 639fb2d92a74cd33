package millrace_test

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace"
	"github.com/millrace/millrace/io/textio"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
	"github.com/millrace/millrace/model/state"
	"github.com/millrace/millrace/runners/direct"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/triggers"
	"github.com/millrace/millrace/windowing"
)

var kills = flag.Int("kills", 10, "how many processes are killed at most, for each pipeline")

// The processes that are killed are this test binary, started again with the name of
// a pipeline and its folder in the environment.
const (
	crashPipeline = "MILLRACE_CRASH_PIPELINE"
	crashFolder   = "MILLRACE_CRASH_FOLDER"
	crashAt       = "MILLRACE_CRASH_AT"
)

// killedAt is where this process kills itself; nil is nowhere.
var killedAt *crashPoint

func TestMain(m *testing.M) {
	if name := os.Getenv(crashPipeline); name != "" {
		os.Exit(runToBeKilled(crashPipelines[name], os.Getenv(crashFolder)))
	}
	os.Exit(m.Run())
}

func runToBeKilled(build crashing, folder string) int {
	var err error
	if killedAt, err = parseCrashPoint(os.Getenv(crashAt)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	var p model.Pipeline
	build(&p, folder)
	_, err = millrace.Run(context.Background(), &p, millrace.Options{
		StateDir: filepath.Join(folder, "state"), CheckpointEvery: 5 * time.Millisecond,
		Parallelism: 1 + rand.IntN(4), SourceBatch: 64,
		Restart: direct.NoRestart{}, // the next process does that
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// A crashing pipeline reads folder/in and writes folder/out-*.
type crashing func(p *model.Pipeline, folder string)

var crashPipelines = map[string]crashing{
	"fixed windows": func(p *model.Pipeline, folder string) {
		put(folder, transforms.Count(transforms.Window(crashInput(p, folder), model.WindowingStrategy{
			Windows: windowing.Fixed{Size: 10 * time.Second}, Lateness: time.Hour, Panes: model.Accumulating,
		})))
	},
	"sliding windows": func(p *model.Pipeline, folder string) {
		put(folder, transforms.Count(transforms.Window(crashInput(p, folder), model.WindowingStrategy{
			Windows: windowing.Sliding{Size: 30 * time.Second, Every: 10 * time.Second},
		})))
	},
	"sessions, counted by count": func(p *model.Pipeline, folder string) {
		sessions := transforms.Count(transforms.Window(crashInput(p, folder), model.WindowingStrategy{
			Windows: windowing.Sessions{Gap: 300 * time.Millisecond},
		}))
		put(folder, transforms.Count(transforms.Window(transforms.Values(sessions), model.WindowingStrategy{Windows: windowing.Global{}})))
	},
	"early panes, retracted": func(p *model.Pipeline, folder string) {
		put(folder, transforms.Count(transforms.Window(crashInput(p, folder), model.WindowingStrategy{
			Windows: windowing.Fixed{Size: 20 * time.Second}, Panes: model.Retracting, Lateness: time.Hour,
			Trigger: triggers.AfterWatermark{
				Early: triggers.Repeatedly{Trigger: triggers.AfterCount{N: 50}},
				Late:  triggers.Repeatedly{Trigger: triggers.AfterCount{N: 1}},
			},
		})))
	},
	"join": func(p *model.Pipeline, folder string) {
		keyed := transforms.KeyBy(transforms.Window(crashInput(p, folder), model.WindowingStrategy{
			Windows: windowing.Fixed{Size: time.Second},
		}), func(s string) string { return s })
		put(folder, transforms.Join(keyed, transforms.Distinct(keyed), func(k, a, b string) model.KV[string, int64] {
			return model.KVOf(k, int64(len(a)+len(b)))
		}))
	},
	"state and timers": func(p *model.Pipeline, folder string) {
		keyed := transforms.KeyBy(transforms.Window(crashInput(p, folder), model.WindowingStrategy{
			Windows: windowing.Fixed{Size: 5 * time.Second},
		}), func(s string) string { return s })
		put(folder, transforms.DoKeyed(keyed, newTally()))
	},
}

// crashInput is words, each at a time of its own, in order.
func crashInput(p *model.Pipeline, folder string) model.PCollection[string] {
	return crashInputUntil(p, folder, nil)
}

// crashInputUntil has no more words once stop is closed, though it has not come to its
// end: so that nothing but a stop ends the run.
func crashInputUntil(p *model.Pipeline, folder string, stop <-chan struct{}) model.PCollection[string] {
	text := gated{textio.Source(filepath.Join(folder, "in"), textio.Options{}), stop}
	lines := source.WithEventTime(text, timeOfLine, source.Monotonic())
	return transforms.Map(transforms.Read(p, lines), func(line string) string {
		killedAt.reach(atElement)
		_, word, _ := strings.Cut(line, " ")
		return word
	})
}

func timeOfLine(line string) model.Timestamp {
	ms, _, _ := strings.Cut(line, " ")
	n, err := strconv.ParseInt(ms, 10, 64)
	if err != nil {
		return model.MinTimestamp
	}
	return model.Timestamp(n * 1000)
}

func put[T any](folder string, c model.PCollection[T]) { putAs(folder, "out", c) }

func putAs[T any](folder, name string, c model.PCollection[T]) {
	lines := transforms.Do(c, transforms.DoFunc[T, string](func(_ context.Context, e transforms.Element[T], out transforms.Output[string]) error {
		mark := "+"
		if e.Pane.Retraction {
			mark = "-"
		}
		out.Emit(fmt.Sprintf("%s %v #%d %v", mark, e.Window, e.Pane.Index, e.Value))
		return nil
	}))
	transforms.Write(lines, killing{textio.Sink(filepath.Join(folder, name), textio.WriteOptions{}), killedAt})
}

// tally counts by hand: in a cell, told by a timer at the end of the window.
type tally struct {
	seen state.Value[int64]
	tell state.EventTimer
}

func newTally() *tally {
	return &tally{state.NewValue[int64]("seen"), state.NewEventTimer("tell")}
}

func (s *tally) Cells() []state.Cell { return []state.Cell{s.seen, s.tell} }

func (s *tally) Process(_ context.Context, e *transforms.Keyed[string, string], _ transforms.Output[model.KV[string, int64]]) error {
	s.seen.Set(e, s.seen.Get(e)+1)
	s.tell.Set(e, e.Window.MaxTimestamp())
	return nil
}

func (s *tally) OnTimer(_ context.Context, f *transforms.Firing[string], out transforms.Output[model.KV[string, int64]]) error {
	out.Emit(model.KVOf(f.Key, s.seen.Get(f)))
	return nil
}

// Processes are killed at random moments of their reading, and around the commits of
// their sinks, and started again, until one comes to its end. What they have committed by then is what one undisturbed run in memory writes.
func TestKilledProcessesLoseAndDoubleNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("enable with: go test -run Killed . (it starts and kills processes, and is left out by -short)")
	}
	input := filepath.Join(t.TempDir(), "in")
	writeCrashInput(t, input, 1_000_000)
	for name := range crashPipelines {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			if err := os.Symlink(input, filepath.Join(folder, "in")); err != nil {
				t.Fatal(err)
			}
			want := undisturbed(t, name, folder)
			killed, resumed := killUntilDone(t, name, folder)
			got := committed(t, folder)
			if !slices.Equal(got, want) {
				t.Errorf("after %d kills, %d lines were committed, and differ from the %d of an undisturbed run:\n%s", killed, len(got), len(want), firstDifference(got, want))
			}
			if resumed < min(3, *kills/2) {
				t.Errorf("of %d processes that were killed, only %d had gone on from a checkpoint", killed, resumed)
			}
			t.Logf("%d kills, %d of processes that had gone on from a checkpoint", killed, resumed)
		})
	}
}

func undisturbed(t *testing.T, name, folder string) []string {
	t.Helper()
	elsewhere := t.TempDir()
	input, err := os.Readlink(filepath.Join(folder, "in"))
	if err == nil {
		err = os.Symlink(input, filepath.Join(elsewhere, "in"))
	}
	if err != nil {
		t.Fatal(err)
	}
	var p model.Pipeline
	crashPipelines[name](&p, elsewhere)
	if _, err := millrace.Run(t.Context(), &p, millrace.Options{Parallelism: 1, SourceBatch: 64}); err != nil {
		t.Fatal(err)
	}
	return committed(t, elsewhere)
}

// killUntilDone returns how many processes it killed, and how many of these had gone
// on from a checkpoint.
func killUntilDone(t *testing.T, name, folder string) (killed, resumed int) {
	t.Helper()
	for {
		cmd := exec.Command(os.Args[0])
		point := ""
		if killed < *kills {
			point = drawCrashPoint(killed)
		}
		cmd.Env = append(os.Environ(), crashPipeline+"="+name, crashFolder+"="+folder, crashAt+"="+point)
		var out strings.Builder
		cmd.Stdout, cmd.Stderr = &out, &out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		err := cmd.Wait()
		if point != "" && err != nil && cmd.ProcessState.ExitCode() == -1 { // by a signal
			killed++
			if strings.Contains(out.String(), "going on from a checkpoint") {
				resumed++
			}
			continue
		}
		if err != nil {
			t.Fatalf("after %d kills: %v\n%s", killed, err, out.String())
		}
		return killed, resumed
	}
}

func writeCrashInput(t *testing.T, path string, n int) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriter(f)
	rng := rand.New(rand.NewPCG(1, 2))
	at := 0
	for range n {
		at += rng.IntN(3)
		fmt.Fprintf(w, "%d w%d\n", at, rng.IntN(500))
	}
	if err := errors.Join(w.Flush(), f.Close()); err != nil {
		t.Fatal(err)
	}
}

// committed are the lines of the files that can be seen, sorted.
func committed(t *testing.T, folder string) (lines []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "out*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, strings.FieldsFunc(string(b), func(r rune) bool { return r == '\n' })...)
	}
	slices.Sort(lines)
	return lines
}

func firstDifference(got, want []string) string {
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			return "missing: " + want[i]
		case i >= len(want):
			return "too many: " + got[i]
		case got[i] != want[i]:
			return fmt.Sprintf("line %d is %q, want %q", i, got[i], want[i])
		}
	}
	return "none"
}
