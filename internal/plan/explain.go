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

// Explain prints the stages: the transforms of each with their types and
// windowing, what leaves it for which stage, and what feeds it.
func (pl *Plan) Explain() string {
	var b strings.Builder
	for i, s := range pl.Stages {
		if i > 0 {
			b.WriteByte('\n')
		}
		s.explain(&b)
	}
	return b.String()
}

func (s *Stage) explain(b *strings.Builder) {
	fmt.Fprintf(b, "stage %d", s.ID)
	for i, f := range s.Feeds {
		if i == 0 {
			b.WriteString(" from stage")
		}
		fmt.Fprintf(b, " %d", f.From.ID)
		if len(s.Head.Inputs) > 1 {
			fmt.Fprintf(b, " (input %d)", f.Port)
		}
	}
	b.WriteByte('\n')
	line(b, s.Head)
	for _, n := range s.Body {
		line(b, n)
	}
	for _, t := range s.Tails {
		fmt.Fprintf(b, "  -> stage %d, %s", t.To.ID, t.Node.Name)
		if len(t.Node.Inputs) > 1 {
			fmt.Fprintf(b, " input %d", t.Port)
		}
		b.WriteByte('\n')
	}
}

func line(b *strings.Builder, n *model.Node) {
	fmt.Fprintf(b, "  %s", n.Name)
	if n.Detail != "" {
		fmt.Fprintf(b, " (%s)", n.Detail)
	}
	for i, c := range n.Outputs {
		if i == 0 {
			b.WriteString(" :")
		} else {
			b.WriteByte(',')
		}
		fmt.Fprintf(b, " %s", TypeName(c.Type.String()))
		if i == len(n.Outputs)-1 {
			windowing(b, n, c)
		}
	}
	b.WriteByte('\n')
}

// windowing prints the strategy where it changes.
func windowing(b *strings.Builder, n *model.Node, c *model.Collection) {
	if len(n.Inputs) > 0 && n.Inputs[0].Windowing.Site == c.Windowing.Site {
		return
	}
	if w := c.Windowing.Strategy.String(); w != "global" || len(n.Inputs) > 0 {
		fmt.Fprintf(b, " | %s", w)
	}
}

// TypeName shortens the import paths inside a generic type's name, which
// reflect spells in full.
func TypeName(s string) string {
	var b strings.Builder
	start := 0
	cut := func(end int) {
		word := s[start:end]
		b.WriteString(word[strings.LastIndexByte(word, '/')+1:])
	}
	for i := range len(s) {
		if strings.IndexByte("[],*() {};", s[i]) >= 0 {
			cut(i)
			b.WriteByte(s[i])
			start = i + 1
		}
	}
	cut(len(s))
	return b.String()
}
