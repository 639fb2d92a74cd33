package direct

import (
	"github.com/millrace/millrace/model"
)

// Sharing evens out skew: a task that has nothing left to read waits, and the next
// step of a task that reads gives it the end of its split, if its reader can be
// cut ([source.Splitter]). A reader that once could not is not asked again, and when
// no task is left that may share, those that wait end. So a task waits for no more than
// a step of each of the others, unless it is given work.
//
// The invariant: no task's watermark is higher than the lowest that any split had
// which is still to be read, or read by a task that might give part of it away. For a
// task that is ahead may be the one that is given what is behind.

// A sharer is what the splits know of a task.
type sharer struct {
	mayShare  bool            // what it reads, or that is not known yet
	hungry    bool            // it waits for others to share
	watermark model.Timestamp // of what it reads
}

// sharing reports whether a task may share what it reads.
func (s *splits) sharing() bool {
	for i := range s.readers {
		if s.readers[i].mayShare {
			return true
		}
	}
	return false
}

// hunger is how many tasks wait for work that nobody has given away yet.
func (s *splits) hunger() int {
	n := -len(s.waiting) - s.asked
	for i := range s.readers {
		if s.readers[i].hungry {
			n++
		}
	}
	return max(0, n)
}

// share has t, which has just read, share with those that wait, and notes how far
// it is.
func (s *splits) share(t *task, done bool) error {
	if !s.each {
		return nil
	}
	watermark := t.ReadersWatermark()
	n := s.ask(t.index, watermark, done)
	if n == 0 {
		return nil
	}
	residuals, more, err := t.Share(n)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked -= n
	for _, x := range residuals {
		s.waiting = append(s.waiting, waitingSplit{x, watermark})
	}
	s.readers[t.index].mayShare = more
	return err
}

// ask notes how far a task is, and returns how many pieces it should give away.
func (s *splits) ask(task int, watermark model.Timestamp, done bool) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := &s.readers[task]
	if done {
		*r = sharer{}
	}
	if !r.mayShare {
		return 0
	}
	r.watermark = watermark
	n := s.hunger()
	s.asked += n
	return n
}

// fed reports whether there is something for a task that waits: work, or the end.
func (s *splits) fed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.waiting) > 0 || !s.sharing()
}

// feed readies the tasks of t's stage that wait, if t's step had something for
// them. It is called with the scheduler's lock.
func (s *scheduler) feed(t *task) {
	if sp := t.stage.splits; sp == nil || !sp.each || !sp.fed() {
		return
	}
	for _, u := range t.stage.tasks {
		if u.hungry {
			u.parked = false
			s.enqueue(u)
		}
	}
}
