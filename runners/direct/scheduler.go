package direct

import (
	"cmp"
	"container/heap"
	"context"
	"sync"

	"github.com/millrace/millrace/internal/drive"
	"github.com/millrace/millrace/internal/engine"
	"github.com/millrace/millrace/model"
)

// A scheduler decides which task is stepped next and moves their messages. It
// prefers tasks nearer to the end of the pipeline, so that what is under way is
// finished before more is read. Everything in it is guarded by mu, but for the
// stepping itself.
type scheduler struct {
	run  *run
	mu   sync.Mutex
	cond sync.Cond

	ready      readyTasks
	lockstep   []*task // to be stepped when nothing else can be
	seq        uint64
	stepping   int
	open       int // tasks that are not finished
	err        error
	stopping   bool
	draining   bool // with stopping: as if the input had come to its end
	cut        bool // a source was stopped before its end
	cutShort   bool // and one that has an end
	scripted   bool // now is what a scripted source says
	now        model.Timestamp
	until      model.Timestamp // what a script lets time pass to, timer by timer
	timer      drive.Timer
	timerAt    model.Timestamp
	crossing   *crossing // the checkpoint under way
	upstream   map[*stage][]*stage
	downstream map[*stage][]*stage
}

func newScheduler(r *run) *scheduler {
	s := &scheduler{run: r, now: model.MinTimestamp, until: model.MinTimestamp, timerAt: model.MaxTimestamp}
	s.cond.L = &s.mu
	return s
}

// begin readies the tasks. Before it, there is nothing to fail or to stop.
func (s *scheduler) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.link()
	for _, st := range s.run.stages {
		for _, t := range st.tasks {
			s.open++
			s.deliver(t) // what follows from the checkpoint that it goes on from
			t.wakeAt = t.NextProcessingTime()
			if t.lockstep {
				s.scripted, s.now = true, 0 // scripts begin at the epoch
			}
			s.enqueue(t)
		}
	}
	if s.run.saves != nil {
		s.time()
		s.wakeDue() // whom the checkpoint has waiting for a time
	}
}

// loop steps tasks with n workers until all are finished or one fails.
func (s *scheduler) loop(n int) error {
	var workers sync.WaitGroup
	for range n {
		workers.Go(s.work)
	}
	workers.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopTimers()
	if s.err == nil && s.cut {
		// It may have been called off, too, and come to its end before it noticed.
		return cmp.Or(context.Cause(s.run.caller), ErrStopped)
	}
	return s.err
}

// link notes which stages feed which.
func (s *scheduler) link() {
	s.upstream, s.downstream = map[*stage][]*stage{}, map[*stage][]*stage{}
	for _, st := range s.run.stages {
		seen := map[int]bool{}
		for _, tail := range st.Tails {
			if to := s.run.stages[tail.To.ID]; !seen[tail.To.ID] {
				seen[tail.To.ID] = true
				s.downstream[st] = append(s.downstream[st], to)
				s.upstream[to] = append(s.upstream[to], st)
			}
		}
	}
}

// work is one worker.
func (s *scheduler) work() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		t := s.next()
		if t == nil {
			return
		}
		s.step(t)
	}
}

// next waits for a task to step; nil is the end.
func (s *scheduler) next() *task {
	for {
		switch {
		case s.err != nil || s.open == 0:
			s.cond.Broadcast()
			return nil
		case len(s.ready) > 0:
			return heap.Pop(&s.ready).(readyTask).task
		case s.scripted && s.stepping == 0 && s.now < s.until:
			s.passTime()
			continue
		case len(s.lockstep) > 0 && s.stepping == 0:
			t := s.lockstep[0]
			s.lockstep = s.lockstep[1:]
			return t
		case s.skipAhead():
			continue
		}
		s.cond.Wait()
	}
}

// step steps t, without the lock, and delivers what it sent.
func (s *scheduler) step(t *task) {
	t.state = running
	s.stepping++
	messages := s.takeMessages(t)
	err := s.stepAlone(t, messages, s.orders(t))
	if c := s.crossing; err == nil && t.finished && c != nil {
		s.mu.Unlock()
		err = t.finishCrossing(c)
		s.mu.Lock()
	}
	s.deliver(t)
	if err == nil && !t.finished && len(t.mailbox) == 0 && (t.stage.splits == nil || t.resumeAfter > 0 || t.lockstep || t.starved) {
		s.mu.Unlock()
		t.Flush()
		s.mu.Lock()
		s.deliver(t)
	}
	s.stepping--
	t.state = idle
	t.snapshot(err == nil)
	switch {
	case err != nil:
		s.failLocked(err)
		return
	case t.finished:
		s.open--
		s.cut = s.cut || t.cut
		s.cutShort = s.cutShort || t.cut && t.stage.bounded()
		if s.open == 0 {
			s.cond.Broadcast()
		}
	}
	s.keepTime(t)
	s.notePaging(t)
	s.passed(t)
	s.noteHeld(t)
	s.enqueue(t)
	s.feed(t)
	if s.stepping == 0 && len(s.lockstep) > 0 {
		s.cond.Signal()
	}
}

// stepAlone steps t without the lock. It ends the run if user code ends the worker.
func (s *scheduler) stepAlone(t *task, messages []engine.Message, o orders) error {
	s.mu.Unlock()
	returned := false
	defer func() {
		s.mu.Lock()
		if !returned {
			s.stepping--
			s.failLocked(t.Exited())
		}
	}()
	err := t.step(messages, o)
	returned = true
	return err
}

// takeMessages takes the messages of one step out of t's mailbox.
func (s *scheduler) takeMessages(t *task) []engine.Message {
	n := min(len(t.mailbox), s.run.host.limits.Messages)
	if n == 0 || s.waits(t) {
		return nil
	}
	t.taken = append(t.taken[:0], t.mailbox[:n]...)
	limit := s.run.host.limits.Mailbox
	wasFull := len(t.mailbox) >= limit
	rest := copy(t.mailbox, t.mailbox[n:])
	clear(t.mailbox[rest:])
	t.mailbox = t.mailbox[:rest]
	if wasFull && rest < limit {
		if t.stage.full--; t.stage.full == 0 {
			for _, up := range s.upstream[t.stage] {
				for _, u := range up.tasks {
					s.enqueue(u)
				}
			}
		}
	}
	return t.taken
}

// deliver moves t's outbox to the mailboxes.
func (s *scheduler) deliver(t *task) {
	for _, e := range t.Outbox() {
		to := s.run.stages[e.Stage].tasks[e.Task]
		to.mailbox = append(to.mailbox, e.Message)
		if len(to.mailbox) == s.run.host.limits.Mailbox {
			to.stage.full++
		}
		s.enqueue(to)
	}
}

// enqueue makes t ready if it has something to do and room for what it makes.
func (s *scheduler) enqueue(t *task) {
	if t.state != idle || t.finished || !s.hasWork(t) {
		return
	}
	if s.blocked(t) {
		return
	}
	t.state = queued
	if t.lockstep && !s.stopping {
		s.lockstep = append(s.lockstep, t)
	} else {
		s.seq++
		heap.Push(&s.ready, readyTask{t, s.seq})
	}
	s.cond.Signal()
}

func (s *scheduler) hasWork(t *task) bool {
	if s.waits(t) {
		return t.toCross != 0 || t.saving
	}
	return len(t.mailbox) > 0 || s.reads(t) || t.wakeAt <= s.now && !s.waitsToRead(t) || t.toCross != 0 || t.saving
}

// reads reports whether t is a source's task that may have something to read.
func (s *scheduler) reads(t *task) bool {
	return t.stage.splits != nil && (!t.parked || s.stopping) && !s.waitsToRead(t)
}

// fail ends the run with err.
func (s *scheduler) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failLocked(err)
}

func (s *scheduler) failLocked(err error) {
	if s.err == nil && s.open > 0 {
		if cause := context.Cause(s.run.ctx); cause != nil {
			err = cause // the run was called off, which is what user code then tripped over
		}
		s.err = err
		s.run.cancel(err)
	}
	s.cond.Broadcast()
}

// stop has the sources read no further.
func (s *scheduler) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopping = true
	for _, st := range s.run.stages {
		for _, t := range st.tasks {
			if t.stage.splits != nil {
				s.enqueue(t)
			}
		}
	}
}

// readyTasks is a heap of the tasks that can be stepped, those of later stages
// first, sources last, and among those of a stage, or of all sources, the ones
// that waited longest.
type readyTasks []readyTask

type readyTask struct {
	*task
	seq uint64
}

func (r readyTasks) Len() int { return len(r) }
func (r readyTasks) Less(i, j int) bool {
	if a, b := r[i].stage.rank, r[j].stage.rank; a != b {
		return a > b
	}
	return r[i].seq < r[j].seq
}
func (r readyTasks) Swap(i, j int) { r[i], r[j] = r[j], r[i] }
func (r *readyTasks) Push(x any)   { *r = append(*r, x.(readyTask)) }
func (r *readyTasks) Pop() any {
	old := *r
	last := old[len(old)-1]
	old[len(old)-1] = readyTask{}
	*r = old[:len(old)-1]
	return last
}
