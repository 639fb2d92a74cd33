package engine

import (
	"fmt"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
)

// A reading is a split that a task reads.
type reading struct {
	*SplitReader
	id        string
	keeper    source.Timekeeper // the reader, where it is one, as below
	clocked   source.Clocked
	splitter  source.Splitter
	progress  source.Progress // as last asked, as below
	watermark model.Timestamp
	// nothingSince is the processing time from which on the split has had nothing
	// whenever it was read; MaxTimestamp if it has something.
	nothingSince model.Timestamp
	// resumeAt is when a clocked reader has something again.
	resumeAt model.Timestamp
	idle     bool
}

// tellTime tells a reader what time it is, if it wants to know and it is known.
func (t *Task) tellTime(r *reading) {
	if r.clocked != nil && t.now > model.MinTimestamp {
		r.clocked.AdvanceProcessingTime(t.now)
	}
}

// pollOne reads from r, and notes whether it had anything.
func (t *Task) pollOne(r *reading, limit int) (source.Status, error) {
	t.tellTime(r)
	before := t.head.Counts.Read
	st, err := r.Poll(t.cfg.Context, limit)
	r.resumeAt = model.MaxTimestamp
	if r.clocked != nil && st.ResumeAfter > 0 {
		r.resumeAt = t.now.Add(max(st.ResumeAfter, time.Microsecond))
	}
	switch {
	case t.head.Counts.Read > before || st.ResumeAfter <= 0:
		r.nothingSince, r.idle = model.MaxTimestamp, false
	case t.now > model.MinTimestamp:
		r.nothingSince = min(r.nothingSince, t.now)
		r.idle = t.idleFor > 0 && t.now >= r.nothingSince.Add(t.idleFor)
	}
	return st, err
}

// onlyIdle reports whether the source has splits, but none that is not idle.
func (t *Task) onlyIdle() bool {
	for _, r := range t.readers {
		if !r.idle {
			return false
		}
	}
	return len(t.readers) > 0 && t.floor == model.MaxTimestamp
}

// nextReading is when a reader has something, or a split is idle, by the clock.
func (t *Task) nextReading() model.Timestamp {
	next := model.MaxTimestamp
	for _, r := range t.readers {
		next = min(next, r.resumeAt)
		if t.idleFor > 0 && !r.idle && r.nothingSince < model.MaxTimestamp {
			next = min(next, r.nothingSince.Add(t.idleFor))
		}
	}
	return next
}

// Share has the task give away the ends of the split that it reads, in n pieces of
// about the size of what it keeps. They may be fewer. More reports whether the task
// could give away something another time.
//
// ReadersWatermark, as it was before, is a lower bound for all of them.
func (t *Task) Share(n int) (residuals []Split, more bool, err error) {
	if t.err == nil {
		residuals, more = t.share(n)
	}
	return residuals, more, t.err
}

func (t *Task) share(n int) (residuals []Split, more bool) {
	defer t.recover()
	t.cursor.op = nil
	if len(t.readers) != 1 || t.readers[0].splitter == nil {
		return nil, false
	}
	r := t.readers[0]
	for ; n > 0; n-- {
		s, ok, err := r.splitter.TrySplit(float64(n) / float64(n+1))
		if err != nil {
			t.err = t.sourceError(r.id, fmt.Errorf("splitting: %w", err))
		}
		if err != nil || !ok {
			return residuals, false
		}
		residuals = append(residuals, s)
	}
	return residuals, true
}
