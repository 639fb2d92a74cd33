package direct

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/millrace/millrace/internal/checkpoint"
	"github.com/millrace/millrace/internal/control"
)

// How a running pipeline is asked for checkpoints, and for its end, from outside
// (package control). The goroutine that takes the checkpoints does what is asked, one
// thing after another; a checkpoint that is under way is finished first.

// A question is asked by another process.
type question struct {
	control.Question
	answer chan control.Answer // of one
}

var errOver = errors.New("the run is over")

// listen has c be asked. A run that cannot be goes on all the same.
func (c *checkpoints) listen() {
	if c.cfg.fs != vfs.Default || c.run.host.driver != nil {
		return
	}
	c.asked, c.over = make(chan question), make(chan struct{})
	s, err := control.Listen(c.cfg.Dir, func(q control.Question) control.Answer {
		asked := question{q, make(chan control.Answer, 1)}
		select {
		case c.asked <- asked:
			return <-asked.answer
		case <-c.over:
			return control.Answer{Error: errOver.Error()}
		}
	})
	if err != nil {
		c.run.cfg.Logger.Warn("no savepoints can be asked for", "error", err)
		return
	}
	c.server = s
}

// close lets the state directory go. Whoever still waits for the run to come to its end
// is told why it did not.
func (c *checkpoints) close(why error) error {
	if c.draining != nil {
		if why == nil {
			why = errOver
		}
		c.draining.answer <- control.Answer{Error: why.Error()}
		c.draining = nil
	}
	c.endShipping(why)
	var err error
	if c.server != nil {
		close(c.over)
		err = c.server.Close()
		c.server = nil
	}
	return errors.Join(err, c.store.Close())
}

// do does what is asked, and returns what is to end the run.
func (c *checkpoints) do(q question, done <-chan struct{}) error {
	if c.draining != nil {
		q.answer <- control.Answer{Error: "the input is being ended already"}
		return nil
	}
	if err := c.store.CheckSavepoint(q.Savepoint); err != nil {
		q.answer <- control.Answer{Error: err.Error()}
		return nil
	}
	if q.Drain {
		// The tasks come to their end, and then end takes the checkpoint.
		c.draining = &q
		c.run.cfg.Logger.Info("ending the input, as was asked")
		c.run.sched.drain()
		return nil
	}
	before := c.taken.Load()
	c.savepoint = q.Savepoint
	err := c.take(done)
	c.savepoint = ""
	switch {
	case err != nil:
		q.answer <- control.Answer{Error: err.Error()}
		return c.tolerate(err)
	case c.taken.Load() == before:
		q.answer <- control.Answer{Error: errOver.Error()}
		return nil
	}
	q.answer <- c.answer()
	if q.Stop {
		return ErrStopped
	}
	return c.tolerate(nil)
}

// answer tells the checkpoint that was taken last.
func (c *checkpoints) answer() control.Answer {
	return control.Answer{Checkpoint: c.newest.ID, Dir: checkpoint.DirOf(c.newest)}
}

// drained answers whoever asked for the end of the input.
func (c *checkpoints) drained() {
	if c.draining != nil {
		c.draining.answer <- c.answer()
		c.draining = nil
	}
}

// drain has the input end where it was read up to.
func (s *scheduler) drain() {
	s.mu.Lock()
	s.draining = true
	s.mu.Unlock()
	s.stop()
}

// endInput ends a source's task as if its input had come to its end.
func (t *task) endInput() error {
	if err := t.Drain(); err != nil {
		return fmt.Errorf("ending the input: %w", err)
	}
	return nil
}
