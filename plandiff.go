package millrace

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/runners/direct"
)

// A PlanDiff says what a pipeline makes of the state of another version of it.
type PlanDiff = direct.PlanDiff

// A PlanChange is what becomes of one source, sink, or kind of state.
type PlanChange = direct.PlanChange

// Diff says what would be kept, migrated, dropped or refused of the state in o.StateDir,
// or o.Restore, if p were run with o. It runs nothing and changes nothing.
func Diff(ctx context.Context, p *model.Pipeline, o Options) (*PlanDiff, error) {
	if err := checkRunner(o.Runner); err != nil {
		return nil, err
	}
	if err := p.Err(); err != nil {
		return nil, &MistakesError{err}
	}
	return direct.Runner{Logger: o.Logger, Checkpoints: o.checkpoints()}.Diff(ctx, p)
}

// printDiff is what Main does with -plan-diff: it exits with ExitFailed if a run would
// not start.
func printDiff(p *model.Pipeline, o Options, stdout, stderr io.Writer) int {
	if o.StateDir == "" && o.Restore == "" {
		fmt.Fprintln(stderr, "-plan-diff compares the pipeline with a checkpoint; name the state directory with -state-dir, or a savepoint with -restore")
		return ExitUsage
	}
	diff, err := Diff(context.Background(), p, o)
	if err != nil {
		fmt.Fprintln(stderr, err)
		if mistakes := (*MistakesError)(nil); errors.As(err, &mistakes) {
			return ExitUsage
		}
		return ExitFailed
	}
	fmt.Fprint(stdout, diff)
	if err := diff.Err(o.AllowDroppedState); err != nil {
		fmt.Fprintln(stderr, err)
		return ExitFailed
	}
	return ExitOK
}
