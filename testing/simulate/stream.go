package simulate

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/millrace/millrace/internal/drive"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
)

// A Stream is a source for simulations: events that are dealt to splits in turn, and
// come in their order in each. It stands for an input without an end, such as a topic,
// although it has one; its splits are read side by side.
//
// The watermark of a split is the least time of what is still to come in it, so that
// nothing is late, in whatever order the events are. To have it estimated, wrap the
// Stream: source.WithWatermarks(stream, ...).
type Stream[T any] struct {
	Events []Timed[T]
	// Partitions is how many splits there are; 0 is 3.
	Partitions int
	// Ends says that it stands for a bounded input, such as a file.
	Ends bool
	// Idle is how long a split has nothing until the watermark goes on without it; 0 is
	// for ever. What it brings afterwards may be late, and depends on the schedule.
	Idle time.Duration
}

// A Timed is a value with its event time.
type Timed[T any] struct {
	At    model.Timestamp
	Value T
}

// At is v at event time t.
func At[T any](t model.Timestamp, v T) Timed[T] { return Timed[T]{t, v} }

var _ interface {
	source.Source[int]
	source.Concurrent
	source.Idling
} = Stream[int]{}

// Bounded implements [source.Source].
func (s Stream[T]) Bounded() bool { return s.Ends }

// Concurrent implements [source.Concurrent].
func (s Stream[T]) Concurrent() {}

// IdleAfter implements [source.Idling].
func (s Stream[T]) IdleAfter() time.Duration { return s.Idle }

func (s Stream[T]) partitions() int {
	if s.Partitions <= 0 {
		return 3
	}
	return s.Partitions
}

// Splits implements [source.Source].
func (s Stream[T]) Splits(context.Context, int) ([]source.Split, error) {
	list := make([]source.Split, s.partitions())
	for i := range list {
		list[i] = s.at(i, 0)
	}
	return list, nil
}

func (s Stream[T]) at(split, n int) source.Split {
	return source.Split{ID: strconv.Itoa(split), Position: strconv.AppendInt(nil, int64(n), 10)}
}

// Open implements [source.Source].
func (s Stream[T]) Open(_ context.Context, split source.Split) (source.Reader[T], error) {
	i, err := strconv.Atoi(split.ID)
	n, perr := strconv.Atoi(string(split.Position))
	if err != nil || perr != nil || i < 0 || n < 0 || i >= s.partitions() {
		return nil, fmt.Errorf("simulate.Stream: position %q of split %q is none of its", split.Position, split.ID)
	}
	r := &streamReader[T]{stream: s, split: i, next: n}
	for j := i; j < len(s.Events); j += s.partitions() {
		r.events = append(r.events, s.Events[j])
	}
	if n > len(r.events) {
		return nil, fmt.Errorf("simulate.Stream: position %d of split %d is behind its %d events", n, i, len(r.events))
	}
	r.lows = make([]model.Timestamp, len(r.events)+1)
	low := model.MaxTimestamp
	for j := len(r.events); j >= 0; j-- {
		if j < len(r.events) {
			low = min(low, r.events[j].At)
		}
		r.lows[j] = low
	}
	return r, nil
}

// A streamReader reads a split.
type streamReader[T any] struct {
	stream Stream[T]
	split  int
	events []Timed[T]
	lows   []model.Timestamp // the least time from each event on
	next   int
}

// Read implements [source.Reader]. In a simulation, a split may have nothing for a
// while.
func (r *streamReader[T]) Read(ctx context.Context, limit int, emit func(*T, model.Timestamp)) (source.Status, error) {
	if l, ok := drive.From(ctx).(*life); ok {
		if d := l.nothing(r.split); d > 0 {
			return source.Status{ResumeAfter: d}, nil
		}
	}
	for ; limit > 0 && r.next < len(r.events); limit-- {
		e := r.events[r.next] // a copy: the stream stays as it is, whatever becomes of the element
		r.next++
		emit(&e.Value, e.At)
	}
	return source.Status{Done: r.next == len(r.events)}, nil
}

// Position implements [source.Reader].
func (r *streamReader[T]) Position() source.Split { return r.stream.at(r.split, r.next) }

// Watermark implements [source.Reader].
func (r *streamReader[T]) Watermark() model.Timestamp { return r.lows[r.next] }

// Progress implements [source.Reader].
func (r *streamReader[T]) Progress() source.Progress {
	return source.Progress{Done: int64(r.next), Total: int64(len(r.events))}
}

// Close implements [source.Reader].
func (r *streamReader[T]) Close() error { return nil }
