package engine

import (
	"fmt"
	"slices"

	"github.com/millrace/millrace/internal/engine/cells"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/triggers"
)

// paned groups by windows that go by key: merging ones, and any under a trigger
// of their own. Each key has its open windows in order; each window has its
// accumulator, its pane numbers and its trigger's cells. A window has at most one
// live entry in the queue, at the earliest time at which it has something to
// look at.
//
// Whether an element is dropped is decided after merging: one that falls into
// a window that is still open belongs to it, however late it is by itself.
type paned struct {
	op       *Op
	of       *model.Windowing
	strategy model.WindowingStrategy
	merging  model.MergingWindowFn // nil if windows never merge
	tree     *model.TriggerTree
	acc      accumulate

	watermark, now model.Timestamp
	keys           *cells.Table
	windows        paneWindows // that are open, of all keys
	accs           cells.Folds // by number of windows
	due            wakeQueue   // event time
	dueNow         wakeQueue   // processing time
	holds          wakeQueue   // what windows hold the watermark at
	holding        bool        // whether they do
	ctx            *model.TriggerContext
	wakeups        model.Wakeups
	into           *openWindow // where take took an element into
	at             int
	asked          model.Window // the one that took it, or would not

	bounds, targets []model.Window      // scratch
	merged          []*openWindow       // scratch
	remembered      []model.TriggerCell // scratch
	meta            model.Meta          // of the pane that fires
	firing          firing
}

// never is past the end of time, at which a window may still be due.
const never = cells.Never

func newPaned(op *Op, w *model.Windowing, trigger model.Trigger, acc accumulate) *paned {
	g := &paned{
		op:        op,
		of:        w,
		strategy:  w.Strategy,
		tree:      model.NewTriggerTree(trigger),
		acc:       acc,
		watermark: model.MinTimestamp,
		now:       model.MinTimestamp,
	}
	g.accs = acc.accs.Like()
	g.accs.New(0) // which is no window's number
	g.keys = cells.OpenPaged(op.store(), op.declare("windows", g.form), acc.keys.Like(), g, g, panedBytes)
	none := make([]model.TriggerCell, g.tree.Size())
	g.ctx = g.tree.Root(model.Window{}, 0, 0, none, &g.wakeups)
	if !w.Grouped {
		g.merging, _ = w.Strategy.Windows.(model.MergingWindowFn)
	}
	_, plain := trigger.(triggers.Default)
	g.holding = !plain || w.Strategy.Timestamps != model.EndOfWindow || g.merging != nil && w.Strategy.Panes == model.Retracting
	g.windows = paneWindows{lists: make([]windowList, 1), shared: none, nothing: new(windowExtra)}
	*g.windows.nothing = noExtra
	g.windows.extra = g.holding || w.Strategy.Panes == model.Retracting
	if !plain { // the default trigger remembers nothing
		g.windows.cells = g.tree.Size()
	}
	return g
}

// take finds the window that w's element of key k, or its retraction if n is
// negative, belongs to, for the caller to add it and then call taken. Known says that
// something is kept of k. It returns nil, and why, if the element is dropped.
func (g *paned) take(w model.Window, k cells.Entry, known bool, n int64, at model.Timestamp) (*openWindow, model.DropReason) {
	i := g.place(k, w)
	o := g.windows.of(k, i)
	count := max(n, -n)
	g.asked = o.window
	if g.strategy.Expiry(o.window) <= g.watermark { // nothing open was near it
		g.remove(k, i)
		g.op.Counts.Dropped += count
		if !known {
			g.keys.Remove(k)
		}
		return nil, model.WindowExpired
	}
	if g.context(o).Cell().Finished {
		g.op.Counts.Dropped += count
		g.wakeups = model.Wakeups{}
		g.queue(k, o) // it may have merged
		if g.holding {
			g.keepHold(k, o)
		}
		return nil, model.TriggerFinished
	}
	if o.window.End <= g.watermark {
		g.op.Counts.Late += count
	} else {
		g.op.Counts.OnTime += count
		o.onTime = true
	}
	if !o.live {
		g.accs.Start(o.acc)
		o.live = true
	}
	if g.windows.extra {
		g.takeExtra(o, n, at)
	}
	o.fresh += count
	g.into, g.at = o, i
	return o, 0
}

// takeExtra is what take has o remember beside that something came.
func (g *paned) takeExtra(o *openWindow, n int64, at model.Timestamp) {
	if at >= g.watermark {
		g.stamp(o, at)
	}
	o.net += n
	o.passed = 0
}

// stamp takes the timestamp of an element that was not behind the watermark into that of
// o's next pane.
func (g *paned) stamp(o *openWindow, at model.Timestamp) {
	switch {
	case o.at == never,
		g.strategy.Timestamps == model.Earliest && at < o.at,
		g.strategy.Timestamps == model.Latest && at > o.at:
		o.at = at
	}
}

// taken tells the trigger of the element that take found a window for. Its context is
// that of this window since.
func (g *paned) taken(k cells.Entry) {
	g.ctx.Trigger().OnElement(g.ctx)
	g.ask(k, g.at, g.into)
}

// context is the trigger's view of o; there is one at a time.
func (g *paned) context(o *openWindow) *model.TriggerContext {
	g.ctx.Set(o.window, g.watermark, g.now, g.windows.remembered(o), &g.wakeups)
	return g.ctx
}

// look looks at k's i'th window though no element came.
func (g *paned) look(k cells.Entry, i int) {
	o := g.windows.of(k, i)
	g.context(o)
	g.ask(k, i, o)
}

// ask asks the trigger of o, k's i'th window, whether it fires, lets the window go
// if it expired, and queues the next look. The trigger's context is that of o.
func (g *paned) ask(k cells.Entry, i int, o *openWindow) {
	expired := g.strategy.Expiry(o.window) <= g.watermark
	g.wakeups = model.Wakeups{}
	ctx := g.ctx
	if !ctx.Cell().Finished && ctx.Trigger().ShouldFire(ctx) {
		ctx.Trigger().OnFire(ctx)
		g.wakeups = model.Wakeups{}
		finished := ctx.Cell().Finished
		if !finished {
			ctx.Trigger().ShouldFire(ctx) // for its wakeups
		}
		g.fire(k, o, expired || finished)
	}
	if expired {
		g.expire(k, i)
		return
	}
	g.queue(k, o)
	if g.holding {
		g.keepHold(k, o)
	}
}

// queue sees to it that o is looked at when its trigger asked for it, and when
// it expires.
func (g *paned) queue(k cells.Entry, o *openWindow) {
	if w := &g.wakeups; w.HasEvent && w.EventTime <= g.watermark || w.HasProcessing && w.ProcessingTime <= g.now {
		g.windows.ownExtra(o)
		if o.passed++; o.passed > passedLimit {
			g.failPassed(k, o)
			return
		}
	}
	o.next = g.strategy.Expiry(o.window)
	if g.wakeups.HasEvent {
		o.next = min(o.next, max(g.wakeups.EventTime, g.watermark+1))
	}
	if o.next < o.wake {
		o.wake = o.next
		g.due.push(wakeup{o.wake, k, o.window})
	}
	switch at := g.wakeups.ProcessingTime; {
	case !g.wakeups.HasProcessing:
		if o.wakeNow < never {
			o.wakeNow = never // what was asked for before counts no more
		}
	case at != o.wakeNow:
		g.windows.ownExtra(o)
		o.wakeNow = at
		g.dueNow.push(wakeup{at, k, o.window})
	}
}

// passedLimit is how often a window's trigger may ask to be asked again at once,
// before it is taken for one that would do so for ever.
const passedLimit = 1 << 16

func (g *paned) failPassed(k cells.Entry, o *openWindow) {
	g.firing = firing{g.keys.Keys, k}
	g.op.Fail(&model.Meta{Timestamp: o.window.MaxTimestamp(), Window: o.window}, g.firing,
		fmt.Errorf("its trigger %v has asked %d times to be asked again at an instant that has passed; what it asks for must be after Watermark or Now of the TriggerContext", g.strategy.Trigger, o.passed))
}

// expire lets go of k's i'th window, with a last pane if it has something to say.
func (g *paned) expire(k cells.Entry, i int) {
	o := g.windows.of(k, i)
	if o.news() || g.strategy.Closing == model.FireAlways && !o.closed {
		g.emit(k, o, true)
	}
	if g.remove(k, i); len(g.windows.open(k)) == 0 {
		g.keys.Remove(k)
	}
}

// fire emits a pane, if there is something to say.
func (g *paned) fire(k cells.Entry, o *openWindow, last bool) {
	onTime := g.strategy.OnTime == model.FireAlways && o.settled == 0 && o.window.End <= g.watermark
	if o.news() || onTime {
		g.emit(k, o, last)
	}
}

// emit emits a pane, and first takes back what it replaces.
func (g *paned) emit(k cells.Entry, o *openWindow, last bool) {
	pane := g.number(o, last)
	m := model.Meta{Timestamp: g.timestamp(o), Window: o.window, Pane: pane}
	g.firing = firing{g.keys.Keys, k}
	o.fresh, o.onTime, o.at = 0, false, never
	g.takeBack(o)
	if !o.live {
		g.accs.Start(o.acc)
		o.live = true
	}
	g.meta = m
	g.op.Enter(&g.meta, &g.firing)
	switch {
	case g.strategy.Panes != model.Retracting:
		g.op.Counts.Panes++
		g.acc.out.fire(&g.meta, g.keys.Keys, k, g.accs, o.acc)
	case o.net > 0:
		g.op.Counts.Panes++
		o.said = append(o.said, said{m, g.acc.out.keep(&g.meta, g.keys.Keys, k, g.accs, o.acc)})
	}
	if g.strategy.Panes != model.Accumulating && g.strategy.Panes != model.Retracting {
		g.accs.Free(o.acc)
		o.live = false
	}
}

// takeBack says again, as retractions, what the next pane replaces.
func (g *paned) takeBack(o *openWindow) {
	for _, s := range o.said {
		g.meta = s.meta
		g.meta.Pane.Retraction = true
		g.op.Enter(&g.meta, &g.firing)
		g.acc.out.again(&g.meta, s.what)
	}
	clear(o.said)
	o.said = o.said[:0]
}

// news reports whether o has something to say: something came since its last pane,
// or there was none since it came out of windows whose panes still stand.
func (o *openWindow) news() bool { return o.fresh > 0 || len(o.said) > 0 && o.saidAsOthers() }

func (o *openWindow) saidAsOthers() bool {
	return slices.ContainsFunc(o.said, func(s said) bool { return s.meta.Window != o.window })
}

// number is the next pane of o.
func (g *paned) number(o *openWindow, last bool) model.Pane {
	g.windows.ownExtra(o)
	pane := model.Pane{Index: o.panes, NonSpeculativeIndex: -1, First: o.panes == 0, Last: last}
	switch {
	case o.window.End > g.watermark:
		pane.Timing = model.Early
	case o.settled == 0 && (o.onTime || o.fresh == 0):
		pane.Timing = model.OnTime
	default:
		pane.Timing = model.Late
	}
	if pane.Timing != model.Early {
		pane.NonSpeculativeIndex = o.settled
		o.settled++
	}
	o.panes++
	o.closed = o.closed || last
	return pane
}

// timestamp is that of the elements of o's next pane.
func (g *paned) timestamp(o *openWindow) model.Timestamp {
	if g.strategy.Timestamps == model.EndOfWindow || o.at == never {
		return o.window.MaxTimestamp()
	}
	return o.at
}

// keepHold holds the watermark back to the timestamp of o's next pane, as long as
// it has one to come with something that was on time. What windows have said that merged
// into o must still be taken back downstream, so it holds it before they expire.
func (g *paned) keepHold(k cells.Entry, o *openWindow) {
	at := model.MaxTimestamp
	if o.onTime {
		at = g.timestamp(o)
	}
	for _, s := range o.said {
		if s.meta.Window != o.window {
			at = min(at, g.strategy.Expiry(s.meta.Window)-1)
		}
	}
	o.held = at
	g.queueHold(k, o)
}

func (g *paned) queueHold(k cells.Entry, o *openWindow) {
	if o.held < model.MaxTimestamp && o.held < o.queuedHold {
		o.queuedHold = o.held
		g.holds.push(wakeup{o.held, k, o.window})
	}
}

// queuedHold is what the open windows hold the watermark at, of keys in memory.
func (g *paned) queuedHold() model.Timestamp {
	for {
		at := g.holds.next()
		if at == model.MaxTimestamp {
			return at
		}
		h := g.holds.heap[0]
		if g.holdsAt(h.k, h.window, at) {
			return at
		}
		g.holds.pop(at)
		g.holdLater(h.wakeup())
	}
}

// holdLater queues anew those that h was the entry of, and that hold the watermark
// at a later time now.
func (g *paned) holdLater(h wakeup) {
	lo, hi := g.heirs(h.k, h.window)
	for _, n := range g.windows.open(h.k)[lo:hi] {
		o := g.windows.at(n)
		if o.queuedHold == h.at && covers(o.window, h.window) {
			o.queuedHold = never
			g.queueHold(h.k, o)
		}
	}
}

// holdsAt reports whether w of k, or what it was merged into, holds the watermark at t.
func (g *paned) holdsAt(k cells.Entry, w model.Window, t model.Timestamp) bool {
	lo, hi := g.heirs(k, w)
	return slices.ContainsFunc(g.windows.open(k)[lo:hi], func(n cells.Entry) bool {
		o := g.windows.at(n)
		return o.held == t && covers(o.window, w)
	})
}

// advance looks at every window that is due at or before watermark.
func (g *paned) advance(watermark model.Timestamp) {
	for !g.op.Failed() {
		g.recall(&g.due, cells.EventTime, watermark)
		due, ok := g.due.pop(watermark)
		if !ok {
			break
		}
		g.watermark = max(g.watermark, min(due.at, watermark))
		g.wake(due, false)
		g.relieve()
	}
	g.watermark = watermark
}

func (g *paned) advanceProcessingTime(now model.Timestamp) {
	for !g.op.Failed() {
		g.recall(&g.dueNow, cells.ProcessingTime, now)
		due, ok := g.dueNow.pop(now)
		if !ok {
			break
		}
		g.now = max(g.now, due.at)
		g.wake(due, true)
		g.relieve()
	}
	g.now = now
}

// wake looks at the window that due was queued for, or the one that this was
// merged into, unless it has been queued for another time since.
func (g *paned) wake(due wakeup, processing bool) {
	lo, hi := g.heirs(due.k, due.window)
	for i := hi - 1; i >= lo; i-- { // from behind: a look may let the window go
		o := g.windows.of(due.k, i)
		at := &o.wake
		if processing {
			at = &o.wakeNow
		}
		if *at != due.at || !covers(o.window, due.window) {
			continue
		}
		g.keys.Touch(due.k)
		*at = never
		if !processing && o.next > g.watermark {
			o.wake = o.next
			g.due.push(wakeup{o.wake, due.k, o.window})
			continue
		}
		last := len(g.windows.open(due.k)) == 1
		g.look(due.k, i)
		if last || g.op.Failed() {
			return // the key may be gone
		}
	}
}
