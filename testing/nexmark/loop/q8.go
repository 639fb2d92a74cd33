package loop

import (
	"context"

	"github.com/millrace/millrace/testing/nexmark"
)

// q8Part is what one worker of q8 saw in one window.
type q8Part struct {
	window  int64
	persons map[int64]string // id -> name
	sellers []int64          // of the auctions
}

// q8 collects persons and sellers per window in each worker, and joins a window
// when all workers have reported it.
func q8(ctx context.Context, n int64, p int) nexmark.Result {
	parts := make(chan q8Part, 16)
	go func() {
		parallel(p, func(k int) { q8Worker(ctx, n, int64(p), int64(k), parts) })
		close(parts)
	}()

	result := nexmark.Result{Query: nexmark.Q8}
	windows := map[int64][]q8Part{}
	for part := range parts {
		reported := append(windows[part.window], part)
		windows[part.window] = reported
		if len(reported) == p {
			count, sum := q8Join(reported)
			result.Count += count
			result.SumID += sum
			delete(windows, part.window)
		}
	}
	return result
}

// q8Join looks up the sellers of each part of a window among the persons of all.
func q8Join(parts []q8Part) (count, sum int64) {
	for _, auctions := range parts {
		for _, seller := range auctions.sellers {
			for _, registered := range parts {
				if _, ok := registered.persons[seller]; ok {
					count++
					sum += seller
				}
			}
		}
	}
	return count, sum
}

// q8Worker reports the persons and sellers of its share of the events window by
// window.
func q8Worker(ctx context.Context, n, p, k int64, parts chan<- q8Part) {
	var e nexmark.Event
	part := q8Part{persons: map[int64]string{}}
	report := func() {
		parts <- part
		part = q8Part{window: part.window + 1, persons: map[int64]string{}}
	}
	for i := k; i < n; i += p {
		nexmark.At(i, &e)
		if e.Kind == nexmark.Bid {
			continue
		}
		if w := e.Time / nexmark.Q8Window; w != part.window {
			if ctx.Err() != nil {
				return
			}
			for part.window < w {
				report()
			}
		}
		if e.Kind == nexmark.Person {
			part.persons[e.ID] = e.S1
		} else {
			part.sellers = append(part.sellers, e.Ref)
		}
	}
	for last := nexmark.TimeAt(n-1) / nexmark.Q8Window; part.window <= last; {
		report()
	}
}
