package engine

import "github.com/millrace/millrace/model"

// An Emit takes one element. The caller owns m and may change it after the call:
// an Emit neither keeps m nor changes it.
type Emit[T any] func(m *model.Meta, v T)

// Tee is an Emit to each of outs, which must be Emit[T]s.
func Tee[T any](outs []any) Emit[T] {
	switch len(outs) {
	case 0:
		return func(*model.Meta, T) {}
	case 1:
		return outs[0].(Emit[T])
	case 2:
		a, b := outs[0].(Emit[T]), outs[1].(Emit[T])
		return func(m *model.Meta, v T) {
			a(m, v)
			b(m, v)
		}
	}
	nexts := make([]Emit[T], len(outs))
	for i, o := range outs {
		nexts[i] = o.(Emit[T])
	}
	return func(m *model.Meta, v T) {
		for _, next := range nexts {
			next(m, v)
		}
	}
}

// Explode is an Emit to next in which every element carries the one window it
// belongs to: an element in several windows is emitted once for each. It is next
// itself where w says that windows are carried already.
func Explode[T any](w *model.Windowing, next Emit[T]) Emit[T] {
	if w.Assigned {
		return next
	}
	fn := w.Strategy.Windows
	if fn == nil {
		fn = globalWindows{}
	}
	var scratch []model.Window
	return func(m *model.Meta, v T) {
		scratch = fn.AssignWindows(scratch[:0], m.Timestamp)
		em := *m
		// scratch may be refilled while next runs only by a nested call of this very
		// Emit, and a graph has no cycles.
		for _, win := range scratch {
			em.Window = win
			next(&em, v)
		}
	}
}

// ExplodeBy is Explode for a WindowFn that looks at the element.
func ExplodeBy[T any](fn model.ElementWindowFn[T], next Emit[T]) Emit[T] {
	var scratch []model.Window
	return func(m *model.Meta, v T) {
		scratch = fn.AssignElementWindows(scratch[:0], v, m.Timestamp)
		em := *m
		for _, win := range scratch {
			em.Window = win
			next(&em, v)
		}
	}
}

// globalWindows is what a strategy without a WindowFn means.
type globalWindows struct{}

func (globalWindows) AssignWindows(dst []model.Window, _ model.Timestamp) []model.Window {
	return append(dst, model.GlobalWindow)
}
func (globalWindows) Validate() error { return nil }
func (globalWindows) String() string  { return "global" }
