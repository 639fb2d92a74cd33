package plan_test

import (
	"slices"
	"testing"

	"github.com/millrace/millrace/internal/plan"
	"github.com/millrace/millrace/model"
)

// eachPlan runs check on the plan of every sound pipeline.
func eachPlan(t *testing.T, check func(t *testing.T, pl *plan.Plan)) {
	for name, build := range pipelines {
		var p model.Pipeline
		build(&p)
		if pl, err := plan.New(&p); err == nil {
			t.Run(name, func(t *testing.T) { check(t, pl) })
		}
	}
}

func TestPlanFollowsFromTheGraph(t *testing.T) {
	for name, build := range pipelines {
		var p, q model.Pipeline
		build(&p)
		build(&q)
		a, errA := plan.New(&p)
		b, errB := plan.New(&q)
		if errA != nil || errB != nil {
			continue
		}
		if a.Explain() != b.Explain() {
			t.Errorf("%s is planned in two ways:\n%s\n%s", name, a.Explain(), b.Explain())
		}
	}
}

func TestMistakenPipelineIsNotPlanned(t *testing.T) {
	var p model.Pipeline
	pipelines["mistaken"](&p)
	if _, err := plan.New(&p); err == nil || err.Error() != p.Err().Error() {
		t.Errorf("got %v, want %v", err, p.Err())
	}
}

func TestStagesBeginAtSourcesAndExchangesAndHoldTheRest(t *testing.T) {
	eachPlan(t, func(t *testing.T, pl *plan.Plan) {
		heads, bodies := map[*model.Node]int{}, map[*model.Node]int{}
		for i, s := range pl.Stages {
			if s.ID != i {
				t.Errorf("stage %d is number %d", s.ID, i)
			}
			heads[s.Head]++
			for _, n := range s.Body {
				bodies[n]++
			}
		}
		for _, n := range pl.Pipeline.Nodes() {
			fused := n.Class == model.Fused
			if (heads[n] == 1) == fused || (bodies[n] > 0) != fused {
				t.Errorf("%s is the head of %d stages and in the body of %d", n.Name, heads[n], bodies[n])
			}
		}
	})
}

func TestStagesHoldWhatTheirHeadReaches(t *testing.T) {
	eachPlan(t, func(t *testing.T, pl *plan.Plan) {
		for _, s := range pl.Stages {
			reached := []*model.Node{s.Head}
			for _, n := range s.Body { // a transform comes after what it reads
				if !slices.ContainsFunc(n.Inputs, func(c *model.Collection) bool { return slices.Contains(reached, c.Producer) }) {
					t.Errorf("stage %d: %s reads nothing that comes before it", s.ID, n.Name)
				}
				reached = append(reached, n)
			}
		}
	})
}

func TestTailsAndFeedsAreTwoSidesOfTheSame(t *testing.T) {
	eachPlan(t, func(t *testing.T, pl *plan.Plan) {
		tails, feeds := 0, 0
		for _, s := range pl.Stages {
			feeds += len(s.Feeds)
			for _, tail := range s.Tails {
				tails++
				if tail.To.Head != tail.Node || tail.To.ID <= s.ID {
					t.Errorf("stage %d sends to %s in stage %d", s.ID, tail.Node.Name, tail.To.ID)
				}
				if !slices.Contains(tail.To.Feeds, plan.Feed{From: s, Port: tail.Port}) {
					t.Errorf("stage %d does not know that stage %d feeds its port %d", tail.To.ID, s.ID, tail.Port)
				}
			}
		}
		if tails != feeds {
			t.Errorf("%d tails but %d feeds", tails, feeds)
		}
	})
}

func TestCopiesNumberTheStagesOfATransform(t *testing.T) {
	eachPlan(t, func(t *testing.T, pl *plan.Plan) {
		seen := map[*model.Node]int{}
		for _, s := range pl.Stages {
			for _, n := range s.Body {
				if c := s.Copies[n]; c.Index != seen[n] {
					t.Errorf("stage %d has copy %d of %s, want %d", s.ID, c.Index, n.Name, seen[n])
				}
				seen[n]++
			}
		}
		for _, s := range pl.Stages {
			for n, c := range s.Copies {
				if c.Of != seen[n] {
					t.Errorf("%s is said to be in %d stages, and is in %d", n.Name, c.Of, seen[n])
				}
			}
		}
	})
}
