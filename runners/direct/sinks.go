package direct

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/millrace/millrace/internal/engine"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/sink"
)

// commitTo has a sink commit. Where it may have been told to before, what is gone was
// committed then, and taken away by its readers.
func (c *checkpoints) commitTo(ctx context.Context, n *model.Node, prepared []sink.Committable, again bool) error {
	err := guarded(func() error { return n.Spec.(engine.SinkSpec).Commit(ctx, prepared) })
	var gone *sink.Gone
	if !errors.As(err, &gone) {
		return err
	}
	if again {
		c.run.cfg.Logger.Warn("what was prepared is not there any more, and counts as committed and taken away", "sink", n.Name, "things", len(gone.Things), "what", gone)
		return nil
	}
	return fmt.Errorf("%w; something removed it before it was committed, and it is lost: to have it made again, remove this checkpoint and go on from the one before", err)
}

// recommit commits what was prepared for the checkpoint that the run goes on from.
func (c *checkpoints) recommit(ctx context.Context) error {
	for _, s := range c.from.Sinks {
		n := c.node(s.Name)
		if n == nil { // which was allowed
			continue
		}
		if err := c.commitTo(ctx, n, s.Prepared, true); err != nil {
			return fmt.Errorf("%v: %s: committing what checkpoint %d prepared: %w", n.Site, n.Name, c.from.ID, err)
		}
	}
	return nil
}

// node is the sink of that name, or nil.
func (c *checkpoints) node(name string) *model.Node {
	nodes := c.run.plan.Pipeline.Nodes()
	if i := slices.IndexFunc(nodes, func(n *model.Node) bool { return n.Name == name && isSink(n) }); i >= 0 {
		return nodes[i]
	}
	return nil
}

// A sweeper is a spec of a sink.
type sweeper interface {
	Sweep(ctx context.Context, owner string) (int, error)
}

// sweep has the sinks remove what earlier attempts have left. After a checkpoint was passed
// over nothing is removed: whoever mends it needs what was prepared for it.
func (c *checkpoints) sweep(ctx context.Context) error {
	if len(c.store.Skipped()) > 0 {
		return nil
	}
	for _, n := range c.run.plan.Pipeline.Nodes() {
		s, ok := n.Spec.(sweeper)
		if !ok {
			continue
		}
		removed := 0
		err := guarded(func() (err error) {
			removed, err = s.Sweep(ctx, c.store.ID())
			return err
		})
		if err != nil {
			return fmt.Errorf("%v: %s: removing what earlier attempts have left: %w", n.Site, n.Name, err)
		}
		if removed > 0 {
			c.run.cfg.Logger.Info("removed what earlier attempts have left and not committed", "sink", n.Name, "things", removed)
		}
	}
	return nil
}

// owner is what sinks know the attempts of the state directory by.
func (c *checkpoints) owner() string {
	if c == nil {
		return ""
	}
	return c.store.ID()
}

// nextPrepare is a number for what sinks prepare: each checkpoint so far had a lower one.
func (c *checkpoints) nextPrepare() uint64 {
	if c == nil {
		return 0
	}
	return c.store.NextID()
}
