package engine

import (
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/millrace/millrace/internal/engine/cells"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/coder"
	"github.com/millrace/millrace/triggers"
)

// A SideInput is one collection of a [SideView].
type SideInput struct {
	// What names the input in errors.
	What string
	// Whole says that an element of the collection is a slice: all of a pane, which is
	// all there is until the next.
	Whole bool
	// Equal is the type of what its contents compare by a [Same]; Encode is its encoding,
	// and set where the collection has retractions.
	Equal  reflect.Type
	Encode *coder.Untyped

	// The typed edge: send makes the near side, empty makes contents without elements, and
	// spread visits the elements of a whole pane. Elements are given as pointers.
	send   func(op *Op, port int) any
	empty  func(Same) SideContents
	spread func(pane any, add func(v any))
	saved  savedSideType
}

// explain says which window of which side input err is about.
func (in *SideInput) explain(w model.Window, err error) error {
	switch {
	case err == nil:
		return nil
	case w.IsZero():
		return fmt.Errorf("side input %s, of whose windows none goes with the element's: %w", in.What, err)
	}
	return fmt.Errorf("side input %s, window %v: %w", in.What, w, err)
}

// A sideRow is an element of a side input on its way to every task, with the
// retractions that came before it: what it replaces goes when it comes.
type sideRow struct {
	back []sideElement
	has  bool // an element
	sideElement
}

type sideElement struct {
	meta model.Meta
	v    any // a pointer
}

// A broadcast is the near side of a side input.
type broadcast struct {
	out  *outlet[sideRow]
	back []sideElement
}

func newBroadcast(op *Op, port int) *broadcast {
	b := &broadcast{out: newOutlet[sideRow](op, port)}
	b.out.link.before = func(model.Timestamp) {
		if len(b.back) > 0 {
			b.send(sideRow{})
		}
	}
	return b
}

// take sends the element that v points to. Nobody changes it any more.
func (b *broadcast) take(m *model.Meta, v any) {
	if m.Pane.Retraction {
		b.back = append(b.back, sideElement{*m, v})
		return
	}
	b.send(sideRow{has: true, sideElement: sideElement{*m, v}})
}

func (b *broadcast) send(r sideRow) {
	r.back, b.back = b.back, nil
	for task := range b.out.link.tasks {
		*b.out.rowFor(task) = r
	}
}

// A sideTable is a task's copy of a side input, by window. A window's contents are let
// go when the main input has passed all the windows that go with it, and their allowed
// lateness, and nothing waits for it.
type sideTable struct {
	op        *Op
	in        *SideInput
	windowing *model.Windowing
	windows   exploder // of its elements
	mapping   func(main model.Window) model.Window
	lateness  time.Duration // of the main input
	// replaces says that an element replaces those of earlier panes.
	replaces bool
	// atEnd says that a window is all there as the watermark reaches its end.
	atEnd bool

	watermark model.Timestamp
	main      model.Timestamp  // watermark of the main input
	cells     *cells.TaskCells // a sideCell by window
	nothing   SideContents     // contents of windows without elements
	wanted    map[model.Window]int
	expiring  windowQueue
}

// A sideCell is a window's contents.
type sideCell struct {
	contents SideContents
	// paned and early say that a pane, or one before the end of the window, has
	// arrived.
	paned, early bool
}

func (in *SideInput) table(op *Op, port int) *sideTable {
	main, w := op.Node.Inputs[0].Windowing, op.Node.Inputs[port].Windowing
	t := &sideTable{
		op:        op,
		in:        in,
		windowing: w,
		windows:   exploder{op: op, w: w},
		mapping:   sideWindow(main, w),
		lateness:  main.Strategy.Lateness,
		replaces:  w.Grouped && !w.Retractions,
		atEnd:     !w.Grouped || firesAtEnd(w.Strategy.Trigger),
		watermark: model.MinTimestamp,
		main:      model.MinTimestamp,
		wanted:    map[model.Window]int{},
	}
	t.cells = openTaskCells(op, fmt.Sprintf("side input %d", port), t.form(), cells.TaskKind{
		New:   func() any { return &sideCell{contents: t.empty()} },
		Alike: true,
		// What several tasks had of a window is the same, but for those that had let go of it.
		Merge: func(_, _ any) {},
	})
	t.nothing = t.empty()
	return t
}

// receive takes a batch apart.
func (t *sideTable) receive(batch any) {
	rows := batch.(*Records[sideRow]).Rows
	for i := range rows {
		r := &rows[i]
		for j := range r.back {
			t.enter(&r.back[j])
		}
		if r.has {
			t.enter(&r.sideElement)
		}
	}
}

// enter takes an element in each of its windows.
func (t *sideTable) enter(e *sideElement) {
	t.op.Enter(&e.meta, e.v)
	if t.windowing.Assigned {
		t.take(&e.meta, e.v)
		return
	}
	m := &t.windows.em
	for _, m.Window = range t.windows.windows(&e.meta, e.v) {
		t.take(m, e.v)
	}
}

// take adds an element to its window, or takes it back. A whole pane becomes all that
// its window has.
func (t *sideTable) take(m *model.Meta, v any) {
	c := t.open(m)
	switch {
	case c == nil:
	case t.in.Whole:
		c.contents.clear()
		if !m.Pane.Retraction {
			t.in.spread(v, func(v any) { c.contents.add(v, 0) })
		}
	case m.Pane.Retraction:
		c.contents.remove(v)
	case t.replaces:
		c.contents.add(v, m.Pane.Index)
	default:
		c.contents.add(v, 0)
	}
}

// open is the cell of m's window, or nil if what belongs there comes too late or
// is of use to nobody. What is too late is counted once, not by every task.
func (t *sideTable) open(m *model.Meta) *sideCell {
	w := m.Window
	if t.windowing.Strategy.Expiry(w) <= t.watermark {
		if i, _ := t.op.Instance(); i == 0 {
			t.op.Counts.Dropped++
		}
		return nil
	}
	if t.gone(w) && t.wanted[w] == 0 {
		return nil
	}
	cell, fresh := t.cells.Window(w)
	c := cell.V.(*sideCell)
	if fresh {
		t.expiring.add(w.End.Add(t.lateness), w)
	}
	if t.windowing.Grouped && m.Pane.Timing != model.Unknown {
		c.paned = true
		c.early = c.early || m.Pane.Timing == model.Early
	}
	return c
}

func (t *sideTable) empty() SideContents {
	if t.in.Encode == nil {
		return t.in.empty(nil)
	}
	return t.in.empty(sameBy(t.op, t.in.Encode))
}

// contents is what w has.
func (t *sideTable) contents(w model.Window) SideContents {
	if c := t.cell(w); c != nil {
		return c.contents
	}
	return t.nothing
}

func (t *sideTable) cell(w model.Window) *sideCell {
	if cell := t.cells.Lookup(w); cell != nil {
		return cell.V.(*sideCell)
	}
	return nil
}

// advance raises the watermark of the side input.
func (t *sideTable) advance(watermark model.Timestamp) {
	t.watermark = max(t.watermark, watermark)
}

// window is the side input's window that goes with a window of the main input; zero if
// there is none.
func (t *sideTable) window(main model.Window) model.Window { return t.mapping(main) }

// ready reports whether w can be read.
func (t *sideTable) ready(w model.Window) bool {
	switch {
	case w.IsZero(), t.windowing.Strategy.Expiry(w) <= t.watermark, t.atEnd && w.End <= t.watermark:
		return true
	case !t.windowing.Grouped:
		return false
	}
	c := t.cell(w)
	return c != nil && (c.early || c.paned && w.End <= t.watermark)
}

// gone reports whether no main element can need w any more, but for those that wait for
// it.
func (t *sideTable) gone(w model.Window) bool {
	return !w.IsZero() && w.End.Add(t.lateness) <= t.main
}

// want keeps w for elements that wait for it, until they are counted off by unwant.
func (t *sideTable) want(w model.Window) { t.wanted[w]++ }

func (t *sideTable) unwant(w model.Window) {
	if t.wanted[w]--; t.wanted[w] > 0 {
		return
	}
	delete(t.wanted, w)
	if t.gone(w) {
		t.cells.Drop(w)
	}
}

// release raises the watermark of the main input, and lets go of what is gone.
func (t *sideTable) release(watermark model.Timestamp) {
	t.main = watermark
	for {
		w, ok := t.expiring.due(watermark)
		if !ok {
			return
		}
		if t.wanted[w] == 0 {
			t.cells.Drop(w)
		}
	}
}

// sideWindow maps windows of the main input to those of a side input: each to
// itself where both are cut alike; else to the one that holds its last instant
// and, of several, to the one that ends first.
func sideWindow(main, side *model.Windowing) func(model.Window) model.Window {
	fn := side.Strategy.Windows
	switch {
	case isGlobal(fn):
		return func(model.Window) model.Window { return model.GlobalWindow }
	case reflect.DeepEqual(fn, main.Strategy.Windows):
		return func(w model.Window) model.Window { return w }
	}
	var scratch []model.Window
	return func(w model.Window) model.Window {
		if scratch = fn.AssignWindows(scratch[:0], w.MaxTimestamp()); len(scratch) == 0 {
			return model.Window{}
		}
		return slices.MinFunc(scratch, model.Window.Compare)
	}
}

// firesAtEnd reports whether a window with anything in it has had a pane, under
// trigger, when the watermark reaches its end. It asks the trigger about one.
func firesAtEnd(trigger model.Trigger) bool {
	if trigger == nil {
		trigger = triggers.Default{}
	}
	var wake model.Wakeups
	tree := model.NewTriggerTree(trigger)
	cells := make([]model.TriggerCell, tree.Size())
	w := model.Window{Start: 0, End: 1_000_000}
	c := tree.Root(w, model.MinTimestamp, 0, cells, &wake)
	trigger.OnElement(c)
	c.Set(w, w.End, 0, cells, &wake)
	return trigger.ShouldFire(c)
}

// openTaskCells opens cells of what a task of op has for itself.
func openTaskCells(op *Op, cell string, form func() (cells.Form, error), kind cells.TaskKind) *cells.TaskCells {
	kind.Hash, kind.Groups = ownHash(op), op.task.cfg.KeyGroups
	return cells.OpenTaskCells(op.store(), op.declare(cell, form), kind)
}

// ownHash is the hash of a key group that op's task owns: under it lies state
// that goes by task, not by key.
func ownHash(op *Op) uint64 {
	groups := op.task.cfg.KeyGroups
	index, of := op.Instance()
	for g := range groups {
		if cells.Owner(g, groups, of) == index {
			return cells.GroupHash(g, groups)
		}
	}
	return 0
}
