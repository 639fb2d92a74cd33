package source

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/millrace/millrace/model"
)

// A Periodic is a source of instants of processing time: Start, and then one
// after each Interval, up to End, which is not included. An element is the instant
// at which it is due, and that is its event time, too. It is one split, whose watermark
// is the next instant.
//
// It says what should happen when: behind it, a transform looks up rates, lists
// files, or asks a service. After an interruption it catches up with what it missed.
type Periodic struct {
	Interval time.Duration
	// Start is the first instant; the zero Time is when it is first read. It may be
	// in the past.
	Start time.Time
	// End makes it bounded; the zero Time is never.
	End time.Time
}

// Validate reports what is wrong with p.
func (p Periodic) Validate() error {
	switch {
	case p.Interval <= 0:
		return fmt.Errorf("source.Periodic: the Interval, %v, must be positive", p.Interval)
	case p.Interval%time.Microsecond != 0:
		return fmt.Errorf("source.Periodic: the Interval, %v, must be whole microseconds", p.Interval)
	case !p.End.IsZero() && p.End.Before(p.Start):
		return errors.New("source.Periodic: it ends before it starts")
	}
	return nil
}

// Describe implements [Described].
func (p Periodic) Describe() string { return p.String() }

func (p Periodic) String() string { return fmt.Sprintf("every %v", p.Interval) }

// Bounded implements [Source].
func (p Periodic) Bounded() bool { return !p.End.IsZero() }

// Splits implements [Source].
func (p Periodic) Splits(context.Context, int) ([]Split, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	r := &periodicReader{Periodic: p, next: model.MinTimestamp, first: model.MinTimestamp, id: "instants"}
	if !p.Start.IsZero() {
		r.next = model.TimestampOf(p.Start)
		r.first = r.next
	}
	return []Split{r.Position()}, nil
}

// Open implements [Source].
func (p Periodic) Open(_ context.Context, s Split) (Reader[model.Timestamp], error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	r := &periodicReader{Periodic: p, id: s.ID, now: model.MinTimestamp}
	if _, err := fmt.Sscanf(string(s.Position), periodicPosition, &r.first, &r.next); err != nil || r.next < r.first {
		return nil, fmt.Errorf("split %q: the position %s is none of a source.Periodic: take the one that fits, or start without the checkpoint", s.ID, excerpt(s.Position))
	}
	return r, nil
}

// periodicPosition is the first instant and the next, MinTimestamp before it is known.
const periodicPosition = "periodic 1 %d %d"

type periodicReader struct {
	Periodic
	id               string
	first, next, now model.Timestamp
}

// AdvanceProcessingTime implements [Clocked].
func (r *periodicReader) AdvanceProcessingTime(now model.Timestamp) {
	r.now = max(r.now, now)
	if r.next == model.MinTimestamp {
		r.first, r.next = now, now
	}
}

func (r *periodicReader) end() model.Timestamp {
	if r.End.IsZero() {
		return model.MaxTimestamp
	}
	return model.TimestampOf(r.End)
}

func (r *periodicReader) Read(_ context.Context, max int, emit func(*model.Timestamp, model.Timestamp)) (Status, error) {
	var v model.Timestamp
	for ; max > 0 && r.next < r.end() && r.next > model.MinTimestamp && r.next <= r.now; max-- {
		v = r.next
		r.next = r.next.Add(r.Interval)
		emit(&v, v)
	}
	switch {
	case r.next >= r.end():
		return Status{Done: true}, nil
	case r.next == model.MinTimestamp: // nobody has told the time
		return Status{ResumeAfter: r.Interval}, nil
	case r.next > r.now:
		return Status{ResumeAfter: r.next.Sub(r.now)}, nil
	}
	return Status{}, nil
}

func (r *periodicReader) Position() Split {
	s := Split{ID: r.id, Position: fmt.Appendf(nil, periodicPosition, r.first, r.next)}
	if r.Bounded() {
		s.Size = r.instants(r.next, r.end())
	}
	return s
}

// instants is how many there are in [from, to); 0 while from is not known.
func (r *periodicReader) instants(from, to model.Timestamp) int64 {
	if from == model.MinTimestamp || from >= to {
		return 0
	}
	every := int64(r.Interval / time.Microsecond)
	return (int64(to)-int64(from)-1)/every + 1
}

func (r *periodicReader) Watermark() model.Timestamp { return r.next }

func (r *periodicReader) Progress() Progress {
	p := Progress{Done: r.instants(r.first, r.next)}
	if r.Bounded() {
		p.Total = r.instants(r.first, r.end())
	}
	return p
}

func (r *periodicReader) Close() error { return nil }
