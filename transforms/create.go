package transforms

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/millrace/millrace/internal/engine"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
)

// Create makes a collection of the given values, in the global window, with the
// earliest timestamp: values... -> PCollection[T]. [WithTimestamps] gives them
// other times.
func Create[T any](p *model.Pipeline, values ...T) model.PCollection[T] {
	detail := "1 value"
	if len(values) != 1 {
		detail = fmt.Sprintf("%d values", len(values))
	}
	return model.Add1[T](p, model.Definition{
		Kind:   "Create",
		Class:  model.Source,
		Detail: detail,
		Spec:   &engine.ReadSpec[T]{Source: created[T](values)},
	})
}

// Read reads a source: source.Source[T] -> PCollection[T]. Connectors usually
// wrap it in a Read of their own.
func Read[T any](p *model.Pipeline, src source.Source[T], opts ...model.Option) model.PCollection[T] {
	return read(p, "Read", src, opts)
}

func read[T any](p *model.Pipeline, kind string, src source.Source[T], opts []model.Option) model.PCollection[T] {
	d := model.Definition{Kind: kind, Class: model.Source, Options: opts}
	if src == nil {
		d.Err = errors.New("the source is nil")
		return model.Add1[T](p, d)
	}
	if v, ok := src.(source.Validator); ok {
		if d.Err = v.Validate(); d.Err != nil {
			return model.Add1[T](p, d)
		}
	}
	d.Spec = &engine.ReadSpec[T]{Source: src}
	d.Unbounded = !src.Bounded()
	if s, ok := src.(fmt.Stringer); ok {
		d.Detail = s.String()
	}
	return model.Add1[T](p, d)
}

// created is the source of Create: split k of n has every n'th value.
type created[T any] []T

func (created[T]) Bounded() bool { return true }

func (c created[T]) Splits(_ context.Context, hint int) ([]source.Split, error) {
	const worthwhile = 1000
	n := max(1, min(hint, len(c)/worthwhile))
	splits := make([]source.Split, n)
	for i := range splits {
		from, to := len(c)*i/n, len(c)*(i+1)/n
		splits[i] = source.Split{ID: strconv.Itoa(i), Position: fmt.Appendf(nil, "%d %d", from, to), Size: int64(to - from)}
	}
	return splits, nil
}

func (c created[T]) Open(_ context.Context, s source.Split) (source.Reader[T], error) {
	r := &createdReader[T]{id: s.ID, values: c}
	if _, err := fmt.Sscanf(string(s.Position), "%d %d", &r.next, &r.end); err != nil || r.next < 0 || r.end > len(c) {
		return nil, fmt.Errorf("position %q is none of a Create of %d values", s.Position, len(c))
	}
	r.start = r.next
	return r, nil
}

type createdReader[T any] struct {
	id               string
	values           []T
	start, next, end int
}

func (r *createdReader[T]) Read(_ context.Context, max int, emit func(*T, model.Timestamp)) (source.Status, error) {
	stop := min(r.end, r.next+max)
	for ; r.next < stop; r.next++ {
		emit(&r.values[r.next], model.MinTimestamp)
	}
	return source.Status{Done: r.next >= r.end}, nil
}

func (r *createdReader[T]) Position() source.Split {
	return source.Split{ID: r.id, Position: fmt.Appendf(nil, "%d %d", r.next, r.end), Size: int64(r.end - r.next)}
}

func (r *createdReader[T]) Watermark() model.Timestamp { return model.MinTimestamp }

func (r *createdReader[T]) Progress() source.Progress {
	return source.Progress{Done: int64(r.next - r.start), Total: int64(r.end - r.start)}
}

func (r *createdReader[T]) Close() error { return nil }
