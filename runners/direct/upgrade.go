package direct

import (
	"encoding/binary"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/millrace/millrace/internal/checkpoint"
	"github.com/millrace/millrace/internal/engine"
	"github.com/millrace/millrace/internal/engine/cells"
	"github.com/millrace/millrace/internal/plan"
	"github.com/millrace/millrace/model"
)

// How a pipeline goes on from the checkpoint of another version of it. State, sources
// and sinks are matched by the names of their transforms; nothing else of the graph
// matters. What it comes to is known before anything is changed: cells are opened once
// for their schemas alone.

// transformsOf is what is kept of a pipeline's transforms.
func transformsOf(p *model.Pipeline) (list []checkpoint.Transform) {
	for _, n := range p.Nodes() {
		list = append(list, checkpoint.Transform{Name: n.Name, Kind: n.Kind, Windows: windowsOf(n), Site: n.Site.String(), Description: describe(n)})
	}
	return list
}

// windowsOf are the windows, the trigger and so on that a grouping works by, and ""
// for other transforms.
func windowsOf(n *model.Node) string {
	if _, ok := n.Spec.(engine.ExchangeSpec); !ok || len(n.Inputs) == 0 {
		return ""
	}
	return n.Inputs[0].Windowing.Strategy.String()
}

// cellsOf opens the cells of a stage, for what became of their schemas.
func (r *run) cellsOf(s *plan.Stage, stored func(cell string) []string) ([]cells.Upgrade, error) {
	d := cells.NewDurable(func(string) uint32 { return 0 }, cells.DefaultKeyGroups, 0, 1)
	d.Upgrade(stored)
	_, err := engine.NewTask(engine.Config{
		Context: r.ctx, Stage: s, Of: 1, KeyGroups: cells.DefaultKeyGroups, BatchSize: batchSize, Store: d, Pool: r.pool,
	})
	return d.Upgrades(), err
}

// A matching compares a pipeline with a checkpoint.
type matching struct {
	run  *run
	in   checkpoint.Inspection
	was  map[string]checkpoint.Transform
	diff *PlanDiff
}

// compare says what would become of the checkpoint if the run went on from it.
func (r *run) compare(in checkpoint.Inspection) (*PlanDiff, error) {
	m := matching{run: r, in: in, was: map[string]checkpoint.Transform{}, diff: &PlanDiff{}}
	if from := in.Manifest; from != nil {
		m.diff.Checkpoint, m.diff.Savepoint, m.diff.Created = from.ID, from.Savepoint, from.Created
		m.diff.Finished = from.Finished
		for _, t := range from.Transforms {
			m.was[t.Name] = t
		}
	} else {
		m.in.Manifest = &checkpoint.Manifest{}
	}
	claimed := map[string]bool{} // cells
	for _, n := range r.plan.Pipeline.Nodes() {
		switch n.Spec.(type) {
		case engine.SourceSpec:
			m.source(n)
		case engine.SinkSpec:
			m.sink(n)
		}
		i := slices.IndexFunc(r.plan.Stages, func(s *plan.Stage) bool { return s.Head == n })
		if i < 0 {
			continue
		}
		if err := m.cells(r.plan.Stages[i], claimed); err != nil {
			return nil, err
		}
	}
	m.unclaimed(claimed)
	return m.diff, nil
}

func (m *matching) add(v Verdict, what string, n *model.Node, name string, details ...string) {
	c := PlanChange{Verdict: v, What: what, Name: name, Details: details}
	if n != nil {
		c.Site = n.Site.String()
	} else {
		c.Site = m.was[transformOf(name)].Site
	}
	m.diff.Changes = append(m.diff.Changes, c)
}

// transformOf is the transform that a cell belongs to.
func transformOf(cell string) string {
	if i := strings.LastIndexByte(cell, '/'); i >= 0 {
		return cell[:i]
	}
	return cell
}

func (m *matching) source(n *model.Node) {
	for _, s := range m.in.Manifest.Sources {
		if s.Name == n.Name {
			detail := fmt.Sprintf("%d splits to be read on", len(s.Splits))
			if len(s.Splits) == 1 {
				detail = "1 split to be read on"
			}
			m.addSame("source", n, detail)
			return
		}
	}
	m.add(New, "source", n, n.Name, "read from its beginning")
}

func (m *matching) sink(n *model.Node) {
	if was, ok := m.was[n.Name]; ok && was.Kind == n.Kind {
		m.addSame("sink", n)
		return
	}
	m.add(New, "sink", n, n.Name)
}

func (m *matching) cells(s *plan.Stage, claimed map[string]bool) error {
	upgrades, err := m.run.cellsOf(s, m.stored)
	if err != nil {
		return err
	}
	for _, u := range upgrades {
		name := transformOf(u.Cell)
		n := m.run.plan.Pipeline.Nodes()[slices.IndexFunc(m.run.plan.Pipeline.Nodes(), func(n *model.Node) bool { return n.Name == name })]
		was, known := m.was[name]
		if u.Fresh {
			if known && was.Windows != "" && was.Windows != windowsOf(n) {
				continue // what was kept for those windows is told as unclaimed
			}
			m.add(New, "state", n, u.Cell)
			continue
		}
		claimed[u.Cell] = true
		switch {
		case u.Refused != nil:
			m.add(Refused, "state", n, u.Cell, strings.Split(u.Refused.Error(), "\n")...)
		case was.Kind != n.Kind:
			m.add(Refused, "state", n, u.Cell, fmt.Sprintf("it was saved by a %s, and the transform is now a %s", was.Kind, n.Kind))
		case was.Windows != windowsOf(n):
			m.add(Refused, "state", n, u.Cell, fmt.Sprintf("it was saved in windows %s, and they are now %s", was.Windows, windowsOf(n)))
		case len(u.Changes)+len(u.Added) > 0:
			details := slices.Clone(u.Changes)
			for _, a := range u.Added {
				details = append(details, a+" is new")
			}
			m.add(Migrated, "state", n, u.Cell, details...)
		case len(u.Dropped) == 0:
			m.add(Kept, "state", n, u.Cell)
		}
		if len(u.Dropped) > 0 {
			m.add(Dropped, "state", n, u.Cell, u.Dropped...)
		}
	}
	return nil
}

// stored are the schemas of a cell in the checkpoint.
func (m *matching) stored(cell string) []string {
	for _, c := range m.in.Manifest.Cells {
		if c.Name == cell {
			return c.Schemas
		}
	}
	return nil
}

// unclaimed notes what of the checkpoint nothing of the pipeline has.
func (m *matching) unclaimed(claimed map[string]bool) {
	has := func(name string, is func(*model.Node) bool) bool {
		return slices.ContainsFunc(m.run.plan.Pipeline.Nodes(), func(n *model.Node) bool { return n.Name == name && is(n) })
	}
	for _, s := range m.in.Manifest.Sources {
		if !has(s.Name, isSource) {
			m.add(Dropped, "source", nil, s.Name, "how far it was read")
		}
	}
	for _, c := range m.in.Manifest.Cells {
		if _, index := cells.IndexOf(c.Name, c.Schemas); claimed[c.Name] || index { // which goes with its cells
			continue
		}
		name := transformOf(c.Name)
		for _, n := range m.run.plan.Pipeline.Nodes() {
			if was := m.was[name]; n.Name == name && (was.Kind != n.Kind || was.Windows != windowsOf(n)) {
				m.add(Refused, "state", n, c.Name, fmt.Sprintf("it was saved by a %s, and the transform is now a %s", told(was.Kind, was.Windows), told(n.Kind, windowsOf(n))))
				claimed[c.Name] = true
			}
		}
		if !claimed[c.Name] {
			m.add(Dropped, "state", nil, c.Name)
		}
	}
	for _, s := range m.in.Manifest.Sinks {
		if !m.in.SinksCommitted && !has(s.Name, isSink) {
			m.add(Dropped, "sink", nil, s.Name, "what it prepared, and did not commit yet")
		}
	}
}

func told(kind, windows string) string {
	if windows == "" {
		return kind
	}
	return kind + " in windows " + windows
}

func isSource(n *model.Node) bool {
	_, ok := n.Spec.(engine.SourceSpec)
	return ok
}

func isSink(n *model.Node) bool {
	_, ok := n.Spec.(engine.SinkSpec)
	return ok
}

// known reports whether the checkpoint that the run goes on from knows the transform: a
// sink that it does not know has nothing of its own in its place.
func (c *checkpoints) known(n *model.Node) bool {
	if c == nil || c.from == nil {
		return false
	}
	return slices.ContainsFunc(c.from.Transforms, func(t checkpoint.Transform) bool { return t.Name == n.Name && t.Kind == n.Kind })
}

// stored are the schemas that a cell may have been saved with: the same for all tasks,
// whichever of them are there already.
func (c *checkpoints) stored(cell string) []string { return c.schemas[cell] }

// dropped is the change that takes away all cells of an ID.
type dropped uint32

func (d dropped) Drops() iter.Seq2[[]byte, []byte] {
	return func(yield func(start, end []byte) bool) {
		yield(binary.BigEndian.AppendUint32(nil, uint32(d)), binary.BigEndian.AppendUint32(nil, uint32(d)+1))
	}
}

func (dropped) Gone() iter.Seq[[]byte]          { return func(func([]byte) bool) {} }
func (dropped) Puts() iter.Seq2[[]byte, []byte] { return func(func(_, _ []byte) bool) {} }

// positions is where each stage was at the checkpoint. One that was not there is as
// far as those that feed it had let it come: nothing was on its way.
func (c *checkpoints) positions() map[*plan.Stage]checkpoint.Stage {
	at := map[*plan.Stage]checkpoint.Stage{}
	for _, s := range c.run.plan.Stages {
		i := slices.IndexFunc(c.from.Stages, func(p checkpoint.Stage) bool { return p.Name == s.Head.Name })
		if i >= 0 {
			at[s] = c.from.Stages[i]
			continue
		}
		p := checkpoint.Stage{Name: s.Head.Name, Watermark: model.MinTimestamp, Out: model.MinTimestamp, Now: model.MinTimestamp}
		for i, f := range s.Feeds {
			if from := at[f.From]; i == 0 {
				p.Watermark, p.Now = from.Out, from.Now
			} else {
				p.Watermark, p.Now = min(p.Watermark, from.Out), min(p.Now, from.Now)
			}
		}
		p.Out = p.Watermark
		at[s] = p
	}
	return at
}
