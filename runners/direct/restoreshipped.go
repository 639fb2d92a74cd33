package direct

import (
	"context"
	"errors"
	"fmt"

	"github.com/millrace/millrace/internal/checkpoint"
	"github.com/millrace/millrace/internal/engine/cells"
	"github.com/millrace/millrace/internal/plan"
	"github.com/millrace/millrace/internal/shipping"
	"github.com/millrace/millrace/objectstore"
)

// A shippedSource is a bucket that a run is to begin from.
type shippedSource struct {
	runner     Runner
	plan       *plan.Plan
	bucket     objectstore.Bucket
	url, which string
	passed     map[string]error // that turned out not to be whole
}

func (r Runner) shippedSource(ctx context.Context, pl *plan.Plan) (*shippedSource, error) {
	s := &shippedSource{runner: r, plan: pl, passed: map[string]error{}}
	s.url, s.which = shipping.ParseURL(r.Checkpoints.Restore)
	var err error
	s.bucket, err = objectstore.Open(ctx, s.url)
	return s, err
}

// find is the checkpoint to begin from, and what the pipeline makes of it.
func (s *shippedSource) find(ctx context.Context) (*shipping.Shipped, *PlanDiff, error) {
	from, err := shipping.Find(ctx, s.bucket, s.url, s.which, cells.DefaultKeyGroups, s.passed, s.runner.logger())
	if err != nil {
		return nil, nil, err
	}
	run := newRun(ctx, s.runner, s.plan)
	defer run.cancel(nil)
	diff, err := run.compare(checkpoint.Inspection{Manifest: from.Manifest, SinksCommitted: from.SinksCommitted})
	return from, diff, err
}

// accepted is the checkpoint to begin from, if the pipeline can.
func (s *shippedSource) accepted(ctx context.Context) (*shipping.Shipped, error) {
	from, diff, err := s.find(ctx)
	if err == nil {
		err = diff.Err(s.runner.Checkpoints.AllowDropped)
	}
	return from, err
}

// restoreShipped makes Dir a state directory with a checkpoint that was shipped.
func (r Runner) restoreShipped(ctx context.Context, pl *plan.Plan) (err error) {
	s, err := r.shippedSource(ctx, pl)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.bucket.Close()) }()
	// Nothing is taken over in vain.
	if err := checkpoint.Vacant(r.Checkpoints.fileSystem(), r.Checkpoints.Dir); err != nil {
		return err
	}
	from, err := s.accepted(ctx)
	if err != nil {
		return err
	}
	notes, err := s.takeOver(ctx)
	if err != nil {
		return err
	}
	if notes != nil { // whoever had it may have shipped another until then
		if from, err = s.accepted(ctx); err != nil {
			return err
		}
	}
	for {
		err := from.CopyTo(ctx, r.Checkpoints.fileSystem(), r.Checkpoints.Dir, notes)
		if err == nil {
			r.logger().Info("restored a shipped checkpoint", "from", from.Name(), "in", s.url, "created", from.Manifest.Created)
			return nil
		}
		if !shipping.Damaged(err) {
			return err
		}
		r.logger().Warn("a shipped checkpoint is not whole; looking for the one before", "in", s.url, "checkpoint", from.Name(), "reason", err)
		s.passed[from.Name()] = err
		if from, err = s.accepted(ctx); err != nil {
			return err
		}
	}
}

// takeOver claims what is shipped to, if that is where the run begins from, and returns
// what the state directory is to know of that.
func (s *shippedSource) takeOver(ctx context.Context) (map[string][]byte, error) {
	to := s.runner.Checkpoints.ships
	if to == nil {
		return nil, nil
	}
	theirs, err := shipping.Identity(ctx, s.bucket, s.url)
	if err != nil {
		return nil, err
	}
	ours, err := shipping.Identity(ctx, to.bucket, to.url)
	if err != nil || ours != theirs {
		return nil, err
	}
	name, content, err := to.shipper.TakeOver(ctx)
	if err != nil {
		return nil, err
	}
	return map[string][]byte{name: content}, nil
}

// diffShipped says what the pipeline makes of a shipped checkpoint.
func (r Runner) diffShipped(ctx context.Context, pl *plan.Plan) (diff *PlanDiff, err error) {
	s, err := r.shippedSource(ctx, pl)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.bucket.Close()) }()
	_, diff, err = s.find(ctx)
	if err != nil {
		return nil, fmt.Errorf("comparing with %s: %w", r.Checkpoints.Restore, err)
	}
	return diff, nil
}
