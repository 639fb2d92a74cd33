package direct_test

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
	"github.com/millrace/millrace/transforms"
)

// A numbers is a source of the numbers from 0 to n-1, in splits of equal size one
// after another; number i is stamped i microseconds after the epoch. The hooks make
// it misbehave.
type numbers struct {
	n, splits int
	unbounded bool // after the last number it is idle
	promises  bool // the watermark follows the numbers

	// onRead, if set, is called before each Read with the number that comes next. What
	// it returns, if anything, is the Read's result.
	onRead     func(ctx context.Context, next int) (*source.Status, error)
	splitsErr  error
	openErr    error
	closeErr   error
	panicAt    string // "Splits", "Open", "Read", "Watermark", "Progress", "Close"
	opened     atomic.Int64
	closed     atomic.Int64
	lastClosed atomic.Int64 // the number that was next when a reader was closed
}

func (s *numbers) Bounded() bool { return !s.unbounded }

func (s *numbers) panics(at string) {
	if s.panicAt == at {
		panic("the source's " + at + " went wrong")
	}
}

func (s *numbers) Splits(context.Context, int) ([]source.Split, error) {
	s.panics("Splits")
	if s.splitsErr != nil {
		return nil, s.splitsErr
	}
	var list []source.Split
	k := max(s.splits, 1)
	for i := range k {
		from, to := s.n*i/k, s.n*(i+1)/k
		list = append(list, source.Split{ID: fmt.Sprint("split ", i), Position: fmt.Appendf(nil, "%d %d", from, to), Size: int64(to - from)})
	}
	return list, nil
}

func (s *numbers) Open(_ context.Context, split source.Split) (source.Reader[int], error) {
	s.panics("Open")
	if s.openErr != nil {
		return nil, s.openErr
	}
	s.opened.Add(1)
	r := &numbersReader{numbers: s, id: split.ID}
	_, err := fmt.Sscan(string(split.Position), &r.next, &r.end)
	r.first = r.next
	return r, err
}

type numbersReader struct {
	*numbers
	id               string
	first, next, end int
}

func (r *numbersReader) Read(ctx context.Context, limit int, emit func(*int, model.Timestamp)) (source.Status, error) {
	if r.onRead != nil {
		if status, err := r.onRead(ctx, r.next); status != nil || err != nil {
			if status == nil {
				status = &source.Status{}
			}
			return *status, err
		}
	}
	var v int // one for all
	for ; limit > 0 && r.next < r.end; limit-- {
		v = r.next
		r.next++
		emit(&v, model.Timestamp(v))
	}
	r.panics("Read")
	if r.next == r.end && r.unbounded {
		return source.Status{ResumeAfter: aWhile}, nil
	}
	return source.Status{Done: r.next == r.end}, nil
}

func (r *numbersReader) Position() source.Split {
	return source.Split{ID: r.id, Position: fmt.Appendf(nil, "%d %d", r.next, r.end)}
}

func (r *numbersReader) Watermark() model.Timestamp {
	r.panics("Watermark")
	if !r.promises {
		return model.MinTimestamp
	}
	return model.Timestamp(r.next)
}

func (r *numbersReader) Progress() source.Progress {
	r.panics("Progress")
	return source.Progress{Done: int64(r.next - r.first), Total: int64(r.end - r.first)}
}

func (r *numbersReader) Close() error {
	r.closed.Add(1)
	r.lastClosed.Store(int64(r.next))
	r.panics("Close")
	return r.closeErr
}

// read is the collection of s, under the name "Numbers".
func (s *numbers) read(p *model.Pipeline) model.PCollection[int] {
	return transforms.Read(p, s, model.Name("Numbers"))
}

// read2 is another collection of s.
func (s *numbers) read2(p *model.Pipeline) model.PCollection[int] {
	return transforms.Read(p, s, model.Name("More numbers"))
}
