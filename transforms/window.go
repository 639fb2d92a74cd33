package transforms

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/millrace/millrace/internal/engine"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/windowing"
)

// Window cuts a collection into windows and panes: PCollection[T] ->
// PCollection[T]. It takes effect in the groupings that follow: an element's
// windows come from its timestamp, and are computed where they are needed.
//
// State: none here; package windowing says what a grouping keeps per window. It
// is released when the watermark passes the window's end plus s.Lateness.
func Window[T any](c model.PCollection[T], s model.WindowingStrategy, opts ...model.Option) model.PCollection[T] {
	d := model.Definition{
		Kind:      "Window",
		Class:     model.Fused,
		Inputs:    in(c),
		Err:       checkStrategy[T](s),
		Windowing: &model.Windowing{Strategy: s},
		Options:   opts,
	}
	byElement, looks := s.Windows.(model.ElementWindowFn[T])
	// Windows that depend on the element are assigned while it is still that element.
	_, global := s.Windows.(windowing.Global)
	d.Windowing.Assigned = looks || global
	d.Spec = fuse[T, T](func(op *engine.Op, next engine.Emit[T]) engine.Emit[T] {
		if looks {
			return engine.ExplodeBy(op, byElement, next)
		}
		if global {
			return engine.Explode(op, &model.Windowing{}, next)
		}
		return next
	})
	return model.Add1[T](c.Pipeline(), d)
}

func checkStrategy[T any](s model.WindowingStrategy) error {
	if s.Windows == nil {
		return errors.New("WindowingStrategy.Windows is not set; use a value of package windowing, such as windowing.Fixed{Size: time.Minute}")
	}
	err := s.Windows.Validate()
	if aware, ok := s.Windows.(model.ElementAware); ok {
		if _, ok := s.Windows.(model.ElementWindowFn[T]); !ok {
			err = errors.Join(err, fmt.Errorf("%v assigns windows by looking at %s, but the collection's elements are %v", s.Windows, aware.ElementType(), reflect.TypeFor[T]()))
		}
	}
	if s.Trigger != nil {
		terr := s.Trigger.Validate()
		if terr == nil && !s.MayFinish && s.Trigger.Finishes(s.Lateness) {
			terr = fmt.Errorf("the trigger %v may finish while its window still takes elements, and those that come afterwards would be dropped; put it into triggers.Repeatedly, or set WindowingStrategy.MayFinish", s.Trigger)
		}
		err = errors.Join(err, terr)
	}
	if s.Lateness < 0 {
		err = errors.Join(err, fmt.Errorf("WindowingStrategy.Lateness is %v; it must not be negative", s.Lateness))
	}
	if s.Panes > model.Retracting {
		err = errors.Join(err, fmt.Errorf("WindowingStrategy.Panes is %v; it must be Discarding, Accumulating or Retracting", s.Panes))
	}
	if s.Panes == 0 && (s.Trigger != nil || s.Lateness > 0) {
		err = errors.Join(err, errors.New("WindowingStrategy.Panes must say model.Discarding, model.Accumulating or model.Retracting where Trigger or Lateness allow a window more than one pane"))
	}
	return err
}
