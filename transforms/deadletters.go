package transforms

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/millrace/millrace/internal/engine"
	"github.com/millrace/millrace/model"
)

// A DeadLetter is an element that a function failed on as often as it was tried.
type DeadLetter[T any] struct {
	Element T
	// Cause is the text of the last error; that of a panic begins with "panic: ".
	Cause    string
	Attempts int
}

// TryMapWithDeadLetters is [TryMap] that goes on without the elements that fn fails on:
// PCollection[T] -> PCollection[U], PCollection[DeadLetter[T]]. Each is tried up to
// attempts times, at once one after the other; one that fails, or panics, each time
// becomes a dead letter, with its own timestamp and window. A function that is to wait
// between attempts does so itself.
//
// An error that comes after the run was called off makes no dead letter. Attempts are
// not remembered: after a restart, what is read again is tried again as often. So an
// element ends in one of the outputs, and the run does not fail of it.
//
// There is no such verb for a [DoFn]: what one has emitted before it failed cannot be
// taken back.
func TryMapWithDeadLetters[T, U any](c model.PCollection[T], attempts int, fn func(context.Context, T) (U, error), opts ...model.Option) (model.PCollection[U], model.PCollection[DeadLetter[T]]) {
	err := required(fn == nil)
	if attempts < 1 {
		err = errors.Join(err, fmt.Errorf("%d attempts; there must be at least 1", attempts))
	}
	p := c.Pipeline()
	n := p.Add(model.Definition{
		Kind:    "TryMapWithDeadLetters",
		Class:   model.Fused,
		Spec:    deadLetters[T, U]{attempts, fn},
		Inputs:  in(c),
		Outputs: []reflect.Type{reflect.TypeFor[U](), reflect.TypeFor[DeadLetter[T]]()},
		Err:     err,
		Options: opts,
	})
	return model.OutputOf[U](p, n, 0), model.OutputOf[DeadLetter[T]](p, n, 1)
}

// deadLetters is the FusedSpec of TryMapWithDeadLetters.
type deadLetters[T, U any] struct {
	attempts int
	fn       func(context.Context, T) (U, error)
}

// Fuse implements engine.FusedSpec.
func (d deadLetters[T, U]) Fuse(op *engine.Op, outs [][]any) any {
	next, dead := engine.Tee[U](outs[0]), engine.Tee[DeadLetter[T]](outs[1])
	var u U
	var letter DeadLetter[T]
	return engine.Emit[T](func(m *model.Meta, v *T) {
		if op.Failed() {
			return
		}
		op.Enter(m, v)
		var err error
		for range d.attempts {
			if u, err = d.try(op.Context(), *v); err == nil {
				next(m, &u)
				return
			}
			if op.Context().Err() != nil { // which may be what it failed of
				op.Fail(m, *v, err)
				return
			}
		}
		letter = DeadLetter[T]{*v, err.Error(), d.attempts}
		dead(m, &letter)
	})
}

// try calls the function, and makes an error of a panic.
func (d deadLetters[T, U]) try(ctx context.Context, v T) (u U, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	return d.fn(ctx, v)
}
