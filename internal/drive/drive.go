// Package drive lets a simulation take the place of what a run otherwise gets from
// its machine: goroutines, the clock, timers, and the disk.
//
// A runner that finds a [Driver] in its context starts no goroutine and asks no
// clock. It does one thing at a time, each when the driver says so, by the code that
// its workers run otherwise. The package stands below the runners, and knows nothing
// of them.
//
// The invariant: what a driven run does depends on the pipeline and the driver's
// answers alone.
package drive

import (
	"context"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// A Driver decides what happens next in a run, and what time it is. It is called by
// one goroutine at a time.
type Driver interface {
	// FS is where state directories are.
	FS() vfs.FS
	// Now is the time on the wall.
	Now() time.Time
	// AfterFunc has f called once d has passed, by Next. Stop takes that back.
	AfterFunc(d time.Duration, f func()) Timer
	Limits() Limits
	// Next says what to do at m. An error fails the run, which may be started again.
	Next(m Moment) (Action, error)
	// Dead says that the process has crashed: it has no more effect on anything, so the
	// run leaves all as it is.
	Dead() bool
}

// A Timer is what AfterFunc returns; a [time.Timer] is one.
type Timer interface{ Stop() bool }

// Limits are the sizes at which a run does things in more than one go. Small ones have
// small inputs meet all of that.
type Limits struct {
	// Batch is how many records travel together at most.
	Batch int
	// Mailbox is how many messages wait for a task before those that send them stop.
	Mailbox int
	// Messages is how many of them a task takes in one step.
	Messages int
	// Cells is how many cells a task saves in one step.
	Cells int
}

// A Moment is what can be done.
type Moment struct {
	// Ready is how many tasks can be stepped. The first is that which workers would take.
	Ready int
	Phase Phase
}

// A Phase is how far the run is with its checkpoint.
type Phase uint8

const (
	// Unsaved runs have no state directory.
	Unsaved Phase = iota
	// Between checkpoints, one may begin.
	Between
	// Crossing: the checkpoint is on its way through the tasks.
	Crossing
	// Crossed: all tasks are through, and it can be committed.
	Crossed
	// Committing: it is in the middle of that, between two things that are done outside
	// of the run. A Wait goes on with it.
	Committing
	// Failed: the run waits until it is started again. There is nothing to do but to let
	// time pass.
	Failed
)

// An Action is what to do.
type Action struct {
	Do Verb
	// Task is which of the ready tasks is stepped.
	Task int
}

// A Verb is what an Action does.
type Verb uint8

const (
	// Wait does nothing: the driver has called timers, or let time pass.
	Wait Verb = iota
	Step
	// Begin begins a checkpoint, Commit commits it.
	Begin
	Commit
	// Stop ends the run gracefully.
	Stop
)

type key struct{}

// With is ctx with d in it.
func With(ctx context.Context, d Driver) context.Context { return context.WithValue(ctx, key{}, d) }

// From is the driver in ctx, or nil.
func From(ctx context.Context) Driver {
	d, _ := ctx.Value(key{}).(Driver)
	return d
}
