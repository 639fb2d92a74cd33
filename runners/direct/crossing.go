package direct

import (
	"time"

	"github.com/millrace/millrace/internal/engine"
	"github.com/millrace/millrace/internal/engine/cells"
	"github.com/millrace/millrace/model/source"
)

// How a checkpoint goes through the tasks. The barrier enters at the sources, as soon
// as they can be stepped, and whether or not there is room behind them. A source's
// tasks read on when all of them have crossed it, so that no split is given from one
// that has to one that has not. From there, messages carry it; the core holds back
// what overtakes it.
//
// A task that has crossed saves its cells bit by bit, in between its work.

// A crossing is a checkpoint that is on its way through the tasks. It belongs to the
// scheduler.
type crossing struct {
	id       uint64
	left     int // tasks that are not through, cells and all
	parts    map[*task]*part
	sources  map[*stage]int            // tasks that have not crossed, by source
	unread   map[*stage][]source.Split // that no task reads
	complete chan struct{}
}

// A part is a task's part of a checkpoint.
type part struct {
	*engine.Snapshot
	changes cells.Changes
}

const allCells = 1 << 62 // to save

// cross starts checkpoint id. What finished tasks have for it is taken at once. It
// returns nil if there is nothing left to checkpoint.
func (s *scheduler) cross(id uint64) *crossing {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil || s.open == 0 {
		return nil
	}
	c := &crossing{
		id: id, parts: map[*task]*part{}, sources: map[*stage]int{},
		unread: map[*stage][]source.Split{}, complete: make(chan struct{}),
	}
	s.crossing = c
	for _, st := range s.run.stages {
		c.left += len(st.tasks)
		for _, t := range st.tasks {
			if st.splits != nil && (t.state == running || !t.finished) {
				t.toCross = id
				c.sources[st]++
			}
		}
	}
	s.wakeCrowded()
	for _, st := range s.run.stages {
		for _, t := range st.tasks {
			switch {
			case t.state == running: // its step's end sees to it
			case t.finished:
				if err := t.captureFinished(id); err != nil {
					s.failLocked(err)
					return nil
				}
				s.passed(t)
			case st.splits != nil:
				s.enqueue(t)
			}
		}
		if st.splits != nil && c.sources[st] == 0 {
			c.unread[st] = st.splits.unread()
		}
	}
	return c
}

// captureFinished takes a task that no barrier reaches any more into checkpoint id.
func (t *task) captureFinished(id uint64) error {
	if err := t.Capture(id); err != nil {
		return err
	}
	t.part = &part{Snapshot: t.Snapshot()}
	t.part.Prepared = append(t.prepared, t.part.Prepared...)
	t.prepared = nil
	return t.saveSome(allCells)
}

// finishCrossing has a task that has just finished, in a step, take its part in the
// checkpoint under way, and save what it has still to save.
func (t *task) finishCrossing(c *crossing) error {
	switch {
	case c == nil || t.durable == nil:
		return nil
	case t.part != nil && !t.saved:
		return t.saveSome(allCells)
	case t.part == nil && !t.crossed:
		return t.captureFinished(c.id)
	}
	return nil
}

// saveSome saves some of the task's cells, in a step.
func (t *task) saveSome(budget int) error {
	done, err := t.durable.Save(budget)
	if err != nil {
		return err
	}
	t.saved = done
	if done {
		t.part.changes = t.durable.Changes()
	}
	return nil
}

// crossStep is what a checkpoint has to do in a step of t: after its messages, before
// it reads.
func (t *task) crossStep(o orders) error {
	if t.durable == nil || o.barrier == 0 && t.part == nil && !t.HasSnapshot() {
		return nil
	}
	begun := time.Now()
	defer func() { t.pause.Store(max(t.pause.Load(), int64(time.Since(begun)))) }()
	if o.barrier != 0 {
		if err := t.Barrier(o.barrier); err != nil {
			return err
		}
	}
	if snap := t.Snapshot(); snap != nil {
		t.part = &part{Snapshot: snap}
		t.frozen = snap.Barrier
	}
	if t.part != nil && !t.saved {
		return t.saveSome(o.cells)
	}
	return nil
}

// passed notes, after a step of t, how far the checkpoint is.
func (s *scheduler) passed(t *task) {
	c := s.crossing
	if c == nil || t.part == nil {
		return
	}
	if !t.crossed {
		t.crossed, t.saving = true, true
		if t.toCross != 0 {
			t.toCross = 0
			s.sourceCrossed(t.stage)
		}
	}
	if !t.saved || !t.saving {
		return
	}
	t.saving = false
	c.parts[t] = t.part
	t.part, t.saved = nil, false
	if c.left--; c.left == 0 {
		s.crossing = nil
		for _, st := range s.run.stages {
			for _, t := range st.tasks {
				t.crossed = false
			}
		}
		for _, st := range s.run.stages {
			for _, t := range st.tasks {
				s.enqueue(t)
			}
		}
		close(c.complete)
	}
}

// sourceCrossed notes that one more task of a source has crossed. After the last,
// what nobody reads is known, and they all read on.
func (s *scheduler) sourceCrossed(st *stage) {
	c := s.crossing
	if c.sources[st]--; c.sources[st] > 0 {
		return
	}
	c.unread[st] = st.splits.unread()
	for _, t := range st.tasks {
		s.enqueue(t)
	}
}

// waitsToRead reports whether t, a source's, must not read before others have
// crossed.
func (s *scheduler) waitsToRead(t *task) bool {
	return s.crossing != nil && t.crossed && s.crossing.sources[t.stage] > 0
}

// blocked reports whether there is no room for what t makes. A barrier always has
// room; and what a task holds back until the barrier has come to it from everywhere
// stops only those that have sent theirs.
func (s *scheduler) blocked(t *task) bool {
	for _, d := range s.downstream[t.stage] {
		if d.full > 0 && t.toCross == 0 || t.crossed && d.holding > 0 {
			return true
		}
	}
	return false
}

// noteHeld notes, after a step of t, whether it holds back as much as it may.
func (s *scheduler) noteHeld(t *task) {
	full := t.Held() >= s.run.host.limits.Mailbox
	if full == t.holding {
		return
	}
	t.holding = full
	if full {
		t.stage.holding++
		return
	}
	if t.stage.holding--; t.stage.holding == 0 {
		for _, up := range s.upstream[t.stage] {
			for _, u := range up.tasks {
				s.enqueue(u)
			}
		}
	}
}

// unread are the splits that no task reads.
func (s *splits) unread() (list []source.Split) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range s.waiting {
		list = append(list, x.Split)
	}
	for _, dealt := range s.dealt {
		list = append(list, dealt...)
	}
	return list
}
