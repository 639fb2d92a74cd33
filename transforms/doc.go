// Package transforms is the vocabulary for writing pipelines: functions from
// typed PCollections to typed PCollections, a file each.
//
// Each verb's doc begins with its schematic type. Verbs add a node to the
// pipeline and run nothing; a mistake in their arguments is recorded in the
// pipeline with the caller's line, and what builds on their result is dropped.
//
// The functions that a verb is given are called by many tasks at once. They must
// not change what they share without a lock of their own, and must not change
// the elements that they are given, which other transforms may see.
package transforms

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/millrace/millrace/internal/engine"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/coder"
)

func in(cs ...model.Input) []model.Input { return cs }

// fused adds a transform that works element by element.
func fused[T, U any](c model.PCollection[T], kind string, missing bool, fuse fuse[T, U], opts []model.Option) model.PCollection[U] {
	return model.Add1[U](c.Pipeline(), model.Definition{
		Kind:    kind,
		Class:   model.Fused,
		Spec:    fuse,
		Inputs:  in(c),
		Err:     required(missing),
		Options: opts,
	})
}

// A fuse is the FusedSpec with one output.
type fuse[T, U any] func(op *engine.Op, next engine.Emit[U]) engine.Emit[T]

// Fuse implements engine.FusedSpec.
func (f fuse[T, U]) Fuse(op *engine.Op, outs [][]any) any { return f(op, engine.Tee[U](outs[0])) }

// required is the mistake of a missing function.
func required(missing bool) error {
	if missing {
		return errors.New("the function is nil")
	}
	return nil
}

// hashOf is the hash of keys K, or why K cannot be a key.
func hashOf[K comparable]() (func(*K) uint64, error) {
	return coder.HashOf[K]()
}

// canEncode is why values of type t cannot cross to another task's state, or nil.
func canEncode(t reflect.Type, what string) error {
	err := coder.Check(t)
	switch {
	case err == nil:
		return nil
	case strings.Contains(err.Error(), "iter.Seq["):
		return fmt.Errorf("the %s (%v) holds a sequence, which can be read during the call only; collect it first, with slices.Collect in a transforms.Map", what, t)
	}
	return fmt.Errorf("the %s cannot be encoded: %w", what, err)
}

// encodeOf is the encoding of type t, or why values of it cannot cross to another
// task's state.
func encodeOf(t reflect.Type, what string) (*coder.Untyped, error) {
	if err := canEncode(t, what); err != nil {
		return nil, err
	}
	return coder.ForType(t)
}

// groupable is why c cannot be grouped as it is cut, or nil.
func groupable(c model.Input) error {
	col := c.Collection()
	if col == nil {
		return nil
	}
	w := col.Windowing
	if w.Retractions && w.Strategy.Panes != model.Retracting {
		return fmt.Errorf("its input has retractions, from panes set to Retracting upstream, and its own panes (%v, set at %v) could not pass them on; set Panes to model.Retracting in transforms.Window", w.Strategy, w.Site)
	}
	return fires(c)
}

// fires is why a grouping of c would never emit anything, or nil.
func fires(c model.Input) error {
	col := c.Collection()
	if col == nil || !col.Unbounded {
		return nil
	}
	if s := normal(col.Windowing.Strategy); s.Windows == nil && s.Trigger == nil {
		return errors.New("it would never emit: its input is unbounded and in the global window, which never ends; put it into windows with transforms.Window first")
	}
	return nil
}

// carried is the windowing behind a transform that emits each element in its
// window.
func carried(c model.Input) *model.Windowing {
	if col := c.Collection(); col != nil {
		return col.Windowing.Carried()
	}
	return nil
}

// grouped is the windowing behind a grouping.
func grouped(c model.Input) *model.Windowing {
	if col := c.Collection(); col != nil {
		return col.Windowing.AfterGrouping()
	}
	return nil
}
