package model

import (
	"math"
	"time"
)

// A Timestamp is an event time in microseconds since the Unix epoch. Arithmetic
// on it saturates at [MinTimestamp] and [MaxTimestamp].
type Timestamp int64

const (
	// MinTimestamp is the start of time, some 290,000 years before the epoch: the
	// event time of an element that has none, and the watermark of a source that
	// has promised nothing yet.
	MinTimestamp Timestamp = math.MinInt64 / 1000 * 1000
	// MaxTimestamp is the end of time: the watermark of a source that will never
	// produce again. Both ends are whole milliseconds, so that they survive
	// systems that keep time in milliseconds.
	MaxTimestamp Timestamp = math.MaxInt64 / 1000 * 1000
	// EndOfGlobalWindow is the end of [GlobalWindow]: a day before MaxTimestamp, so
	// that the global window, too, can close before time ends.
	EndOfGlobalWindow Timestamp = MaxTimestamp - 24*3600*1_000_000
)

// TimestampOf converts t, dropping what is finer than a microsecond.
func TimestampOf(t time.Time) Timestamp {
	sec := t.Unix() // the last whole seconds are told apart the slow way
	switch {
	case sec >= int64(MaxTimestamp)/1_000_000 && !t.Before(MaxTimestamp.Time()):
		return MaxTimestamp
	case sec <= int64(MinTimestamp)/1_000_000 && !t.After(MinTimestamp.Time()):
		return MinTimestamp
	}
	return Timestamp(t.UnixMicro())
}

// Time is t as a UTC time.
func (t Timestamp) Time() time.Time { return time.UnixMicro(int64(t)).UTC() }

// Add returns t+d, saturated; d is cut to microseconds.
func (t Timestamp) Add(d time.Duration) Timestamp {
	us := Timestamp(d / time.Microsecond)
	switch {
	case us > 0 && t > MaxTimestamp-us:
		return MaxTimestamp
	case us < 0 && t < MinTimestamp-us:
		return MinTimestamp
	}
	return t + us
}

// Sub returns t-u, saturated at the ends of [time.Duration].
func (t Timestamp) Sub(u Timestamp) time.Duration {
	const limit = math.MaxInt64 / int64(time.Microsecond)
	d := int64(t) - int64(u)
	if (int64(t) < 0) != (int64(u) < 0) && (d < 0) != (int64(t) < 0) { // overflow
		if t > u {
			return math.MaxInt64
		}
		return math.MinInt64
	}
	switch {
	case d > limit:
		return math.MaxInt64
	case d < -limit:
		return math.MinInt64
	}
	return time.Duration(d) * time.Microsecond
}

// String is RFC 3339, or "-inf" and "+inf" for the two ends.
func (t Timestamp) String() string {
	switch {
	case t <= MinTimestamp:
		return "-inf"
	case t >= MaxTimestamp:
		return "+inf"
	case t == EndOfGlobalWindow:
		return "end-of-global-window"
	}
	return t.Time().Format(time.RFC3339Nano)
}
