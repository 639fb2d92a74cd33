package engine

import (
	"github.com/millrace/millrace/internal/engine/cells"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/state"
)

// How keyedOp follows the two clocks.

// Advance looks at all that is due at or before watermark.
func (g *keyedOp) Advance(watermark model.Timestamp) {
	g.ending = watermark >= g.strategy.Expiry(model.GlobalWindow)
	for !g.op.Failed() {
		g.recall(state.EventTime, watermark)
		due, ok := g.due[state.EventTime].due(watermark)
		if !ok {
			break
		}
		g.watermark = max(g.watermark, min(due.at, watermark))
		g.look(&due, state.EventTime)
		g.relieve()
	}
	if g.op.Failed() {
		return
	}
	g.watermark = watermark
	if g.ending {
		g.endAll()
	}
}

// AdvanceProcessingTime fires what is due by now.
func (g *keyedOp) AdvanceProcessingTime(now model.Timestamp) {
	for !g.op.Failed() {
		g.recall(state.ProcessingTime, now)
		due, ok := g.due[state.ProcessingTime].due(now)
		if !ok {
			break
		}
		g.now = max(g.now, due.at)
		g.look(&due, state.ProcessingTime)
		g.relieve()
	}
	g.now = now
}

// NextProcessingTime is when a timer or an expiry is due.
func (g *keyedOp) NextProcessingTime() model.Timestamp {
	return min(g.due[state.ProcessingTime].next(), g.keys.NextDue(cells.ProcessingTime))
}

// look does what is due in the window that due is about, unless it has been queued
// for another time since.
func (g *keyedOp) look(due *keyedWakeup, clock state.Clock) {
	w := g.lookup(due.k, due.window)
	if w == nil || w.wake[clock] == never || w.entry[clock] != due.entry {
		return
	}
	g.keys.Touch(due.k)
	w.wake[clock] = never
	c := &g.call
	c.k, c.w = due.k, w
	g.end(w)
	g.fire(w)
	g.forget(w, false)
	if !g.op.Failed() && g.strategy.Expiry(w.window) <= g.watermark && !endless(w.window) {
		g.expire(w)
		return
	}
	g.settle(w)
}

// end says where w should come to an end, where it has none of its own and the
// input has ended.
func (g *keyedOp) end(w *keyedWindow) {
	if r := w.look(); g.ending && r.horizon == never && endless(w.window) {
		g.rest(w).horizon = max(w.latest, r.timers[state.EventTime].last()) + 1
	}
}

// forget lets go of what has expired in w's cells, which no call sees any more: at
// the latest when another eighth of the time that it was to last has passed. Last says that
// all is to be looked at now.
func (g *keyedOp) forget(w *keyedWindow, last bool) {
	times := [2]model.Timestamp{g.watermark, g.now}
	for clock, now := range times {
		if !g.expiring[clock] || !last && w.look().expires[clock] > now {
			continue
		}
		expires, slots := never, w.slots()
		for i, spec := range g.layout.Specs {
			if spec.TTL == 0 || int(spec.Clock) != clock || slots[i] == nil {
				continue
			}
			next := spec.Expire(slots[i], now)
			if slots[i].Empty() {
				g.recycle(i, slots[i])
				slots[i] = nil
				continue
			}
			// Each look at a cell of many values costs as much as they are many.
			expires = min(expires, max(next, now.Add(spec.TTL/8)))
		}
		if w.rest != nil {
			w.rest.expires[clock] = never
		}
		g.expireAt(w, clock, expires)
	}
}

// expire lets the call's window go, and tells the DoFn before.
func (g *keyedOp) expire(w *keyedWindow) {
	g.forget(w, true)
	if g.onExpiry != nil && !w.empty() {
		c := &g.call
		c.w, c.last = w, true
		c.at = w.window.MaxTimestamp()
		c.meta = model.Meta{Timestamp: c.at, Window: w.window, Pane: model.NoPane}
		g.firing = KeyedFiring{keys: g.keys.Keys, k: c.k, At: g.strategy.Expiry(w.window), expiry: true}
		g.callFiring(g.onExpiry)
		if g.op.Failed() {
			return
		}
	}
	g.remove(w)
}

// endAll lets go of all windows without an end of their own: the input has ended.
func (g *keyedOp) endAll() {
	c := &g.call
	for !g.op.Failed() && (g.keys.Len() > 0 || g.keys.RecallAny()) {
		var w *keyedWindow
		g.keys.Each(func(k cells.Entry) bool {
			g.keys.Touch(k)
			c.k, w = k, g.byKey[k].open()[0]
			return false
		})
		g.end(w)
		g.expire(w)
		g.relieve()
	}
}
