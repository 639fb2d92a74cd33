package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/millrace/millrace/model"
)

func sortByID(nodes []*model.Node) {
	slices.SortFunc(nodes, func(a, b *model.Node) int { return a.ID - b.ID })
}

// Explain prints the plan for a user to read: each stage with its transforms in
// the order in which elements pass through them, the types they produce, the
// windows they cut anew, and where elements leave for another stage:
//
//	stage 0
//	  clicks (unbounded): string
//	  Window: string, windows fixed(1h0m0s)
//	  Count/Key: KV[string, struct{}]
//	  Count/Key => stage 1
//
//	stage 1, from stage 0
//	  Count/CombinePerKey (lifted: folded before the exchange): KV[string, int64]
//	  Write (gs://counts)
//
// A transform reads from the one above it; where it does not, or not only, it
// says what it is "of". An output of several has its index: Partition[1]. What
// reads from several stages is in each of them.
func (pl *Plan) Explain() string {
	stages := map[*model.Node][]*Stage{}
	for _, s := range pl.Stages {
		stages[s.Head] = append(stages[s.Head], s)
		for _, n := range s.Body {
			stages[n] = append(stages[n], s)
		}
	}
	var b strings.Builder
	for i, s := range pl.Stages {
		if i > 0 {
			b.WriteByte('\n')
		}
		e := explainer{Builder: &b, stage: s, stages: stages}
		e.explain()
	}
	return b.String()
}

// An explainer prints one stage.
type explainer struct {
	*strings.Builder
	stage  *Stage
	stages map[*model.Node][]*Stage // that hold a node
	above  *model.Node              // on the line above
}

func (e *explainer) explain() {
	fmt.Fprintf(e, "stage %d", e.stage.ID)
	for i, f := range e.stage.Feeds {
		switch {
		case i > 0:
			e.WriteString(" and")
		case len(e.stage.Feeds) > 1:
			e.WriteString(", from stages")
		default:
			e.WriteString(", from stage")
		}
		fmt.Fprintf(e, " %d", f.From.ID)
		if len(e.stage.Head.Inputs) > 1 {
			fmt.Fprintf(e, " (input %d)", f.Port+1)
		}
	}
	e.WriteByte('\n')
	e.line(e.stage.Head, nil)
	for _, n := range e.stage.Body {
		e.line(n, n.Inputs)
	}
	for _, t := range e.stage.Tails {
		fmt.Fprintf(e, "  %s => stage %d", e.output(t.Node.Inputs[t.Port]), t.To.ID)
		if len(t.Node.Inputs) > 1 {
			fmt.Fprintf(e, " (input %d)", t.Port+1)
		}
		e.WriteByte('\n')
	}
}

// line prints a transform, and which of its inputs come from elsewhere than the
// line above.
func (e *explainer) line(n *model.Node, inputs []*model.Collection) {
	fmt.Fprintf(e, "  %s", n.Name)
	if d := details(n); d != "" {
		fmt.Fprintf(e, " (%s)", d)
	}
	if len(inputs) > 1 || len(inputs) == 1 && (inputs[0].Producer != e.above || len(e.above.Outputs) > 1) {
		for i, c := range inputs {
			if i == 0 {
				e.WriteString(" of ")
			} else {
				e.WriteString(", ")
			}
			e.WriteString(e.output(c))
		}
	}
	for i, c := range n.Outputs {
		if i == 0 {
			e.WriteString(": ")
		} else {
			e.WriteString(" | ")
		}
		e.WriteString(TypeName(c.Type.String()))
	}
	e.windows(n)
	e.WriteByte('\n')
	e.above = n
}

// details are what there is to say of a transform itself.
func details(n *model.Node) string {
	if n.Class != model.Source || len(n.Outputs) == 0 || !n.Outputs[0].Unbounded {
		return n.Detail
	}
	if n.Detail == "" {
		return "unbounded"
	}
	return n.Detail + ", unbounded"
}

// output names a collection, and the stage that it comes from if it is another.
func (e *explainer) output(c *model.Collection) string {
	name := c.Producer.Name
	if len(c.Producer.Outputs) > 1 {
		name = fmt.Sprintf("%s[%d]", name, c.Port)
	}
	if in := e.stages[c.Producer]; !slices.Contains(in, e.stage) {
		name += fmt.Sprintf(" in stage %d", in[0].ID)
	}
	return name
}

// windows prints the strategy where it changes.
func (e *explainer) windows(n *model.Node) {
	if len(n.Outputs) == 0 {
		return
	}
	w := n.Outputs[0].Windowing
	if len(n.Inputs) > 0 && n.Inputs[0].Windowing.Site == w.Site {
		return
	}
	if s := w.Strategy.String(); s != "global" || len(n.Inputs) > 0 {
		fmt.Fprintf(e, ", windows %s", s)
	}
}
