// Package pipeline has the benchmark's queries as Millrace pipelines, written as
// a user would write them.
//
// It is the only part of the benchmark that knows the library; the hand-written
// loop and the oracle that it is held against share no code with it.
package pipeline

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/runners/direct"
	"github.com/millrace/millrace/testing/nexmark"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/windowing"
)

// RunInMemory is Run without a state directory.
func RunInMemory(ctx context.Context, q nexmark.Query, c nexmark.Config) (nexmark.Result, error) {
	c.StateDir = ""
	return Run(ctx, q, c)
}

// Run computes q on the direct runner.
func Run(ctx context.Context, q nexmark.Query, c nexmark.Config) (nexmark.Result, error) {
	if err := c.Validate(); err != nil {
		return nexmark.Result{}, err
	}
	var p model.Pipeline
	out, err := Build(&p, q, c.Events)
	if err != nil {
		return nexmark.Result{}, err
	}
	report, err := direct.Runner{
		Parallelism: c.Parallelism,
		Checkpoints: direct.Checkpoints{Dir: c.StateDir, Every: c.CheckpointEvery},
	}.Run(ctx, &p)
	if err != nil {
		return nexmark.Result{}, err
	}
	if c.Saved != nil {
		*c.Saved = nexmark.Saved{
			Checkpoints: report.Checkpoints.Taken, LongestPause: report.Checkpoints.LongestPause, StateBytes: report.Checkpoints.Bytes,
		}
	}
	return out.result(), nil
}

// Build adds q over the first n events to p.
func Build(p *model.Pipeline, q nexmark.Query, n int64) (*Totals, error) {
	t := &Totals{sum: nexmark.Result{Query: q}}
	events := transforms.Read(p, Events(n), model.Name("Events"))
	switch q {
	case nexmark.Q1:
		q1(events, t)
	case nexmark.Q5:
		q5(events, t)
	case nexmark.Q8:
		q8(events, t)
	default:
		return nil, fmt.Errorf("no pipeline for query %q", q)
	}
	return t, nil
}

func isBid(e nexmark.Event) bool { return e.Kind == nexmark.Bid }

func q1(events model.PCollection[nexmark.Event], t *Totals) {
	converted := transforms.FilterMap(events, func(e, out *nexmark.Event) bool {
		if e.Kind != nexmark.Bid {
			return false
		}
		*out = *e
		out.Price = e.Price * 908 / 1000
		return true
	})
	transforms.Write(converted, totalling[nexmark.Event]{t, func(r *nexmark.Result, e *nexmark.Event) {
		r.Count++
		r.SumPrice += e.Price
	}})
}

type bidCount = model.KV[int64, int64]

// hotter orders counts by bids; among equals, the smaller auction is the hotter.
func hotter(a, b bidCount) int {
	if c := cmp.Compare(a.Value, b.Value); c != 0 {
		return c
	}
	return cmp.Compare(b.Key, a.Key)
}

// hottest is the auction with the most bids in each window.
func hottest(events model.PCollection[nexmark.Event]) model.PCollection[[]bidCount] {
	sliding := model.WindowingStrategy{Windows: windowing.Sliding{
		Size:  nexmark.Q5Window * time.Millisecond,
		Every: nexmark.Q5Period * time.Millisecond,
	}}
	auctions := transforms.Map(transforms.Filter(events, isBid), func(e nexmark.Event) int64 { return e.ID })
	counts := transforms.Count(transforms.Window(auctions, sliding))
	return transforms.CombineGlobally(counts, transforms.Top(1, hotter))
}

func q5(events model.PCollection[nexmark.Event], t *Totals) {
	transforms.Write(hottest(events), totalling[[]bidCount]{t, func(r *nexmark.Result, top *[]bidCount) {
		r.Count++
		r.SumCount += (*top)[0].Value
		r.SumAuction += (*top)[0].Key
	}})
}

func q8(events model.PCollection[nexmark.Event], t *Totals) {
	fixed := model.WindowingStrategy{Windows: windowing.Fixed{Size: nexmark.Q8Window * time.Millisecond}}
	of := func(k nexmark.Kind) model.PCollection[nexmark.Event] {
		return transforms.Window(transforms.Filter(events, func(e nexmark.Event) bool { return e.Kind == k }), fixed)
	}
	persons := transforms.Map(of(nexmark.Person), func(e nexmark.Event) model.KV[int64, string] { return model.KVOf(e.ID, e.S1) })
	sellers := transforms.Map(of(nexmark.Auction), func(e nexmark.Event) model.KV[int64, int64] { return model.KVOf(e.Ref, e.ID) })
	ids := transforms.Join(persons, sellers, func(person int64, _ string, _ int64) int64 { return person })
	transforms.Write(ids, totalling[int64]{t, func(r *nexmark.Result, id *int64) {
		r.Count++
		r.SumID += *id
	}})
}

// Totals is where the results of a run are added up.
type Totals struct {
	mu  sync.Mutex
	sum nexmark.Result
}

func (t *Totals) result() nexmark.Result {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.sum
}

func (t *Totals) add(r nexmark.Result) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sum.Count += r.Count
	t.sum.SumPrice += r.SumPrice
	t.sum.SumCount += r.SumCount
	t.sum.SumAuction += r.SumAuction
	t.sum.SumID += r.SumID
}
