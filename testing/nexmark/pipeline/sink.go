package pipeline

import (
	"context"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/sink"
	"github.com/millrace/millrace/testing/nexmark"
)

// totalling is a sink that keeps sums: each writer its own, until it is asked to
// prepare.
type totalling[T any] struct {
	totals *Totals
	add    func(*nexmark.Result, *T)
}

func (s totalling[T]) Open(context.Context, sink.Shard) (sink.Writer[T], error) {
	return &totaller[T]{sink: s}, nil
}

func (totalling[T]) Commit(context.Context, []sink.Committable) error { return nil }
func (totalling[T]) Abort(context.Context, []sink.Committable) error  { return nil }

type totaller[T any] struct {
	sink totalling[T]
	sum  nexmark.Result
	ring [1024]T // so that every result is written somewhere, as in the loop
	at   int
}

func (w *totaller[T]) Write(_ context.Context, v *T, _ *model.Meta) error {
	w.ring[w.at&1023] = *v
	w.at++
	w.sink.add(&w.sum, v)
	return nil
}

func (w *totaller[T]) Prepare(context.Context) ([]byte, error) {
	w.sink.totals.add(w.sum)
	w.sum = nexmark.Result{}
	return nil, nil
}

func (w *totaller[T]) Close() error { return nil }
