package direct

import "time"

// stop ends the run with a last checkpoint that has begun; nil is none, as the run is
// over.
func (c *checkpoints) stop(last *crossing, done <-chan struct{}) error {
	return c.stopped(c.complete(last, time.Now(), done))
}

// stopped ends the run after its last checkpoint, which came to err.
func (c *checkpoints) stopped(err error) error {
	if err == nil {
		err = ErrStopped
	}
	c.run.sched.fail(err)
	return err
}

// begin begins a checkpoint; nil is none, as the run is over.
func (c *checkpoints) begin() *crossing {
	c.crossing = c.run.sched.cross(c.nextID())
	return c.crossing
}

// nextID is the number of the next checkpoint. One that is given up keeps its own, since
// sinks count on a number for each time that they prepare.
func (c *checkpoints) nextID() uint64 {
	c.lastID = max(c.lastID+1, c.store.NextID())
	return c.lastID
}
