package direct_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace/millrace/internal/engine"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/sink"
	"github.com/millrace/millrace/model/source"
	"github.com/millrace/millrace/runners/direct"
	"github.com/millrace/millrace/transforms"
)

// User code that is not called with an element may panic, too. The run ends with an
// error that names the transform, and with all let go.

func TestAPanicInCommitIsAnErrorOfTheRun(t *testing.T) {
	var p model.Pipeline
	src := &numbers{n: 10}
	first, second := &ledger{panicAt: "Commit"}, &ledger{}
	c := src.read(&p)
	transforms.Write(c, first, model.Name("First"))
	transforms.Write(c, second, model.Name("Second"))
	_, err := direct.Runner{Parallelism: 2}.Run(t.Context(), &p)
	if err == nil || !strings.Contains(err.Error(), "First: committing: panic: the sink's Commit went wrong") {
		t.Errorf("the run returned %v", err)
	}
	settled(t, src, second)
	if len(second.aborts) == 0 {
		t.Error("what the other sink had prepared was neither committed nor aborted")
	}
}

func TestAPanicInAbortHidesNoError(t *testing.T) {
	var p model.Pipeline
	src := &numbers{n: 10}
	first, second := &ledger{panicAt: "Abort"}, &ledger{prepareErr: errSink}
	c := src.read(&p)
	transforms.Write(c, first, model.Name("First"))
	transforms.Write(c, second)
	_, err := direct.Runner{Parallelism: 2}.Run(t.Context(), &p)
	if !errors.Is(err, errSink) || !strings.Contains(err.Error(), "First: removing what was not committed: panic: the sink's Abort went wrong") {
		t.Errorf("the run returned %v", err)
	}
}

func TestAPanicInProgressIsAnErrorOfTheRun(t *testing.T) {
	var p model.Pipeline
	src, out := &numbers{n: 10, panicAt: "Progress"}, &ledger{}
	transforms.Write(src.read(&p), out)
	_, err := direct.Runner{Parallelism: 2}.Run(t.Context(), &p)
	var e *engine.UserError
	if !errors.As(err, &e) || !e.Panic || e.Transform != "Numbers" {
		t.Errorf("the run returned %v, want a panic in Numbers", err)
	}
	settled(t, src, out)
}

type brokenInstance struct{}

func (brokenInstance) Instance() transforms.DoFn[int, int] { panic("no instance") }
func (brokenInstance) Process(context.Context, transforms.Element[int], transforms.Output[int]) error {
	return nil
}

func TestAPanicWhileTasksAreMadeIsAnErrorOfTheRun(t *testing.T) {
	var p model.Pipeline
	src, out := &numbers{n: 10}, &ledger{}
	transforms.Write(src.read2(&p), out)
	c := transforms.Do(src.read(&p), brokenInstance{}, model.Name("Broken"))
	transforms.CombineGlobally(c, transforms.Counting)
	_, err := direct.Runner{Parallelism: 2}.Run(t.Context(), &p)
	var e *engine.UserError
	if !errors.As(err, &e) || !e.Panic || e.Transform != "Broken" {
		t.Errorf("the run returned %v, want a panic in Broken", err)
	}
	settled(t, src, out)
}

// FailNow of a test ends the goroutine that it is called in, and with it a worker.
func TestAFunctionThatEndsItsGoroutineEndsTheRun(t *testing.T) {
	for _, parallelism := range []int{1, 3} {
		var p model.Pipeline
		src, out := &numbers{n: 1000, splits: 4}, &ledger{}
		transforms.Write(transforms.Map(src.read(&p), func(v int) int {
			if v == 437 {
				runtime.Goexit()
			}
			return v
		}, model.Name("Test")), out)
		_, err := direct.Runner{Parallelism: parallelism}.Run(t.Context(), &p)
		var e *engine.UserError
		if !errors.As(err, &e) || e.Transform != "Test" || e.Element != "437" || !strings.Contains(err.Error(), "runtime.Goexit") {
			t.Errorf("with %d workers, the run returned %v", parallelism, err)
		}
		settled(t, src, out)
	}
}

type nothing struct{ numbers }

func (*nothing) Open(context.Context, source.Split) (source.Reader[int], error) { return nil, nil }

type nowhere struct{ ledger }

func (*nowhere) Open(context.Context, sink.Shard) (sink.Writer[int], error) { return nil, nil }

func TestAConnectorThatOpensNothingIsTold(t *testing.T) {
	var p model.Pipeline
	transforms.Read(&p, &nothing{numbers{n: 10}})
	_, err := direct.Runner{}.Run(t.Context(), &p)
	const reader = "Read: reading split 0: opening: the source returned neither a reader nor an error"
	if err == nil || !strings.HasSuffix(err.Error(), reader) {
		t.Errorf("the run returned %v, want ... %s", err, reader)
	}
	var q model.Pipeline
	transforms.Write(transforms.Create(&q, 1), &nowhere{})
	_, err = direct.Runner{Parallelism: 1}.Run(t.Context(), &q)
	const writer = "Write: opening shard 0 of 1: the sink returned neither a writer nor an error"
	if err == nil || !strings.HasSuffix(err.Error(), writer) {
		t.Errorf("the run returned %v, want ... %s", err, writer)
	}
}

func TestAPanicInTheProgressFunctionIsAnErrorOfTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, at := range []string{"while it runs", "at its end"} {
			var p model.Pipeline
			src, calls := &numbers{n: 10, unbounded: at == "while it runs"}, 0
			src.read(&p)
			runner := direct.Runner{Parallelism: 2, ProgressEvery: time.Hour, Progress: func(direct.Report) {
				if calls++; calls == 1 {
					panic("no progress")
				}
			}}
			_, err := runner.Run(t.Context(), &p)
			if err == nil || !strings.Contains(err.Error(), "calling Runner.Progress: panic: no progress") {
				t.Errorf("%s: the run returned %v", at, err)
			}
		}
	})
}
