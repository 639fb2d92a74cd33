package direct

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/millrace/millrace/internal/checkpoint"
	"github.com/millrace/millrace/internal/engine/cells"
	"github.com/millrace/millrace/internal/plan"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/objectstore"
)

// A Verdict is what becomes of something in a checkpoint.
type Verdict uint8

const (
	// Kept is read as it was saved.
	Kept Verdict = iota + 1
	// Migrated is read otherwise than it was saved, as it is asked for.
	Migrated
	// New was not in the checkpoint, and starts afresh.
	New
	// Dropped is claimed by nothing in the pipeline, and is lost if that is allowed.
	Dropped
	// Refused cannot be read.
	Refused
)

func (v Verdict) String() string {
	return [...]string{"", "keep", "migrate", "new", "drop", "refuse"}[v]
}

// A PlanDiff says what a pipeline makes of a checkpoint.
type PlanDiff struct {
	// Checkpoint is its number; 0 says that there is none, and all starts afresh.
	Checkpoint uint64
	Savepoint  string
	Created    time.Time
	// Finished says that the pipeline had come to its end.
	Finished bool
	// Changes are in the order of the pipeline; what it has not comes last.
	Changes []PlanChange
}

// A PlanChange is what becomes of one source, sink, or kind of state.
type PlanChange struct {
	Verdict Verdict
	// What is "source", "state" or "sink".
	What string
	// Name is that of the transform; of state, also of the cells.
	Name string
	// Site is the line of the transform, in this program or, if only that has it, in the
	// one that made the checkpoint.
	Site    string
	Details []string
}

// String is a line, and one for each detail.
func (c PlanChange) String() string {
	s := fmt.Sprintf("%-8s%-7s %s", c.Verdict, c.What, c.Name)
	if c.Site != "" {
		s += " (" + c.Site + ")"
	}
	for _, d := range c.Details {
		s += "\n        " + d
	}
	return s
}

// String lists the changes.
func (d *PlanDiff) String() string {
	var b strings.Builder
	switch {
	case d.Checkpoint == 0:
		b.WriteString("no checkpoint: everything starts afresh\n")
	case d.Savepoint != "":
		fmt.Fprintf(&b, "checkpoint %d, savepoint %s\n", d.Checkpoint, d.Savepoint)
	default:
		fmt.Fprintf(&b, "checkpoint %d\n", d.Checkpoint)
	}
	if d.Finished {
		b.WriteString("the pipeline had come to its end: nothing would be run\n")
	}
	for _, c := range d.Changes {
		b.WriteString(c.String() + "\n")
	}
	return b.String()
}

// Err is why a run would not start, or nil.
func (d *PlanDiff) Err(allowDropped bool) error {
	var refused, other, dropped []string
	for _, c := range d.Changes {
		line := c.What + " " + c.Name
		if c.Site != "" {
			line = c.Site + ": " + line
		}
		switch {
		case c.Verdict == Refused && c.What != "state":
			other = append(other, "\n\t"+line+": "+strings.Join(c.Details, "; "))
		case c.Verdict == Refused:
			for _, detail := range c.Details {
				refused = append(refused, "\n\t"+line+": "+detail)
			}
		case c.Verdict == Dropped && !allowDropped:
			details := ""
			if len(c.Details) > 0 {
				details = ": " + strings.Join(c.Details, ", ")
			}
			dropped = append(dropped, "\n\t"+line+details)
		}
	}
	var errs []error
	if refused != nil {
		errs = append(errs, fmt.Errorf("checkpoint %d cannot be read by this pipeline:%s\ngo back to what it was saved with, or give the transform another name to begin it afresh",
			d.Checkpoint, strings.Join(refused, "")))
	}
	if other != nil {
		errs = append(errs, d.otherIO(strings.Join(other, "")))
	}
	if dropped != nil {
		errs = append(errs, fmt.Errorf("nothing in this pipeline claims what checkpoint %d has of:%s\ngive a transform that name (model.Name), or allow it to be lost (Checkpoints.AllowDropped, -allow-dropped-state)",
			d.Checkpoint, strings.Join(dropped, "")))
	}
	return errors.Join(errs...)
}

// Diff says what would become of the state in Checkpoints.Dir, or Restore, if p were run, without
// running it, and without changing anything.
func (r Runner) Diff(ctx context.Context, p *model.Pipeline) (*PlanDiff, error) {
	pl, err := plan.New(p)
	if err != nil {
		return nil, err
	}
	if objectstore.IsURL(r.Checkpoints.Restore) {
		return r.diffShipped(ctx, pl)
	}
	if r.Checkpoints.Restore != "" {
		diff, _, err := r.diffRestored(ctx, pl)
		return diff, err
	}
	if r.Checkpoints.Dir == "" {
		return nil, errors.New("direct: Checkpoints.Dir is empty; name the state directory to compare with")
	}
	run := newRun(ctx, r, pl)
	defer run.cancel(nil)
	in, err := checkpoint.Inspect(r.Checkpoints.fileSystem(), r.Checkpoints.Dir, cells.DefaultKeyGroups)
	if err != nil {
		return nil, err
	}
	return run.compare(in)
}
