package engine

import (
	"fmt"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/state"
)

// keyedAccess is a keyedOp as the Access of its calls.
type keyedAccess keyedOp

// Slot implements [state.Access].
func (a *keyedAccess) Slot(i int) state.Slot {
	return a.call.w.slots()[i]
}

// Change implements [state.Access].
func (a *keyedAccess) Change(i int) state.Slot {
	slots := a.call.w.slots()
	if slots[i] == nil {
		if n := len(a.free[i]); n > 0 {
			slots[i], a.free[i] = a.free[i][n-1], a.free[i][:n-1]
		} else {
			slots[i] = a.layout.Specs[i].New()
		}
	}
	return slots[i]
}

// Drop implements [state.Access].
func (a *keyedAccess) Drop(i int) {
	if slots := a.call.w.slots(); slots[i] != nil {
		(*keyedOp)(a).recycle(i, slots[i])
		slots[i] = nil
	}
}

// Wake implements [state.Access].
func (a *keyedAccess) Wake(c state.Clock, t model.Timestamp) {
	(*keyedOp)(a).expireAt(a.call.w, int(c), t)
}

// Time implements [state.Access].
func (a *keyedAccess) Time(c state.Clock) model.Timestamp {
	if c == state.ProcessingTime {
		return a.now
	}
	return max(a.call.at, a.watermark)
}

// Expiry implements [state.Access].
func (a *keyedAccess) Expiry() model.Timestamp {
	w := a.call.w
	e := a.strategy.Expiry(w.window)
	return min(e, w.look().horizon)
}

// SetTimer implements [state.Access].
func (a *keyedAccess) SetTimer(i int, tag string, s state.Setting) error {
	spec := a.layout.Timers[i]
	if err := a.refusal(spec, s); err != nil {
		return err
	}
	c := &a.call
	t := timer{cell: i, tag: tag, at: s.At, output: s.Output, fixed: true}
	switch {
	case s.HasOutput:
	case spec.Clock == state.ProcessingTime:
		t.output, t.fixed = c.meta.Timestamp, false
	default:
		t.output = max(min(s.At, c.w.window.MaxTimestamp()), c.meta.Timestamp)
	}
	g := (*keyedOp)(a)
	h := &g.rest(c.w).timers[spec.Clock]
	holds := s.HasOutput && (spec.Clock == state.ProcessingTime || s.Output < s.At) &&
		c.w.window.End > a.op.Watermark() // or it is late whatever is held
	if j := h.find(i, tag); j >= 0 {
		old := h.remove(j)
		switch {
		case old.hold == 0:
		case holds && old.output == t.output: // it goes on
			t.hold, holds = old.hold, false
		default:
			a.holds.live--
		}
	}
	if holds {
		g.holdAt(int(spec.Clock), &t)
	}
	h.set(t)
	return nil
}

// refusal is why a timer cannot be set so.
func (a *keyedAccess) refusal(spec state.TimerSpec, s state.Setting) error {
	c := &a.call
	w := c.w.window
	switch {
	case c.last:
		return fmt.Errorf("the timer %q cannot be set in OnWindowExpiration: its window is over", spec.Name)
	case spec.Clock == state.EventTime && s.At >= a.strategy.Expiry(w):
		return fmt.Errorf("the timer %q cannot be set for %v: its window %v expires at %v, and what is kept for it is then gone; set timers before state.Expiry only, and do what is left to do in OnWindowExpiration", spec.Name, s.At, w, a.strategy.Expiry(w))
	case s.HasOutput && s.Output < c.meta.Timestamp:
		return fmt.Errorf("the timer %q cannot emit at %v, before the timestamp of the call that sets it, %v: the watermark may have passed", spec.Name, s.Output, c.meta.Timestamp)
	case s.HasOutput && s.Output > max(w.MaxTimestamp(), c.meta.Timestamp):
		return fmt.Errorf("the timer %q cannot emit at %v, after its window %v", spec.Name, s.Output, w)
	}
	return nil
}

// ClearTimer implements [state.Access].
func (a *keyedAccess) ClearTimer(i int, tag string) {
	h := &a.call.w.look().timers[a.layout.Timers[i].Clock]
	if j := h.find(i, tag); j >= 0 {
		if h.remove(j).hold != 0 {
			a.holds.live--
		}
	}
}
