package loop

import (
	"context"

	"github.com/millrace/millrace/testing/nexmark"
)

// q1Ring is the number of results that a worker of q1 keeps: enough that each
// must be written to memory, few enough to stay in the cache.
const q1Ring = 1024

// q1Part is what one worker of q1 found.
type q1Part struct {
	count, sum int64
	// ring holds the newest results. Nobody reads them; it is here so that each
	// result is made as a whole event, as an engine would hand it on.
	ring []nexmark.Event
}

func q1(ctx context.Context, n int64, p int) nexmark.Result {
	parts := make([]q1Part, p)
	parallel(p, func(k int) {
		parts[k] = q1Worker(ctx, n, int64(p), int64(k))
	})
	result := nexmark.Result{Query: nexmark.Q1}
	for _, part := range parts {
		result.Count += part.count
		result.SumPrice += part.sum
	}
	return result
}

func q1Worker(ctx context.Context, n, p, k int64) q1Part {
	const chunk = 1 << 16 // events between two looks at the context
	var (
		e          nexmark.Event
		count, sum int64
		ring       = make([]nexmark.Event, q1Ring)
	)
	for i := k; i < n && ctx.Err() == nil; {
		for end := min(n, i+chunk*p); i < end; i += p {
			nexmark.At(i, &e)
			if e.Kind != nexmark.Bid {
				continue
			}
			out := &ring[count%q1Ring]
			*out = e
			out.Price = e.Price * 908 / 1000
			count++
			sum += out.Price
		}
	}
	return q1Part{count, sum, ring}
}
