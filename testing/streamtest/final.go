package streamtest

import (
	"reflect"
	"testing"

	"github.com/millrace/millrace/model"
)

// WantFinal wants the last pane of each key of window w to have held exactly
// these values, in any order.
//
// The last pane is the one that was emitted last, in the step that it was emitted
// in, whether or not another could have followed. What it holds is up to the
// window's pane mode: where panes accumulate, all that the window has seen of the
// key, so that it is the final result; likewise where they retract, save that a
// pane which was taken back and not replaced holds nothing; where they discard,
// only what arrived since the pane before, so that [Captured.WantInWindow] is
// mostly what is meant. Elements that no trigger has fired are each a last pane.
//
// The key of an element is that of the [model.KV] that it is. Elements of another
// type must come from groupings without keys, such as CombineGlobally.
func (k *Captured[T]) WantFinal(t testing.TB, w model.Window, want ...T) {
	t.Helper()
	if !k.hasRun(t) {
		return
	}
	var v T
	if _, keyed := any(v).(interface{ AnyKey() any }); !keyed && !keyless(k.collection.Collection()) {
		t.Fatalf("WantFinal of %s: elements of type %v do not tell the key whose pane they are of; ask for what the grouping itself emits, or use WantInWindow", k.name(), reflect.TypeFor[T]())
	}
	k.want(t, " in final panes of "+span(w), k.final(w), want)
}

// final is the elements of the last pane of each key of w, and what takes them
// back.
func (k *Captured[T]) final(w model.Window) []Fired[T] {
	type pane struct {
		step  int
		index int64
	}
	last := map[any]pane{}
	keyOf := func(e Fired[T]) any {
		if kv, ok := any(e.Value).(interface{ AnyKey() any }); ok {
			return kv.AnyKey()
		}
		return nil
	}
	for _, e := range k.fired {
		if e.Window != w || e.Pane.Retraction {
			continue
		}
		p, key := pane{e.Step, e.Pane.Index}, keyOf(e)
		if l, ok := last[key]; !ok || l.step < p.step || l.step == p.step && l.index < p.index {
			last[key] = p
		}
	}
	return k.only(func(e Fired[T]) bool {
		l, ok := last[keyOf(e)]
		switch {
		case e.Window != w:
			return false
		case e.Pane.Timing == model.Unknown || !ok:
			return true
		case e.Pane.Retraction:
			return e.Pane.Index == l.index && e.Step >= l.step
		}
		return l == pane{e.Step, e.Pane.Index}
	})
}

// keyless reports whether the groupings whose panes c holds have one key, if
// there are any.
func keyless(c *model.Collection) bool {
	for _, in := range c.Producer.Inputs {
		if c.Producer.Class == model.Exchange && in.Type.Kind() == reflect.Struct {
			if key, ok := in.Type.FieldByName("Key"); ok && key.Type != reflect.TypeFor[struct{}]() {
				return false
			} else if ok {
				continue // a grouping, which numbers its panes anew
			}
		}
		if !keyless(in) {
			return false
		}
	}
	return true
}
