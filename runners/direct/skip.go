package direct

import "github.com/millrace/millrace/model"

// skipAhead lets scripted time pass to the next instant at which a source goes on,
// when the scripts are over and nothing else has work: nobody else moves time then.
// It reports whether a task is ready for it.
func (s *scheduler) skipAhead() bool {
	if !s.scripted || s.stepping > 0 || s.stopRequested() {
		return false
	}
	waits, next := false, model.MaxTimestamp
	for _, st := range s.run.stages {
		for _, t := range st.tasks {
			switch {
			case t.finished:
				continue
			case t.lockstep:
				return false
			}
			next = min(next, t.wakeAt)
			waits = waits || st.splits != nil && t.wakeAt < model.MaxTimestamp
		}
	}
	if !waits {
		return false
	}
	s.now = max(s.now, next)
	s.wakeDue()
	return len(s.ready) > 0
}

// stopRequested reports whether the sources are to be read no further, though the
// scheduler may not have been told yet.
func (s *scheduler) stopRequested() bool {
	select {
	case <-s.run.cfg.Stop: // never, if it is nil
		return true
	default:
		return s.stopping
	}
}
