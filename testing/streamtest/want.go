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

// WantEarly runs the pipeline of c and wants the early panes of window w to hold,
// all together, exactly these values, in any order. Like [WantOnTime] and
// [WantLate] it asks what the panes said, whether or not it is taken back later.
func WantEarly[T any](t testing.TB, c model.PCollection[T], w model.Window, want ...T) {
	t.Helper()
	ran(t, c).WantEarly(t, w, want...)
}

// WantOnTime runs the pipeline of c and wants the on-time pane of window w to
// hold exactly these values, in any order.
func WantOnTime[T any](t testing.TB, c model.PCollection[T], w model.Window, want ...T) {
	t.Helper()
	ran(t, c).WantOnTime(t, w, want...)
}

// WantLate runs the pipeline of c and wants the late panes of window w to hold,
// all together, exactly these values, in any order.
func WantLate[T any](t testing.TB, c model.PCollection[T], w model.Window, want ...T) {
	t.Helper()
	ran(t, c).WantLate(t, w, want...)
}

// WantFinal runs the pipeline of c and wants the last pane of each key of window
// w to hold exactly these values, in any order; [Captured.WantFinal] says which
// pane that is.
func WantFinal[T any](t testing.TB, c model.PCollection[T], w model.Window, want ...T) {
	t.Helper()
	ran(t, c).WantFinal(t, w, want...)
}

// WantSame runs the pipeline of a and b, or both their pipelines, and wants the
// two to emit the same values, in any order and whatever windows and panes. A
// value that a retraction takes back does not count.
func WantSame[T any](t testing.TB, a, b model.PCollection[T]) {
	t.Helper()
	one, other := Capture(a), Capture(b)
	Run(t, a.Pipeline())
	if b.Pipeline() != a.Pipeline() {
		Run(t, b.Pipeline())
	}
	one.WantSame(t, other)
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
		k.want(t, " in "+span(w), k.only(func(e Fired[T]) bool { return e.Window == w }), want)
	}
}

// WantEarly wants the early panes of window w to have held, all together, exactly
// these values, in any order and whether or not they were taken back later.
func (k *Captured[T]) WantEarly(t testing.TB, w model.Window, want ...T) {
	t.Helper()
	k.wantTiming(t, model.Early, w, want)
}

// WantOnTime wants the on-time pane of window w to have held exactly these
// values, in any order and whether or not they were taken back later.
func (k *Captured[T]) WantOnTime(t testing.TB, w model.Window, want ...T) {
	t.Helper()
	k.wantTiming(t, model.OnTime, w, want)
}

// WantLate wants the late panes of window w to have held, all together, exactly
// these values, in any order and whether or not they were taken back later.
func (k *Captured[T]) WantLate(t testing.TB, w model.Window, want ...T) {
	t.Helper()
	k.wantTiming(t, model.Late, w, want)
}

func (k *Captured[T]) wantTiming(t testing.TB, timing model.Timing, w model.Window, want []T) {
	t.Helper()
	if k.hasRun(t) {
		k.want(t, " in "+timing.String()+" panes of "+span(w), k.only(func(e Fired[T]) bool {
			return e.Window == w && e.Pane.Timing == timing && !e.Pane.Retraction
		}), want)
	}
}

// WantSame wants the collection and another one of the same run, or of another,
// to have emitted the same values, in any order and whatever windows and panes. A
// value that a retraction takes back does not count. The options that k was
// captured with say what is equal.
func (k *Captured[T]) WantSame(t testing.TB, other *Captured[T]) {
	t.Helper()
	if !k.hasRun(t) || !other.hasRun(t) {
		return
	}
	missing, extra, both := pair(net(k.fired, k.compare), net(other.fired, k.compare), k.compare)
	if len(missing)+len(extra) > 0 {
		t.Error(k.explainOther(other, missing, extra, both))
	}
}

// only is the elements that are.
func (k *Captured[T]) only(are func(Fired[T]) bool) []Fired[T] {
	return slices.DeleteFunc(slices.Clone(k.fired), func(e Fired[T]) bool { return !are(e) })
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

// hasRun fails the test where the collection's pipeline has not run since it was
// captured.
func (k *Captured[T]) hasRun(t testing.TB) bool {
	t.Helper()
	if k.run == nil {
		t.Fatal("nothing was captured yet: call streamtest.Run after Capture, and before what is wanted")
	}
	return k.run != nil
}
