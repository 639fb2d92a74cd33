package engine

import (
	"github.com/millrace/millrace/internal/engine/cells"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/triggers"
)

// grouping is the Receiver of every windowed grouping.
type grouping struct {
	alignedOp *aligned // one of the two
	panedOp   *paned
	ports     []port
}

func newGrouping(op *Op, acc accumulate, ports ...port) Receiver {
	w := windowingOf(op.Node)
	g := &grouping{ports: ports}
	if usesAligned(w) {
		g.alignedOp = newAligned(op, w, acc)
		return g
	}
	trigger := w.Strategy.Trigger
	if trigger == nil {
		trigger = triggers.Default{}
	}
	g.panedOp = newPaned(op, w, trigger, acc)
	return g
}

func (g *grouping) Receive(port int, batch any) {
	if g.alignedOp != nil {
		g.ports[port].aligned(g.alignedOp, batch)
		return
	}
	g.ports[port].paned(g.panedOp, batch)
}

func (g *grouping) Advance(watermark model.Timestamp) {
	if g.alignedOp != nil {
		g.alignedOp.advance(watermark)
		return
	}
	g.panedOp.advance(watermark)
}

func (g *grouping) AdvanceProcessingTime(now model.Timestamp) {
	if g.panedOp != nil {
		g.panedOp.advanceProcessingTime(now)
	}
}

func (g *grouping) NextProcessingTime() model.Timestamp {
	if g.panedOp != nil {
		return min(g.panedOp.dueNow.next(), g.panedOp.keys.NextDue(cells.ProcessingTime))
	}
	return model.MaxTimestamp
}

// Hold keeps the watermark behind what is still to be said. The aligned operator
// has no need of it: a pane is stamped with the last instant of its window, and
// the watermark does not pass that before the pane has fired.
func (g *grouping) Hold() model.Timestamp {
	if g.panedOp != nil {
		return g.panedOp.hold()
	}
	return model.MaxTimestamp
}

func (g *grouping) restored(watermark, now model.Timestamp) {
	if g.alignedOp != nil {
		g.alignedOp.restored(watermark)
		return
	}
	g.panedOp.restored(watermark, now)
}

// A firing is the key whose pane fires, for errors.
type firing struct {
	keys cells.Keys
	k    cells.Entry
}

// AnyKey is the key.
func (f firing) AnyKey() any { return cells.KeyOf(f.keys, f.k) }

// String is empty: there is no one element to tell.
func (firing) String() string { return "" }
