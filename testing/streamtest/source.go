package streamtest

import (
	"context"
	"fmt"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
)

// A scripted is a stream as a source: one split, of which each Read plays a step
// or, of an addition of more elements than may be read at once, a part of one.
type scripted[T any] struct {
	bounded bool
	stream  *Stream[T]
	play    *play
	track   *track
}

var (
	_ source.Source[int] = (*scripted[int])(nil)
	_ source.Lockstep    = (*scripted[int])(nil)
	_ source.Timekeeper  = (*player[int])(nil)
)

// Lockstep implements [source.Lockstep].
func (s *scripted[T]) Lockstep() {}

// Bounded implements [source.Source].
func (s *scripted[T]) Bounded() bool { return s.bounded }

// Splits implements [source.Source]. It begins the script anew.
func (s *scripted[T]) Splits(context.Context, int) ([]source.Split, error) {
	if err := s.stream.script.unended(); err != nil {
		return nil, err
	}
	s.play.seek(s.track, 0)
	return []source.Split{position(0, 0)}, nil
}

// Open implements [source.Source].
func (s *scripted[T]) Open(_ context.Context, split source.Split) (source.Reader[T], error) {
	r := &player[T]{scripted: s, watermark: model.MinTimestamp}
	if _, err := fmt.Sscanf(string(split.Position), "%d %d", &r.next, &r.offset); err != nil || !s.has(r.next, r.offset) {
		return nil, fmt.Errorf("position %q is none of a script of %d steps", split.Position, len(s.track.events))
	}
	s.play.seek(s.track, r.next)
	for _, e := range s.track.events[:r.next] {
		r.advance(e)
	}
	return r, nil
}

// has reports whether a reader can be at that element of that step.
func (s *scripted[T]) has(step, offset int) bool {
	switch {
	case step < 0 || offset < 0 || step > len(s.track.events):
		return false
	case step == len(s.track.events):
		return offset == 0
	}
	return offset == 0 || offset < s.track.events[step].count
}

// position is the split that begins with the given element of the given step.
func position(step, offset int) source.Split {
	return source.Split{ID: "script", Position: fmt.Appendf(nil, "%d %d", step, offset)}
}

// A player reads a script.
type player[T any] struct {
	*scripted[T]
	next      int // the step to play
	offset    int // how many of its elements have been read
	watermark model.Timestamp
}

// Read implements [source.Reader]. It does nothing while another stream's step
// comes first.
func (r *player[T]) Read(_ context.Context, max int, emit func(*T, model.Timestamp)) (source.Status, error) {
	if r.next == len(r.track.events) {
		return source.Status{Done: true}, nil
	}
	if later, begun := r.play.begin(r.track); !begun {
		return source.Status{ResumeAfter: later}, nil
	}
	e := &r.track.events[r.next]
	if e.kind == addition {
		rest := r.stream.values[e.values][r.offset:]
		rest = rest[:min(max, len(rest))]
		for i := range rest {
			v := rest[i] // the script stays as it is, whatever becomes of the element
			emit(&v, e.at)
		}
		if r.offset += len(rest); r.offset < e.count {
			return source.Status{}, nil
		}
	}
	r.advance(*e)
	r.next, r.offset = r.next+1, 0
	r.play.finish(r.track)
	return source.Status{Done: r.next == len(r.track.events)}, nil
}

// advance takes the watermark to where it is after e.
func (r *player[T]) advance(e event) {
	switch e.kind {
	case advance:
		r.watermark = e.at
	case end:
		r.watermark = model.MaxTimestamp
	}
}

// Position implements [source.Reader].
func (r *player[T]) Position() source.Split { return position(r.next, r.offset) }

// Watermark implements [source.Reader].
func (r *player[T]) Watermark() model.Timestamp { return r.watermark }

// Now implements [source.Timekeeper].
func (r *player[T]) Now() model.Timestamp { return r.play.now() }

// Progress implements [source.Reader].
func (r *player[T]) Progress() source.Progress {
	return source.Progress{Done: int64(r.next), Total: int64(len(r.track.events))}
}

// Close implements [source.Reader].
func (r *player[T]) Close() error { return nil }
