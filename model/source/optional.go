package source

import (
	"time"

	"github.com/millrace/millrace/model"
)

// A Splitter is a [Reader] of a bounded split that can give away the end of it
// while it is being read, so that a reader elsewhere takes part of the work over.
//
// What the reader and one of the residual produce from then on is, one behind the
// other, exactly what the reader alone would have produced: each element comes from
// one of the two. The reader's Position is then that of what it keeps.
type Splitter interface {
	// TrySplit cuts what is left to read in two. The reader keeps about the given
	// fraction of it, from 0 on and less than 1, or as much as the places where it can
	// be cut allow, and the residual is the rest. The residual's ID is another than that of
	// any split that the source has, or had. The watermark that the reader had before
	// is a lower bound for both. It is called between two Reads.
	//
	// If ok is false, nothing has changed, and the reader need not be asked again:
	// what it has left is not worth cutting, and will not be.
	TrySplit(fraction float64) (residual Split, ok bool, err error)
}

// A Clocked reader goes by processing time. It learns of it in no other way: a
// reader that asked package time could neither be tested by a script nor be
// replayed.
type Clocked interface {
	// AdvanceProcessingTime says that it is now; it comes before each Read, and
	// never goes back for a reader. What a Status says in ResumeAfter counts from it.
	AdvanceProcessingTime(now model.Timestamp)
}

// An Idling source has splits that may have nothing for long while others go on.
//
// A split that had nothing, each time it was read, for IdleAfter of processing
// time is idle: the watermark goes on without it, as that of the splits which are not.
// With the next element it counts again. The watermark does not go back for it: it
// waits where it is, until the split's own has caught up. Elements that the split
// brings from behind are late. If all splits are idle, the watermark is that of the
// one which is furthest ahead, and stays there.
type Idling interface {
	// IdleAfter is 0 if splits hold the watermark back however long they are idle.
	IdleAfter() time.Duration
}
