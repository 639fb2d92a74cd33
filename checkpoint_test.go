package millrace_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/millrace/millrace"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
	"github.com/millrace/millrace/model/state"
	"github.com/millrace/millrace/runners/direct"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/windowing"
)

// fixture is a folder with an input, for pipelines that count its words per second.
func fixture(t *testing.T, lines int) (folder string) {
	t.Helper()
	folder = t.TempDir()
	writeCrashInput(t, filepath.Join(folder, "in"), lines)
	return folder
}

func perSecond(p *model.Pipeline, folder string, each func(string) error) {
	perSecondUntil(p, folder, nil, each)
}

func perSecondUntil(p *model.Pipeline, folder string, stop <-chan struct{}, each func(string) error) {
	words := transforms.TryMap(crashInputUntil(p, folder, stop), func(_ context.Context, w string) (string, error) { return w, each(w) })
	put(folder, transforms.Count(transforms.Window(words, model.WindowingStrategy{Windows: windowing.Fixed{Size: time.Second}})))
}

func saved(folder string) millrace.Options {
	return millrace.Options{
		StateDir: filepath.Join(folder, "state"), CheckpointEvery: time.Millisecond, Parallelism: 2, SourceBatch: 16,
		Restart: direct.NoRestart{},
	}
}

func wantCommitted(t *testing.T, folder string) {
	t.Helper()
	input, err := os.ReadFile(filepath.Join(folder, "in"))
	if err != nil {
		t.Fatal(err)
	}
	undisturbed := t.TempDir()
	if err := os.WriteFile(filepath.Join(undisturbed, "in"), input, 0o666); err != nil {
		t.Fatal(err)
	}
	var p model.Pipeline
	perSecond(&p, undisturbed, func(string) error { return nil })
	if _, err := millrace.Run(t.Context(), &p, millrace.Options{}); err != nil {
		t.Fatal(err)
	}
	if got, want := committed(t, folder), committed(t, undisturbed); !slices.Equal(got, want) {
		t.Errorf("%d lines were committed, want %d: %s", len(got), len(want), firstDifference(got, want))
	}
}

func TestARunGoesOnFromWhereAStoppedOneWas(t *testing.T) {
	folder := fixture(t, 100_000)
	for stops := 0; ; stops++ {
		var read atomic.Int64
		stop := make(chan struct{})
		var p model.Pipeline
		perSecondUntil(&p, folder, stop, func(string) error {
			if read.Add(1) == 30_000 {
				close(stop)
			}
			return nil
		})
		o := saved(folder)
		o.Parallelism, o.Stop = 1+stops, stop
		_, err := millrace.Run(t.Context(), &p, o)
		if err == nil {
			if stops == 0 {
				t.Error("was never stopped")
			}
			break
		}
		if !errors.Is(err, millrace.ErrStopped) {
			t.Fatal(err)
		}
	}
	wantCommitted(t, folder)
}

func TestARunGoesOnFromTheLastCheckpointOfOneThatFailed(t *testing.T) {
	folder := fixture(t, 60_000)
	broken := errors.New("broken")
	for at := int64(20_000); ; at += 1_000_000 {
		var read atomic.Int64
		var p model.Pipeline
		perSecond(&p, folder, func(string) error {
			if read.Add(1) == at {
				return broken
			}
			return nil
		})
		_, err := millrace.Run(t.Context(), &p, saved(folder))
		if err == nil {
			break
		}
		if !errors.Is(err, broken) {
			t.Fatal(err)
		}
	}
	wantCommitted(t, folder)
	if hidden, _ := filepath.Glob(filepath.Join(folder, ".out*")); len(hidden) > 0 {
		t.Errorf("left behind: %v", hidden)
	}
}

// A run that fails every so often, and is started again in the same process, commits to
// files what one that never fails does.
func TestARunThatIsStartedAgainLosesAndDoublesNothing(t *testing.T) {
	folder := fixture(t, 60_000)
	broken := errors.New("broken")
	var read atomic.Int64
	var p model.Pipeline
	perSecond(&p, folder, func(string) error {
		if n := read.Add(1); n%30_000 == 0 && n < 200_000 {
			return broken
		}
		return nil
	})
	o := saved(folder)
	o.Restart = direct.FixedDelay{Attempts: 100, Delay: 1}
	report, err := millrace.Run(t.Context(), &p, o)
	if err != nil || report.Restart.Restarts == 0 || !errors.Is(report.Restart.LastFailure, broken) {
		t.Errorf("the report says %+v: %v", report.Restart, err)
	}
	wantCommitted(t, folder)
	if hidden, _ := filepath.Glob(filepath.Join(folder, ".out*")); len(hidden) > 0 {
		t.Errorf("left behind: %v", hidden)
	}
}

func TestAPipelineThatCameToItsEndIsNotRunAgain(t *testing.T) {
	folder := fixture(t, 1000)
	for range 2 {
		var p model.Pipeline
		perSecond(&p, folder, func(string) error { return nil })
		if _, err := millrace.Run(t.Context(), &p, saved(folder)); err != nil {
			t.Fatal(err)
		}
	}
	wantCommitted(t, folder)
}

func TestStateOfAnotherPipelineIsRefused(t *testing.T) {
	folder := fixture(t, 1000)
	var p model.Pipeline
	perSecond(&p, folder, func(string) error { return nil })
	if _, err := millrace.Run(t.Context(), &p, saved(folder)); err != nil {
		t.Fatal(err)
	}
	before := listing(t, filepath.Join(folder, "state"))
	var other model.Pipeline
	put(folder, transforms.Count(crashInput(&other, folder)))
	_, err := millrace.Run(t.Context(), &other, saved(folder))
	if err == nil || !strings.Contains(err.Error(), "state Count/CombinePerKey/pending: it was saved in windows fixed(1s), and they are now global") {
		t.Errorf("got %v", err)
	}
	if after := listing(t, filepath.Join(folder, "state")); !slices.Equal(before, after) {
		t.Errorf("the state had %v, and has %v", before, after)
	}
}

// State that was saved as one type is not read as another.
func TestStateOfAnotherTypeIsRefused(t *testing.T) {
	folder := fixture(t, 1000)
	build := func(p *model.Pipeline, mean bool) {
		lengths := transforms.Map(transforms.Window(crashInput(p, folder), model.WindowingStrategy{Windows: windowing.Fixed{Size: time.Second}}),
			func(w string) model.KV[string, float64] { return model.KVOf(w, float64(len(w))) })
		if mean {
			put(folder, transforms.CombinePerKey(lengths, transforms.Mean))
			return
		}
		put(folder, transforms.CombinePerKey(lengths, transforms.Sum))
	}
	stop := make(chan struct{})
	close(stop)
	var p, other model.Pipeline
	build(&p, false)
	o := saved(folder)
	o.Stop = stop
	if _, err := millrace.Run(t.Context(), &p, o); !errors.Is(err, millrace.ErrStopped) {
		t.Fatal(err)
	}
	build(&other, true)
	_, err := millrace.Run(t.Context(), &other, saved(folder))
	if err == nil || !strings.Contains(err.Error(), "CombinePerKey/pending: the type itself: incompatible, from float64 to transforms.") || !strings.Contains(err.Error(), "checkpoint_test.go:") {
		t.Errorf("got %v", err)
	}
}

// A run that is stopped before it begins has read nothing, however little there was to
// read: whether it is stopped does not depend on who comes first.
func TestARunThatIsStoppedBeforehandReadsNothing(t *testing.T) {
	stop := make(chan struct{})
	close(stop)
	for range 20 {
		folder := fixture(t, 1)
		var p model.Pipeline
		put(folder, crashInput(&p, folder))
		o := saved(folder)
		o.Stop = stop
		if _, err := millrace.Run(t.Context(), &p, o); !errors.Is(err, millrace.ErrStopped) {
			t.Fatal(err)
		}
		var again model.Pipeline
		put(folder, crashInput(&again, folder))
		if r, err := millrace.Run(t.Context(), &again, saved(folder)); err != nil || r.Sources[0].Elements != 1 {
			t.Fatalf("the run after it read %v, want a line: %v", r.Sources, err)
		}
	}
}

func TestWhatCannotBeSavedIsRefusedAtTheStart(t *testing.T) {
	folder := fixture(t, 10)
	var p model.Pipeline
	words := crashInput(&p, folder)
	funcs := transforms.Map(words, func(w string) func() string { return func() string { return w } }) // without encoding, and they wait
	total := transforms.CombineGlobally(transforms.Create(&p, 1, 2), transforms.Sum)
	put(folder, transforms.MapWith(funcs, transforms.AsSingleton(total), func(f func() string, n int) string { return fmt.Sprint(f(), n) }))
	_, err := millrace.Run(t.Context(), &p, saved(folder))
	if err == nil || !strings.Contains(err.Error(), "the element cannot be encoded") {
		t.Errorf("got %v", err)
	}
}

func listing(t *testing.T, folder string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		changed := info.ModTime()
		if d.Name() == "LOCK" { // which is taken to look
			changed = time.Time{}
		}
		names = append(names, fmt.Sprint(path, " ", info.Size(), " ", changed.UnixNano()))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// A timer of processing time that came due while nothing ran fires at the next start,
// though nothing arrives.
func TestAProcessingTimeTimerSurvivesARestart(t *testing.T) {
	folder := t.TempDir()
	run := func(source source.Source[string], until func(stop func()) *reminder) {
		stop := make(chan struct{})
		r := until(sync.OnceFunc(func() { close(stop) }))
		var p model.Pipeline
		keyed := transforms.KeyBy(transforms.Read(&p, source), func(s string) string { return s })
		transforms.ForEach(transforms.DoKeyed(keyed, r), func(context.Context, transforms.Element[string]) error {
			r.fired()
			return nil
		})
		o := millrace.Options{StateDir: filepath.Join(folder, "state"), CheckpointEvery: time.Hour, Stop: stop}
		if _, err := millrace.Run(t.Context(), &p, o); !errors.Is(err, millrace.ErrStopped) {
			t.Fatal(err)
		}
	}
	nothing := func() {}
	run(endless{"milk"}, func(stop func()) *reminder { return newReminder(stop, nothing) })
	fired := false
	run(endless{"milk"}, func(stop func()) *reminder {
		return newReminder(func() { t.Error("what was read is read again") }, func() { fired = true; stop() })
	})
	if !fired {
		t.Error("the timer has not fired")
	}
}

// endless is a source of some words, and then of nothing.
type endless []string

func (endless) Bounded() bool { return false }

func (e endless) Splits(context.Context, int) ([]source.Split, error) {
	return []source.Split{{ID: "all"}}, nil
}

func (e endless) Open(_ context.Context, s source.Split) (source.Reader[string], error) {
	return &endlessReader{e, len(s.Position)}, nil
}

type endlessReader struct {
	words endless
	at    int
}

func (r *endlessReader) Read(_ context.Context, _ int, emit func(*string, model.Timestamp)) (source.Status, error) {
	for ; r.at < len(r.words); r.at++ {
		emit(&r.words[r.at], 0)
	}
	return source.Status{ResumeAfter: time.Hour}, nil
}

func (r *endlessReader) Position() source.Split {
	return source.Split{ID: "all", Position: make([]byte, r.at)}
}
func (*endlessReader) Watermark() model.Timestamp { return model.MinTimestamp }
func (*endlessReader) Progress() source.Progress  { return source.Progress{} }
func (*endlessReader) Close() error               { return nil }

// reminder reminds of each element a moment later.
type reminder struct {
	at         state.ProcessingTimer
	set, fired func()
}

func newReminder(set, fired func()) *reminder {
	return &reminder{state.NewProcessingTimer("at"), set, fired}
}

func (r *reminder) Cells() []state.Cell { return []state.Cell{r.at} }

func (r *reminder) Process(_ context.Context, e *transforms.Keyed[string, string], _ transforms.Output[string]) error {
	r.at.Set(e, state.Now(e).Add(50*time.Millisecond))
	r.set()
	return nil
}

func (r *reminder) OnTimer(_ context.Context, f *transforms.Firing[string], out transforms.Output[string]) error {
	out.Emit(f.Key)
	return nil
}

func (r *reminder) OnWindowExpiration(context.Context, *transforms.Firing[string], transforms.Output[string]) error {
	return nil
}

// Whoever reads the output may take it away: what is committed is not asked for again.
func TestCommittedFilesMayBeTakenAway(t *testing.T) {
	folder := fixture(t, 60_000)
	lines := map[string]int{}
	for ended := false; !ended; {
		var read atomic.Int64
		stop := make(chan struct{})
		var p model.Pipeline
		perSecondUntil(&p, folder, stop, func(string) error {
			if read.Add(1) == 20_000 {
				close(stop)
			}
			return nil
		})
		o := saved(folder)
		o.Stop = stop
		_, err := millrace.Run(t.Context(), &p, o)
		if err != nil && !errors.Is(err, millrace.ErrStopped) {
			t.Fatal(err)
		}
		ended = err == nil
		for _, line := range committed(t, folder) {
			lines[line]++
		}
		files, err := filepath.Glob(filepath.Join(folder, "out*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			if err := os.Remove(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	for line, n := range lines {
		if n > 1 {
			t.Errorf("%s came %d times", line, n)
		}
	}
	if len(lines) < 1000 {
		t.Errorf("only %d lines came", len(lines))
	}
}
