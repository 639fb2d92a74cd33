// Package sourcetest checks that a source keeps the promises that package source
// asks of it: that its splits cover the input once, that reading goes on from each
// position as if it had never stopped, that a watermark never goes back and never
// promises too much, that splits which are cut while they are read lose nothing.
// Exactly-once rests on them, and little of it shows in a run in which nothing fails.
//
//	func TestMySource(t *testing.T) {
//		sourcetest.Check(t, mySource, []string{"what", "it", "holds"})
//	}
//
// It stands beside a connector's own tests, which know what the elements should be and
// which errors there are. It reads the source many times over, in the order of the
// square of the number of elements: some tens of elements are enough, if they take
// several splits.
//
// The invariant: the same source is checked in the same way each time. What is drawn
// is drawn from fixed seeds.
package sourcetest

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
)

// An Option adjusts a [Check].
type Option func(*options)

type options struct {
	now  time.Time
	late bool
}

// Now is the processing time that readers are told which want to know it
// (source.Clocked); without it, one hour after the epoch.
func Now(t time.Time) Option { return func(o *options) { o.now = t } }

// SomeAreLate says that elements may be behind the watermark: what the source
// estimates it by does not hold of all of them.
func SomeAreLate() Option { return func(o *options) { o.late = true } }

// Check reads src in many ways and fails t where it breaks a promise. want is what it
// holds, in any order; elements are compared by [reflect.DeepEqual]. Of an unbounded source,
// it is what is there until all splits have nothing for now; a source that always
// has something cannot be checked.
func Check[T any](t testing.TB, src source.Source[T], want []T, opts ...Option) {
	t.Helper()
	if err := verify(src, want, opts...); err != nil {
		t.Errorf("sourcetest: %v", err)
	}
}

// verify is Check that returns the first broken promise.
func verify[T any](src source.Source[T], want []T, opts ...Option) error {
	o := options{now: time.Unix(3600, 0)}
	for _, opt := range opts {
		opt(&o)
	}
	c := &checker[T]{src: src, options: o, now: model.TimestampOf(o.now), most: len(want) + 1}
	if v, ok := src.(source.Validator); ok {
		if err := v.Validate(); err != nil {
			return fmt.Errorf("validating: %w", err)
		}
	}
	for _, hint := range []int{1, 2, 3, 7} {
		splits, err := c.splits(hint)
		if err != nil {
			return fmt.Errorf("listing splits with hint %d: %w", hint, err)
		}
		if err := c.covers(splits, want); err != nil {
			return fmt.Errorf("with hint %d, in %d splits: %w", hint, len(splits), err)
		}
		for _, s := range splits {
			if err := c.split(s); err != nil {
				return fmt.Errorf("split %q of %d: %w", s.ID, len(splits), err)
			}
		}
		if err := c.random(splits, want); err != nil {
			return fmt.Errorf("with hint %d, in %d splits: %w", hint, len(splits), err)
		}
	}
	return nil
}

// A checker checks one source.
type checker[T any] struct {
	options
	src  source.Source[T]
	now  model.Timestamp
	most int // elements that a reader may have, if the source is as it should be
}

// An element is what a reader emitted.
type element[T any] struct {
	Value T
	At    model.Timestamp
}

func (c *checker[T]) splits(hint int) ([]source.Split, error) {
	splits, err := c.src.Splits(ctx, hint)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for _, s := range splits {
		if seen[s.ID] {
			return nil, fmt.Errorf("two splits have the ID %q; by it they are told apart after a restart", s.ID)
		}
		seen[s.ID] = true
	}
	return splits, nil
}

// covers checks that the splits hold want, each element once.
func (c *checker[T]) covers(splits []source.Split, want []T) error {
	var got []T
	for _, s := range splits {
		elements, err := c.readAll(s)
		if err != nil {
			return fmt.Errorf("split %q: %w", s.ID, err)
		}
		for _, e := range elements {
			got = append(got, e.Value)
		}
	}
	return sameElements(want, got)
}

// readAll is all elements of a split.
func (c *checker[T]) readAll(s source.Split) ([]element[T], error) {
	r, err := c.open(s)
	if err != nil {
		return nil, err
	}
	if err := r.rest(); err != nil {
		return nil, err
	}
	return r.read, r.close()
}

// sameElements reports what of want is missing in got, and the other way around.
func sameElements[T any](want, got []T) error {
	used := make([]bool, len(got))
next:
	for _, w := range want {
		for i, g := range got {
			if !used[i] && reflect.DeepEqual(w, g) {
				used[i] = true
				continue next
			}
		}
		return fmt.Errorf("the element %+v is missing, or there too seldom: there are %d, and should be %d", w, len(got), len(want))
	}
	for i, g := range got {
		if !used[i] {
			return fmt.Errorf("the element %+v should not be there, or not as often: there are %d, and should be %d", g, len(got), len(want))
		}
	}
	return nil
}
