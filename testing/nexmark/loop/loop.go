// Package loop holds the queries of package nexmark written by hand, as plain
// Go loops over goroutines, maps and channels: what a Go programmer would reach
// for this one workload without any engine, and so the limit that the engine is
// measured against.
//
// The loops know everything that an engine has to find out: that event times
// never decrease, which windows there are, when a window is complete. They keep
// no durable state, and nothing in them is general. They share the generator
// with the other implementations and no other code.
//
// Invariant: worker k of p generates the events i with i%p == k, and every
// worker reports every slice of time in order, empty ones too, so a slice is
// complete when it has been reported p times.
package loop

import (
	"context"
	"fmt"
	"sync"

	"github.com/millrace/millrace/testing/nexmark"
)

// Run computes the query over the configured events with c.Parallelism
// goroutines. A cancelled context ends it early with the context's error. Q5 is
// the pre-aggregating loop.
func Run(ctx context.Context, q nexmark.Query, c nexmark.Config) (nexmark.Result, error) {
	switch q {
	case nexmark.Q1:
		return run(ctx, c, q1)
	case nexmark.Q5:
		return run(ctx, c, q5)
	case nexmark.Q8:
		return run(ctx, c, q8)
	}
	return nexmark.Result{}, fmt.Errorf("loop: no query %q", string(q))
}

// Q5Shuffle computes Q5 as an engine that neither pre-aggregates nor slices
// would: it sends each bid to the goroutine that owns its auction, and adds it
// to each of the five windows that hold it.
func Q5Shuffle(ctx context.Context, c nexmark.Config) (nexmark.Result, error) {
	return run(ctx, c, q5Shuffle)
}

// query computes a query over n events with p workers. When the context is done
// its workers stop early, and what it returns means nothing.
type query func(ctx context.Context, n int64, p int) nexmark.Result

func run(ctx context.Context, c nexmark.Config, f query) (nexmark.Result, error) {
	if err := c.Validate(); err != nil {
		return nexmark.Result{}, fmt.Errorf("loop: %w", err)
	}
	r := f(ctx, c.Events, c.Parallelism)
	if err := ctx.Err(); err != nil {
		return nexmark.Result{}, fmt.Errorf("loop: %w", err)
	}
	return r, nil
}

// parallel runs f(0) to f(p-1), a goroutine each, and waits for all of them.
func parallel(p int, f func(k int)) {
	var workers sync.WaitGroup
	for k := range p {
		workers.Go(func() { f(k) })
	}
	workers.Wait()
}
