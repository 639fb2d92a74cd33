package direct

import (
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
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
