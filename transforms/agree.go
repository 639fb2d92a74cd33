package transforms

import (
	"fmt"
	"reflect"

	"github.com/millrace/millrace/internal/engine"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/triggers"
	"github.com/millrace/millrace/windowing"
)

// Transforms with several inputs need them cut into the same windows, and every
// element at the same stage: its windows computed or not, merged or not.

// sameWindows is the mistake of joining collections that are cut differently.
func sameWindows(cs ...model.Input) error {
	var first *model.Windowing
	for _, c := range cs {
		if c.Collection() == nil {
			return nil
		}
		w := c.Collection().Windowing
		if first == nil {
			first = w
			continue
		}
		if !reflect.DeepEqual(normal(first.Strategy), normal(w.Strategy)) {
			return fmt.Errorf("inputs have different windows: %v (set at %v) and %v (set at %v); give both the same with transforms.Window",
				first.Strategy, first.Site, w.Strategy, w.Site)
		}
	}
	return nil
}

// normal leaves out of s what only spells out a default.
func normal(s model.WindowingStrategy) model.WindowingStrategy {
	if s.Windows == (windowing.Global{}) {
		s.Windows = nil
	}
	if s.Trigger == (triggers.Default{}) {
		s.Trigger = nil
	}
	if s.Panes == model.Discarding {
		s.Panes = 0
	}
	return s
}

// agreed is the stage that elements of all of cs can be brought to: windows are
// assigned if they are in one of cs, and merge no more if they do in none.
func agreed(cs ...model.Input) *model.Windowing {
	var w *model.Windowing
	for _, c := range cs {
		col := c.Collection()
		switch {
		case col == nil:
			return nil
		case w == nil:
			first := *col.Windowing
			w = &first
		default:
			w.Assigned = w.Assigned || col.Windowing.Assigned
			w.Grouped = w.Grouped && col.Windowing.Grouped
		}
	}
	return w
}

// conform is c with its elements at the stage that w says.
func conform[T any](c model.PCollection[T], w *model.Windowing) model.PCollection[T] {
	col := c.Collection()
	if col == nil || w == nil {
		return c
	}
	_, merging := col.Windowing.Strategy.Windows.(model.MergingWindowFn)
	if col.Windowing.Assigned == w.Assigned && (col.Windowing.Grouped == w.Grouped || !merging) {
		return c
	}
	to := *col.Windowing
	to.Assigned, to.Grouped = w.Assigned, w.Grouped
	return model.Add1[T](c.Pipeline(), model.Definition{
		Kind:      "AssignWindows",
		Class:     model.Fused,
		Windowing: &to,
		Inputs:    in(c),
		Spec: fuse[T, T](func(op *engine.Op, next engine.Emit[T]) engine.Emit[T] {
			return engine.Explode(op, op.Node.Inputs[0].Windowing, next)
		}),
	})
}
