package direct

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/millrace/millrace/internal/checkpoint"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/sink"
)

// What becomes of a checkpoint that fails.
//
// A checkpoint that is given up, or could not be written, loses nothing: the cells that
// changed are in the store and in the next checkpoint, and so is what sinks prepared.
//
//   - carried is what was prepared for checkpoints that came to nothing. A run that ends
//     has it aborted.
//   - owed is what a checkpoint has that is durable, or may be, and that a sink has not
//     committed. It is committed with the next checkpoint or by whoever goes on from this
//     one, and never aborted.

// errGivenUp is a checkpoint that was not through the tasks in time.
var errGivenUp = errors.New("it was not through all tasks in time")

// failures count the checkpoints that failed. The report reads them.
type failures struct {
	all, inARow int64
	last        error
}

// tolerate notes how a checkpoint ended, and returns what is to end the run.
func (c *checkpoints) tolerate(err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil {
		if n := c.failed.inARow; n > 0 {
			c.run.cfg.Logger.Info("checkpoints succeed again", "failed", n)
		}
		c.failed.inARow = 0
		return nil
	}
	c.failed.all++
	c.failed.inARow++
	c.failed.last = err
	if c.failed.inARow > int64(c.cfg.Tolerate) {
		if c.failed.inARow > 1 {
			return fmt.Errorf("%d checkpoints failed in a row, and %d are tolerated; the last one: %w", c.failed.inARow, c.cfg.Tolerate, err)
		}
		return err
	}
	c.run.cfg.Logger.Warn("a checkpoint failed; what it had is in the next one", "failure", err, "in a row", c.failed.inARow, "tolerated", c.cfg.Tolerate)
	return nil
}

// failures is what has failed so far.
func (c *checkpoints) failures() failures {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failed
}

// await waits for x to be through the tasks. It returns false if the run ends before;
// a crossing that takes too long is given up, and its late parts are gathered before
// the next begins.
func (c *checkpoints) await(x *crossing, done <-chan struct{}) (through bool, err error) {
	timeout := time.NewTimer(c.cfg.Timeout)
	defer timeout.Stop()
	select {
	case <-x.complete:
		return true, nil
	case <-done:
		select {
		case <-x.complete: // the run ended well, and the checkpoint is whole
			return true, nil
		default:
			return false, nil
		}
	case <-timeout.C:
		return false, fmt.Errorf("checkpoint %d: %w, which are %v", x.id, errGivenUp, c.cfg.Timeout)
	}
}

// afterLate has what is late of a checkpoint that was given up be part of the next.
func (c *checkpoints) afterLate(done <-chan struct{}) (through bool, err error) {
	if c.crossing == nil {
		return true, nil
	}
	if through, err = c.await(c.crossing, done); !through {
		return false, err
	}
	return true, c.gather(c.crossing)
}

// gather takes over what the tasks have for a checkpoint. An error leaves nothing out.
func (c *checkpoints) gather(x *crossing) (err error) {
	c.crossing = nil
	for _, s := range c.run.stages {
		for _, t := range s.tasks {
			p := x.parts[t]
			for _, prepared := range p.Prepared {
				c.carried[prepared.Node] = append(c.carried[prepared.Node], prepared.Committable)
			}
			err = errors.Join(err, c.store.Apply(&p.changes))
		}
	}
	return err
}

// preparedFor is what n is to commit with the next checkpoint.
func (c *checkpoints) preparedFor(n *model.Node) []sink.Committable {
	return inShardOrder(slices.Concat(c.owed[n], c.carried[n]))
}

// owe notes that what was carried is in a checkpoint that is durable, or may be.
func (c *checkpoints) owe(err error) {
	if err != nil && !errors.Is(err, checkpoint.ErrInDoubt) {
		return
	}
	for n, prepared := range c.carried {
		c.owed[n] = append(c.owed[n], prepared...)
	}
	clear(c.carried)
}

// uncommitted is what n prepared for checkpoints that came to nothing. It is asked for
// when no task and no checkpoint is at work any more.
func (c *checkpoints) uncommitted(n *model.Node) (list []sink.Committable) {
	if c == nil {
		return nil
	}
	list = slices.Clone(c.carried[n])
	if c.crossing == nil {
		return list
	}
	for _, s := range c.run.stages {
		for _, t := range s.tasks {
			if p := c.crossing.parts[t]; p != nil {
				for _, prepared := range p.Prepared {
					if prepared.Node == n {
						list = append(list, prepared.Committable)
					}
				}
			}
		}
	}
	return list
}

// inShardOrder sorts by shard, and leaves what one shard prepared in the order of time.
func inShardOrder(list []sink.Committable) []sink.Committable {
	slices.SortStableFunc(list, func(a, b sink.Committable) int { return a.Shard.Index - b.Shard.Index })
	return list
}
