package transforms

import (
	"errors"
	"fmt"
	"iter"
	"reflect"
	"slices"
	"strings"

	"github.com/millrace/millrace/internal/engine"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/coder"
)

// A Side is a collection as something to look things up in, or several that
// [Both] put together: what [DoWith], [MapWith] and [FilterWith] show beside each
// element. S is what the function gets. Its maps and slices are shared: they must
// not be changed, and hold during the call only.
//
// # Which window
//
// An element sees one window of the side input, the one that goes with its own:
// the same, where both collections are cut alike; otherwise the one that holds the
// last instant of its own window and, where there are several, ends first. The
// global window goes with every other.
//
// # When
//
// An element waits until that window is ready. It is as the watermark of the side
// input reaches its end, and before that once an early pane of it has arrived. Under
// a trigger that takes no notice of the end, a window is ready with its first pane,
// at the latest when its allowed lateness is over. Elements that wait hold the
// watermark, and keep their order; those whose window is ready pass, however far
// behind the side input is.
//
// # What
//
// Of a collection under the default trigger, a window shows all elements that have
// arrived, and late ones as they do. Any other trigger updates what is seen, pane
// by pane; elements see the panes that arrived before them:
//
//   - A collection that is not behind a grouping shows its latest pane, whole. Panes
//     that are Accumulating show all of the window, those that are Discarding what is
//     new.
//   - Behind a grouping, panes are those of single keys. Each replaces the earlier ones
//     of its key in a map or multimap, and the earlier ones in a singleton; elements
//     of other keys stay. A map's keys should be those that were grouped by. An
//     iterable cannot tell what replaces what, and is refused, unless its panes are
//     Retracting.
//   - Retractions take out what they take back, together with what replaces it.
//
// # Cost
//
// Each task keeps a copy of the side input, window by window, until the main input
// has passed the windows that go with it, and their allowed lateness. Main elements
// whose side window was let go are dropped, and counted, or go to a
// [model.LateData]; side elements of a window that no element can ask for any more
// are let go uncounted. Elements that wait are kept in memory, however many: where a
// side input lags far behind its main input, so does memory; the run's report says
// how many there are.
type Side[S any] struct {
	leaves []sideLeaf
	view   engine.SideView[S] // of no input if there is none
}

// A sideLeaf is one collection of a Side.
type sideLeaf struct {
	in   model.Input
	what string // "AsMap at main.go:12"
	kind string
	// changes says that what a window shows may change after it is ready.
	changes bool
}

// AsSingleton is the one element of each window of c: PCollection[T] -> Side[T].
// A window that has none, or more, when an element asks for it ends the run.
//
// State: an element per window, in each task.
func AsSingleton[T any](c model.PCollection[T]) Side[T] {
	return singleton(c, "AsSingleton", func() (v T, err error) {
		return v, errors.New("it has no element, and a singleton needs one; say with transforms.AsSingletonOr what stands for it")
	})
}

// AsSingletonOr is [AsSingleton] with what stands for the element of a window that
// has none: PCollection[T], T -> Side[T].
func AsSingletonOr[T any](c model.PCollection[T], none T) Side[T] {
	return singleton(c, "AsSingletonOr", func() (T, error) { return none, nil })
}

func singleton[T any](c model.PCollection[T], kind string, none func() (T, error)) Side[T] {
	more := "it has %d elements, and a singleton has one; make them one with a combine, such as transforms.CombineGlobally, or use transforms.AsIterable"
	if w := windowingOf(c); w != nil && w.Strategy.Panes == model.Accumulating && normal(w.Strategy).Trigger != nil {
		more += "; if each pane is to replace the one before, its Panes must be model.Discarding"
	}
	return asSide[T, T](c, kind, nil, engine.NewSideValue[T], func(s *engine.SideValue[T]) (T, error) {
		v, n := s.Value()
		switch {
		case n == 0:
			return none()
		case n > 1:
			return v, fmt.Errorf(more, n)
		}
		return v, nil
	})
}

// AsIterable is all elements of each window of c: PCollection[T] -> Side[[]T].
// Their order is not defined.
//
// State: every element, in each task.
func AsIterable[T any](c model.PCollection[T]) Side[[]T] {
	var err error
	if w := windowingOf(c); w != nil && w.Grouped && !w.Retractions && severalPanes(w.Strategy) {
		err = fmt.Errorf("its panes (%v, set at %v) are those of single keys, and an iterable cannot tell which elements a pane replaces; use transforms.AsMap or AsMultimap with the same keys, set Panes to model.Retracting, or cut it into windows anew with transforms.Window", w.Strategy, w.Site)
	}
	return asSide[T, T](c, "AsIterable", err, engine.NewSideList[T], func(l *engine.SideList[T]) ([]T, error) { return l.Values(), nil })
}

// AsMap is the value of each key in each window of c: PCollection[KV[K, V]] ->
// Side[MapView[K, V]]. A key that has two values in one pane when an element asks
// for the window ends the run.
//
// State: every key and value, in each task.
func AsMap[K comparable, V any](c model.PCollection[model.KV[K, V]]) Side[MapView[K, V]] {
	_, err := hashOf[K]()
	return asSide[model.KV[K, V], V](c, "AsMap", err, engine.NewSideMap[K, V], func(m *engine.SideMap[K, V]) (MapView[K, V], error) {
		if k, n := m.Ambiguous(); n > 0 {
			return MapView[K, V]{}, fmt.Errorf("it has %d values for the key %v, and a map has one; make them one with a combine, such as transforms.CombinePerKey, or use transforms.AsMultimap", n, k)
		}
		return MapView[K, V]{m}, nil
	})
}

// AsMultimap is all values of each key in each window of c: PCollection[KV[K, V]]
// -> Side[MultimapView[K, V]].
//
// State: every key and value, in each task.
func AsMultimap[K comparable, V any](c model.PCollection[model.KV[K, V]]) Side[MultimapView[K, V]] {
	_, err := hashOf[K]()
	return asSide[model.KV[K, V], V](c, "AsMultimap", err, engine.NewSideMultimap[K, V], func(m *engine.SideMultimap[K, V]) (MultimapView[K, V], error) {
		return MultimapView[K, V]{m}, nil
	})
}

// A Pair is what [Both] shows.
type Pair[A, B any] struct {
	A A
	B B
}

// Both puts two side inputs together: Side[A], Side[B] -> Side[Pair[A, B]]. Each
// goes by its own windows and panes. For three, put two together first.
func Both[A, B any](a Side[A], b Side[B]) Side[Pair[A, B]] {
	both := Side[Pair[A, B]]{leaves: slices.Concat(a.leaves, b.leaves)}
	if len(a.view.Inputs) > 0 && len(b.view.Inputs) > 0 {
		both.view = engine.BothViews(a.view, b.view, func(a A, b B) Pair[A, B] { return Pair[A, B]{a, b} })
	}
	return both
}

// asSide is c, which err is wrong with, as see sees its contents, which compare values Q.
func asSide[E, Q any, C engine.SideContents, S any](c model.PCollection[E], kind string, err error, empty func(engine.Same) C, see func(C) (S, error)) Side[S] {
	p, site := c.Pipeline(), model.UserSite()
	what := fmt.Sprintf("%s at %v", kind, site)
	side := Side[S]{
		view:   engine.NewSideView[E](what, reflect.TypeFor[Q](), empty, see),
		leaves: []sideLeaf{{in: c, what: what, kind: kind}},
	}
	leaf, in := &side.leaves[0], side.view.Inputs[0]
	w := windowingOf(c)
	if w == nil {
		return side
	}
	encode, errQ := coder.ForType(in.Equal)
	if errE := canEncode(reflect.TypeFor[E](), "element"); errE != nil {
		errQ = errE // which is more to the point
	}
	if err = errors.Join(err, errQ, viewable(c)); err != nil {
		p.Fail(site, kind, err)
		leaf.in = model.OutputOf[E](p, nil, 0)
		return side
	}
	leaf.changes = severalPanes(w.Strategy)
	if !w.Grouped && normal(w.Strategy).Trigger != nil {
		in.Whole = true
		leaf.in = panesOf(c, kind)
	} else if w.Retractions {
		in.Encode = encode
	}
	return side
}

// viewable is why c cannot be a side input as it is cut, or nil.
func viewable(c model.Input) error {
	w := windowingOf(c)
	if _, merging := w.Strategy.Windows.(model.MergingWindowFn); merging {
		return fmt.Errorf("its windows (%v, set at %v) merge key by key, so that none goes with a window of another collection; cut it into others with transforms.Window", w.Strategy.Windows, w.Site)
	}
	if fires(c) != nil {
		return errors.New("it would never be ready: it is unbounded and in the global window, which never ends; put it into windows with transforms.Window, or give the global window a Trigger, which then updates what is seen: triggers.Repeatedly of triggers.AfterCount, for example")
	}
	return nil
}

// panesOf is each pane of c as one element.
func panesOf[E any](c model.PCollection[E], kind string) (out model.PCollection[[]E]) {
	inScope(c, kind, nil, func() {
		keyed := mapKind(c, "WithVoidKey", func(v E) model.KV[struct{}, E] { return model.KV[struct{}, E]{Value: v} }, nil)
		out = mapKind(GroupByKey(keyed), "Panes", func(g model.KV[struct{}, iter.Seq[E]]) []E { return slices.Collect(g.Value) }, nil)
	})
	return out
}

// severalPanes reports whether a window may have more than one pane.
func severalPanes(s model.WindowingStrategy) bool { return normal(s).Trigger != nil || s.Lateness > 0 }

// windowingOf is the windowing of c, or nil after a mistake.
func windowingOf(c model.Input) *model.Windowing {
	if col := c.Collection(); col != nil {
		return col.Windowing
	}
	return nil
}

// inputs are the collections of s.
func (s Side[S]) inputs() (ins []model.Input) {
	for _, l := range s.leaves {
		ins = append(ins, l.in)
	}
	return ins
}

// detail lists the views of s.
func (s Side[S]) detail() string {
	var kinds []string
	for _, l := range s.leaves {
		kinds = append(kinds, l.kind)
	}
	return "side inputs: " + strings.Join(kinds, ", ")
}

// beside is why s cannot be shown beside the elements of c, or nil.
func (s Side[S]) beside(c model.Input) error {
	if len(s.view.Inputs) == 0 {
		return errors.New("the side input is a zero Side, of no collection; make one with transforms.AsSingleton, AsSingletonOr, AsIterable, AsMap or AsMultimap")
	}
	main := windowingOf(c)
	if main == nil {
		return nil
	}
	var errs []error
	for _, l := range s.leaves {
		if w := windowingOf(l.in); w != nil {
			errs = append(errs, l.beside(main, w))
		}
	}
	return errors.Join(errs...)
}

func (l sideLeaf) beside(main, side *model.Windowing) error {
	of, to := normal(side.Strategy).Windows, normal(main.Strategy).Windows
	_, byElement := of.(model.ElementAware)
	switch {
	case of != nil && to == nil:
		return fmt.Errorf("the main input is in the global window, which goes with none of the windows of the side input %s (%v, set at %v); put the main input into windows, or the side input into windowing.Global", l.what, of, side.Site)
	case byElement && !reflect.DeepEqual(of, to):
		return fmt.Errorf("windows of the side input %s (%v, set at %v) follow from its elements, and so go with the same windows only; give the main input those, or the side input others", l.what, of, side.Site)
	case main.Retractions && l.changes:
		return fmt.Errorf("the main input has retractions, and what they meet in the side input %s (%v, set at %v) may have changed since what they take back met it; give the side input windows with one pane", l.what, side.Strategy, side.Site)
	}
	return nil
}
