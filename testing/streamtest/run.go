package streamtest

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace/millrace/internal/engine"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/runners/direct"
)

// An Option adjusts a [Run].
type Option func(*options)

type options struct {
	parallelism int
	run         func(context.Context, *model.Pipeline) error
	bubble      bool
	stopAfter   time.Duration
}

// Parallelism runs the pipeline in n tasks per stage, in place of one per core.
// The panes are the same.
func Parallelism(n int) Option { return func(o *options) { o.parallelism = n } }

// RunBy runs the pipeline by run, in place of the direct runner: one that reads
// lockstep sources as source.Lockstep says. How much was dropped is not known then,
// and sources that never end are for run to stop.
func RunBy(run func(context.Context, *model.Pipeline) error) Option {
	return func(o *options) { o.run = run }
}

// BubbleClock plays the scripts by the clock of the testing/synctest bubble that
// the test is in, in place of one of their own: processing time starts at the
// bubble's, and Elapse waits, which takes no time there. It is for pipelines in
// which something else goes by package time, such as a source that polls; the
// package's doc says more. A step is played a nanosecond after the one before it.
func BubbleClock() Option { return func(o *options) { o.bubble = true } }

// StopAfter stops the sources once the run has lasted for d, so that one whose
// sources do not end has one. What they said until then is processed; windows that
// are still open do not fire. It waits for d, so it belongs into a testing/synctest
// bubble.
func StopAfter(d time.Duration) Option { return func(o *options) { o.stopAfter = d } }

// Run runs p, so that what was captured of it can be checked. A pipeline that
// fails, or has mistakes, fails the test at once. Unbounded sources that are not
// scripted are stopped when the scripts have ended.
//
// It may run a pipeline again, which plays its scripts and captures from the
// start; what the pipeline does outside of it is then done again, too.
func Run(t testing.TB, p *model.Pipeline, opts ...Option) {
	t.Helper()
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	out := &outcome{}
	for _, s := range scriptsOf(p) {
		if err := s.unended(); err != nil && p.Err() == nil {
			t.Fatal(err)
		}
		out.play = s.play
	}
	if o.bubble && !inBubble() {
		t.Fatal("BubbleClock outside of a bubble: run the test, or this part of it, by synctest.Test")
	}
	for _, n := range p.Nodes() {
		if c, ok := n.Spec.(interface{ begin(*outcome) }); ok {
			c.begin(out)
		}
	}
	err := o.runs(t, p, out)
	switch {
	case err == nil:
	case p.Err() != nil:
		t.Fatalf("the pipeline has mistakes:\n%v", err)
	default:
		t.Fatalf("the pipeline failed %s:\n%v", out.where(), err)
	}
}

// runs runs p, and notes in out what its runner reports.
func (o *options) runs(t testing.TB, p *model.Pipeline, out *outcome) error {
	t.Helper()
	stopped := make(chan struct{})
	stop := sync.OnceFunc(func() { close(stopped) })
	if out.play != nil {
		over := func() {}
		if endless(p) {
			over = stop
		}
		out.play.start(o.bubble, over)
		defer out.play.start(false, nil)
	}
	switch {
	case o.run != nil && o.stopAfter > 0:
		t.Fatal("StopAfter does not reach into a run by RunBy; stop it there")
	case o.run != nil:
		return o.run(t.Context(), p)
	case o.stopAfter > 0:
		defer time.AfterFunc(o.stopAfter, stop).Stop()
	}
	r := direct.Runner{Parallelism: o.parallelism, Stop: stopped, Logger: slog.New(slog.NewTextHandler(t.Output(), nil))}
	report, err := r.Run(t.Context(), p)
	out.report = &report
	if errors.Is(err, direct.ErrStopped) { // nobody else stops it
		return nil
	}
	return err
}

// endless reports whether p has sources that go on when its scripts have ended.
func endless(p *model.Pipeline) bool {
	for _, n := range p.Nodes() {
		_, scripted := n.Spec.(interface{ scriptOfStream() *Script })
		if src, ok := n.Spec.(engine.SourceSpec); ok && !scripted && !src.Bounded() {
			return true
		}
	}
	return false
}

// inBubble reports whether it is called in a bubble of testing/synctest.
func inBubble() (in bool) {
	defer func() { in = recover() == nil }()
	synctest.Wait() // panics elsewhere
	return true
}

// An outcome is what is known of a run beside what was captured.
type outcome struct {
	play   *play          // nil if the pipeline has no script
	report *direct.Report // nil where the runner gives none
}

// where tells the step that is played.
func (o *outcome) where() string {
	if o.play == nil {
		return "while it ran"
	}
	return "at " + stepText(o.play.current(), o.play.lines())
}
