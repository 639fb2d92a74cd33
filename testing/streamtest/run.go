package streamtest

import (
	"context"
	"log/slog"
	"testing"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/runners/direct"
)

// An Option adjusts a [Run].
type Option func(*options)

type options struct {
	parallelism int
	run         func(context.Context, *model.Pipeline) error
}

// Parallelism runs the pipeline in n tasks per stage, in place of one per core.
// The panes are the same.
func Parallelism(n int) Option { return func(o *options) { o.parallelism = n } }

// RunBy runs the pipeline by run, in place of the direct runner: one that reads
// lockstep sources as source.Lockstep says. How much was dropped is not known then.
func RunBy(run func(context.Context, *model.Pipeline) error) Option {
	return func(o *options) { o.run = run }
}

// Run runs p, so that what was captured of it can be checked. A pipeline that
// fails, or has mistakes, fails the test at once.
//
// It may run a pipeline again, which plays its scripts and captures from the
// start; what the pipeline does outside of it is then done again, too.
func Run(t testing.TB, p *model.Pipeline, opts ...Option) {
	t.Helper()
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	out := &outcome{script: scriptOf(p)}
	for _, n := range p.Nodes() {
		if c, ok := n.Spec.(interface{ begin(*outcome) }); ok {
			c.begin(out)
		}
	}
	var err error
	if o.run != nil {
		err = o.run(t.Context(), p)
	} else {
		r := direct.Runner{Parallelism: o.parallelism, Logger: slog.New(slog.NewTextHandler(t.Output(), nil))}
		var report direct.Report
		report, err = r.Run(t.Context(), p)
		out.report = &report
	}
	switch {
	case err == nil:
	case p.Err() != nil:
		t.Fatalf("the pipeline has mistakes:\n%v", err)
	default:
		t.Fatalf("the pipeline failed %s:\n%v", out.where(), err)
	}
}

// An outcome is what is known of a run beside what was captured.
type outcome struct {
	script *script        // nil if the pipeline has none
	report *direct.Report // nil where the runner gives none
}

// where tells the step that is played.
func (o *outcome) where() string {
	if o.script == nil {
		return "while it ran"
	}
	step := o.script.current()
	return "at " + stepText(step, o.script.lines())
}

// A drop is what one grouping dropped.
type drop struct {
	grouping string
	elements int64
}

// drops are what the groupings before c dropped. It is false where that is not
// known.
func (o *outcome) drops(c *model.Collection) (drops []drop, known bool) {
	if o.report == nil {
		return nil, false
	}
	before := map[string]bool{}
	var visit func(*model.Collection)
	visit = func(c *model.Collection) {
		if before[c.Producer.Name] {
			return
		}
		before[c.Producer.Name] = true
		for _, in := range c.Producer.Inputs {
			visit(in)
		}
	}
	visit(c)
	for _, g := range o.report.Groupings {
		if g.Dropped > 0 && before[g.Name] {
			drops = append(drops, drop{g.Name, g.Dropped})
		}
	}
	return drops, true
}
