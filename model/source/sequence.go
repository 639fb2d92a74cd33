package source

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/millrace/millrace/model"
)

// A Sequence is a source of the numbers from From up to To, To not included.
//
// Without a rate they come as fast as they are read, without an event time. With
// one, the first comes at Start, and Count of them in each Per, evenly: a number
// has the time at which it is due for its event time, and the watermark of a split
// is the time at which its next number is due. Who falls behind, or was stopped,
// catches up.
//
// It is cut into ranges, which can be cut further while they are read; without an
// end, into numbers that take turns. With a rate, it is one split.
type Sequence struct {
	From, To int64
	// Endless makes it unbounded: it goes on to the last int64, and To is not
	// looked at.
	Endless bool
	// Count and Per are the rate, in numbers per duration; both 0 is no rate.
	Count int64
	Per   time.Duration
	// Start is when the first number of a Sequence with a rate is due, rounded down
	// to microseconds; the zero Time is when the split is first read.
	Start time.Time
}

// Validate reports what is wrong with s.
func (s Sequence) Validate() error {
	switch {
	case !s.Endless && s.To < s.From:
		return fmt.Errorf("source.Sequence: To, %d, is below From, %d; for one without an end, set Endless", s.To, s.From)
	case s.Count < 0 || s.Per < 0:
		return fmt.Errorf("source.Sequence: the rate, %d in %v, is negative", s.Count, s.Per)
	case (s.Count == 0) != (s.Per == 0):
		return fmt.Errorf("source.Sequence: a rate needs both Count and Per; they are %d and %v", s.Count, s.Per)
	case s.Per%time.Microsecond != 0:
		return fmt.Errorf("source.Sequence: Per, %v, must be whole microseconds", s.Per)
	case s.Count > maxRate:
		return fmt.Errorf("source.Sequence: Count, %d, is more than %d; shorten Per, or leave the rate out", s.Count, maxRate)
	}
	return nil
}

// maxRate keeps what is computed of a rate inside of int64.
const maxRate = 1 << 20

func (s Sequence) String() string {
	text := fmt.Sprintf("%d to %d", s.From, s.To)
	if s.Endless {
		text = fmt.Sprintf("%d and on", s.From)
	}
	if s.rated() {
		text += fmt.Sprintf(", %d per %v", s.Count, s.Per)
	}
	return text
}

// Describe implements [Described].
func (s Sequence) Describe() string { return s.String() }

func (s Sequence) rated() bool { return s.Count > 0 }

func (s Sequence) limit() int64 {
	if s.Endless {
		return math.MaxInt64
	}
	return s.To
}

// Bounded implements [Source].
func (s Sequence) Bounded() bool { return !s.Endless }

// Splits implements [Source].
func (s Sequence) Splits(_ context.Context, hint int) ([]Split, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	left := uint64(s.limit()) - uint64(s.From) // as it may be more than an int64 holds
	n := min(uint64(max(hint, 1)), left)
	if s.rated() {
		n = min(n, 1)
	}
	start := model.MinTimestamp
	if !s.Start.IsZero() {
		start = model.TimestampOf(s.Start)
	}
	splits := make([]Split, n)
	for i := range n {
		at := numbers{first: s.From + int64(i), end: s.limit(), step: int64(n), start: start}
		if !s.Endless {
			at = numbers{first: s.From + int64(left/n*i+left%n*i/n), end: s.From + int64(left/n*(i+1)+left%n*(i+1)/n), step: 1, start: start}
		}
		at.next = at.first
		splits[i] = at.split(at.name())
	}
	return splits, nil
}

// Open implements [Source].
func (s Sequence) Open(_ context.Context, split Split) (Reader[int64], error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	r := &sequenceReader{Sequence: s, id: split.ID, now: model.MinTimestamp}
	if _, err := fmt.Sscanf(string(split.Position), sequencePosition, &r.first, &r.next, &r.end, &r.step, &r.start); err != nil {
		return nil, fmt.Errorf("split %q: the position %s is none of a source.Sequence: take the one that fits, or start without the checkpoint", split.ID, excerpt(split.Position))
	}
	if r.step < 1 || uint64(r.step) > uint64(s.limit())-uint64(s.From) || r.first < s.From || r.next < r.first || r.end > s.limit() {
		return nil, fmt.Errorf("split %q: the position %s is of another source.Sequence than %v: run with the one that it was made by, or start without the checkpoint", split.ID, excerpt(split.Position), s)
	}
	if s.rated() {
		return clockedSequence{r}, nil
	}
	return r, nil
}

// sequencePosition is how numbers are stored.
const sequencePosition = "sequence 1 %d %d %d %d %d"

// numbers are each step'th from next on and before end; first is where the split
// began, and start when number From was due, MinTimestamp while that is open.
type numbers struct {
	first, next, end, step int64
	start                  model.Timestamp
}

func (n numbers) split(id string) Split {
	s := Split{ID: id, Position: fmt.Appendf(nil, sequencePosition, n.first, n.next, n.end, n.step, n.start)}
	if n.end < math.MaxInt64 {
		s.Size = n.count(n.next, n.end)
	}
	return s
}

// name is the ID of the split that begins with n: no other begins there.
func (n numbers) name() string {
	if n.step == 1 {
		return "from " + strconv.FormatInt(n.first, 10)
	}
	return fmt.Sprintf("each %d. from %d", n.step, n.first)
}

// count is how many numbers of the split are in [from, to).
func (n numbers) count(from, to int64) int64 {
	if from >= to {
		return 0
	}
	c := (uint64(to) - uint64(from) - 1) / uint64(n.step)
	return int64(min(c, math.MaxInt64-1)) + 1
}

type sequenceReader struct {
	Sequence
	numbers
	id  string
	now model.Timestamp
}

// clockedSequence is the reader of one that has a rate.
type clockedSequence struct{ *sequenceReader }

// AdvanceProcessingTime implements [Clocked].
func (r clockedSequence) AdvanceProcessingTime(now model.Timestamp) {
	r.now = max(r.now, now)
	if r.start == model.MinTimestamp {
		r.start = now
	}
}

// due is when number v is; MinTimestamp if there is no rate, or it is not known yet.
func (r *sequenceReader) due(v int64) model.Timestamp {
	if !r.rated() || r.start == model.MinTimestamp {
		return model.MinTimestamp
	}
	k, per := uint64(v)-uint64(r.From), uint64(r.Per/time.Microsecond)
	whole, part := k/uint64(r.Count), k%uint64(r.Count)
	if whole >= uint64(math.MaxInt64/int64(time.Microsecond))/per {
		return model.MaxTimestamp
	}
	after := whole*per + part*(per/uint64(r.Count)) + part*(per%uint64(r.Count))/uint64(r.Count)
	return r.start.Add(time.Duration(after) * time.Microsecond)
}

func (r *sequenceReader) Read(_ context.Context, max int, emit func(*int64, model.Timestamp)) (Status, error) {
	var v int64
	for ; max > 0 && r.next < r.end; max-- {
		at := r.due(r.next)
		if r.rated() && at > r.now {
			return Status{ResumeAfter: at.Sub(r.now)}, nil
		}
		v = r.next
		if r.next > r.end-r.step { // without going beyond the last int64
			r.next = r.end
		} else {
			r.next += r.step
		}
		emit(&v, at)
	}
	return Status{Done: r.next >= r.end}, nil
}

func (r *sequenceReader) Position() Split { return r.split(r.id) }

func (r *sequenceReader) Watermark() model.Timestamp {
	if r.next >= r.end {
		return model.MaxTimestamp
	}
	return r.due(r.next)
}

func (r *sequenceReader) Progress() Progress {
	p := Progress{Done: r.count(r.first, r.next)}
	if !r.Endless {
		p.Total = r.count(r.first, r.end)
	}
	return p
}

func (r *sequenceReader) Close() error { return nil }

// TrySplit implements [Splitter].
func (r *sequenceReader) TrySplit(fraction float64) (Split, bool, error) {
	if !(fraction >= 0 && fraction < 1) {
		return Split{}, false, errFraction(fraction)
	}
	left := r.count(r.next, r.end)
	keep := int64(float64(left) * fraction)
	if r.next == r.first {
		keep = max(keep, 1) // the residual must not begin where the split does
	}
	if r.Endless || r.rated() || keep >= left {
		return Split{}, false, nil
	}
	residual := r.numbers
	residual.first = r.next + keep*r.step
	residual.next = residual.first
	r.end = residual.first
	return residual.split(residual.name()), true, nil
}

func errFraction(fraction float64) error {
	return errors.New("source: a split cannot be cut at the fraction " + strconv.FormatFloat(fraction, 'g', -1, 64) + "; it must be at least 0 and less than 1")
}
