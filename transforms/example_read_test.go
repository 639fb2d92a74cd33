package transforms_test

import (
	"context"
	"fmt"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
	"github.com/millrace/millrace/transforms"
)

// Countdown is a source of one's own: the numbers from From down to 1. It is one
// split, whose position is the number that comes next.
type Countdown struct{ From int }

func (Countdown) Bounded() bool { return true }

func (c Countdown) Splits(context.Context, int) ([]source.Split, error) {
	return []source.Split{(&countdown{c.From}).Position()}, nil
}

func (Countdown) Open(_ context.Context, s source.Split) (source.Reader[int], error) {
	r := &countdown{}
	_, err := fmt.Sscan(string(s.Position), &r.next)
	return r, err
}

type countdown struct{ next int }

func (r *countdown) Read(_ context.Context, max int, emit func(*int, model.Timestamp)) (source.Status, error) {
	for ; r.next > 0 && max > 0; max-- {
		n := r.next
		emit(&n, model.MinTimestamp)
		r.next--
	}
	return source.Status{Done: r.next == 0}, nil
}

func (r *countdown) Position() source.Split {
	return source.Split{ID: "countdown", Position: fmt.Append(nil, r.next), Size: int64(r.next)}
}

func (r *countdown) Watermark() model.Timestamp { return model.MinTimestamp }
func (r *countdown) Progress() source.Progress  { return source.Progress{} }
func (r *countdown) Close() error               { return nil }

func ExampleRead() {
	var p model.Pipeline
	numbers := transforms.Read(&p, Countdown{From: 3})

	printAll(numbers)
	// Unordered output:
	// 3
	// 2
	// 1
}
