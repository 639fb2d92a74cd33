package pipeline

import (
	"context"
	"fmt"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
	"github.com/millrace/millrace/testing/nexmark"
)

// Events is the source of the first n events. Split k of s has every s'th event
// from the k'th on, so that splits go through event time side by side.
func Events(n int64) source.Source[nexmark.Event] { return events(n) }

type events int64

func (events) Bounded() bool    { return true }
func (events) Concurrent()      {}
func (n events) String() string { return fmt.Sprintf("%d generated events", int64(n)) }

func (n events) Splits(_ context.Context, hint int) ([]source.Split, error) {
	out := make([]source.Split, max(1, hint))
	for k := range out {
		out[k] = (&reader{first: int64(k), next: int64(k), step: int64(len(out)), end: int64(n)}).Position()
	}
	return out, nil
}

func (n events) Open(_ context.Context, s source.Split) (source.Reader[nexmark.Event], error) {
	r := &reader{end: int64(n)}
	if _, err := fmt.Sscanf(string(s.Position), "%d %d %d", &r.first, &r.next, &r.step); err != nil || r.step < 1 {
		return nil, fmt.Errorf("position %q is none of the event generator", s.Position)
	}
	return r, nil
}

type reader struct{ first, next, step, end int64 }

func (r *reader) Read(_ context.Context, max int, emit func(*nexmark.Event, model.Timestamp)) (source.Status, error) {
	var e nexmark.Event
	for i := 0; i < max && r.next < r.end; i++ {
		nexmark.At(r.next, &e)
		emit(&e, model.Timestamp(e.Time*1000))
		r.next += r.step
	}
	return source.Status{Done: r.next >= r.end}, nil
}

func (r *reader) Position() source.Split {
	return source.Split{
		ID:       fmt.Sprintf("%d of %d", r.first, r.step),
		Position: fmt.Appendf(nil, "%d %d %d", r.first, r.next, r.step),
		Size:     (r.end - r.next + r.step - 1) / r.step,
	}
}

func (r *reader) Watermark() model.Timestamp { return model.Timestamp(nexmark.TimeAt(r.next) * 1000) }

func (r *reader) Progress() source.Progress {
	return source.Progress{Done: (r.next - r.first) / r.step, Total: (r.end - r.first + r.step - 1) / r.step}
}

func (r *reader) Close() error { return nil }
