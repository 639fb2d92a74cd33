package direct

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"

	"github.com/millrace/millrace/internal/engine"
	"github.com/millrace/millrace/internal/plan"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
)

// splits hands the splits of a source to its tasks. Those of a concurrent source
// are all read at once; those of others are pulled, one at a time, by whichever
// task has read what it had.
type splits struct {
	lockstep bool
	each     bool // pull one at a time

	mu      sync.Mutex
	waiting []source.Split
	dealt   [][]source.Split // by task, of a concurrent source
}

func newSplits(ctx context.Context, s *plan.Stage, spec engine.SourceSpec, tasks int) (*splits, error) {
	hint := tasks
	if !spec.Concurrent() {
		const perTask = 4 // so that a task with quick splits takes over from slow ones
		hint *= perTask
	}
	list, err := listSplits(ctx, spec, hint)
	if err != nil {
		return nil, &engine.SourceError{Transform: s.Head.Name, Site: s.Head.Site, Err: fmt.Errorf("listing its splits: %w", err)}
	}
	sp := &splits{lockstep: spec.Lockstep(), each: !spec.Concurrent(), dealt: make([][]source.Split, tasks)}
	if sp.each {
		sp.waiting = list
		return sp, nil
	}
	for i, x := range list {
		sp.dealt[i%tasks] = append(sp.dealt[i%tasks], x)
	}
	return sp, nil
}

// listSplits asks a source for its splits, and takes a panic for an error.
func listSplits(ctx context.Context, spec engine.SourceSpec, hint int) (list []source.Split, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	return spec.Splits(ctx, hint)
}

// take returns the splits that a task with none is to read next; none is the
// end. Floor bounds the watermark of every task, for splits that none reads yet.
func (s *splits) take(task int) (list []source.Split, floor model.Timestamp) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.each {
		list, s.dealt[task] = s.dealt[task], nil
		return list, model.MaxTimestamp
	}
	if len(s.waiting) > 0 {
		list, s.waiting = s.waiting[:1:1], s.waiting[1:]
	}
	return list, s.floor()
}

// more reports whether there is a split left for a task to read.
func (s *splits) more(task int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.waiting)+len(s.dealt[task]) > 0
}

func (s *splits) floor() model.Timestamp {
	if len(s.waiting) > 0 {
		return model.MinTimestamp
	}
	return model.MaxTimestamp
}

// currentFloor is the floor as it is now.
func (s *splits) currentFloor() model.Timestamp {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.floor()
}

// left is the size of the splits that no task reads yet.
func (s *splits) left() (n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range s.waiting {
		n += x.Size
	}
	return n
}
