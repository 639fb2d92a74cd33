package direct

import (
	"context"
	"errors"
	"fmt"

	"github.com/millrace/millrace/internal/checkpoint"
	"github.com/millrace/millrace/internal/engine/cells"
	"github.com/millrace/millrace/internal/plan"
	"github.com/millrace/millrace/objectstore"
)

// restore makes Dir a state directory with the checkpoint of Restore, if the pipeline
// can go on from that.
func (r Runner) restore(ctx context.Context, pl *plan.Plan) error {
	if r.Checkpoints.Dir == "" {
		return errors.New("direct: Checkpoints.Restore needs a Dir, where the state is kept from now on")
	}
	if objectstore.IsURL(r.Checkpoints.Restore) {
		if err := r.restoreShipped(ctx, pl); err != nil {
			return fmt.Errorf("restoring %s: %w", r.Checkpoints.Restore, err)
		}
		return nil
	}
	diff, from, err := r.diffRestored(ctx, pl)
	if err == nil {
		err = diff.Err(r.Checkpoints.AllowDropped)
	}
	if err != nil {
		return fmt.Errorf("restoring %s: %w", r.Checkpoints.Restore, err)
	}
	if err := from.CopyTo(r.Checkpoints.Dir); err != nil {
		return fmt.Errorf("restoring %s: %w", r.Checkpoints.Restore, err)
	}
	return nil
}

func (r Runner) diffRestored(ctx context.Context, pl *plan.Plan) (*PlanDiff, *checkpoint.Copied, error) {
	from, err := checkpoint.Find(r.Checkpoints.fileSystem(), r.Checkpoints.Restore, cells.DefaultKeyGroups)
	if err != nil {
		return nil, nil, err
	}
	run := newRun(ctx, r, pl)
	defer run.cancel(nil)
	diff, err := run.compare(checkpoint.Inspection{Manifest: from.Manifest, SinksCommitted: from.SinksCommitted})
	return diff, from, err
}
