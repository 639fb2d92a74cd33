package filesource

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
)

// A reader is a [source.Reader] of one split. Elements of files have no event
// time, so that its watermark stays at MinTimestamp.
type reader[T any] struct {
	source *Source[T]
	id     string
	in     *Input
	decode Decoder[T]
	done   bool
}

func (r *reader[T]) Read(ctx context.Context, max int, emit func(*T, model.Timestamp)) (source.Status, error) {
	if err := ctx.Err(); err != nil {
		return source.Status{}, err
	}
	if r.done {
		return source.Status{Done: true}, nil
	}
	err := r.decode(max, emit)
	if err == io.EOF {
		if changed := r.in.stream.stored.check(); changed != nil {
			err = changed
		}
	}
	var long *TooLong
	switch {
	case err == io.EOF:
		r.done = true
		return source.Status{Done: true}, nil
	case errors.As(err, &long):
		err = fmt.Errorf("%s: the line at byte %d: %w", r.in.File.Path, r.in.Start(), err)
	}
	if err != nil {
		return source.Status{}, fmt.Errorf("%s: %w", r.source.Name, err)
	}
	return source.Status{}, nil
}

func (r *reader[T]) Position() source.Split {
	done, total := r.in.progress()
	return source.Split{ID: r.id, Position: r.in.now().encode(), Size: total - done}
}

func (r *reader[T]) Watermark() model.Timestamp { return model.MinTimestamp }

func (r *reader[T]) Progress() source.Progress {
	done, total := r.in.progress()
	if r.done {
		done = total
	}
	return source.Progress{Done: done, Total: total}
}

// TrySplit implements [source.Splitter]. A split is cut where Splits, too, might have
// cut it: what is compressed or to be read as a whole is not, nor is what would
// become shorter than the shortest split.
func (r *reader[T]) TrySplit(fraction float64) (source.Split, bool, error) {
	if !(fraction >= 0 && fraction < 1) {
		return source.Split{}, false, fmt.Errorf("%s: a split cannot be cut at the fraction %v; it must be at least 0 and less than 1", r.source.Name, fraction)
	}
	if r.done || r.source.Options.Whole {
		return source.Split{}, false, nil
	}
	p, ok := r.in.cut(fraction, r.source.minSplit())
	if !ok {
		return source.Split{}, false, nil
	}
	return source.Split{ID: rangeID(p.Path, p.Start, p.End), Position: p.encode(), Size: p.End - p.Start}, true, nil
}

func (r *reader[T]) Close() error { return r.in.Close() }
