package direct

import (
	"fmt"
	"slices"

	"github.com/millrace/millrace/internal/engine"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/sink"
	"github.com/millrace/millrace/model/source"
)

// What a checkpoint is gone on with is what it was taken with: the positions of a source
// are of one input, and what a sink has written is a part of one result. Both say
// what that is, and the manifest has it.

// describe is what n reads or writes, if it is a source or a sink that says so.
func describe(n *model.Node) string {
	switch spec := n.Spec.(type) {
	case interface{ Reads() any }:
		if d, ok := spec.Reads().(source.Described); ok {
			return d.Describe()
		}
	case interface{ Writes() any }:
		if d, ok := spec.Writes().(sink.Described); ok {
			return d.Describe()
		}
	}
	return ""
}

// movable is what n reads, if that may be at another place by now.
func movable(n *model.Node) (source.Movable, bool) {
	spec, ok := n.Spec.(interface{ Reads() any })
	if !ok {
		return nil, false
	}
	m, ok := spec.Reads().(source.Movable)
	return m, ok && m.Moves()
}

// moved are the splits that a checkpoint has of n, where n looks for them.
func moved(n *model.Node, splits []source.Split) ([]source.Split, error) {
	m, ok := movable(n)
	if !ok {
		return splits, nil
	}
	splits = slices.Clone(splits)
	for i, s := range splits {
		err := guarded(func() (err error) {
			splits[i], err = m.Moved(s)
			return err
		})
		if err != nil {
			return nil, &engine.SourceError{Transform: n.Name, Site: n.Site, Split: s.ID, Err: err}
		}
	}
	return splits, nil
}

// addSame notes that a source or a sink is in the checkpoint, and whether it is what it
// was then.
func (m *matching) addSame(what string, n *model.Node, details ...string) {
	was, now := m.was[n.Name].Description, describe(n)
	if was == now || was == "" || now == "" {
		m.add(Kept, what, n, n.Name, details...)
		return
	}
	changed := fmt.Sprintf("the checkpoint was taken with %s, and this run is given %s", was, now)
	_, moves := movable(n)
	switch {
	case m.diff.Finished || what == "source" && !moves:
		m.add(Refused, what, n, n.Name, changed)
	case m.run.cfg.Checkpoints.AllowChangedIO:
		m.add(Migrated, what, n, n.Name, append([]string{changed}, details...)...)
	default:
		m.add(Refused, what, n, n.Name, changed, "if that is meant, as where files were moved, allow it (Checkpoints.AllowChangedIO, -allow-changed-io)")
	}
}

// otherIO is the error for sources and sinks that are not those of the checkpoint.
func (d *PlanDiff) otherIO(which string) error {
	if d.Finished {
		return fmt.Errorf("checkpoint %d is the end of a run with other input or output:%s\ntake what it was taken with, or name a new state directory to begin afresh", d.Checkpoint, which)
	}
	return fmt.Errorf("checkpoint %d was taken with other input or output:%s\ntake what it was taken with, name a new state directory to begin afresh, or give the transform another name (model.Name)", d.Checkpoint, which)
}
