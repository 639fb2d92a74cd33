package engine

import (
	"bytes"
	"fmt"
	"iter"
	"reflect"
	"slices"

	"github.com/millrace/millrace/internal/engine/cells"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/coder"
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
	Encode   *coder.Untyped // of V, where values cross
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
func (s *CombineSpec[K, V, A, O]) Sender(op *Op, port int) any {
	if !lifts(op.Node) {
		return newDirect[K, V](op, port, s.Hash)
	}
	l := &lift[K, V, A]{
		op:     op,
		out:    newOutlet[Record[K, A]](op, port),
		assign: newAssigner(windowingOf(op.Node)),
		hash:   s.Hash,
		by:     s.Combiner,
	}
	l.out.link.before = l.release
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
func (s *CombineSpec[K, V, A, O]) Receiver(op *Op, outs [][]any) Receiver {
	c := s.Combiner
	next := Tee[model.KV[K, O]](outs[0])
	inverse, invertible := c.(Inverter[V, A])
	if windowingOf(op.Node).Retractions && !invertible {
		return s.recomputing(op, outs, next)
	}
	fold := &cells.Fold[A]{
		Init:  func(into *A) { *into = c.New() },
		Merge: func(into, from *A) { *into = c.Merge(*into, *from) },
	}
	acc := folding[K](fold, firing1(next, func(acc *A) O { return c.Result(*acc) }))
	acc.tables = tablesOf[K](fold)
	if lifts(op.Node) {
		return newGrouping(op, acc, port{aligned: alignedRows[K](fold.Merge, nil)})
	}
	return newGrouping(op, acc, portOf(
		func(into *A, part *V) { *into = c.Add(*into, *part) },
		func(into *A, part *V) { *into = inverse.Subtract(*into, *part) },
		lateOut[K, V](op, outs)))
}

// recomputing keeps the values: what cannot be taken out of an accumulator is
// computed again without it. A Retractor keeps less.
func (s *CombineSpec[K, V, A, O]) recomputing(op *Op, outs [][]any, next Emit[model.KV[K, O]]) Receiver {
	c := s.Combiner
	fold, add, remove := retained[V](), retain[V], removal[V](op, s.Encode)
	read := func(values *[]V) O {
		acc := c.New()
		for _, v := range *values {
			acc = c.Add(acc, v)
		}
		return c.Result(acc)
	}
	if r, ok := c.(Retractor[V, O]); ok {
		by := r.Retracting()
		fold.Merge, add, remove, read = by.Join, by.Put, by.Take, by.Read
	}
	return newGrouping(op, folding[K](fold, firing1(next, read)), port{paned: panedRows(add, remove, lateOut[K, V](op, outs))})
}

// A Retractor is a [Combiner] that has another accumulator where values are taken back.
type Retractor[V, O any] interface{ Retracting() Retracting[V, O] }

// A Retracting folds values into a list of a few values, which is nil where there are
// none. What it reads off is what is made of the values that are left. It has functions
// and no methods, of which each verb would have its own.
type Retracting[V, O any] struct {
	Put  func(into *[]V, v *V)
	Take func(into *[]V, v *V) // undoes Put, and may come first
	Join func(into, from *[]V) // keeps nothing of from
	Read func(acc *[]V) O
}

// An Inverter is a [Combiner] that can take a value out again.
type Inverter[V, A any] interface {
	// Subtract undoes Add.
	Subtract(A, V) A
}

// retained is the fold that keeps every value.
func retained[V any]() *cells.Fold[[]V] {
	return &cells.Fold[[]V]{
		Init:  func(into *[]V) { *into = nil },
		Merge: func(into, from *[]V) { *into = append(*into, *from...) },
	}
}

func retain[V any](into *[]V, part *V) { *into = append(*into, *part) }

// removal takes one value out that has the encoding of the retracted one. It
// looks through all.
func removal[V any](op *Op, encode *coder.Untyped) func(into *[]V, part *V) {
	c := comparer{op: op, by: encode}
	return func(into *[]V, part *V) {
		c.want(part)
		for i := range *into {
			if c.same(&(*into)[i]) {
				// A new slice: panes that were emitted may still be read from the old one.
				*into = append(slices.Clone((*into)[:i]), (*into)[i+1:]...)
				return
			}
		}
	}
}

// A comparer finds values, given as pointers, that have the encoding of a retracted one.
type comparer struct {
	op          *Op
	by          *coder.Untyped
	wanted, had []byte
}

func (c *comparer) want(v any)      { c.wanted = c.encoded(c.wanted, v) }
func (c *comparer) same(v any) bool { c.had = c.encoded(c.had, v); return bytes.Equal(c.had, c.wanted) }

func (c *comparer) encoded(dst []byte, v any) []byte {
	b, err := c.by.Append(dst[:0], v)
	if err != nil {
		c.op.Fail(&c.op.task.rowMeta, pointee(v), fmt.Errorf("comparing it with a retraction: %w", err))
	}
	return b
}

// A GroupSpec is the ExchangeSpec of a grouping by key.
type GroupSpec[K comparable, V any] struct {
	Hash   func(*K) uint64
	Encode *coder.Untyped // of V
}

// Sender implements [ExchangeSpec].
func (s *GroupSpec[K, V]) Sender(op *Op, port int) any { return newDirect[K, V](op, port, s.Hash) }

// Receiver implements [ExchangeSpec].
func (s *GroupSpec[K, V]) Receiver(op *Op, outs [][]any) Receiver {
	next := Tee[model.KV[K, iter.Seq[V]]](outs[0])
	out := firing1(next, func(values *[]V) iter.Seq[V] {
		// What is appended later must not reach those who keep the sequence.
		return slices.Values(slices.Clip(*values))
	})
	fold := retained[V]()
	acc := folding[K](fold, out)
	acc.tables = tablesOf[K](fold)
	// A sequence is saved as what it yields.
	acc.said = saidForm{
		typ: reflect.TypeFor[model.KV[K, []V]](),
		unpack: func(saved any) any {
			kv := saved.(*model.KV[K, []V])
			return &model.KV[K, iter.Seq[V]]{Key: kv.Key, Value: slices.Values(kv.Value)}
		},
		pack: func(said any) any {
			kv := said.(*model.KV[K, iter.Seq[V]])
			return &model.KV[K, []V]{Key: kv.Key, Value: slices.Collect(kv.Value)}
		},
	}
	return newGrouping(op, acc, portOf(retain[V], removal[V](op, s.Encode), lateOut[K, V](op, outs)))
}

// A CoGroupSpec is the ExchangeSpec of two collections grouped by a common key.
type CoGroupSpec[K comparable, A, B, O any] struct {
	Hash    func(*K) uint64
	EncodeA *coder.Untyped
	EncodeB *coder.Untyped
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
func (s *CoGroupSpec[K, A, B, O]) Sender(op *Op, port int) any {
	if port == 0 {
		return newDirect[K, A](op, port, s.Hash)
	}
	return newDirect[K, B](op, port, s.Hash)
}

// Receiver implements [ExchangeSpec].
func (s *CoGroupSpec[K, A, B, O]) Receiver(op *Op, outs [][]any) Receiver {
	fold := &cells.Fold[Both[A, B]]{
		Init: func(into *Both[A, B]) { *into = Both[A, B]{} },
		Merge: func(into, from *Both[A, B]) {
			into.A = append(into.A, from.A...)
			into.B = append(into.B, from.B...)
		},
	}
	out := firingMany(op, Tee[O](outs[0]), func(k K, acc *Both[A, B], emit func(O)) { s.Fire(k, acc.A, acc.B, emit) })
	acc := folding[K](fold, out)
	acc.tables = tablesOf[K](fold)
	removeA, removeB := removal[A](op, s.EncodeA), removal[B](op, s.EncodeB)
	return newGrouping(op, acc,
		portOf(
			func(into *Both[A, B], part *A) { into.A = append(into.A, *part) },
			func(into *Both[A, B], part *A) { removeA(&into.A, part) },
			lateOut[K, A](op, outs)),
		portOf(
			func(into *Both[A, B], part *B) { into.B = append(into.B, *part) },
			func(into *Both[A, B], part *B) { removeB(&into.B, part) },
			lateOut[K, B](op, outs)),
	)
}
