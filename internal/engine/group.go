package engine

import (
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
}

// Lifts reports whether a combine over w folds before the exchange: under the
// default trigger and windows that do not merge. Others need to see every
// element, or cannot know the window before they have seen all.
func Lifts(w *model.Windowing) bool { return usesAligned(w) }

func usesAligned(w *model.Windowing) bool {
	if w.Strategy.Trigger != nil {
		if _, ok := w.Strategy.Trigger.(triggers.Default); !ok {
			return false
		}
	}
	if _, merging := w.Strategy.Windows.(model.MergingWindowFn); merging && !w.Grouped {
		return false
	}
	return true
}

// Sender implements [ExchangeSpec].
func (s CombineSpec[K, V, A, O]) Sender(op *Op, port int) any {
	w := op.Node.Inputs[port].Windowing
	if !Lifts(w) {
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
		assign: newAssigner(op.Node.Inputs[port].Windowing),
		hash:   hash,
	}
	return d.take
}

// Receiver implements [ExchangeSpec].
func (s CombineSpec[K, V, A, O]) Receiver(op *Op, outs [][]any) Receiver {
	next := Tee[model.KV[K, O]](outs[0])
	c := s.Combiner
	var out model.KV[K, O]
	acc := accumulate[K, A]{
		merge: func(into *A, fresh bool, from *A) {
			if fresh {
				*into = c.New()
			}
			*into = c.Merge(*into, *from)
		},
		fire: func(m *model.Meta, k K, acc *A) {
			out.Key, out.Value = k, c.Result(*acc)
			next(m, &out)
		},
	}
	w := op.Node.Inputs[0].Windowing
	if Lifts(w) {
		return newGrouping(op, w, acc, port[K, A](func(into *A, fresh bool, part *A) {
			if fresh {
				*into = *part
				return
			}
			*into = c.Merge(*into, *part)
		}))
	}
	return newGrouping(op, w, acc, port[K, A](func(into *A, fresh bool, part *V) {
		if fresh {
			*into = c.New()
		}
		*into = c.Add(*into, *part)
	}))
}

// A GroupSpec is the ExchangeSpec of a grouping by key.
type GroupSpec[K comparable, V any] struct{ Hash func(*K) uint64 }

// Sender implements [ExchangeSpec].
func (s GroupSpec[K, V]) Sender(op *Op, port int) any { return newDirect[K, V](op, port, s.Hash) }

// Receiver implements [ExchangeSpec].
func (s GroupSpec[K, V]) Receiver(op *Op, outs [][]any) Receiver {
	next := Tee[model.KV[K, iter.Seq[V]]](outs[0])
	var out model.KV[K, iter.Seq[V]]
	acc := accumulate[K, []V]{
		merge: func(into *[]V, _ bool, from *[]V) { *into = append(*into, *from...) },
		fire: func(m *model.Meta, k K, acc *[]V) {
			// What is appended later must not reach those who keep the sequence.
			out.Key, out.Value = k, slices.Values(slices.Clip(*acc))
			next(m, &out)
		},
	}
	return newGrouping(op, op.Node.Inputs[0].Windowing, acc, port[K, []V](appendPart[V]))
}

func appendPart[V any](into *[]V, _ bool, part *V) { *into = append(*into, *part) }

// A CoGroupSpec is the ExchangeSpec of two collections grouped by a common key.
type CoGroupSpec[K comparable, A, B, O any] struct {
	Hash func(*K) uint64
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
	emit := func(o O) {
		out = o
		next(meta, &out)
		op.Enter(meta, &key)
	}
	acc := accumulate[K, Both[A, B]]{
		merge: func(into *Both[A, B], _ bool, from *Both[A, B]) {
			into.A = append(into.A, from.A...)
			into.B = append(into.B, from.B...)
		},
		fire: func(m *model.Meta, k K, acc *Both[A, B]) {
			meta, key.Key = m, k
			s.Fire(k, acc.A, acc.B, emit)
		},
	}
	return newGrouping(op, op.Node.Inputs[0].Windowing, acc,
		port[K, Both[A, B]](func(into *Both[A, B], _ bool, part *A) { into.A = append(into.A, *part) }),
		port[K, Both[A, B]](func(into *Both[A, B], _ bool, part *B) { into.B = append(into.B, *part) }),
	)
}

// A batchTaker feeds the batches of one port to whichever operator groups.
type batchTaker[K comparable, A any] interface {
	aligned(*aligned[K, A], any)
	paned(*paned[K, A], any)
}

// port takes parts P of records into accumulators with fold.
func port[K comparable, A, P any](fold func(into *A, fresh bool, part *P)) batchTaker[K, A] {
	return portOf[K, A, P]{fold}
}

type portOf[K comparable, A, P any] struct {
	fold func(into *A, fresh bool, part *P)
}

func (p portOf[K, A, P]) aligned(g *aligned[K, A], batch any) {
	rows := batch.(*Records[Record[K, P]]).Rows
	for i := range rows {
		if g.op.Failed() {
			return
		}
		r := &rows[i]
		p.enter(g.op, r)
		if acc, fresh := g.slot(r.Window, r.Hash, r.Key, r.N); acc != nil {
			p.fold(acc, fresh, &r.Part)
			continue
		}
		g.late(r.Window, r.Hash, r.Key, r.N, func(acc *A, fresh bool) { p.fold(acc, fresh, &r.Part) })
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
		g.take(r.Window, r.Hash, r.Key, r.N, func(acc *A, fresh bool) { p.fold(acc, fresh, &r.Part) })
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
		return g.panedOp.dueNow.next()
	}
	return model.MaxTimestamp
}

// Hold is never needed: a pane is stamped with the last instant of its window,
// and the watermark does not pass that before the pane has fired.
func (g *grouping[K, A]) Hold() model.Timestamp { return model.MaxTimestamp }
