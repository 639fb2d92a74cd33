package streamtest

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/millrace/millrace/model"
)

// WantPanes runs the pipeline of c and wants c to emit exactly these panes, in
// this order; the package's doc says what a pane is, and what the order.
func WantPanes[T any](t testing.TB, c model.PCollection[T], want ...Pane[T]) {
	t.Helper()
	ran(t, c).WantPanes(t, want...)
}

// Want runs the pipeline of c and wants c to emit exactly these values, in any
// order and whatever panes. A value that a retraction takes back does not count.
func Want[T any](t testing.TB, c model.PCollection[T], want ...T) {
	t.Helper()
	ran(t, c).Want(t, want...)
}

// WantInWindow runs the pipeline of c and wants c to emit exactly these values for
// window w, in any order and whatever panes. Other windows may hold anything.
func WantInWindow[T any](t testing.TB, c model.PCollection[T], w model.Window, want ...T) {
	t.Helper()
	ran(t, c).WantInWindow(t, w, want...)
}

// WantEmpty runs the pipeline of c and wants c to emit nothing.
func WantEmpty[T any](t testing.TB, c model.PCollection[T]) {
	t.Helper()
	ran(t, c).WantEmpty(t)
}

func ran[T any](t testing.TB, c model.PCollection[T]) *Captured[T] {
	t.Helper()
	k := Capture(c)
	Run(t, c.Pipeline())
	return k
}

// WantPanes wants the collection to have emitted exactly these panes, in this
// order.
func (k *Captured[T]) WantPanes(t testing.TB, want ...Pane[T]) {
	t.Helper()
	if !k.hasRun(t) {
		return
	}
	byIndex := slices.ContainsFunc(want, func(p Pane[T]) bool { return p.index != nil })
	got := firings(k.fired, byIndex)
	if !slices.EqualFunc(want, got, func(p Pane[T], f firing[T]) bool { return p.match(f, k.compare) }) {
		t.Error(k.explainPanes(want, got))
	}
}

// Want wants the collection to have emitted exactly these values, in any order
// and whatever panes. A value that a retraction takes back does not count.
func (k *Captured[T]) Want(t testing.TB, want ...T) {
	t.Helper()
	if k.hasRun(t) {
		k.want(t, "", k.fired, want)
	}
}

// WantInWindow wants the collection to have emitted exactly these values for
// window w, in any order and whatever panes.
func (k *Captured[T]) WantInWindow(t testing.TB, w model.Window, want ...T) {
	t.Helper()
	if k.hasRun(t) {
		elsewhere := func(e Fired[T]) bool { return e.Window != w }
		k.want(t, " in "+span(w), slices.DeleteFunc(slices.Clone(k.fired), elsewhere), want)
	}
}

// WantEmpty wants the collection to have emitted nothing.
func (k *Captured[T]) WantEmpty(t testing.TB) {
	t.Helper()
	if k.hasRun(t) {
		k.want(t, "", k.fired, nil)
	}
}

func (k *Captured[T]) want(t testing.TB, where string, fired []Fired[T], want []T) {
	t.Helper()
	missing, extra, both := pair(want, net(fired, k.compare), k.compare)
	if len(missing)+len(extra) > 0 {
		t.Error(k.explainValues(where, missing, extra, both))
	}
}

// net is the values of fired that no retraction takes back; a retraction of
// something else counts as a value, so that it does not go unnoticed.
func net[T any](fired []Fired[T], opts cmp.Options) []T {
	var said, takenBack []T
	for _, e := range fired {
		if e.Pane.Retraction {
			takenBack = append(takenBack, e.Value)
		} else {
			said = append(said, e.Value)
		}
	}
	unsaid, left, _ := pair(takenBack, said, opts)
	return append(left, unsaid...)
}

// WantDropped wants the groupings that the collection comes from to have dropped
// n elements in all, as too late. An element is dropped once for each of its
// windows that takes it no more.
func (k *Captured[T]) WantDropped(t testing.TB, n int64) {
	t.Helper()
	if !k.hasRun(t) {
		return
	}
	drops, known := k.run.drops(k.collection.Collection())
	if !known {
		t.Error("how much was dropped is not known of a run by RunBy; use the default runner")
		return
	}
	got := int64(0)
	for _, d := range drops {
		got += d.elements
	}
	if got != n {
		t.Error(k.explainDropped(n, got))
	}
}

// hasRun fails the test where the collection's pipeline has not run since it was
// captured.
func (k *Captured[T]) hasRun(t testing.TB) bool {
	t.Helper()
	if k.run == nil {
		t.Fatal("nothing was captured yet: call streamtest.Run after Capture, and before what is wanted")
	}
	return k.run != nil
}
