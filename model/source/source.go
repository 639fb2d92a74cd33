// Package source declares where a pipeline's elements come from. A connector
// implements [Source] and [Reader]; a runner calls them. Nothing here knows how
// it is run, and nothing here asks a clock.
//
// The invariant on which exactly-once rests: a reader opened at the position
// that another reported produces exactly what that other would have produced
// next, in the same order.
//
// # Writing a source
//
// Bounded and unbounded sources are the same to a runner: splits, each read from a
// position on. What a source says of itself decides the rest.
//
//   - [Source.Splits] cuts the input before anything is read: a range of bytes or
//     keys, a partition of a queue. A split's position is what a checkpoint stores.
//   - [Reader.Read] hands over what there is, and never waits for what there is not:
//     a [Status] says when to ask again.
//   - [Reader.Watermark] promises how old what follows is at most. Readers that know
//     it say so; for others, [WithEventTime] and [WithWatermarks] estimate it.
//   - [Described] sources say what they read, so that a checkpoint is not gone on from with
//     another input.
//   - [Reader.Progress] and [Split.Size] are for whoever watches, and for a runner that
//     has to decide which split is long.
//
// A reader or a source may do more, by a method more: [Splitter] to be cut while it
// is read, [Clocked] to go by processing time, [Idling] not to hold others up,
// [Concurrent] to be read with all splits at once, [Validator] to tell of mistakes
// early. Wrappers of this package pass on what the wrapped source can do.
//
// [Sequence] and [Periodic] are sources to use and to read as examples. Package
// testing/sourcetest checks that a source keeps its promises; docs/sources.md leads
// through writing one.
package source

import (
	"context"
	"time"

	"github.com/millrace/millrace/model"
)

// A Source is something to read elements from. It is immutable, and used by
// several goroutines at once.
type Source[T any] interface {
	// Bounded reports whether reading ends by itself.
	Bounded() bool
	// Splits cuts the input into pieces that can be read at the same time. It aims
	// at count hint, but may return any number, none for an empty input. It must not
	// depend on hint for anything but the number.
	Splits(ctx context.Context, hint int) ([]Split, error)
	// Open returns a reader of s, from its position on.
	Open(ctx context.Context, s Split) (Reader[T], error)
}

// A Split is a piece of a source and the position in it. It is a plain value
// that can be stored; only the source that made it understands Position.
type Split struct {
	// ID is unique among the splits of a source and stable over restarts.
	ID       string
	Position []byte
	// Size is how much is left to read, in the unit of Progress; 0 if unknown.
	Size int64
}

// A Reader reads one split. It is used by one goroutine at a time.
type Reader[T any] interface {
	// Read hands up to max elements to emit, in order, and returns. What emit is
	// given is read during the call only, so that v may be used again. It may block
	// for I/O, but not to wait for elements that do not exist yet: then it returns
	// with a Status that says when to ask again.
	Read(ctx context.Context, max int, emit func(v *T, t model.Timestamp)) (Status, error)
	// Position is the split that is left after all that was emitted.
	Position() Split
	// Watermark is a lower bound on the timestamps of elements not read yet.
	Watermark() model.Timestamp
	Progress() Progress
	Close() error
}

// A Status says what follows a Read.
type Status struct {
	// Done says that the split is exhausted.
	Done bool
	// ResumeAfter, when positive, says that nothing is there now, and when it is
	// worth asking again.
	ResumeAfter time.Duration
}

// Progress is how far a split was read, in bytes where the source has bytes.
// Total is 0 if unknown.
type Progress struct{ Done, Total int64 }

// A Concurrent bounded source has splits that go through event time side by
// side. All are read at once, so that the watermark rises with them; those of
// other bounded sources are read as tasks get to them, and the watermark rises
// when the last one has been begun. Unbounded sources are concurrent without
// saying so.
type Concurrent interface{ Concurrent() }

// Lockstep sources are read only while nothing else in the pipeline has work
// to do, one Read at a time: scripted ones, of tests.
type Lockstep interface{ Lockstep() }

// A Timekeeper is a reader of a Lockstep source that also says what processing
// time it is.
type Timekeeper interface{ Now() model.Timestamp }
