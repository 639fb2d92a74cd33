package direct

import (
	"context"
	"time"

	"github.com/millrace/millrace/internal/drive"
)

// A host is where a run gets its time from, and how much it does at once: the
// machine or, in a simulation, the driver in the run's context.
type host struct {
	driver drive.Driver // nil on the machine
	limits drive.Limits
}

const (
	// batchSize is how many records travel together: enough that the cost of a
	// message vanishes, few enough that a batch stays in the cache.
	batchSize = 1024
	// mailboxLimit is how many messages a mailbox holds before those that fill it
	// are stopped. A task's step may go over it by what the step sends.
	mailboxLimit = 16
	// stepMessages is how many messages a task takes in one step.
	stepMessages = 8
	// saveCells is how many cells a task saves in one step.
	saveCells = 2048
)

func hostOf(ctx context.Context) host {
	if d := drive.From(ctx); d != nil {
		return host{d, d.Limits()}
	}
	return host{limits: drive.Limits{Batch: batchSize, Mailbox: mailboxLimit, Messages: stepMessages, Cells: saveCells}}
}

// Now is the time.
func (h host) Now() time.Time {
	if h.driver != nil {
		return h.driver.Now()
	}
	return time.Now()
}

// AfterFunc has f called after d.
func (h host) AfterFunc(d time.Duration, f func()) drive.Timer {
	if h.driver != nil {
		return h.driver.AfterFunc(d, f)
	}
	return time.AfterFunc(d, f)
}

// dead reports whether the process has crashed, in a simulation.
func (h host) dead() bool { return h.driver != nil && h.driver.Dead() }
