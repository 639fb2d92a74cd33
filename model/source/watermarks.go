package source

import (
	"fmt"
	"math"
	"time"
)

// Watermarks says how the watermark of a split is estimated, and whether the
// split may be idle. It is plain data; the zero Watermarks is [Monotonic].
//
// Every estimate is the latest of something, less a slack. So it never goes back,
// and all that it remembers is one timestamp, which is part of the split's position:
// a reader that takes over where another stopped has the other's watermark.
type Watermarks struct {
	basis basis
	slack time.Duration
	idle  time.Duration
}

// A basis is what the watermark is the latest of.
type basis uint8

const (
	eventTimes     basis = iota // of the elements that were read
	readers                     // watermarks of the reader
	processingTime              // what the reader was told
)

// Monotonic expects event times in each split that never decrease: the
// watermark is the latest event time seen.
func Monotonic() Watermarks { return Watermarks{} }

// BoundedOutOfOrderness expects an element at most d of event time behind the
// latest that came before it in its split: the watermark is the latest event time
// seen, less d. What is further behind is late. d is rounded up to microseconds.
func BoundedOutOfOrderness(d time.Duration) Watermarks {
	return Watermarks{slack: roundedUp(d)}
}

// Manual leaves the watermark to the reader: it is what [Reader.Watermark] of the
// wrapped source says. One that falls is ignored.
func Manual() Watermarks { return Watermarks{basis: readers} }

// WallTime expects an element at most delay after its event time, by the clock
// of whoever runs the source: the watermark is processing time less delay, whether or
// not anything arrives. What takes longer is late. Elements without an event time
// are stamped with the watermark, so that WallTime(0) makes event time the time
// of arrival. It is MinTimestamp until the reader is first told the time. delay is
// rounded up to microseconds.
//
// Where the clock was set back since a checkpoint, the watermark goes on from where it was,
// and is as far ahead of the clock from then on.
//
// A source that was down, or that is behind, brings elements that are late by as
// much: prefer [BoundedOutOfOrderness] where elements have event times.
func WallTime(delay time.Duration) Watermarks {
	return Watermarks{basis: processingTime, slack: roundedUp(delay)}
}

// IdleAfter is w for splits that are idle, as [Idling] has it, when they have had
// nothing for d of processing time. 0 is never.
func (w Watermarks) IdleAfter(d time.Duration) Watermarks {
	w.idle = d
	return w
}

// Validate reports what is wrong with w.
func (w Watermarks) Validate() error {
	switch {
	case w.slack < 0 && w.basis == processingTime:
		return fmt.Errorf("source.WallTime(%v): the delay must not be negative", w.slack)
	case w.slack < 0:
		return fmt.Errorf("source.BoundedOutOfOrderness(%v): the duration must not be negative", w.slack)
	case w.idle < 0:
		return fmt.Errorf("Watermarks.IdleAfter(%v): the duration must not be negative; 0 means never", w.idle)
	}
	return nil
}

func (w Watermarks) String() string {
	s := "monotonic"
	switch {
	case w.basis == readers:
		s = "by the reader"
	case w.basis == processingTime:
		s = fmt.Sprintf("%v behind processing time", w.slack)
	case w.slack != 0:
		s = fmt.Sprintf("out of order by %v", w.slack)
	}
	if w.idle > 0 {
		s += fmt.Sprintf(", idle after %v", w.idle)
	}
	return s
}

func roundedUp(d time.Duration) time.Duration {
	if r := d % time.Microsecond; r > 0 && d < math.MaxInt64-time.Microsecond {
		d += time.Microsecond - r
	}
	return d
}
