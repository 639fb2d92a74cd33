package streamtest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/millrace/millrace/model"
)

// A Pane is a wanted pane; the package's doc says what that is. [Early], [OnTime],
// [Late] and [Unfired] make one. What its methods do not ask for may be anything.
type Pane[T any] struct {
	Window model.Window
	Timing model.Timing
	Values []T // in any order

	index       *int64
	first, last bool
	retracted   bool
	step        *int
	stamp       *model.Timestamp
}

// Early wants a pane that fires before the watermark passes the end of w.
func Early[T any](w model.Window, values ...T) Pane[T] {
	return Pane[T]{Window: w, Timing: model.Early, Values: values}
}

// OnTime wants the pane that fires as the watermark passes the end of w.
func OnTime[T any](w model.Window, values ...T) Pane[T] {
	return Pane[T]{Window: w, Timing: model.OnTime, Values: values}
}

// Late wants a pane that fires after the watermark has passed the end of w.
func Late[T any](w model.Window, values ...T) Pane[T] {
	return Pane[T]{Window: w, Timing: model.Late, Values: values}
}

// Unfired wants elements of w that no trigger has fired: those of a collection
// that no grouping has made. They come as they are added.
func Unfired[T any](w model.Window, values ...T) Pane[T] {
	return Pane[T]{Window: w, Timing: model.Unknown, Values: values}
}

// Index wants the pane to be the i'th of its window, from 0, for every key in it.
func (p Pane[T]) Index(i int64) Pane[T] {
	p.index = &i
	return p
}

// First wants the pane to be the first of its window for every key in it.
func (p Pane[T]) First() Pane[T] {
	p.first = true
	return p
}

// Last wants the pane to be one after which, for every key in it, no other can come.
func (p Pane[T]) Last() Pane[T] {
	p.last = true
	return p
}

// Retracted wants the values to be taken back. A retraction is of the pane that
// said them: it has that one's timing and index, and fires in a later step.
func (p Pane[T]) Retracted() Pane[T] {
	p.retracted = true
	return p
}

// Stamped wants every element of the pane to have the timestamp at, which is where it is
// for the windows of a grouping behind.
func (p Pane[T]) Stamped(at model.Timestamp) Pane[T] {
	p.stamp = &at
	return p
}

// AtStep wants the pane to fire in step n of the script, counted from 1; in 0, it
// comes before the script, of another source.
func (p Pane[T]) AtStep(n int) Pane[T] {
	p.step = &n
	return p
}

// A Fired is an element that a collection emitted, and the step of the script
// that made it do so: 0 before the first, or where there is no script.
type Fired[T any] struct {
	model.Element[T]
	Step int
}

// A firing is a pane that came out: elements of one step, window and timing, and
// either all retractions or none.
type firing[T any] []Fired[T]

// firings puts elements together to panes, in order.
func firings[T any](all []Fired[T], byIndex bool) (panes []firing[T]) {
	order := func(a, b Fired[T]) int {
		index := 0
		if byIndex {
			index = cmp.Compare(a.Pane.Index, b.Pane.Index)
		}
		return cmp.Or(
			cmp.Compare(a.Step, b.Step),
			a.Window.Compare(b.Window),
			cmp.Compare(a.Pane.Timing, b.Pane.Timing),
			retractionsFirst(a.Pane, b.Pane),
			index,
		)
	}
	all = slices.Clone(all)
	slices.SortStableFunc(all, order)
	for i, e := range all {
		if i == 0 || order(all[i-1], e) != 0 {
			panes = append(panes, nil)
		}
		last := &panes[len(panes)-1]
		*last = append(*last, e)
	}
	return panes
}

func retractionsFirst(a, b model.Pane) int {
	switch {
	case a.Retraction == b.Retraction:
		return 0
	case a.Retraction:
		return -1
	}
	return 1
}

func (f firing[T]) values() []T {
	values := make([]T, len(f))
	for i, e := range f {
		values[i] = e.Value
	}
	return values
}

func (f firing[T]) all(is func(model.Pane) bool) bool {
	return !slices.ContainsFunc(f, func(e Fired[T]) bool { return !is(e.Pane) })
}

// match reports whether f is what is wanted.
func (p Pane[T]) match(f firing[T], opts gocmp.Options) bool {
	e := f[0]
	if p.Window != e.Window || p.Timing != e.Pane.Timing || p.retracted != e.Pane.Retraction || p.step != nil && *p.step != e.Step {
		return false
	}
	for _, e := range f {
		if p.stamp != nil && *p.stamp != e.Timestamp {
			return false
		}
		if p.index != nil && *p.index != e.Pane.Index || p.first && !e.Pane.First || p.last && !e.Pane.Last {
			return false
		}
	}
	missing, extra, _ := pair(p.Values, f.values(), opts)
	return len(missing)+len(extra) == 0
}

// pair finds for each wanted value an equal one among got. It returns those of
// both sides that have none, and the wanted ones that do.
func pair[T any](want, got []T, opts gocmp.Options) (missing, extra, both []T) {
	extra = slices.Clone(got)
	for _, v := range want {
		i := slices.IndexFunc(extra, func(g T) bool { return gocmp.Equal(v, g, opts) })
		if i < 0 {
			missing = append(missing, v)
			continue
		}
		both = append(both, v)
		extra = slices.Delete(extra, i, i+1)
	}
	return missing, extra, both
}

// title is the first line about p.
func (p Pane[T]) title() string {
	s := heading(p.Timing, p.Window, p.retracted)
	if p.index != nil {
		s += fmt.Sprintf(" #%d", *p.index)
	}
	if p.first {
		s += " first"
	}
	if p.last {
		s += " last"
	}
	if p.stamp != nil {
		s += fmt.Sprintf(" stamped %v", *p.stamp)
	}
	if p.step != nil {
		s += fmt.Sprintf(" at step %d", *p.step)
	}
	return s
}

// title is the first line about f, beside a pane that asks for what like does.
func (f firing[T]) title(like Pane[T]) string {
	e := f[0]
	s := heading(e.Pane.Timing, e.Window, e.Pane.Retraction)
	if like.index != nil {
		s += fmt.Sprintf(" #%d", e.Pane.Index)
	}
	if like.first {
		s += told(f, "first", func(e Fired[T]) bool { return e.Pane.First })
	}
	if like.last {
		s += told(f, "last", func(e Fired[T]) bool { return e.Pane.Last })
	}
	if like.stamp != nil {
		s += fmt.Sprintf(" stamped %v", e.Timestamp)
	}
	if like.step != nil {
		s += fmt.Sprintf(" at step %d", e.Step)
	}
	return s
}

func told[T any](f firing[T], word string, is func(Fired[T]) bool) string {
	switch n := len(slices.DeleteFunc(slices.Clone(f), func(e Fired[T]) bool { return !is(e) })); n {
	case 0:
		return " not " + word
	case len(f):
		return " " + word
	default:
		return fmt.Sprintf(" %s for %d of %d values", word, n, len(f))
	}
}

// indented is each line of each text behind prefix.
func indented(prefix string, texts []string) (lines []string) {
	for _, s := range texts {
		lines = append(lines, prefix+strings.ReplaceAll(s, "\n", "\n"+prefix))
	}
	return lines
}
