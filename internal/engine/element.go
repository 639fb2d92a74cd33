package engine

import (
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/windowing"
)

// An Emit takes one element. Both m and v belong to the caller, who may change
// them after the call: an Emit neither keeps nor changes them. Values go by
// pointer because an element passes through many hands and most only look on.
type Emit[T any] func(m *model.Meta, v *T)

// Tee is an Emit to each of outs, which must be Emit[T]s.
func Tee[T any](outs []any) Emit[T] {
	if len(outs) == 1 {
		return outs[0].(Emit[T])
	}
	nexts := make([]Emit[T], len(outs))
	for i, o := range outs {
		nexts[i] = o.(Emit[T])
	}
	return func(m *model.Meta, v *T) {
		for _, next := range nexts {
			next(m, v)
		}
	}
}

// Explode is an Emit to next in which every element carries the one window it
// belongs to: an element in several windows is emitted once for each, and one in none is counted. It is next
// itself where w says that windows are carried already.
func Explode[T any](op *Op, w *model.Windowing, next Emit[T]) Emit[T] {
	if w.Assigned {
		return next
	}
	var em model.Meta
	if isGlobal(w.Strategy.Windows) {
		return func(m *model.Meta, v *T) {
			em = *m
			em.Window = model.GlobalWindow
			next(&em, v)
		}
	}
	x := exploder{op: op, w: w}
	return func(m *model.Meta, v *T) {
		for _, x.em.Window = range x.windows(m, v) {
			next(&x.em, v)
		}
	}
}

// An exploder is what Explode is made of that does not depend on elements' type.
type exploder struct {
	op      *Op
	w       *model.Windowing
	em      model.Meta // in one of its windows
	scratch []model.Window
}

// windows is those of an element, whose Meta is copied to em.
func (x *exploder) windows(m *model.Meta, v any) []model.Window {
	x.op.Enter(m, v)
	x.em = *m
	if isGlobal(x.w.Strategy.Windows) {
		x.scratch = append(x.scratch[:0], model.GlobalWindow)
		return x.scratch
	}
	x.scratch = x.w.Strategy.Windows.AssignWindows(x.scratch[:0], m.Timestamp)
	if err := misassigned(x.w, x.scratch, m.Timestamp); err != nil {
		x.op.Fail(m, pointee(v), err)
		return nil
	}
	if len(x.scratch) == 0 {
		x.op.Counts.Windowless++
	}
	return x.scratch
}

// ExplodeBy is Explode for a WindowFn that looks at the element.
func ExplodeBy[T any](op *Op, fn model.ElementWindowFn[T], next Emit[T]) Emit[T] {
	var em model.Meta
	var scratch []model.Window
	w := &model.Windowing{Strategy: model.WindowingStrategy{Windows: fn}, Site: op.Node.Site}
	return func(m *model.Meta, v *T) {
		op.Enter(m, v)
		scratch = fn.AssignElementWindows(scratch[:0], *v, m.Timestamp)
		if err := misassigned(w, scratch, m.Timestamp); err != nil {
			op.Fail(m, *v, err)
			return
		}
		if len(scratch) == 0 {
			op.Counts.Windowless++
		}
		em = *m
		for _, win := range scratch {
			em.Window = win
			next(&em, v)
		}
	}
}

// isGlobal reports whether fn is the global window, which a strategy without a
// WindowFn means, too.
func isGlobal(fn model.WindowFn) bool {
	_, global := fn.(windowing.Global)
	return global || fn == nil
}
