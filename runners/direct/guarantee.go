package direct

import (
	"fmt"
	"strings"

	"github.com/millrace/millrace/internal/engine"
	"github.com/millrace/millrace/internal/plan"
	"github.com/millrace/millrace/model"
)

// A Level is how often what reaches a sink takes effect there, whatever fails.
type Level string

// The levels.
const (
	ExactlyOnce Level = "exactly once"
	AtLeastOnce Level = "at least once"
	AtMostOnce  Level = "at most once"
	NoGuarantee Level = "no guarantee" // it may be lost, and may be doubled
)

// A Guarantee is what a run promises of what one sink, or ForEach, is given.
type Guarantee struct {
	Sink string
	Level
	// Why says what the level rests on, or what keeps it from being higher.
	Why string
}

func (g Guarantee) String() string { return fmt.Sprintf("%s: %s: %s", g.Sink, g.Level, g.Why) }

// Guarantees are those of p, run by r, in pipeline order. It looks at the pipeline
// only, and runs nothing.
func (r Runner) Guarantees(p *model.Pipeline) ([]Guarantee, error) {
	pl, err := plan.New(p)
	if err != nil {
		return nil, err
	}
	return r.guarantees(pl.Pipeline), nil
}

func (r Runner) guarantees(p *model.Pipeline) (list []Guarantee) {
	for _, n := range p.Nodes() {
		sink, isSink := n.Spec.(engine.SinkSpec)
		if !isSink && n.Kind != "ForEach" {
			continue
		}
		sources := sourcesOf(n)
		g := Guarantee{Sink: n.Name}
		switch {
		case r.Checkpoints.Dir != "":
			g.Level, g.Why = saved(sink, sources)
		case !isSink:
			g.Level, g.Why = AtMostOnce, "without a state directory, a run that fails is not gone on from"
		case unbounded(sources):
			g.Level, g.Why = AtMostOnce, "without a state directory, all is lost that a run which fails has written"
		case repeats(sink) != "":
			g.Level, g.Why = AtLeastOnce, repeats(sink)
		default:
			g.Level, g.Why = ExactlyOnce, "all is committed when the input has ended, or nothing is"
		}
		list = append(list, g)
	}
	return list
}

// saved is the guarantee of a run with checkpoints; sink is nil for ForEach.
func saved(sink engine.SinkSpec, sources []*model.Node) (Level, string) {
	forgets, again := "", repeats(sink)
	for _, n := range sources {
		if s, ok := n.Spec.(interface{ Forgets() string }); ok && s.Forgets() != "" {
			forgets = fmt.Sprintf("%s cannot be read again from a checkpoint: %s", n.Name, s.Forgets())
		}
	}
	switch {
	case forgets != "" && again != "":
		return NoGuarantee, forgets + "; " + again
	case forgets != "":
		return AtMostOnce, forgets
	case again != "":
		return AtLeastOnce, again
	}
	return ExactlyOnce, "checkpoints have the positions of the sources and what the sink has prepared"
}

// repeats is why what sink is given may take effect twice, or "".
func repeats(sink engine.SinkSpec) string {
	if sink == nil {
		return "what user code did since the last checkpoint is done again"
	}
	if s, ok := sink.(interface{ Repeats() string }); ok {
		return s.Repeats()
	}
	return ""
}

// sourcesOf are the sources whose elements reach n, in some form.
func sourcesOf(n *model.Node) (sources []*model.Node) {
	seen := map[*model.Node]bool{}
	var visit func(*model.Node)
	visit = func(n *model.Node) {
		if seen[n] {
			return
		}
		seen[n] = true
		if _, ok := n.Spec.(engine.SourceSpec); ok {
			sources = append(sources, n)
		}
		for _, in := range n.Inputs {
			visit(in.Producer)
		}
	}
	visit(n)
	return sources
}

func unbounded(sources []*model.Node) bool {
	for _, n := range sources {
		if !n.Spec.(engine.SourceSpec).Bounded() {
			return true
		}
	}
	return false
}

// Explain prints the stages that r runs p in, and its guarantees:
//
//	guarantees
//	  Write: exactly once: all is committed when the input has ended, or nothing is
func (r Runner) Explain(p *model.Pipeline) (string, error) {
	pl, err := plan.New(p)
	if err != nil {
		return "", err
	}
	list := r.guarantees(p)
	if len(list) == 0 {
		return pl.Explain(), nil
	}
	var b strings.Builder
	b.WriteString(pl.Explain() + "\nguarantees\n")
	for _, g := range list {
		fmt.Fprintf(&b, "  %v\n", g)
	}
	return b.String(), nil
}
