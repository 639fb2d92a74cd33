package engine

import (
	"bytes"
	"fmt"
	"iter"
	"slices"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/triggers"
)

// A Combiner folds values V into an accumulator A and reads a result O off it.
// See transforms.Combiner for the contract.
type Combiner[V, A, O any] interface {
	New() A
	Add(A, V) A
	Merge(A, A) A
	Result(A) O
}

// A CombineSpec is the ExchangeSpec of a combine per key.
type CombineSpec[K comparable, V, A, O any] struct {
	Combiner Combiner[V, A, O]
	Hash     func(*K) uint64
	Encode   Encode[V]
}

// Lifts reports whether a combine over w folds before the exchange: under the
// default trigger and windows that do not merge. Others need to see every
// element, or cannot know the window before they have seen all.
func Lifts(w *model.Windowing) bool { return usesAligned(w) }

// lifts is Lifts for a node, which may want to know what each dropped element was.
func lifts(n *model.Node) bool { return len(n.Outputs) == 1 && usesAligned(windowingOf(n)) }

// usesAligned reports whether a grouping over w is simple enough for aligned.
func usesAligned(w *model.Windowing) bool {
	s := &w.Strategy
	if s.Trigger != nil {
		if _, ok := s.Trigger.(triggers.Default); !ok {
			return false
		}
	}
	if _, merging := s.Windows.(model.MergingWindowFn); merging && !w.Grouped {
		return false
	}
	return s.Panes != model.Retracting && s.Closing == model.IfNotEmpty && s.Timestamps == model.EndOfWindow && !w.Retractions
}

// windowingOf is the windowing of what a grouping groups.
func windowingOf(n *model.Node) *model.Windowing {
	w := *n.Inputs[0].Windowing
	for _, c := range n.Inputs[1:] {
		w.Retractions = w.Retractions || c.Windowing.Retractions
	}
	return &w
}

// Sender implements [ExchangeSpec].
func (s CombineSpec[K, V, A, O]) Sender(op *Op, port int) any {
	w := windowingOf(op.Node)
	if !lifts(op.Node) {
		return newDirect[K, V](op, port, s.Hash)
	}
	l := &lift[K, V, A]{
		op:     op,
		out:    newOutlet[Record[K, A]](op, port),
		assign: newAssigner(w),
		hash:   s.Hash,
		init:   s.Combiner.New,
		add:    s.Combiner.Add,
	}
	l.out.before = l.release
	return Emit[model.KV[K, V]](l.take)
}

func newDirect[K comparable, V any](op *Op, port int, hash func(*K) uint64) Emit[model.KV[K, V]] {
	d := &direct[K, V]{
		op:     op,
		out:    newOutlet[Record[K, V]](op, port),
		assign: newAssigner(windowingOf(op.Node)),
		hash:   hash,
	}
	return d.take
}

// Receiver implements [ExchangeSpec].
func (s CombineSpec[K, V, A, O]) Receiver(op *Op, outs [][]any) Receiver {
	next := Tee[model.KV[K, O]](outs[0])
	c := s.Combiner
	w := windowingOf(op.Node)
	acc := firing1(next, func(acc *A) O { return c.Result(*acc) })
	acc.init = func(into *A) { *into = c.New() }
	acc.merge = func(into *A, from *A) { *into = c.Merge(*into, *from) }
	if lifts(op.Node) {
		return newGrouping(op, w, acc, port[K](func(into *A, part *A) { *into = c.Merge(*into, *part) }, nil, nil))
	}
	late := lateOut[K, V](op, outs)
	add := func(into *A, part *V) { *into = c.Add(*into, *part) }
	inverse, invertible := c.(Inverter[V, A])
	switch {
	case !w.Retractions:
		return newGrouping(op, w, acc, port[K](add, nil, late))
	case invertible:
		return newGrouping(op, w, acc, port[K](add, func(into *A, part *V) { *into = inverse.Subtract(*into, *part) }, late))
	}
	// What cannot be taken out of an accumulator is computed again without it.
	values := firing1(next, func(values *[]V) O {
		acc := c.New()
		for _, v := range *values {
			acc = c.Add(acc, v)
		}
		return c.Result(acc)
	})
	return newGrouping(op, w, retained(values), port[K](appendPart[V], removal(op, s.Encode), late))
}

// An Inverter is a [Combiner] that can take a value out again.
type Inverter[V, A any] interface {
	// Subtract undoes Add.
	Subtract(A, V) A
}

// firing1 is an accumulate whose panes are one element: the key and the result.
func firing1[K comparable, A, O any](next Emit[model.KV[K, O]], result func(*A) O) accumulate[K, A] {
	var out model.KV[K, O]
	return accumulate[K, A]{
		fire: func(m *model.Meta, k K, acc *A) {
			out.Key, out.Value = k, result(acc)
			next(m, &out)
		},
		keep: func(m *model.Meta, k K, acc *A) any {
			kept := &model.KV[K, O]{Key: k, Value: result(acc)}
			next(m, kept)
			return kept
		},
		again: func(m *model.Meta, said any) { next(m, said.(*model.KV[K, O])) },
		said:  saidAs[model.KV[K, O]](),
	}
}

// retained completes an accumulate that keeps every value.
func retained[K comparable, V any](acc accumulate[K, []V]) accumulate[K, []V] {
	acc.init = func(into *[]V) { *into = nil }
	acc.merge = func(into *[]V, from *[]V) { *into = append(*into, *from...) }
	return acc
}

func appendPart[V any](into *[]V, part *V) { *into = append(*into, *part) }

// An Encode appends the encoding of a value; equal values have equal ones.
type Encode[V any] func(dst []byte, v *V) ([]byte, error)

// removal takes one value out that has the encoding of the retracted one. It
// looks through all.
func removal[V any](op *Op, encode Encode[V]) func(into *[]V, part *V) {
	var want, have []byte
	encoded := func(dst []byte, v *V) []byte {
		b, err := encode(dst[:0], v)
		if err != nil {
			op.Fail(&op.task.rowMeta, *v, fmt.Errorf("comparing it with a retraction: %w", err))
		}
		return b
	}
	return func(into *[]V, part *V) {
		want = encoded(want, part)
		for i := range *into {
			if have = encoded(have, &(*into)[i]); bytes.Equal(have, want) {
				// A new slice: panes that were emitted may still be read from the old one.
				*into = append(slices.Clone((*into)[:i]), (*into)[i+1:]...)
				return
			}
		}
	}
}

// A GroupSpec is the ExchangeSpec of a grouping by key.
type GroupSpec[K comparable, V any] struct {
	Hash   func(*K) uint64
	Encode Encode[V]
}

// Sender implements [ExchangeSpec].
func (s GroupSpec[K, V]) Sender(op *Op, port int) any { return newDirect[K, V](op, port, s.Hash) }

// Receiver implements [ExchangeSpec].
func (s GroupSpec[K, V]) Receiver(op *Op, outs [][]any) Receiver {
	next := Tee[model.KV[K, iter.Seq[V]]](outs[0])
	acc := retained(firing1(next, func(values *[]V) iter.Seq[V] {
		// What is appended later must not reach those who keep the sequence.
		return slices.Values(slices.Clip(*values))
	}))
	// A sequence is saved as what it yields.
	acc.said = saidBy(
		func(kv *model.KV[K, []V]) any {
			return &model.KV[K, iter.Seq[V]]{Key: kv.Key, Value: slices.Values(kv.Value)}
		},
		func(said any) *model.KV[K, []V] {
			kv := said.(*model.KV[K, iter.Seq[V]])
			return &model.KV[K, []V]{Key: kv.Key, Value: slices.Collect(kv.Value)}
		})
	return newGrouping(op, windowingOf(op.Node), acc, port[K](appendPart[V], removal(op, s.Encode), lateOut[K, V](op, outs)))
}

// A CoGroupSpec is the ExchangeSpec of two collections grouped by a common key.
type CoGroupSpec[K comparable, A, B, O any] struct {
	Hash    func(*K) uint64
	EncodeA Encode[A]
	EncodeB Encode[B]
	// Fire emits what a key's pane of both sides amounts to. It may read them during
	// the call only.
	Fire func(k K, a []A, b []B, emit func(O))
}

// Both are the values of a key on the two sides of a CoGroup.
type Both[A, B any] struct {
	A []A
	B []B
}

// Sender implements [ExchangeSpec].
func (s CoGroupSpec[K, A, B, O]) Sender(op *Op, port int) any {
	if port == 0 {
		return newDirect[K, A](op, port, s.Hash)
	}
	return newDirect[K, B](op, port, s.Hash)
}

// Receiver implements [ExchangeSpec].
func (s CoGroupSpec[K, A, B, O]) Receiver(op *Op, outs [][]any) Receiver {
	next := Tee[O](outs[0])
	var meta *model.Meta
	var key firing[K]
	var out O
	var kept *[]O // of a pane that may have to be taken back
	emit := func(o O) {
		out = o
		if kept != nil {
			*kept = append(*kept, o)
		}
		next(meta, &out)
		op.Enter(meta, &key)
	}
	fire := func(m *model.Meta, k K, acc *Both[A, B]) {
		meta, key.Key = m, k
		s.Fire(k, acc.A, acc.B, emit)
	}
	acc := accumulate[K, Both[A, B]]{
		init: func(into *Both[A, B]) { *into = Both[A, B]{} },
		merge: func(into *Both[A, B], from *Both[A, B]) {
			into.A = append(into.A, from.A...)
			into.B = append(into.B, from.B...)
		},
		fire: fire,
		keep: func(m *model.Meta, k K, acc *Both[A, B]) any {
			kept = new([]O)
			fire(m, k, acc)
			said := kept
			kept = nil
			return said
		},
		again: func(m *model.Meta, said any) {
			for i := range *said.(*[]O) {
				next(m, &(*said.(*[]O))[i])
			}
		},
		said: saidAs[[]O](),
	}
	removeA, removeB := removal(op, s.EncodeA), removal(op, s.EncodeB)
	return newGrouping(op, windowingOf(op.Node), acc,
		port[K](func(into *Both[A, B], part *A) { into.A = append(into.A, *part) }, func(into *Both[A, B], part *A) { removeA(&into.A, part) }, lateOut[K, A](op, outs)),
		port[K](func(into *Both[A, B], part *B) { into.B = append(into.B, *part) }, func(into *Both[A, B], part *B) { removeB(&into.B, part) }, lateOut[K, B](op, outs)),
	)
}

// A batchTaker feeds the batches of one port to whichever operator groups.
type batchTaker[K comparable, A any] interface {
	aligned(*aligned[K, A], any)
	paned(*paned[K, A], any)
}

// port takes parts P of records into accumulators with add, and out of them with
// remove, which is nil where there are no retractions. What is dropped goes to
// late, if that is not nil.
func port[K comparable, A, P any](add, remove func(into *A, part *P), late *lateOutlet[K, P]) batchTaker[K, A] {
	return portOf[K, A, P]{add, remove, late}
}

type portOf[K comparable, A, P any] struct {
	add, remove func(into *A, part *P)
	late        *lateOutlet[K, P]
}

func (p portOf[K, A, P]) aligned(g *aligned[K, A], batch any) {
	rows := batch.(*Records[Record[K, P]]).Rows
	for i := range rows {
		if g.op.Failed() {
			return
		}
		r := &rows[i]
		p.enter(g.op, r)
		if acc := g.slot(r.Window, r.Hash, r.Key, r.N); acc != nil {
			p.add(acc, &r.Part)
			continue
		}
		g.late(r.Window, r.Hash, r.Key, r.N, func(acc *A) { p.add(acc, &r.Part) }, func(w model.Window) {
			p.late.emit(r, w, g.watermark, model.WindowExpired)
		})
	}
}

func (p portOf[K, A, P]) paned(g *paned[K, A], batch any) {
	rows := batch.(*Records[Record[K, P]]).Rows
	for i := range rows {
		if g.op.Failed() {
			return
		}
		r := &rows[i]
		p.enter(g.op, r)
		o, reason := g.take(r.Window, r.Hash, r.Key, r.N, r.At)
		p.enter(g.op, r) // again: a window that others merged into may have fired
		switch {
		case o == nil:
			p.late.emit(r, g.asked, g.watermark, reason)
			continue
		case r.N < 0:
			p.remove(&o.acc, &r.Part)
		default:
			p.add(&o.acc, &r.Part)
		}
		g.taken(r.Hash, r.Key)
		g.relieve()
	}
}

// enter notes the row for a panic in the fold.
func (p portOf[K, A, P]) enter(op *Op, r *Record[K, P]) {
	m := &op.task.rowMeta
	m.Timestamp, m.Window = r.Window.MaxTimestamp(), r.Window
	op.Enter(m, r)
}

// grouping is the Receiver of every windowed grouping.
type grouping[K comparable, A any] struct {
	alignedOp *aligned[K, A] // one of the two
	panedOp   *paned[K, A]
	ports     []batchTaker[K, A]
}

func newGrouping[K comparable, A any](op *Op, w *model.Windowing, acc accumulate[K, A], ports ...batchTaker[K, A]) Receiver {
	g := &grouping[K, A]{ports: ports}
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

func (g *grouping[K, A]) Receive(port int, batch any) {
	if g.alignedOp != nil {
		g.ports[port].aligned(g.alignedOp, batch)
		return
	}
	g.ports[port].paned(g.panedOp, batch)
}

func (g *grouping[K, A]) Advance(watermark model.Timestamp) {
	if g.alignedOp != nil {
		g.alignedOp.advance(watermark)
		return
	}
	g.panedOp.advance(watermark)
}

func (g *grouping[K, A]) AdvanceProcessingTime(now model.Timestamp) {
	if g.panedOp != nil {
		g.panedOp.advanceProcessingTime(now)
	}
}

func (g *grouping[K, A]) NextProcessingTime() model.Timestamp {
	if g.panedOp != nil {
		return min(g.panedOp.dueNow.next(), g.panedOp.paged.nextDue(processingTime))
	}
	return model.MaxTimestamp
}

// Hold keeps the watermark behind what is still to be said. The aligned operator
// has no need of it: a pane is stamped with the last instant of its window, and
// the watermark does not pass that before the pane has fired.
func (g *grouping[K, A]) Hold() model.Timestamp {
	if g.panedOp != nil {
		return g.panedOp.hold()
	}
	return model.MaxTimestamp
}
