package direct

import (
	"log/slog"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/millrace/millrace/model"
)

// What bounds how far a source runs ahead.
const (
	BatchSize    = batchSize
	MailboxLimit = mailboxLimit
	StepMessages = stepMessages
)

// On is c with the state directory in fs.
func (c Checkpoints) On(fs vfs.FS) Checkpoints {
	c.fs = fs
	return c
}

// Begin is what decides about the failures of one run.
func Begin(r Restart) decider { return r.begin() }

// Validate is what is wrong with r.
func Validate(r Restart) error { return r.validate() }

// Jittered is d with a jitter, at random by r.
var Jittered = jittered

// ShippingEvery is c that tries again soon what could not be shipped.
func (c Checkpoints) ShippingEvery(pause time.Duration) Checkpoints {
	c.shippingPause = pause
	return c
}

// By is r by a clock: the time on the wall, and how much has passed, whatever was done to
// the wall's.
func (r Runner) By(read func() (wall time.Time, passed time.Duration)) Runner {
	r.read = read
	return r
}

// ProcessingTime is that of a call of Run by a clock.
func ProcessingTime(read func() (time.Time, time.Duration), log *slog.Logger) func() model.Timestamp {
	return newClock(host{}, read, log).now
}
