package sourcetest

import (
	"context"
	"fmt"
	"reflect"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
)

var ctx = context.Background()

// A reading is a reader that is watched: each Read is checked against what the
// reader said before.
type reading[T any] struct {
	*checker[T]
	source.Reader[T]
	id        string
	read      []element[T]
	watermark model.Timestamp // the highest that the reader had
	done      int64           // of its progress
	ended     bool            // it said that it is done
	dry       bool            // it has nothing for now
	cutAt     model.Timestamp // the watermark when it was last cut
}

func (c *checker[T]) open(s source.Split) (*reading[T], error) {
	r, err := c.src.Open(ctx, s)
	if err != nil {
		return nil, fmt.Errorf("opening: %w", err)
	}
	rd := &reading[T]{checker: c, Reader: r, id: s.ID, watermark: model.MinTimestamp}
	rd.tellTime()
	return rd, rd.look()
}

func (r *reading[T]) tellTime() {
	if k, ok := r.Reader.(source.Clocked); ok {
		k.AdvanceProcessingTime(r.now)
	}
}

// step reads up to n elements.
func (r *reading[T]) step(n int) error {
	r.tellTime()
	var err error
	before := len(r.read)
	status, rerr := r.Read(ctx, n, func(v *T, at model.Timestamp) {
		r.read = append(r.read, element[T]{*v, at})
		if at < r.watermark && !r.late && err == nil && at > model.MinTimestamp {
			err = fmt.Errorf("the element %+v has the timestamp %v, and the watermark was at %v before: Watermark is a lower bound, or the element is late", *v, at, r.watermark)
		}
	})
	got := len(r.read) - before
	switch {
	case rerr != nil:
		return fmt.Errorf("reading: %w", rerr)
	case err != nil:
		return err
	case got > n:
		return fmt.Errorf("a Read was asked for %d elements and emitted %d", n, got)
	case r.ended && got > 0:
		return fmt.Errorf("a Read emitted %+v after it had said Done", r.read[before].Value)
	case r.ended && !status.Done:
		return fmt.Errorf("a Read said Done, and at the next call said that it is not")
	case len(r.read) > r.most:
		return fmt.Errorf("the split goes on after %d elements, which is more than the source should have", r.most)
	}
	r.ended = status.Done
	r.dry = got == 0 && status.ResumeAfter > 0
	return r.look()
}

// look checks what the reader says between two Reads.
func (r *reading[T]) look() error {
	w, p, at := r.Watermark(), r.Progress(), r.Position()
	switch {
	case w < r.watermark:
		return fmt.Errorf("after %d elements, the watermark went back from %v to %v", len(r.read), r.watermark, w)
	case p.Done < r.done:
		return fmt.Errorf("after %d elements, Progress went back from %d to %d done", len(r.read), r.done, p.Done)
	case p.Total > 0 && p.Done > p.Total:
		return fmt.Errorf("after %d elements, Progress is %d of %d", len(r.read), p.Done, p.Total)
	case r.ended && p.Total > 0 && p.Done != p.Total:
		return fmt.Errorf("the split is done, and Progress is %d of %d", p.Done, p.Total)
	case r.ended && at.Size != 0:
		return fmt.Errorf("the split is done, and the Size of its Position is %d", at.Size)
	case at.ID != r.id:
		return fmt.Errorf("after %d elements, Position is of the split %q, and the reader was opened for %q", len(r.read), at.ID, r.id)
	}
	r.watermark, r.done = w, p.Done
	return nil
}

// rest reads to the end, or to where there is nothing for now.
func (r *reading[T]) rest() error {
	for idle := 0; !r.ended && !r.dry; {
		before := len(r.read)
		if err := r.step(3); err != nil {
			return err
		}
		if idle++; len(r.read) > before {
			idle = 0
		}
		if idle > 1000 {
			return fmt.Errorf("after %d elements, Read emits nothing and says neither Done nor ResumeAfter", len(r.read))
		}
	}
	if r.ended {
		return r.step(3) // which must change nothing
	}
	return nil
}

// upTo reads n elements, one at a time, or fewer if there are no more.
func (r *reading[T]) upTo(n int) error {
	for tries := 0; len(r.read) < n && !r.ended && !r.dry && tries < 1000*(n+1); tries++ {
		if err := r.step(1); err != nil {
			return err
		}
	}
	return nil
}

func (r *reading[T]) close() error {
	if err := r.Close(); err != nil {
		return fmt.Errorf("closing: %w", err)
	}
	return nil
}

// sameOrder reports where got is not want.
func sameOrder[T any](want, got []element[T]) error {
	for i := range min(len(want), len(got)) {
		if !reflect.DeepEqual(want[i], got[i]) {
			return fmt.Errorf("element %d is %+v, and was %+v when the split was read in one go", i, got[i], want[i])
		}
	}
	if len(want) != len(got) {
		return fmt.Errorf("%d elements came, and %d did when the split was read in one go", len(got), len(want))
	}
	return nil
}

// trySplit cuts what is left, if the reader can be cut.
func (r *reading[T]) trySplit(fraction float64) (residual source.Split, ok bool, err error) {
	s, can := r.Reader.(source.Splitter)
	if !can {
		return source.Split{}, false, nil
	}
	r.cutAt = r.Watermark()
	before := r.Position()
	residual, ok, err = s.TrySplit(fraction)
	switch {
	case err != nil:
		return residual, false, fmt.Errorf("cutting: %w", err)
	case ok && residual.ID == r.id:
		return residual, false, fmt.Errorf("cutting: the residual has the ID of the split that it was cut off, %q", r.id)
	case !ok && !reflect.DeepEqual(before, r.Position()):
		return residual, false, fmt.Errorf("it has not cut, as TrySplit said, and the position is another now")
	}
	return residual, ok, r.look()
}

// restOfResidual is rest for a reader of a residual, whose own watermark may begin
// below that of the reader which it was cut off.
func (r *reading[T]) restOfResidual() error {
	bound := r.watermark
	r.watermark = model.MinTimestamp
	if err := r.rest(); err != nil {
		return err
	}
	for _, e := range r.read {
		if e.At < bound && e.At > model.MinTimestamp && !r.late {
			return fmt.Errorf("the element %+v has the timestamp %v, and the watermark was at %v before the cut", e.Value, e.At, bound)
		}
	}
	return nil
}
