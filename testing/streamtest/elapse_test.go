package streamtest_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/state"
	"github.com/millrace/millrace/testing/streamtest"
	"github.com/millrace/millrace/transforms"
)

// An alarm tells the time, so long after an element and as often as it is told to.
type alarm struct {
	after time.Duration
	left  state.Value[int]
	ring  state.ProcessingTimer
}

func newAlarm(after time.Duration) alarm {
	return alarm{after, state.NewValue[int]("left"), state.NewProcessingTimer("ring")}
}

func (a alarm) Cells() []state.Cell { return []state.Cell{a.left, a.ring} }

func (a alarm) Process(_ context.Context, e *transforms.Keyed[string, int], _ transforms.Output[string]) error {
	a.left.Set(e, e.Value)
	a.ring.SetAfter(e, a.after)
	return nil
}

func (a alarm) OnTimer(_ context.Context, f *transforms.Firing[string], out transforms.Output[string]) error {
	out.Emit(fmt.Sprintf("%s at %v", f.Key, f.At.Sub(0)))
	if left := a.left.Get(f) - 1; left > 0 {
		a.left.Set(f, left)
		a.ring.SetAfter(f, a.after)
	}
	return nil
}

func (a alarm) OnWindowExpiration(context.Context, *transforms.Firing[string], transforms.Output[string]) error {
	return nil
}

// snoozed is a pipeline whose timers set timers, in their own stage and in the next.
func snoozed(p *model.Pipeline) *streamtest.Captured[string] {
	alarms := streamtest.NewStream[model.KV[string, int]](p).
		Add(0, model.KVOf("a", 3), model.KVOf("b", 1)).
		Elapse(34 * time.Second).
		Elapse(time.Second).
		End()
	rung := transforms.DoKeyed(alarms, newAlarm(10*time.Second))
	again := transforms.Map(rung, func(s string) model.KV[string, int] { return model.KVOf(s+", again", 1) })
	return streamtest.Capture(transforms.Flatten(rung, transforms.DoKeyed(again, newAlarm(5*time.Second))))
}

// Elapse stops at each timer, whoever set it, and so what it sets is due in turn.
func TestElapseGoesFromTimerToTimer(t *testing.T) {
	want := []streamtest.Pane[string]{
		streamtest.Unfired(model.GlobalWindow,
			"a at 10s", "b at 10s", "a at 10s, again at 15s", "b at 10s, again at 15s",
			"a at 20s", "a at 20s, again at 25s", "a at 30s").AtStep(2),
		streamtest.Unfired(model.GlobalWindow, "a at 30s, again at 35s").AtStep(3),
	}
	for _, n := range []int{1, 2, 4} {
		var p model.Pipeline
		out := snoozed(&p)
		streamtest.Run(t, &p, streamtest.Parallelism(n))
		out.WantPanes(t, want...)
	}
}
