package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/millrace/millrace/model"
)

// WithEventTime is src with the event time of each element taken from the
// element itself, and the watermark of each split estimated by w from the event
// times seen in it.
//
// Where at returns [model.MinTimestamp], the element has no event time of its
// own: it is stamped with the split's watermark, so that it is not late, and
// moves nothing. Event times beyond [model.MaxTimestamp] are cut to it. One
// element far in the future takes the watermark along and makes those after it
// late; where payloads are not to be trusted, let at return MinTimestamp for
// what cannot be.
//
// A watermark never goes back, is MinTimestamp until the first element with an
// event time, and is part of the split's position: a reader opened where another
// stopped has the watermark that the other had. Timestamps and watermarks of src
// itself are not used. The cost is a call of at per element, and no allocation.
func WithEventTime[T any](src Source[T], at func(T) model.Timestamp, w Watermarks) Source[T] {
	s := &eventTime[T]{src, at, w}
	_, lockstep := src.(Lockstep)
	_, concurrent := src.(Concurrent)
	switch {
	case lockstep && concurrent:
		return scriptedEventTime[T]{lockstepEventTime[T]{s}}
	case lockstep:
		return lockstepEventTime[T]{s}
	case concurrent:
		return concurrentEventTime[T]{s}
	}
	return s
}

// Watermarks says how the watermark of a split is estimated from the event
// times seen in it. It is plain data; the zero Watermarks is [Monotonic].
type Watermarks struct{ slack time.Duration }

// BoundedOutOfOrderness expects an element at most d of event time behind the
// latest that came before it in its split: the watermark is the latest event time
// seen, less d. What is further behind is late. d is rounded up to microseconds.
func BoundedOutOfOrderness(d time.Duration) Watermarks {
	if r := d % time.Microsecond; r > 0 && d < math.MaxInt64-time.Microsecond {
		d += time.Microsecond - r
	}
	return Watermarks{d}
}

// Monotonic expects event times in each split that never decrease: the
// watermark is the latest event time seen.
func Monotonic() Watermarks { return Watermarks{} }

// Validate reports what is wrong with w.
func (w Watermarks) Validate() error {
	if w.slack < 0 {
		return fmt.Errorf("source.BoundedOutOfOrderness(%v): the duration must not be negative", w.slack)
	}
	return nil
}

func (w Watermarks) String() string {
	if w.slack == 0 {
		return "monotonic"
	}
	return fmt.Sprintf("out of order by %v", w.slack)
}

type eventTime[T any] struct {
	src        Source[T]
	at         func(T) model.Timestamp
	watermarks Watermarks
}

// What a source says of itself, it says wrapped, too.
type (
	lockstepEventTime[T any]   struct{ *eventTime[T] }
	concurrentEventTime[T any] struct{ *eventTime[T] }
	scriptedEventTime[T any]   struct{ lockstepEventTime[T] }
)

func (lockstepEventTime[T]) Lockstep()     {}
func (concurrentEventTime[T]) Concurrent() {}
func (scriptedEventTime[T]) Concurrent()   {}

func (s *eventTime[T]) Validate() error {
	var errs []error
	if s.src == nil {
		errs = append(errs, errors.New("source.WithEventTime: the source is nil"))
	}
	if s.at == nil {
		errs = append(errs, errors.New("source.WithEventTime: the function that tells event time is nil"))
	}
	errs = append(errs, s.watermarks.Validate())
	if v, ok := s.src.(Validator); ok {
		errs = append(errs, v.Validate())
	}
	return errors.Join(errs...)
}

func (s *eventTime[T]) String() string {
	if n, ok := s.src.(fmt.Stringer); ok {
		return fmt.Sprintf("%v, %v", n, s.watermarks)
	}
	return s.watermarks.String()
}

func (s *eventTime[T]) Bounded() bool { return s.src.Bounded() }

func (s *eventTime[T]) Splits(ctx context.Context, hint int) ([]Split, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	inner, err := s.src.Splits(ctx, hint)
	if err != nil {
		return nil, err
	}
	splits := make([]Split, len(inner))
	for i, split := range inner {
		split.Position = wrapPosition(model.MinTimestamp, split.Position)
		splits[i] = split
	}
	return splits, nil
}

func (s *eventTime[T]) Open(ctx context.Context, split Split) (Reader[T], error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	latest, position, err := unwrapPosition(split.Position)
	if err != nil {
		return nil, fmt.Errorf("split %q: %w", split.ID, err)
	}
	split.Position = position
	inner, err := s.src.Open(ctx, split)
	if err != nil {
		return nil, err
	}
	r := &eventTimeReader[T]{Reader: inner, at: s.at, slack: s.watermarks.slack, latest: latest}
	r.stamped = r.stamp
	if k, ok := inner.(Timekeeper); ok {
		return timekeepingReader[T]{r, k}, nil
	}
	return r, nil
}

type timekeepingReader[T any] struct {
	*eventTimeReader[T]
	Timekeeper
}

// An eventTimeReader passes elements through and remembers the latest event
// time, MinTimestamp before there is one.
type eventTimeReader[T any] struct {
	Reader[T]
	at     func(T) model.Timestamp
	slack  time.Duration
	latest model.Timestamp
	emit   func(*T, model.Timestamp)
	// stamped is the method value r.stamp, made once and not at each Read.
	stamped func(*T, model.Timestamp)
}

func (r *eventTimeReader[T]) Read(ctx context.Context, max int, emit func(*T, model.Timestamp)) (Status, error) {
	r.emit = emit
	status, err := r.Reader.Read(ctx, max, r.stamped)
	r.emit = nil
	return status, err
}

func (r *eventTimeReader[T]) stamp(v *T, _ model.Timestamp) {
	t := r.at(*v)
	switch {
	case t <= model.MinTimestamp:
		t = r.Watermark()
	case t > r.latest:
		t = min(t, model.MaxTimestamp)
		r.latest = t
	}
	r.emit(v, t)
}

func (r *eventTimeReader[T]) Watermark() model.Timestamp { return r.latest.Add(-r.slack) }

func (r *eventTimeReader[T]) Position() Split {
	s := r.Reader.Position()
	s.Position = wrapPosition(r.latest, s.Position)
	return s
}

// A position is the line "eventtime 1 <latest>", with latest in microseconds,
// and then the position of the wrapped source.
const eventTimeMagic = "eventtime "

const eventTimeVersion = "1"

func wrapPosition(latest model.Timestamp, inner []byte) []byte {
	p := make([]byte, 0, len(eventTimeMagic)+len(eventTimeVersion)+len(" -9223372036854775808\n")+len(inner))
	p = append(p, eventTimeMagic+eventTimeVersion+" "...)
	p = strconv.AppendInt(p, int64(latest), 10)
	p = append(p, '\n')
	return append(p, inner...)
}

func unwrapPosition(p []byte) (latest model.Timestamp, inner []byte, err error) {
	rest, ok := bytes.CutPrefix(p, []byte(eventTimeMagic))
	head, inner, more := bytes.Cut(rest, []byte{'\n'})
	version, number, fields := bytes.Cut(head, []byte{' '})
	if !ok || !more || !fields {
		return 0, nil, fmt.Errorf("the position %s was not made by source.WithEventTime: was it added since the checkpoint? Take the one that fits, or start without the checkpoint", excerpt(p))
	}
	if string(version) != eventTimeVersion {
		return 0, nil, fmt.Errorf("the position %s is of version %q of source.WithEventTime, and this program reads version %s: run the program that made it, or a newer one", excerpt(p), version, eventTimeVersion)
	}
	v, err := strconv.ParseInt(string(number), 10, 64)
	t := model.Timestamp(v)
	if err != nil || t < model.MinTimestamp || t > model.MaxTimestamp {
		return 0, nil, fmt.Errorf("the position %s is damaged: %q is no event time; go back to an earlier checkpoint", excerpt(p), number)
	}
	return t, inner, nil
}

// excerpt quotes the beginning of p.
func excerpt(p []byte) string {
	const limit = 48
	if len(p) > limit {
		return strconv.Quote(string(p[:limit])) + "..."
	}
	return strconv.Quote(string(p))
}
