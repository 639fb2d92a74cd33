package transforms_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/state"
	"github.com/millrace/millrace/testing/streamtest"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/windowing"
)

type (
	keyedOrder = transforms.Keyed[string, int]
	firing     = transforms.Firing[string]
	lines      = transforms.Output[string]
)

// remembering is a KeyedDoFn of functions.
type remembering struct {
	cells   []state.Cell
	process func(e *keyedOrder, out lines)
}

func (r remembering) Cells() []state.Cell { return r.cells }

func (r remembering) Process(_ context.Context, e *keyedOrder, out lines) error {
	if r.process != nil {
		r.process(e, out)
	}
	return nil
}

// timed is one with timers.
type timed struct {
	remembering
	onTimer func(f *firing, out lines)
}

func (d timed) OnTimer(_ context.Context, f *firing, out lines) error {
	d.onTimer(f, out)
	return nil
}

// closing is one that is told when a window expires.
type closing struct {
	remembering
	onExpiry func(f *firing, out lines)
}

func (d closing) OnWindowExpiration(_ context.Context, f *firing, out lines) error {
	d.onExpiry(f, out)
	return nil
}

// whole has both.
type whole struct {
	timed
	onExpiry func(f *firing, out lines)
}

func (d whole) OnWindowExpiration(_ context.Context, f *firing, out lines) error {
	d.onExpiry(f, out)
	return nil
}

var (
	_   transforms.KeyedDoFn[string, int, string] = remembering{}
	buy                                           = model.KVOf[string, int]
)

// script begins a stream of orders.
func orderScript(p *model.Pipeline) *streamtest.Stream[order] { return streamtest.NewStream[order](p) }

// byMinute cuts c into minutes.
func byMinute(c orders, lateness time.Duration) orders {
	return transforms.Window(c, model.WindowingStrategy{Windows: windowing.Fixed{Size: time.Minute}, Lateness: lateness, Panes: model.Accumulating})
}

func fromTo(from, to model.Timestamp) model.Window {
	return model.Window{Start: from * second, End: to * second}
}

var (
	everything  = model.GlobalWindow
	firstMinute = fromTo(0, 60)
)

// unfired are values that come out in one step, as they are made.
func unfired(step int, w model.Window, values ...string) streamtest.Pane[string] {
	return streamtest.Unfired(w, values...).AtStep(step)
}

// plays builds a pipeline and checks what comes out of it, with several numbers of
// tasks.
func plays(t *testing.T, build func(p *model.Pipeline) model.PCollection[string], want ...streamtest.Pane[string]) {
	t.Helper()
	for _, n := range []int{1, 2, 4} {
		var p model.Pipeline
		out := streamtest.Capture(build(&p))
		streamtest.Run(t, &p, streamtest.Parallelism(n))
		out.WantPanes(t, want...)
		if t.Failed() {
			t.Fatalf("with %d tasks", n)
		}
	}
}

// at tells a time in seconds.
func at(t model.Timestamp) string { return fmt.Sprintf("%gs", float64(t)/float64(second)) }
