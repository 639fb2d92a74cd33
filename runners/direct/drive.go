package direct

import (
	"container/heap"
	"errors"

	"github.com/millrace/millrace/internal/drive"
)

// drive is work with a driver: it does in this goroutine, one thing at a time, what
// workers and the goroutine of the checkpoints do otherwise.
func (r *run) drive() error {
	var under *crossing // the checkpoint that was begun
	var failed error    // what came of one, maybe after all tasks were finished
	stopping := false
	for {
		ready, over, err := r.sched.moment()
		if over {
			if err == nil {
				err = failed
			}
			return r.drivenTo(err, under)
		}
		if ready == 0 && under == nil && r.saves != nil && r.sched.awaited() { // as time would bring
			under = r.saves.begin()
			continue
		}
		m := drive.Moment{Ready: ready, Phase: r.phase(under)}
		a, err := r.host.driver.Next(m)
		if err != nil {
			r.sched.fail(err)
			continue
		}
		switch {
		case a.Do == drive.Step:
			r.sched.stepReady(a.Task)
		case a.Do == drive.Begin && m.Phase == drive.Between:
			under = r.saves.begin()
		case a.Do == drive.Commit && m.Phase == drive.Crossed:
			err = r.saves.finish(under)
			under = nil
			switch {
			case !stopping:
				err = r.saves.tolerate(err)
			case err == nil:
				err = ErrStopped
			}
			if err != nil {
				r.sched.fail(err)
				failed = err
			}
		case a.Do == drive.Stop && r.saves == nil:
			r.sched.stop()
		case a.Do == drive.Stop:
			stopping = true
		}
		if stopping && under == nil {
			under = r.saves.begin()
		}
	}
}

// drivenTo is how a run ends whose tasks are finished, or failed with err. A
// checkpoint that all are through with is still taken.
func (r *run) drivenTo(err error, under *crossing) error {
	r.sched.mu.Lock()
	r.sched.stopTimers()
	cut := r.sched.cut
	r.sched.mu.Unlock()
	if err == nil && cut {
		err = ErrStopped
	}
	if r.phase(under) == drive.Crossed && !r.host.dead() {
		if saveErr := r.saves.finish(under); err == nil {
			err = saveErr
		}
	}
	return err
}

func (r *run) phase(under *crossing) drive.Phase {
	switch {
	case r.saves == nil:
		return drive.Unsaved
	case under == nil:
		return drive.Between
	}
	select {
	case <-under.complete:
		return drive.Crossed
	default:
		return drive.Crossing
	}
}

// interleave lets a driver step tasks in the middle of a commit, which in a run on
// the machine is the work of another goroutine than theirs.
func (r *run) interleave() error {
	if r.host.driver == nil {
		return nil
	}
	for {
		ready, over, _ := r.sched.moment()
		if over {
			return nil
		}
		a, err := r.host.driver.Next(drive.Moment{Ready: ready, Phase: drive.Committing})
		if err != nil {
			return err
		}
		if a.Do != drive.Step {
			return nil
		}
		r.sched.stepReady(a.Task)
	}
}

// moment is how many tasks can be stepped, and whether the run is over.
func (s *scheduler) moment() (ready int, over bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil && s.scripted {
		s.err = errors.New("direct: a scripted source goes by time of its own, and cannot be simulated")
	}
	return len(s.ready), s.err != nil || s.open == 0, s.err
}

// stepReady steps the i'th of the ready tasks; the first is that whose turn it is.
func (s *scheduler) stepReady(i int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.step(heap.Remove(&s.ready, i).(readyTask).task)
}
