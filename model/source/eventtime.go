package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
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
// A watermark never goes back, is MinTimestamp until there is something to
// estimate it by, and is part of the split's position: a reader opened where another
// stopped has the watermark that the other had. Timestamps of src itself are not
// used, nor are its watermarks, but for [Manual]. The cost is a call of at per
// element, and no allocation.
//
// How src is cut shows in elements without an event time, and in what is late.
func WithEventTime[T any](src Source[T], at func(T) model.Timestamp, w Watermarks) Source[T] {
	s := &eventTime[T]{src: src, at: at, watermarks: w}
	if at == nil {
		s.err = errors.New("source.WithEventTime: the function that tells event time is nil")
	}
	return s.wrapped()
}

// WithWatermarks is [WithEventTime] with the event times that src itself gives its
// elements; one with MinTimestamp has none. Only the watermarks are estimated anew.
func WithWatermarks[T any](src Source[T], w Watermarks) Source[T] {
	return (&eventTime[T]{src: src, watermarks: w}).wrapped()
}

// wrapped is s with what src says of itself by its methods.
func (s *eventTime[T]) wrapped() Source[T] {
	src := s.src
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

type eventTime[T any] struct {
	src        Source[T]
	at         func(T) model.Timestamp // nil for the timestamps of src
	watermarks Watermarks
	err        error // of what it was made of
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
	errs = append(errs, s.err, s.watermarks.Validate())
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

// Forgets implements [Forgetful].
func (s *eventTime[T]) Forgets() string {
	if f, ok := s.src.(Forgetful); ok {
		return f.Forgets()
	}
	return ""
}

// Describe implements [Described].
func (s *eventTime[T]) Describe() string {
	if d, ok := s.src.(Described); ok {
		return d.Describe()
	}
	return ""
}

// Moves implements [Movable].
func (s *eventTime[T]) Moves() bool {
	m, ok := s.src.(Movable)
	return ok && m.Moves()
}

// Moved implements [Movable].
func (s *eventTime[T]) Moved(split Split) (Split, error) {
	latest, position, err := unwrapPosition(split.Position)
	if err != nil {
		return Split{}, fmt.Errorf("split %q: %w", split.ID, err)
	}
	split.Position = position
	if split, err = s.src.(Movable).Moved(split); err == nil {
		split.Position = wrapPosition(latest, split.Position)
	}
	return split, err
}

// IdleAfter implements [Idling].
func (s *eventTime[T]) IdleAfter() time.Duration {
	if i, ok := s.src.(Idling); ok && s.watermarks.idle == 0 {
		return i.IdleAfter()
	}
	return s.watermarks.idle
}

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
	r := &eventTimeReader[T]{Reader: inner, at: s.at, basis: s.watermarks.basis, slack: s.watermarks.slack, latest: latest}
	r.stamped = r.stamp
	r.splitter, _ = inner.(Splitter)
	r.clocked, _ = inner.(Clocked)
	byClock := r.clocked != nil || r.basis == processingTime
	keeper, keeps := inner.(Timekeeper)
	switch {
	case byClock && keeps:
		return clockedKeeper[T]{clockedReader[T]{r}, keeper}, nil
	case byClock:
		return clockedReader[T]{r}, nil
	case keeps:
		return timekeepingReader[T]{r, keeper}, nil
	}
	return r, nil
}

// What a reader can do, it can do wrapped, too.
type (
	timekeepingReader[T any] struct {
		*eventTimeReader[T]
		Timekeeper
	}
	clockedReader[T any] struct{ *eventTimeReader[T] }
	clockedKeeper[T any] struct {
		clockedReader[T]
		Timekeeper
	}
)

// AdvanceProcessingTime implements [Clocked].
func (r clockedReader[T]) AdvanceProcessingTime(now model.Timestamp) { r.advance(now) }

// An eventTimeReader passes elements through and remembers the latest of what the
// watermark goes by, MinTimestamp before there is anything.
type eventTimeReader[T any] struct {
	Reader[T]
	splitter Splitter // the same reader, if it is one
	clocked  Clocked  // likewise
	at       func(T) model.Timestamp
	basis    basis
	slack    time.Duration
	latest   model.Timestamp
	told     bool            // the time
	ahead    model.Timestamp // how far processing time was, when it was first told
	emit     func(*T, model.Timestamp)
	// stamped is the method value r.stamp, made once and not at each Read.
	stamped func(*T, model.Timestamp)
}

func (r *eventTimeReader[T]) Read(ctx context.Context, max int, emit func(*T, model.Timestamp)) (Status, error) {
	r.emit = emit
	status, err := r.Reader.Read(ctx, max, r.stamped)
	r.emit = nil
	return status, err
}

func (r *eventTimeReader[T]) stamp(v *T, t model.Timestamp) {
	if r.at != nil {
		t = r.at(*v)
	}
	switch {
	case t <= model.MinTimestamp:
		t = r.Watermark()
	case t > r.latest:
		t = min(t, model.MaxTimestamp)
		if r.basis == eventTimes {
			r.latest = t
		}
	}
	r.emit(v, t)
}

func (r *eventTimeReader[T]) advance(now model.Timestamp) {
	if r.clocked != nil {
		r.clocked.AdvanceProcessingTime(now)
	}
	if r.basis != processingTime {
		return
	}
	if back := r.latest.Sub(now); !r.told && back > setBack {
		r.ahead = r.latest - now
	}
	r.told = true
	r.latest = max(r.latest, min(now, model.MaxTimestamp-r.ahead)+r.ahead)
}

// setBack is how far a position may be ahead of a reader's clock, as others may have been
// told the time a little later. If it is further, the clock was set back in between.
const setBack = time.Second

func (r *eventTimeReader[T]) Watermark() model.Timestamp {
	if r.basis == readers {
		r.latest = max(r.latest, r.Reader.Watermark())
	}
	return r.latest.Add(-r.slack)
}

func (r *eventTimeReader[T]) Position() Split {
	r.Watermark() // which may be more than when it was last asked
	return r.placed(r.Reader.Position())
}

// placed is a split of the wrapped source as one of this.
func (r *eventTimeReader[T]) placed(s Split) Split {
	s.Position = wrapPosition(r.latest, s.Position)
	return s
}

// TrySplit implements [Splitter]: what was promised of the whole holds for the
// residual.
func (r *eventTimeReader[T]) TrySplit(fraction float64) (Split, bool, error) {
	if r.splitter == nil {
		return Split{}, false, nil
	}
	r.Watermark() // of the whole, before it becomes that of a part
	residual, ok, err := r.splitter.TrySplit(fraction)
	if !ok || err != nil {
		return Split{}, false, err
	}
	return r.placed(residual), true, nil
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
