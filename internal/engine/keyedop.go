package engine

import (
	"fmt"

	"github.com/millrace/millrace/internal/engine/cells"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/state"
)

// keyedOp is the Receiver of a DoFn with state. Each key has its open windows, and
// each of those what the DoFn's cells hold and the timers that are set. A window is
// open while it has either.
//
// A window has at most one live entry in each queue, at the earliest time at which
// something is to be done: a timer fires, something expires, the window ends. Time
// stands still at the instant of an entry until all that is due then has been done,
// so that timers that user code sets on the way come in their order.
type keyedOp struct {
	op       *Op
	layout   *state.Layout
	of       *model.Windowing
	strategy model.WindowingStrategy
	merging  model.MergingWindowFn // nil if windows never merge
	expiring [2]bool               // by clock, whether some cell expires
	onTimer  func(*model.Meta, *KeyedFiring) error
	onExpiry func(*model.Meta, *KeyedFiring) error
	frame    *state.Frame
	rows     interface{ receive(batch any) }

	watermark, now model.Timestamp
	ending         bool // the watermark is beyond all time
	keys           *cells.Table
	byKey          []keyedWindows // by entry of keys
	open           int            // windows
	beyond         int            // firings beyond a horizon
	due            [2]keyedQueue  // by clock
	holds          keyedHolds

	call    keyedCall
	firing  KeyedFiring
	free    [][]state.Slot // for reuse, by cell
	windows keyedChunks
	rests   []*keyedRest // for reuse

	bounds, targets []model.Window // scratch
	merged          []*keyedWindow // scratch
}

// A keyedWindow is what is kept of a key and window. It lies in a keyedChunk, and is
// small: most memory of many a pipeline is made of these.
type keyedWindow struct {
	window model.Window
	// latest is the latest timestamp of an element.
	latest model.Timestamp
	// wake is when the queues next look at the window, never if not, and entry their
	// number for it.
	wake   [2]model.Timestamp
	entry  [2]uint32
	rest   *keyedRest // nil: nothing of it is needed yet
	chunk  *keyedChunk
	at     uint8 // in the chunk
	stored bool  // it is among the windows of its key
}

// A keyedRest is what only some windows need.
type keyedRest struct {
	timers [2]timerHeap // by clock
	// expires is when something in a cell does.
	expires [2]model.Timestamp
	// horizon is, once the input has ended, where a window without an end of its own
	// should come to one; never before. Beyond are the firings behind it.
	horizon model.Timestamp
	beyond  int
}

// noRest is that of a window which needs none yet. Nobody changes it.
var noRest = newKeyedRest()

func newKeyedRest() *keyedRest {
	return &keyedRest{expires: [2]model.Timestamp{never, never}, horizon: never}
}

// look is w's keyedRest, for a look.
func (w *keyedWindow) look() *keyedRest {
	if w.rest == nil {
		return noRest
	}
	return w.rest
}

// slots is what is in the window's cells; nil where one is empty.
func (w *keyedWindow) slots() []state.Slot {
	n := len(w.chunk.slots) / chunkWindows
	return w.chunk.slots[int(w.at)*n:][:n]
}

// A keyedCall is what the user's code is called for.
type keyedCall struct {
	k    cells.Entry
	w    *keyedWindow
	meta model.Meta
	at   model.Timestamp // event time
	last bool            // the window is expiring
}

// empty reports whether nothing is kept in w.
func (w *keyedWindow) empty() bool {
	for _, s := range w.slots() {
		if s != nil {
			return false
		}
	}
	r := w.look()
	return len(r.timers[0].items)+len(r.timers[1].items) == 0
}

// endless reports whether w has no end of its own.
func endless(w model.Window) bool { return w.End >= model.EndOfGlobalWindow }

// Receive implements [Receiver].
func (g *keyedOp) Receive(_ int, batch any) { g.rows.receive(batch) }

// take opens the call for an element of the call's key, which is to be processed in the
// window that it returns; nil if that has expired, and the element is dropped.
func (g *keyedOp) take(m *model.Meta) *keyedWindow {
	c := &g.call
	w := g.place(m.Window)
	if w == nil || g.op.Failed() {
		return nil
	}
	if w.window.End <= g.watermark {
		g.op.Counts.Late++
	} else {
		g.op.Counts.OnTime++
	}
	w.latest = max(w.latest, m.Timestamp)
	c.w, c.at, c.last = w, m.Timestamp, false
	c.meta.Window = w.window
	g.frame.Begin()
	return w
}

// place is the window w of the call's key, opened if it was not; nil if it has expired.
func (g *keyedOp) place(w model.Window) *keyedWindow {
	ks := &g.byKey[g.call.k]
	if g.merging != nil {
		return g.placeMerging(ks, w)
	}
	if g.strategy.Expiry(w) <= g.watermark {
		return nil
	}
	if o := ks.find(w); o != nil {
		return o
	}
	return g.newWindow(w)
}

// A loop of timers that never ends has fired patience times, and for one key
// keyPatience times of these.
const (
	patience    = 1 << 20
	keyPatience = 1 << 10
)

// fire fires the timers of w that are due, one after another.
func (g *keyedOp) fire(w *keyedWindow) {
	r := w.rest
	if r == nil {
		return
	}
	limit := patience + len(r.timers[0].items) + len(r.timers[1].items) // firings at one time
	var at model.Timestamp
	for n := 0; !g.op.Failed(); n++ {
		clock := state.EventTime
		t, ok := r.timers[clock].due(g.watermark)
		if !ok {
			clock = state.ProcessingTime
			if t, ok = r.timers[clock].due(g.now); !ok {
				return
			}
		}
		if t.at > at || n == 0 {
			at, n = t.at, 0
		}
		g.fireTimer(w, clock, t)
		if n == limit {
			g.op.Fail(&g.call.meta, g.firing, fmt.Errorf("its OnTimer has been called %d times without time moving on, for one key: it sets timers for a time that has come already, again and again", limit))
		}
	}
}

func (g *keyedOp) fireTimer(w *keyedWindow, clock state.Clock, t timer) {
	c := &g.call
	c.w, c.last = w, false
	c.meta = model.Meta{Timestamp: t.output, Window: w.window, Pane: model.NoPane}
	c.at = t.at
	if clock == state.ProcessingTime {
		if !t.fixed {
			c.meta.Timestamp = max(t.output, min(g.watermark, w.window.MaxTimestamp()))
		}
		c.at = c.meta.Timestamp
	}
	if t.hold != 0 {
		g.holds.live--
	}
	g.firing = KeyedFiring{keys: g.keys.Keys, k: c.k, Timer: g.layout.Timers[t.cell].Name, Tag: t.tag, At: t.at}
	g.callFiring(g.onTimer)
	if r := w.rest; clock == state.EventTime && t.at >= r.horizon {
		g.beyond++
		r.beyond++
		if r.beyond > keyPatience && g.beyond > patience {
			g.op.Fail(&c.meta, g.firing, fmt.Errorf("its timers have fired %d times since the input ended, for this key, and set others again and again; a timer that sets itself again must stop at state.Expiry, which for this key is %v", r.beyond, r.horizon))
		}
	}
}

// callFiring calls the user's code with the firing.
func (g *keyedOp) callFiring(f func(*model.Meta, *KeyedFiring) error) {
	c := &g.call
	g.op.Enter(&c.meta, &g.firing)
	g.frame.Begin()
	err := f(&c.meta, &g.firing)
	if misuse := g.frame.End(); err == nil {
		err = misuse
	}
	if err != nil {
		g.op.Fail(&c.meta, g.firing, err)
	}
}

// settle keeps the call's window if there is something in it, and lets it go if
// not.
func (g *keyedOp) settle(w *keyedWindow) {
	switch {
	case g.op.Failed():
	case !w.empty():
		if !w.stored {
			g.store(w)
		}
		g.schedule(w)
	case w.stored:
		g.remove(w)
	default:
		g.release(w)
		g.leave(g.call.k)
	}
}

// leave lets go of a key of which nothing is kept.
func (g *keyedOp) leave(k cells.Entry) {
	if g.byKey[k].len() == 0 {
		g.keys.Remove(k)
	}
}
