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

// A SideView is what a transform sees of its side inputs: of one, or of several
// put together.
type SideView[S any] interface {
	// sides appends the inputs, in the order of their ports.
	sides(dst []side) []side
	// reader returns what reads the view off a task's tables, one for each input, given
	// the window of each.
	reader(tables []sideTable) func(windows []model.Window) (S, error)
}

// A side is one side input: the near side of its exchange, and what a task of the
// far side keeps of it.
type side interface {
	sender(op *Op, port int) any
	table(op *Op, port int) sideTable
}

// A sideTable is a task's copy of a side input, by window.
type sideTable interface {
	receive(batch any)
	// advance raises the watermark of the side input.
	advance(watermark model.Timestamp)
	// window is the side input's window that goes with a window of the main input;
	// zero if there is none.
	window(main model.Window) model.Window
	// ready reports whether w can be read.
	ready(w model.Window) bool
	// gone reports whether no main element can need w any more, but for those that
	// wait for it.
	gone(w model.Window) bool
	// want keeps w for elements that wait for it, until they are counted off by unwant.
	want(w model.Window)
	unwant(w model.Window)
	// release raises the watermark of the main input, and lets go of what is gone.
	release(watermark model.Timestamp)
	// passed is the watermark of the side input. Restored takes it, and that of the main
	// input, to where they were when what was loaded was saved.
	passed() model.Timestamp
	restored(watermark, main model.Timestamp)
}

// A SideInput is the SideView of one collection of E, or of whole panes of it.
type SideInput[E any, C SideContents[E], S any] struct {
	// What names the input in errors.
	What string
	// Whole says that an element of the collection is a []E: all of a pane, which is
	// all there is until the next.
	Whole bool
	// New makes contents without elements, which compare elements by Same.
	New func(Same[E]) C
	// Encode is set where the collection has retractions.
	Encode *coder.Untyped
	Read   func(C) (S, error)
}

func (in SideInput[E, C, S]) sides(dst []side) []side { return append(dst, in) }

func (in SideInput[E, C, S]) sender(op *Op, port int) any {
	if in.Whole {
		return newBroadcast[[]E](op, port)
	}
	return newBroadcast[E](op, port)
}

func (in SideInput[E, C, S]) reader(tables []sideTable) func([]model.Window) (S, error) {
	t := tables[0].(*sideWindows[E, C, S])
	return func(windows []model.Window) (S, error) {
		c := t.nothing
		if cell := t.cell(windows[0]); cell != nil {
			c = cell.contents
		}
		s, err := in.Read(c)
		switch {
		case err == nil:
			return s, nil
		case windows[0].IsZero():
			return s, fmt.Errorf("side input %s, of whose windows none goes with the element's: %w", in.What, err)
		}
		return s, fmt.Errorf("side input %s, window %v: %w", in.What, windows[0], err)
	}
}

// A SidePair is the SideView of two.
type SidePair[A, B, S any] struct {
	A    SideView[A]
	B    SideView[B]
	Pair func(A, B) S
}

func (p SidePair[A, B, S]) sides(dst []side) []side { return p.B.sides(p.A.sides(dst)) }

func (p SidePair[A, B, S]) reader(tables []sideTable) func([]model.Window) (S, error) {
	n := len(p.A.sides(nil))
	readA, readB := p.A.reader(tables[:n]), p.B.reader(tables[n:])
	return func(windows []model.Window) (s S, err error) {
		a, err := readA(windows[:n])
		if err != nil {
			return s, err
		}
		b, err := readB(windows[n:])
		if err != nil {
			return s, err
		}
		return p.Pair(a, b), nil
	}
}

// A sideRow is an element of a side input on its way to every task, with the
// retractions that came before it: what it replaces goes when it comes.
type sideRow[P any] struct {
	back []shuffled[P]
	has  bool // an element
	meta model.Meta
	v    P
}

// A broadcast is the near side of a side input.
type broadcast[P any] struct {
	out  *outlet[sideRow[P]]
	back []shuffled[P]
}

func newBroadcast[P any](op *Op, port int) Emit[P] {
	b := &broadcast[P]{out: newOutlet[sideRow[P]](op, port)}
	b.out.link.before = func(model.Timestamp) {
		if len(b.back) > 0 {
			b.send(sideRow[P]{})
		}
	}
	return func(m *model.Meta, v *P) {
		if m.Pane.Retraction {
			b.back = append(b.back, shuffled[P]{meta: *m, v: *v})
			return
		}
		b.send(sideRow[P]{has: true, meta: *m, v: *v})
	}
}

func (b *broadcast[P]) send(r sideRow[P]) {
	r.back, b.back = b.back, nil
	for task := range b.out.link.tasks {
		*b.out.rowFor(task) = r
	}
}

// sideWindows is the sideTable of a SideInput. A window's contents are let go when
// the main input has passed all the windows that go with it, and their allowed
// lateness, and nothing waits for it.
type sideWindows[E any, C SideContents[E], S any] struct {
	op        *Op
	in        SideInput[E, C, S]
	windowing *model.Windowing
	mapping   func(main model.Window) model.Window
	lateness  time.Duration // of the main input
	rows      func(batch any)
	// replaces says that an element replaces those of earlier panes.
	replaces bool
	// atEnd says that a window is all there as the watermark reaches its end.
	atEnd bool

	watermark model.Timestamp
	main      model.Timestamp  // watermark of the main input
	cells     *cells.TaskCells // a sideCell by window
	nothing   C                // contents of windows without elements
	wanted    map[model.Window]int
	expiring  windowQueue
}

// A sideCell is a window's contents.
type sideCell[C any] struct {
	contents C
	// paned and early say that a pane, or one before the end of the window, has
	// arrived.
	paned, early bool
}

func (in SideInput[E, C, S]) table(op *Op, port int) sideTable {
	main, w := op.Node.Inputs[0].Windowing, op.Node.Inputs[port].Windowing
	t := &sideWindows[E, C, S]{
		op:        op,
		in:        in,
		windowing: w,
		mapping:   sideWindow(main, w),
		lateness:  main.Strategy.Lateness,
		replaces:  w.Grouped && !w.Retractions,
		atEnd:     !w.Grouped || firesAtEnd(w.Strategy.Trigger),
		watermark: model.MinTimestamp,
		main:      model.MinTimestamp,
		wanted:    map[model.Window]int{},
	}
	// What several tasks had of a window is the same, but for those that had let go of it.
	t.cells = openTaskCells(op, fmt.Sprintf("side input %d", port), true, func(_, _ *sideCell[C]) {}, t.form())
	t.nothing = t.empty()
	if in.Whole {
		t.rows = sideRows(op, Explode(op, w, t.replace))
	} else {
		t.rows = sideRows(op, Explode(op, w, t.take))
	}
	return t
}

// sideRows takes batches apart.
func sideRows[P any](op *Op, next Emit[P]) func(batch any) {
	return func(batch any) {
		rows := batch.(*Records[sideRow[P]]).Rows
		for i := range rows {
			r := &rows[i]
			for j := range r.back {
				op.Enter(&r.back[j].meta, &r.back[j].v)
				next(&r.back[j].meta, &r.back[j].v)
			}
			if r.has {
				op.Enter(&r.meta, &r.v)
				next(&r.meta, &r.v)
			}
		}
	}
}

func (t *sideWindows[E, C, S]) receive(batch any) { t.rows(batch) }

// take adds an element to its window, or takes it back.
func (t *sideWindows[E, C, S]) take(m *model.Meta, v *E) {
	c := t.open(m)
	switch {
	case c == nil:
	case m.Pane.Retraction:
		c.contents.remove(v)
	case t.replaces:
		c.contents.add(v, m.Pane.Index)
	default:
		c.contents.add(v, 0)
	}
}

// replace makes a pane all that its window has.
func (t *sideWindows[E, C, S]) replace(m *model.Meta, pane *[]E) {
	c := t.open(m)
	if c == nil {
		return
	}
	c.contents.clear()
	if m.Pane.Retraction {
		return
	}
	for i := range *pane {
		c.contents.add(&(*pane)[i], 0)
	}
}

// open is the cell of m's window, or nil if what belongs there comes too late or
// is of use to nobody. What is too late is counted once, not by every task.
func (t *sideWindows[E, C, S]) open(m *model.Meta) *sideCell[C] {
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
	c := cell.V.(*sideCell[C])
	if fresh {
		c.contents = t.empty()
		t.expiring.add(w.End.Add(t.lateness), w)
	}
	if t.windowing.Grouped && m.Pane.Timing != model.Unknown {
		c.paned = true
		c.early = c.early || m.Pane.Timing == model.Early
	}
	return c
}

func (t *sideWindows[E, C, S]) empty() C {
	if t.in.Encode == nil {
		return t.in.New(nil)
	}
	return t.in.New(sameBy[E](t.op, t.in.Encode))
}

func (t *sideWindows[E, C, S]) cell(w model.Window) *sideCell[C] {
	if cell := t.cells.Lookup(w); cell != nil {
		return cell.V.(*sideCell[C])
	}
	return nil
}

func (t *sideWindows[E, C, S]) advance(watermark model.Timestamp) {
	t.watermark = max(t.watermark, watermark)
}
func (t *sideWindows[E, C, S]) window(main model.Window) model.Window { return t.mapping(main) }

func (t *sideWindows[E, C, S]) ready(w model.Window) bool {
	switch {
	case w.IsZero(), t.windowing.Strategy.Expiry(w) <= t.watermark, t.atEnd && w.End <= t.watermark:
		return true
	case !t.windowing.Grouped:
		return false
	}
	c := t.cell(w)
	return c != nil && (c.early || c.paned && w.End <= t.watermark)
}

func (t *sideWindows[E, C, S]) gone(w model.Window) bool {
	return !w.IsZero() && w.End.Add(t.lateness) <= t.main
}

func (t *sideWindows[E, C, S]) want(w model.Window) { t.wanted[w]++ }

func (t *sideWindows[E, C, S]) unwant(w model.Window) {
	if t.wanted[w]--; t.wanted[w] > 0 {
		return
	}
	delete(t.wanted, w)
	if t.gone(w) {
		t.cells.Drop(w)
	}
}

func (t *sideWindows[E, C, S]) release(watermark model.Timestamp) {
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

// openTaskCells opens cells of what a task has for itself: an S by window.
func openTaskCells[S any](op *Op, cell string, alike bool, merge func(into, from *S), form func() (cells.Form, error)) *cells.TaskCells {
	return cells.OpenTaskCells(op.store(), op.declare(cell, form), cells.TaskKind{
		New:    func() any { return new(S) },
		Alike:  alike,
		Merge:  func(into, from any) { merge(into.(*S), from.(*S)) },
		Hash:   ownHash(op),
		Groups: op.task.cfg.KeyGroups,
	})
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
