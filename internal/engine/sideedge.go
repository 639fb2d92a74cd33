package engine

import (
	"reflect"

	"github.com/millrace/millrace/internal/engine/cells"
	"github.com/millrace/millrace/model"
)

// The typed edge of side inputs: what is compiled anew for each type of elements and of
// what is seen beside them. All else is sided's and sideTable's.

// A SideSpec is the ExchangeSpec of a transform that looks things up in side
// inputs while it goes through its main input, port 0. The elements of that stay
// in the task that they come from; those of the other ports, which are the inputs
// of View, go to every task.
type SideSpec[T, S any] struct {
	View SideView[S]
	// Process returns what takes an element of the main input, and what it sees.
	Process func(op *Op, outs [][]any) func(m *model.Meta, v *T, side *S)
}

// A SideView is what a transform sees of its side inputs: of one, or of several
// put together.
type SideView[S any] struct {
	Inputs []*SideInput // in the order of their ports
	// read reads the view off a task's tables, one for each input, given the window of
	// each.
	read func(tables []*sideTable, windows []model.Window) (S, error)
}

// NewSideView is the view of one collection of E, or of whole panes of it. New makes
// contents without elements, and see is what is seen of contents. Equal is the type of what
// contents compare, to take elements back: of all of an element, or of part of it.
func NewSideView[E any, C SideContents, S any](what string, equal reflect.Type, empty func(Same) C, see func(C) (S, error)) SideView[S] {
	in := &SideInput{What: what, Equal: equal}
	in.empty = func(same Same) SideContents { return empty(same) }
	in.send = func(op *Op, port int) any {
		if in.Whole {
			return broadcasting[[]E](op, port, 1)
		}
		return broadcasting[E](op, port, sideChunk)
	}
	in.spread = func(pane any, add func(v any)) {
		elements := *pane.(*[]E)
		for i := range elements {
			add(&elements[i])
		}
	}
	in.saved = savedSideOf[E]()
	return SideView[S]{[]*SideInput{in}, func(tables []*sideTable, windows []model.Window) (S, error) {
		s, err := see(tables[0].contents(windows[0]).(C))
		return s, in.explain(windows[0], err)
	}}
}

// BothViews is the view of two.
func BothViews[A, B, S any](a SideView[A], b SideView[B], pair func(A, B) S) SideView[S] {
	n := len(a.Inputs)
	return SideView[S]{append(a.Inputs[:n:n], b.Inputs...), func(tables []*sideTable, windows []model.Window) (s S, err error) {
		left, err := a.read(tables[:n], windows[:n])
		if err != nil {
			return s, err
		}
		right, err := b.read(tables[n:], windows[n:])
		if err != nil {
			return s, err
		}
		return pair(left, right), nil
	}}
}

// sideChunk is how many elements of a side input get their memory at once.
const sideChunk = 32

// broadcasting is the Emit of a side input's near side. Rows have pointers to copies of
// the elements, which all tasks share and none changes.
func broadcasting[P any](op *Op, port, chunk int) any {
	b := newBroadcast(op, port)
	var copies []P
	return Emit[P](func(m *model.Meta, v *P) {
		if len(copies) == cap(copies) {
			copies = make([]P, 0, chunk)
		}
		copies = append(copies, *v)
		b.take(m, &copies[len(copies)-1])
	})
}

// Sender implements [ExchangeSpec].
func (s *SideSpec[T, S]) Sender(op *Op, port int) any {
	if port > 0 {
		return s.View.Inputs[port-1].send(op, port)
	}
	out := newOutlet[shuffled[T]](op, port)
	task, _ := op.Instance()
	return Emit[T](func(m *model.Meta, v *T) {
		r := out.rowFor(task)
		r.meta, r.v = *m, *v
	})
}

// Receiver implements [ExchangeSpec].
func (s *SideSpec[T, S]) Receiver(op *Op, outs [][]any) Receiver {
	g := newSided(op, s.View.Inputs, waitingType[T]())
	process := s.Process(op, outs)
	var side S
	var unseen error
	g.see = func(windows []model.Window) { side, unseen = s.View.read(g.tables, windows) }
	hand := func(m *model.Meta, v *T) {
		switch {
		case op.Failed():
		case unseen != nil:
			op.Fail(m, *v, unseen)
		default:
			process(m, v, &side)
		}
	}
	g.resume = func(waiting any) {
		elements := waiting.(*waitingCell[T]).Elements
		for i := range elements {
			hand(&elements[i].Meta, &elements[i].Value)
		}
	}
	var late Emit[model.LateElement[T]] // nil if nobody wants what is dropped
	if len(outs) > 1 {
		late = Tee[model.LateElement[T]](outs[1])
	}
	each := Explode(op, op.Node.Inputs[0].Windowing, func(m *model.Meta, v *T) {
		switch g.take(m) {
		case processed:
			hand(m, v)
		case waits:
			c := g.wait(m).(*waitingCell[T])
			c.Elements = append(c.Elements, waitingElement[T]{*m, *v})
		case dropped:
			if late != nil {
				late(g.lateMeta(m), &model.LateElement[T]{
					Value: *v, Timestamp: m.Timestamp, Window: m.Window, Watermark: g.watermark, Reason: model.WindowExpired,
				})
			}
		}
	})
	g.rows = func(batch any) {
		rows := batch.(*Records[shuffled[T]]).Rows
		for i := range rows {
			if op.Failed() {
				return
			}
			each(&rows[i].meta, &rows[i].v)
		}
	}
	return g
}

// A waitingCell is the elements of a waitingGroup, as they are saved, too.
type waitingCell[T any] struct {
	Elements []waitingElement[T]
	Earliest model.Timestamp
}

type waitingElement[T any] struct {
	Meta  model.Meta
	Value T
}

// A waitingKind is what a sided knows of its waitingCells. They are given as pointers.
type waitingKind struct {
	form     func() (cells.Form, error)
	empty    func() any
	merge    func(into, from any)
	earliest func(c any) *model.Timestamp
	len      func(c any) int
}

func waitingType[T any]() waitingKind {
	return waitingKind{
		form:  cells.Plain(reflect.TypeFor[waitingCell[T]]()),
		empty: func() any { return &waitingCell[T]{Earliest: model.MaxTimestamp} },
		merge: func(into, from any) {
			a, b := into.(*waitingCell[T]), from.(*waitingCell[T])
			a.Elements = append(a.Elements, b.Elements...)
			a.Earliest = min(a.Earliest, b.Earliest)
		},
		earliest: func(c any) *model.Timestamp { return &c.(*waitingCell[T]).Earliest },
		len:      func(c any) int { return len(c.(*waitingCell[T]).Elements) },
	}
}

// savedSide is what a sideCell is saved as: its elements with their panes, in an order
// that makes the same contents of them.
type savedSide[E any] struct {
	Rows         []savedRow[E]
	Paned, Early bool
}

type savedRow[E any] struct {
	Pane  int64
	Value E
}

// A savedSideType makes savedSides of cells, and cells of them, given as pointers.
type savedSideType struct {
	typ  reflect.Type
	save func(c *sideCell) any
	load func(saved any, c *sideCell)
}

func savedSideOf[E any]() savedSideType {
	return savedSideType{
		typ: reflect.TypeFor[savedSide[E]](),
		save: func(c *sideCell) any {
			s := &savedSide[E]{Paned: c.paned, Early: c.early}
			c.contents.each(func(v any, pane int64) { s.Rows = append(s.Rows, savedRow[E]{pane, *v.(*E)}) })
			return s
		},
		load: func(saved any, c *sideCell) {
			s := saved.(*savedSide[E])
			c.paned, c.early = s.Paned, s.Early
			for i := range s.Rows {
				c.contents.add(&s.Rows[i].Value, s.Rows[i].Pane)
			}
		},
	}
}
