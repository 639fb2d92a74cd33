package direct

import (
	"log/slog"
	"time"

	"github.com/millrace/millrace/model"
)

// A clock is the processing time of a call of Run. It is the time on the wall, as long as
// that is not set back. If it is, processing time goes on from where it was, by the time
// that passes, and stays ahead of the wall until that is set forward again. So nothing
// waits for the wall to catch up.
//
// Only one goroutine uses it at a time: that which holds the scheduler's lock, or that
// which opens the run.
type clock struct {
	// read is the time on the wall, and how much time has passed since some instant,
	// whatever was done to the wall's.
	read func() (wall time.Time, passed time.Duration)
	log  *slog.Logger

	begun  bool
	wall   time.Time // when it was last read
	passed time.Duration
	ahead  time.Duration // of the wall
	last   model.Timestamp
}

// adjusted is less than what is told of. Clocks are set by less again and again.
const adjusted = 100 * time.Millisecond

// newClock is a clock that reads h's, or read's if that is not nil.
func newClock(h host, read func() (time.Time, time.Duration), log *slog.Logger) *clock {
	if read == nil {
		start := h.Now()
		read = func() (time.Time, time.Duration) {
			now := h.Now()
			return now.Round(0), now.Sub(start) // by the monotonic clock, if there is one
		}
	}
	return &clock{read: read, log: log, last: model.MinTimestamp}
}

// now is the processing time.
func (c *clock) now() model.Timestamp {
	wall, passed := c.read()
	if c.begun {
		back := max(0, passed-c.passed) - wall.Sub(c.wall)
		c.ahead = max(0, c.ahead+back)
		if back >= adjusted {
			c.log.Warn("the clock was set back; processing time goes on from where it was, ahead of the clock",
				"by", back.Round(time.Millisecond), "ahead", c.ahead.Round(time.Millisecond), "clock", wall,
				"to do", "nothing; a run that is started anew goes by the clock again")
		}
	}
	c.begun, c.wall, c.passed = true, wall, passed
	c.last = max(c.last, model.TimestampOf(wall.Add(c.ahead)))
	return c.last
}

// reached is t, the processing time of a checkpoint, or now if it has not come yet.
func (c *clock) reached(t model.Timestamp) (at model.Timestamp, back time.Duration) {
	now := c.now()
	if t <= now {
		return t, 0
	}
	return now, t.Sub(now)
}
