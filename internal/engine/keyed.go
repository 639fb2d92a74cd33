package engine

import (
	"fmt"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/state"
)

// A KeyedSpec is the ExchangeSpec of a user's DoFn with state and timers.
type KeyedSpec[K comparable, V any] struct {
	Hash   func(*K) uint64
	Layout *state.Layout
	// Calls returns, for one task, what calls the user's code, which emits to outs
	// and reaches its cells through s.
	Calls func(op *Op, outs [][]any, s state.Scope) KeyedCalls[K, V]
}

// KeyedCalls call a user's DoFn. Pointers hold during the call only. M is where
// what is emitted stands.
type KeyedCalls[K comparable, V any] struct {
	Process func(m *model.Meta, e *KeyedElement[K, V]) error
	// OnTimer is nil where the DoFn has no timers.
	OnTimer func(m *model.Meta, f *KeyedFiring[K]) error
	// OnExpiry is nil where the DoFn does not want to know.
	OnExpiry func(m *model.Meta, f *KeyedFiring[K]) error
}

// A KeyedElement is an element on its way to, and at, the task that owns its key.
type KeyedElement[K comparable, V any] struct {
	Hash  uint64
	Key   K
	Meta  model.Meta // in its one window
	Value V
}

// AnyKey is the key.
func (e KeyedElement[K, V]) AnyKey() any { return e.Key }

func (e KeyedElement[K, V]) String() string { return model.KVOf(e.Key, e.Value).String() }

// A KeyedFiring is a timer that fires, or a window that expires.
type KeyedFiring[K comparable] struct {
	Key    K
	Timer  string // "" where the window expires
	Tag    string
	At     model.Timestamp
	expiry bool
}

// AnyKey is the key.
func (f KeyedFiring[K]) AnyKey() any { return f.Key }

func (f KeyedFiring[K]) String() string {
	switch {
	case f.expiry:
		return "the expiry of the window"
	case f.Tag != "":
		return fmt.Sprintf("the timer %q, tag %q, at %v", f.Timer, f.Tag, f.At)
	}
	return fmt.Sprintf("the timer %q at %v", f.Timer, f.At)
}

// Sender implements [ExchangeSpec]: an element goes over once for each of its
// windows, since state is kept by window.
func (s KeyedSpec[K, V]) Sender(op *Op, port int) any {
	out := newOutlet[KeyedElement[K, V]](op, port)
	hash := s.Hash
	return Explode(op, op.Node.Inputs[port].Windowing, Emit[model.KV[K, V]](func(m *model.Meta, kv *model.KV[K, V]) {
		h := hash(&kv.Key)
		r := out.row(h)
		r.Hash, r.Key, r.Meta, r.Value = h, kv.Key, *m, kv.Value
	}))
}

// Receiver implements [ExchangeSpec].
func (s KeyedSpec[K, V]) Receiver(op *Op, outs [][]any) Receiver {
	w := windowingOf(op.Node)
	g := &keyedOp[K, V]{
		op:        op,
		layout:    s.Layout,
		strategy:  w.Strategy,
		watermark: model.MinTimestamp,
		now:       model.MinTimestamp,
		late:      lateOut[K, V](op, outs),
		free:      make([][]state.Slot, len(s.Layout.Specs)),
	}
	g.keys, g.paged = openPaged[K](op, "cells", g.encoding, g)
	for _, spec := range s.Layout.Specs {
		if spec.TTL > 0 {
			g.expiring[spec.Clock] = true
		}
	}
	if !w.Grouped {
		g.merging, _ = w.Strategy.Windows.(model.MergingWindowFn)
	}
	g.frame = state.NewFrame(s.Layout, (*keyedAccess[K, V])(g))
	g.calls = s.Calls(op, outs, g.frame)
	finish := op.finish
	op.OnFinish(func() {
		if finish != nil {
			finish()
		}
		if err := g.frame.End(); err != nil { // of cells used in no call
			op.Fail(&model.Meta{}, nil, err)
		}
	})
	return g
}

// keyedOp is the Receiver of a DoFn with state. Each key has its open windows, and
// each of those what the DoFn's cells hold and the timers that are set. A window is
// open while it has either.
//
// A window has at most one live entry in each queue, at the earliest time at which
// something is to be done: a timer fires, something expires, the window ends. Time
// stands still at the instant of an entry until all that is due then has been done,
// so that timers that user code sets on the way come in their order.
type keyedOp[K comparable, V any] struct {
	op       *Op
	layout   *state.Layout
	strategy model.WindowingStrategy
	merging  model.MergingWindowFn // nil if windows never merge
	expiring [2]bool               // by clock, whether some cell expires
	calls    KeyedCalls[K, V]
	frame    *state.Frame
	late     *lateOutlet[K, V]

	watermark, now model.Timestamp
	ending         bool // the watermark is beyond all time
	keys           Cells[K, keyedWindows]
	paged          *pagedKeys[K, keyedWindows] // keys, if they page
	open           int                         // windows
	beyond         int                         // firings beyond a horizon
	due            [2]keyedQueue[K]            // by clock
	holds          keyedHolds[K]

	call    keyedCall[K]
	firing  KeyedFiring[K]
	free    [][]state.Slot // for reuse, by cell
	windows []*keyedWindow // for reuse

	bounds, targets []model.Window // scratch
	merged          []*keyedWindow // scratch
}

// keyedWindows are the open windows of one key, by start and end.
type keyedWindows struct{ open []*keyedWindow }

// A keyedWindow is what is kept of a key and window.
type keyedWindow struct {
	window model.Window
	slots  []state.Slot // nil where a cell is empty; none at all while all are
	timers [2]timerHeap // by clock
	// latest is the latest timestamp of an element.
	latest model.Timestamp
	// horizon is, once the input has ended, where a window without an end of its own
	// should come to one; never before. Beyond are the firings behind it.
	horizon model.Timestamp
	beyond  int
	// wake is when the queues next look at the window, never if not, entry their
	// number for it, and expires when something in a cell does.
	wake    [2]model.Timestamp
	entry   [2]uint64
	expires [2]model.Timestamp
	stored  bool // it is among the windows of its key
}

// A keyedCall is what the user's code is called for.
type keyedCall[K comparable] struct {
	hash uint64
	key  K
	w    *keyedWindow
	meta model.Meta
	at   model.Timestamp // event time
	last bool            // the window is expiring
}

// empty reports whether nothing is kept in w.
func (w *keyedWindow) empty() bool {
	for _, s := range w.slots {
		if s != nil {
			return false
		}
	}
	return len(w.timers[0].items)+len(w.timers[1].items) == 0
}

// endless reports whether w has no end of its own.
func endless(w model.Window) bool { return w.End >= model.EndOfGlobalWindow }

func (g *keyedOp[K, V]) Receive(_ int, batch any) {
	rows := batch.(*Records[KeyedElement[K, V]]).Rows
	for i := range rows {
		if g.op.Failed() {
			return
		}
		g.take(&rows[i])
		g.relieve()
	}
}

// take processes one element.
func (g *keyedOp[K, V]) take(r *KeyedElement[K, V]) {
	c := &g.call
	c.hash, c.key, c.meta = r.Hash, r.Key, r.Meta
	g.op.Enter(&c.meta, r)
	ks := g.keys.Get(r.Hash, r.Key)
	w := g.place(ks, r)
	if w == nil {
		return
	}
	if w.window.End <= g.watermark {
		g.op.Counts.Late++
	} else {
		g.op.Counts.OnTime++
	}
	w.latest = max(w.latest, r.Meta.Timestamp)
	c.w, c.at, c.last = w, r.Meta.Timestamp, false
	c.meta.Window = w.window
	g.frame.Begin()
	err := g.calls.Process(&c.meta, r)
	if misuse := g.frame.End(); err == nil {
		err = misuse
	}
	if err != nil {
		g.op.Fail(&c.meta, *r, err)
		return
	}
	g.fire(w)
	g.settle(w)
}

// place is the window of r, opened if it was not; nil if it has expired, and the
// element is dropped.
func (g *keyedOp[K, V]) place(ks *keyedWindows, r *KeyedElement[K, V]) *keyedWindow {
	w := r.Meta.Window
	if g.merging != nil {
		return g.placeMerging(ks, r)
	}
	if g.strategy.Expiry(w) <= g.watermark {
		g.drop(r, w)
		return nil
	}
	if o := ks.find(w); o != nil {
		return o
	}
	return g.newWindow(w)
}

func (g *keyedOp[K, V]) drop(r *KeyedElement[K, V], w model.Window) {
	g.op.Counts.Dropped++
	if g.late != nil {
		g.late.emit(&Record[K, V]{Key: r.Key, At: r.Meta.Timestamp, Part: r.Value}, w, g.watermark, model.WindowExpired)
	}
}

// A loop of timers that never ends has fired patience times, and for one key
// keyPatience times of these.
const (
	patience    = 1 << 20
	keyPatience = 1 << 10
)

// fire fires the timers of w that are due, one after another.
func (g *keyedOp[K, V]) fire(w *keyedWindow) {
	limit := patience + len(w.timers[0].items) + len(w.timers[1].items) // firings at one time
	var at model.Timestamp
	for n := 0; !g.op.Failed(); n++ {
		clock := state.EventTime
		t, ok := w.timers[clock].due(g.watermark)
		if !ok {
			clock = state.ProcessingTime
			if t, ok = w.timers[clock].due(g.now); !ok {
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

func (g *keyedOp[K, V]) fireTimer(w *keyedWindow, clock state.Clock, t timer) {
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
	g.firing = KeyedFiring[K]{Key: c.key, Timer: g.layout.Timers[t.cell].Name, Tag: t.tag, At: t.at}
	g.callFiring(g.calls.OnTimer)
	if clock == state.EventTime && t.at >= w.horizon {
		g.beyond++
		w.beyond++
		if w.beyond > keyPatience && g.beyond > patience {
			g.op.Fail(&c.meta, g.firing, fmt.Errorf("its timers have fired %d times since the input ended, for this key, and set others again and again; a timer that sets itself again must stop at state.Expiry, which for this key is %v", w.beyond, w.horizon))
		}
	}
}

// callFiring calls the user's code with the firing.
func (g *keyedOp[K, V]) callFiring(f func(*model.Meta, *KeyedFiring[K]) error) {
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
func (g *keyedOp[K, V]) settle(w *keyedWindow) {
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
	}
}
