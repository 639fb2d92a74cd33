package transforms

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/millrace/millrace/internal/plan"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/state"
)

// checkKeyed is the layout of fn's cells, or what is wrong with running fn on c.
func checkKeyed[K comparable, V, U any](c model.PCollection[model.KV[K, V]], fn KeyedDoFn[K, V, U]) (*state.Layout, error) {
	if fn == nil {
		return nil, required(true)
	}
	_, err := hashOf[K]()
	err = errors.Join(err, canEncode(reflect.TypeFor[V](), "value"))
	layout, errCells := state.Bind(reflect.TypeOf(fn), fn.Cells())
	err = errors.Join(err, errCells, signatures[K, V, U](fn))
	if errCells == nil {
		err = errors.Join(err, checkTimers[K, V, U](fn, layout), mergeableCells(c, layout))
	}
	if col := c.Collection(); col != nil && col.Windowing.Retractions {
		err = errors.Join(err, fmt.Errorf("its input has retractions, from panes set to Retracting upstream (%v, set at %v), and what a DoFn remembers cannot be taken back; use Accumulating panes, or a grouping that takes retractions", col.Windowing.Strategy, col.Windowing.Site))
	}
	return layout, err
}

// checkTimers is the mistake of timers that nobody would hear of.
func checkTimers[K comparable, V, U any](fn KeyedDoFn[K, V, U], layout *state.Layout) error {
	var names, processing []string
	for _, t := range layout.Timers {
		names = append(names, fmt.Sprintf("%q", t.Name))
		if t.Clock == state.ProcessingTime {
			processing = append(processing, fmt.Sprintf("%q", t.Name))
		}
	}
	var err error
	if _, ok := fn.(timerDoFn[K, U]); !ok && len(names) > 0 && !hasMethod(fn, "OnTimer") {
		err = fmt.Errorf("it lists the timer %s, but has no method OnTimer(context.Context, *%s, %s) error, which is called as one fires",
			strings.Join(names, ", "), typeName[Firing[K]](), typeName[Output[U]]())
	}
	if _, ok := fn.(expiryDoFn[K, U]); !ok && len(processing) > 0 && !hasMethod(fn, "OnWindowExpiration") {
		err = errors.Join(err, fmt.Errorf("its processing-time timer %s may be set still when the window expires, or the input ends, and does not fire any more then; say what is to be done in a method OnWindowExpiration(context.Context, *%s, %s) error, which may do nothing",
			strings.Join(processing, ", "), typeName[Firing[K]](), typeName[Output[U]]()))
	}
	return err
}

// signatures is the mistake of an optional method that would never be called.
func signatures[K comparable, V, U any](fn KeyedDoFn[K, V, U]) error {
	return errors.Join(
		signature[timerDoFn[K, U]](fn, "OnTimer"),
		signature[expiryDoFn[K, U]](fn, "OnWindowExpiration"),
		signature[KeyedInstancer[K, V, U]](fn, "Instance"),
		signature[Opener](fn, "Open"),
		signature[Flusher](fn, "Flush"),
	)
}

func signature[I any](fn any, method string) error {
	if _, ok := fn.(I); ok || !hasMethod(fn, method) {
		return nil
	}
	m, _ := reflect.TypeOf(fn).MethodByName(method)
	want, _ := reflect.TypeFor[I]().MethodByName(method)
	return fmt.Errorf("its method %s would not be called: it is a %v, and must be a %v", method, plan.TypeName(withoutReceiver(m.Type)), plan.TypeName(want.Type.String()))
}

func hasMethod(fn any, method string) bool {
	_, ok := reflect.TypeOf(fn).MethodByName(method)
	return ok
}

// withoutReceiver is the type of a method, less its receiver.
func withoutReceiver(t reflect.Type) string {
	in := make([]reflect.Type, 0, t.NumIn())
	for i := 1; i < t.NumIn(); i++ {
		in = append(in, t.In(i))
	}
	out := make([]reflect.Type, 0, t.NumOut())
	for i := range t.NumOut() {
		out = append(out, t.Out(i))
	}
	return reflect.FuncOf(in, out, t.IsVariadic()).String()
}

// mergeableCells is the mistake of cells that cannot be merged when windows are.
func mergeableCells(c model.Input, layout *state.Layout) error {
	col := c.Collection()
	if col == nil || col.Windowing.Grouped {
		return nil
	}
	if _, merging := col.Windowing.Strategy.Windows.(model.MergingWindowFn); !merging {
		return nil
	}
	cells := layout.Unmergeable()
	if len(cells) == 0 {
		return nil
	}
	return fmt.Errorf("its input is in windows that merge (%v, set at %v), and two windows' contents of the %s cannot become one: in place of a value use state.NewCombining, in place of a map state.NewMultimap, and in place of timers OnWindowExpiration; or cut the input into windows that do not merge",
		col.Windowing.Strategy, col.Windowing.Site, strings.Join(cells, ", "))
}

func typeName[T any]() string { return plan.TypeName(reflect.TypeFor[T]().String()) }
