package direct

import (
	"context"
	"fmt"
	"sync"

	"github.com/millrace/millrace/internal/engine"
	"github.com/millrace/millrace/internal/plan"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
)

// splits hands the splits of a source to its tasks. Those of a concurrent source
// are all read at once; those of others are pulled, one at a time, by whichever
// task has read what it had. When none is left, tasks that still read are asked
// to share what they have with those that do not (share.go).
type splits struct {
	lockstep bool
	each     bool // pull one at a time

	mu      sync.Mutex
	waiting []waitingSplit
	dealt   [][]source.Split // by task, of a concurrent source
	readers []sharer         // by task, where splits are pulled
	asked   int              // pieces that tasks are being asked for
}

// A waitingSplit is one that no task reads yet, and a lower bound for what is in it.
type waitingSplit struct {
	source.Split
	watermark model.Timestamp
}

func newSplits(ctx context.Context, s *plan.Stage, spec engine.SourceSpec, tasks int) (*splits, error) {
	hint := tasks
	if !spec.Concurrent() {
		const perTask = 4 // so that a task with quick splits takes over from slow ones
		hint *= perTask
	}
	var list []source.Split
	err := guarded(func() (err error) {
		list, err = spec.Splits(ctx, hint)
		return err
	})
	if err != nil {
		return nil, &engine.SourceError{Transform: s.Head.Name, Site: s.Head.Site, Err: fmt.Errorf("listing its splits: %w", err)}
	}
	return dealSplits(list, spec, tasks), nil
}

// dealSplits has tasks read list.
func dealSplits(list []source.Split, spec engine.SourceSpec, tasks int) *splits {
	sp := &splits{lockstep: spec.Lockstep(), each: !spec.Concurrent(), dealt: make([][]source.Split, tasks)}
	if sp.each {
		for _, x := range list {
			sp.waiting = append(sp.waiting, waitingSplit{x, model.MinTimestamp})
		}
		sp.readers = make([]sharer, tasks)
		return sp
	}
	for i, x := range list {
		sp.dealt[i%tasks] = append(sp.dealt[i%tasks], x)
	}
	return sp
}

// take returns the splits that a task with none is to read next; none is the
// end, unless the task is to wait for what another may share. Floor bounds the
// watermark of the task.
func (s *splits) take(task int) (list []source.Split, floor model.Timestamp, wait bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.each {
		list, s.dealt[task] = s.dealt[task], nil
		return list, model.MaxTimestamp, false
	}
	r := &s.readers[task]
	*r = sharer{}
	if len(s.waiting) > 0 {
		first := s.waiting[0]
		s.waiting = s.waiting[1:]
		*r = sharer{mayShare: !s.lockstep, watermark: first.watermark}
		return []source.Split{first.Split}, s.floor(task), false
	}
	r.hungry = s.sharing()
	return nil, s.floor(task), r.hungry
}

// more reports whether there is a split left for a task to read.
func (s *splits) more(task int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.waiting)+len(s.dealt[task]) > 0
}

// floor is the lowest watermark of what the task does not read, and may be given:
// the splits that wait, and those of others that may be shared.
func (s *splits) floor(task int) model.Timestamp {
	low := model.MaxTimestamp
	for i := range s.waiting {
		low = min(low, s.waiting[i].watermark)
	}
	for i := range s.readers {
		if r := &s.readers[i]; i != task && r.mayShare {
			low = min(low, r.watermark)
		}
	}
	return low
}

// currentFloor is the floor as it is now.
func (s *splits) currentFloor(task int) model.Timestamp {
	if !s.each {
		return model.MaxTimestamp
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.floor(task)
}

// left is the size and the number of the splits that no task reads yet.
func (s *splits) left() (size int64, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range s.waiting {
		size += x.Size
	}
	return size, len(s.waiting)
}
