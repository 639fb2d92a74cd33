// Package plan turns a pipeline's graph into fused stages. A stage runs as a set
// of tasks, each on its part of the data, and hands its elements from transform
// to transform without leaving the task; stages are cut where data must be
// re-partitioned.
//
// A plan knows nothing of execution. It is a function of the graph alone, so
// that two processes that build the same pipeline agree on it.
package plan

import (
	"github.com/millrace/millrace/model"
)

// A Plan is the stages of a pipeline, in topological order. It is immutable.
type Plan struct {
	Pipeline *model.Pipeline
	Stages   []*Stage
}

// A Stage begins at its Head, a source or the receiving side of an exchange, and
// contains every fused transform that the head's elements reach. A fused
// transform that several heads reach is in the stage of each.
type Stage struct {
	ID   int
	Head *model.Node
	// Body is the fused transforms in topological order.
	Body []*model.Node
	// Tails are the exchange inputs that the stage's elements leave by.
	Tails []Tail
	// Copies says, for each transform of the body, which of the stages that contain
	// it this is, in stage order, and how many do.
	Copies map[*model.Node]Copy
	// Feeds are the stages whose tails lead to this one, if its head is an exchange.
	Feeds []Feed
}

// A Copy is one stage's place among those that contain a fused transform.
type Copy struct{ Index, Of int }

// A Tail is an input of an exchange.
type Tail struct {
	Node *model.Node
	Port int
	To   *Stage
}

// A Feed is one stage's tail seen from the stage that it leads to.
type Feed struct {
	From *Stage
	Port int
}

// New plans p, which must be sound.
func New(p *model.Pipeline) (*Plan, error) {
	if err := p.Err(); err != nil {
		return nil, err
	}
	pl := &Plan{Pipeline: p}
	byHead := map[*model.Node]*Stage{}
	for _, n := range p.Nodes() {
		if n.Class == model.Source || n.Class == model.Exchange {
			s := &Stage{ID: len(pl.Stages), Head: n}
			byHead[n] = s
			pl.Stages = append(pl.Stages, s)
		}
	}
	for _, s := range pl.Stages {
		s.gather(byHead)
	}
	pl.countCopies()
	return pl, nil
}

func (pl *Plan) countCopies() {
	of := map[*model.Node]int{}
	for _, s := range pl.Stages {
		s.Copies = map[*model.Node]Copy{}
		for _, n := range s.Body {
			s.Copies[n] = Copy{Index: of[n]}
			of[n]++
		}
	}
	for _, s := range pl.Stages {
		for n, c := range s.Copies {
			s.Copies[n] = Copy{c.Index, of[n]}
		}
	}
}

// gather fills Body and Tails with what the head's elements reach.
func (s *Stage) gather(byHead map[*model.Node]*Stage) {
	reached := map[*model.Node]bool{s.Head: true}
	var tails []Tail
	frontier := []*model.Node{s.Head}
	for len(frontier) > 0 {
		n := frontier[0]
		frontier = frontier[1:]
		for _, c := range n.Outputs {
			for _, use := range c.Consumers {
				if use.Node.Class == model.Exchange {
					tails = append(tails, Tail{use.Node, use.Port, byHead[use.Node]})
				} else if !reached[use.Node] {
					reached[use.Node] = true
					frontier = append(frontier, use.Node)
				}
			}
		}
	}
	delete(reached, s.Head)
	s.Body = inOrder(reached)
	s.addTails(tails)
}

// addTails adds each exchange input once: two fused transforms of a stage that
// feed the same port share its sender.
func (s *Stage) addTails(tails []Tail) {
	seen := map[Tail]bool{}
	for _, t := range tails {
		if seen[t] {
			continue
		}
		seen[t] = true
		s.Tails = append(s.Tails, t)
		t.To.Feeds = append(t.To.Feeds, Feed{From: s, Port: t.Port})
	}
}

func inOrder(set map[*model.Node]bool) []*model.Node {
	out := make([]*model.Node, 0, len(set))
	for n := range set {
		out = append(out, n)
	}
	sortByID(out)
	return out
}
