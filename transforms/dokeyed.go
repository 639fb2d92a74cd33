package transforms

import (
	"context"
	"fmt"
	"reflect"

	"github.com/millrace/millrace/internal/engine"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/state"
)

// A Keyed is an element that a [KeyedDoFn] processes. It is the Scope of its cells:
// what they hold for the element's key and window. It is valid during the call
// only.
type Keyed[K comparable, V any] struct {
	state.Scope
	Key   K
	Value V
	model.Meta
}

// A Firing is a timer of a [KeyedDoFn] that fires, or a window that expires. It is
// the Scope of the key and window that the timer was set for. It is valid during
// the call only.
type Firing[K comparable] struct {
	state.Scope
	Key K
	// Timer is the name of the timer, and Tag its tag where it is one of a family.
	Timer, Tag string
	// At is the time that the timer was set for; of a window, when it expires.
	At model.Timestamp
	// Meta has the timestamp of what is emitted, which the timer was set with or
	// which follows from At, and the window.
	model.Meta
}

// A KeyedDoFn processes the elements of a key one at a time, and remembers things
// in between, for each key and window: in the cells of package state, which it
// holds and lists.
//
// It may have these methods, too:
//
//	OnTimer(ctx context.Context, f *Firing[K], out Output[U]) error
//	OnWindowExpiration(ctx context.Context, f *Firing[K], out Output[U]) error
//
// OnTimer is called as a timer fires; a KeyedDoFn that lists timers must have it.
// OnWindowExpiration is called for each key of which something is left in a cell,
// or a timer set, when the watermark reaches the end of the window plus the allowed
// lateness, and in the global window when the input ends; what is kept goes
// afterwards. It emits with the last timestamp of the window. With an allowed
// lateness, that is behind the watermark already: groupings behind take it as late.
//
// One KeyedDoFn serves all tasks at once. One that keeps something outside its
// cells, such as a connection, implements [KeyedInstancer], and may implement
// [Opener], [Flusher] and [io.Closer], as a [DoFn] may.
type KeyedDoFn[K comparable, V, U any] interface {
	// Cells lists the cells and timers: the very ones that the methods use. It is
	// called when the pipeline is built.
	Cells() []state.Cell
	Process(ctx context.Context, e *Keyed[K, V], out Output[U]) error
}

// A KeyedInstancer makes a KeyedDoFn of the same type, with the same cells, for
// each task.
type KeyedInstancer[K comparable, V, U any] interface {
	Instance() KeyedDoFn[K, V, U]
}

type timerDoFn[K comparable, U any] interface {
	OnTimer(ctx context.Context, f *Firing[K], out Output[U]) error
}

type expiryDoFn[K comparable, U any] interface {
	OnWindowExpiration(ctx context.Context, f *Firing[K], out Output[U]) error
}

// DoKeyed runs fn on each element, those of a key one after another, with what fn
// remembers of the key and window: PCollection[KV[K, V]] -> PCollection[U]. An
// element in several windows is processed once in each. One whose window has
// expired is dropped, and counted. An error ends the run.
//
// What Process emits has the timestamp, window and pane of the element. The
// elements of a key come in no definite order; an [state.OrderedList] puts them
// into one.
//
// State: what fn puts into its cells, for each key and window, and some two
// hundred bytes for each in which there is anything. It is let go when the
// watermark reaches the end of the window plus the allowed lateness; in the global
// window it stays until the input ends, unless it is cleared or expires before.
//
// Windows that merge, such as sessions, take their state with them: fn may have
// only cells of kinds that can be merged then, and no timers. The input must not
// have retractions.
//
// Where the compiler says that the type of fn does not match KeyedDoFn, a line that
// says which one is meant has it tell the method that is missing or amiss:
//
//	var _ transforms.KeyedDoFn[string, Order, Alert] = &overdue{}
func DoKeyed[K comparable, V, U any](c model.PCollection[model.KV[K, V]], fn KeyedDoFn[K, V, U], opts ...model.Option) model.PCollection[U] {
	d := model.Definition{
		Kind:      "DoKeyed",
		Class:     model.Exchange,
		Inputs:    in(c),
		Windowing: carried(c),
		TakesLate: true,
		Options:   opts,
	}
	layout, err := checkKeyed(c, fn)
	if err != nil {
		d.Err = err
		return model.Add1[U](c.Pipeline(), d)
	}
	hash, _ := hashOf[K]() // checked
	d.Detail = layout.String()
	d.Spec = &engine.KeyedSpec[K, V]{
		Hash:   hash,
		Layout: layout,
		Calls: func(op *engine.Op, outs [][]any, s state.Scope) engine.KeyedCalls[K, V] {
			return keyedCalls(op, outs, s, layout, fn)
		},
	}
	return model.Add1[U](c.Pipeline(), d)
}

// keyedCalls are the calls of fn in one task.
func keyedCalls[K comparable, V, U any](op *engine.Op, outs [][]any, s state.Scope, layout *state.Layout, fn KeyedDoFn[K, V, U]) (calls engine.KeyedCalls[K, V]) {
	var wrong error
	if i, ok := fn.(KeyedInstancer[K, V, U]); ok {
		instance := i.Instance()
		wrong = sameCells(layout, fn, instance)
		fn = instance
	}
	in := &doInput{}
	lifecycle(op, fn, in)
	out := newOutput[U](op, in, outs[0])
	e := &Keyed[K, V]{Scope: s}
	calls.Process = func(m *model.Meta, from *engine.KeyedElement[K, V]) error {
		if wrong != nil {
			return wrong
		}
		in.take(m, from)
		e.Key, e.Value, e.Meta = from.Key, from.Value, *m
		return first(fn.Process(op.Context(), e, out), in)
	}
	f := &Firing[K]{Scope: s}
	firing := func(call func(context.Context, *Firing[K], Output[U]) error) func(*model.Meta, *engine.KeyedFiring) error {
		return func(m *model.Meta, from *engine.KeyedFiring) error {
			in.take(m, from)
			f.Key, f.Timer, f.Tag, f.At, f.Meta = engine.FiringKey[K](from), from.Timer, from.Tag, from.At, *m
			return first(call(op.Context(), f, out), in)
		}
	}
	if t, ok := fn.(timerDoFn[K, U]); ok {
		calls.OnTimer = firing(t.OnTimer)
	}
	if t, ok := fn.(expiryDoFn[K, U]); ok {
		calls.OnExpiry = firing(t.OnWindowExpiration)
	}
	return calls
}

// first is the error of a call, or else of one of its outputs.
func first(err error, in *doInput) error {
	if err != nil {
		return err
	}
	return in.err
}

// sameCells is the mistake of an instance of fn that is of another type, or whose
// cells are others.
func sameCells[K comparable, V, U any](layout *state.Layout, of, fn KeyedDoFn[K, V, U]) error {
	if reflect.TypeOf(of) != reflect.TypeOf(fn) {
		return fmt.Errorf("its method Instance returned a %[2]T for a %[1]T; it must be of the same type", of, fn)
	}
	if !layout.Is(fn.Cells()) {
		return fmt.Errorf("its method Instance returned a %T whose Cells are not those of the one that it was called on; make the cells once and hand them over", fn)
	}
	return nil
}
