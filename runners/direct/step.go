package direct

import (
	"time"

	"github.com/millrace/millrace/internal/engine"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
)

// orders are what the scheduler tells a task for a step.
type orders struct {
	now      model.Timestamp
	read     bool
	stopping bool
	draining bool   // as if the input had come to its end
	barrier  uint64 // to cross, of a source's task; 0 is none
	cells    int    // to save at most
}

func (s *scheduler) orders(t *task) orders {
	now := s.time()
	return orders{
		now: now, stopping: s.stopping, draining: s.draining, barrier: t.toCross, cells: s.run.host.limits.Cells,
		read: t.toCross == 0 && (s.reads(t) || t.stage.splits != nil && t.wakeAt <= now && !s.waitsToRead(t)),
	}
}

// step does one step of the task's work. It runs without the scheduler's lock.
func (t *task) step(messages []engine.Message, o orders) error {
	t.settle()
	if err := t.AdvanceProcessingTime(o.now); err != nil {
		return err
	}
	for _, m := range messages {
		if err := t.Receive(m); err != nil {
			return err
		}
	}
	if err := t.crossStep(o); err != nil {
		return err
	}
	if o.read {
		read := t.read
		if o.draining {
			read = func(bool) error { return t.endInput() }
		}
		if err := read(o.stopping); err != nil {
			return err
		}
		var err error
		if t.measured, err = t.Task.Progress(); err != nil {
			return err
		}
	}
	if !t.Done() {
		return nil
	}
	t.finished = true
	var err error
	t.prepared, err = t.Prepare()
	return err
}

// read reads from the task's splits, or takes new ones when it has read those.
func (t *task) read(stopping bool) error {
	sp := t.stage.splits
	switch {
	case stopping:
		t.cut = t.Readers() > 0 || sp.more(t.index)
		return t.EndSource(t.cut)
	case t.Readers() == 0:
		list, floor, wait := sp.take(t.index)
		t.starved = wait
		switch {
		case wait:
			return nil
		case len(list) == 0:
			return t.EndSource(false)
		}
		for _, s := range list {
			if err := t.AddSplit(s); err != nil {
				return err
			}
		}
		t.SetFloor(floor)
	default:
		t.SetFloor(sp.currentFloor(t.index))
	}
	status, err := t.Poll(t.stage.batch)
	t.resumeAfter = status.ResumeAfter
	if err != nil {
		return err
	}
	return sp.share(t, status.Done)
}

// time is the processing time.
func (s *scheduler) time() model.Timestamp {
	if !s.scripted {
		s.now = s.run.cfg.clock.now()
	}
	return s.now
}

// keepTime notes, after a step of t, when t is to be woken and what a script says
// the time is.
func (s *scheduler) keepTime(t *task) {
	if now, ok := t.Now(); ok {
		s.until = max(s.until, now)
	}
	t.wakeAt = model.MaxTimestamp
	t.hungry = t.starved
	t.parked = t.hungry && !t.stage.splits.fed()
	if t.finished {
		return
	}
	t.wakeAt = t.NextProcessingTime()
	if t.resumeAfter > 0 {
		t.parked = true
		if s.scripted || t.wakeAt > s.now.Add(t.resumeAfter) { // else the clock wakes it
			s.parkFor(t, t.resumeAfter)
		}
		t.resumeAfter = 0
	}
	if t.wakeAt < s.timerAt && !s.scripted {
		s.setTimer(t.wakeAt)
	}
}

// passTime moves scripted time on, to when the next timer is due or to where the
// script says. All that came of the timers before has been done.
func (s *scheduler) passTime() {
	next := s.until
	for _, st := range s.run.stages {
		for _, t := range st.tasks {
			if t.wakeAt > s.now {
				next = min(next, t.wakeAt)
			}
		}
	}
	s.now = next
	s.wakeDue()
}

// parkFor leaves a source alone for d of real time.
func (s *scheduler) parkFor(t *task, d time.Duration) {
	if t.timer != nil {
		t.timer.Stop()
	}
	t.timer = s.run.host.AfterFunc(d, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		t.parked = false
		s.enqueue(t)
	})
}

// stopTimers lets go of the timers when there is nobody left to wake.
func (s *scheduler) stopTimers() {
	if s.timer != nil {
		s.timer.Stop()
	}
	for _, st := range s.run.stages {
		for _, t := range st.tasks {
			if t.timer != nil {
				t.timer.Stop()
			}
		}
	}
}

// setTimer has the tasks that are due at processing time at woken then.
func (s *scheduler) setTimer(at model.Timestamp) {
	s.timerAt = at
	d := max(0, at.Sub(s.run.cfg.clock.now()))
	if s.timer != nil {
		s.timer.Stop()
	}
	s.timer = s.run.host.AfterFunc(d, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.err != nil || s.open == 0 {
			return
		}
		s.timerAt = model.MaxTimestamp
		s.time()
		s.wakeDue()
	})
}

// wakeDue readies the tasks whose time has come, and sets the timer for the next.
func (s *scheduler) wakeDue() {
	next := model.MaxTimestamp
	for _, st := range s.run.stages {
		for _, t := range st.tasks {
			if t.wakeAt <= s.now {
				s.enqueue(t)
			} else {
				next = min(next, t.wakeAt)
			}
		}
	}
	if !s.scripted && next < s.timerAt {
		s.setTimer(next)
	}
}

// taskProgress is what the report shows of a source task.
type taskProgress struct {
	source.Progress
	watermark model.Timestamp
	splits    []engine.SplitProgress // that it reads
}

type nodeCounts struct {
	node   *model.Node
	counts engine.Counts
}

// snapshot keeps the task's counts for the report and, of a sound one, how far
// its readers are.
func (t *task) snapshot(sound bool) {
	t.counts = t.counts[:0]
	t.Counts(func(n *model.Node, c engine.Counts) { t.counts = append(t.counts, nodeCounts{n, c}) })
	t.progress.watermark = t.Watermark()
	if t.stage.splits != nil && sound {
		t.progress.Progress = t.measured
		t.progress.splits = t.AppendSplits(t.progress.splits[:0])
	}
}
