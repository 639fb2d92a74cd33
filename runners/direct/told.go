package direct

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/millrace/millrace/internal/engine"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/triggers"
)

// tellDropped tells the log what each transform dropped. What went to a LateData is the
// program's to tell of.
func (r Runner) tellDropped(p *model.Pipeline, report Report) {
	for _, n := range p.Nodes() {
		if g := report.Grouping(n.Name); g.Dropped > 0 && !keepsDropped(n) {
			r.Logger.Warn("elements were dropped as too late for their windows", "dropped", g.Dropped, "of", g.Dropped+g.OnTime+g.Late,
				"transform", n.Name, "at", n.Site.String(),
				"to do", "give their windows more Lateness in transforms.Window, or the watermark more slack; a model.LateData has what is dropped")
		}
		for _, w := range report.Windowless {
			if w.Name == n.Name {
				r.Logger.Info("elements were dropped: their WindowFn gave them no window", "dropped", w.Elements,
					"transform", n.Name, "at", n.Site.String(),
					"to do", "nothing, if its windows are meant to have gaps; else give each element a window")
			}
		}
	}
}

// keepsDropped reports whether what n drops goes to a LateData.
func keepsDropped(n *model.Node) bool {
	return slices.ContainsFunc(n.Outputs, func(c *model.Collection) bool { return c.Late })
}

// standstillEvery is the time between two looks for sources that stand still. It takes
// two in a row, so that a watermark has time to follow the first elements.
const standstillEvery = 3 * time.Second

// A standstill is an endless source, and the groupings behind it whose windows only the
// watermark fires.
type standstill struct {
	source    *model.Node
	groupings []*model.Node
	looks     int // in a row in which it stood still
	told      bool
}

// tellStandstill warns of sources that send elements and no watermark, where windows
// wait for one, until the returned function is called.
func (r *run) tellStandstill() (stop func()) {
	all := standstills(r.plan.Pipeline)
	if len(all) == 0 || r.host.driver != nil || r.sched.byScript() {
		return func() {}
	}
	return every(standstillEvery, func() {
		report := r.report()
		for _, s := range all {
			s.look(report)
			if s.looks == 2 && !s.told {
				s.told = true
				r.cfg.Logger.Warn("windows do not fire: their source has sent elements, and its watermark has not moved",
					"source", s.source.Name, "at", s.source.Site.String(), "windows", s.where(),
					"to do", "give its elements event times and watermarks with source.WithEventTime, or source.WithWatermarks where they have their times, "+
						"and IdleAfter if some splits have no elements; or give the windows a Trigger that goes by elements or by processing time")
			}
		}
	})
}

// look counts a look at which s stood still.
func (s *standstill) look(report Report) {
	at := slices.IndexFunc(report.Sources, func(x SourceReport) bool { return x.Name == s.source.Name })
	still := at >= 0 && report.Sources[at].Elements > 0 && report.Sources[at].Watermark == model.MinTimestamp
	if !still {
		s.looks = 0
		return
	}
	s.looks++
}

// where are the groupings, and their lines.
func (s *standstill) where() string {
	var list []string
	for _, n := range s.groupings {
		list = append(list, fmt.Sprintf("%s (%v)", n.Name, n.Site))
	}
	return strings.Join(list, ", ")
}

// standstills are the sources of p that could stand still with windows behind them.
func standstills(p *model.Pipeline) (all []*standstill) {
	for _, n := range p.Nodes() {
		for _, src := range endless(awaited(n)) {
			i := slices.IndexFunc(all, func(s *standstill) bool { return s.source == src })
			if i < 0 {
				i = len(all)
				all = append(all, &standstill{source: src})
			}
			all[i].groupings = append(all[i].groupings, n)
		}
	}
	return all
}

// endless are the unbounded sources that cs are read from, through whatever is between.
func endless(cs []*model.Collection) (sources []*model.Node) {
	seen := map[*model.Node]bool{}
	var visit func([]*model.Collection)
	visit = func(cs []*model.Collection) {
		for _, c := range cs {
			n := c.Producer
			if seen[n] {
				continue
			}
			seen[n] = true
			if spec, ok := n.Spec.(engine.SourceSpec); ok && !spec.Bounded() {
				sources = append(sources, n)
			}
			visit(n.Inputs)
		}
	}
	visit(cs)
	return sources
}

// awaited are the inputs of n whose windows it waits for, and which nothing but a
// watermark fires: all inputs of a grouping, and the side inputs of what has some.
func awaited(n *model.Node) (inputs []*model.Collection) {
	switch {
	case slices.Contains([]string{"GroupByKey", "CombinePerKey", "Reduce", "CoGroup", "Join", "LeftJoin"}, n.Kind):
		inputs = n.Inputs
	case n.Class == model.Exchange && strings.HasSuffix(n.Kind, "With"):
		inputs = n.Inputs[1:]
	}
	return slices.DeleteFunc(slices.Clone(inputs), func(c *model.Collection) bool {
		switch t := c.Windowing.Strategy.Trigger.(type) {
		case nil, triggers.Default:
			return false
		case triggers.AfterWatermark:
			return t.Early != nil
		}
		return true
	})
}

// byScript reports whether time is what a scripted source says.
func (s *scheduler) byScript() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.scripted
}
