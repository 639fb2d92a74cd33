package loop

import (
	"context"

	"github.com/millrace/millrace/testing/nexmark"
)

// slicesPerWindow is the number of slices of one period each that make a window
// of Q5.
const slicesPerWindow = nexmark.Q5Window / nexmark.Q5Period

// q5Part is what one worker of q5 counted in one slice.
type q5Part struct {
	slice int64
	bids  map[int64]int64 // by auction
}

// q5 counts bids per auction and slice in each worker, and sums the counts of a
// slice over the workers, and those of a window over its slices.
func q5(ctx context.Context, n int64, p int) nexmark.Result {
	parts := make(chan q5Part, 64)
	go func() {
		parallel(p, func(k int) { q5Worker(ctx, n, int64(p), int64(k), parts) })
		close(parts)
	}()

	windows := slidingWindows{slices: map[int64]map[int64]int64{}}
	reports := map[int64]int{} // by slice
	for part := range parts {
		if bids := windows.slices[part.slice]; bids == nil {
			windows.slices[part.slice] = part.bids
		} else {
			for auction, count := range part.bids {
				bids[auction] += count
			}
		}
		if reports[part.slice]++; reports[part.slice] == p {
			delete(reports, part.slice)
			windows.fire(part.slice)
		}
	}
	last := lastSlice(n)
	for s := last + 1; s < last+slicesPerWindow; s++ {
		windows.fire(s)
	}
	return windows.result()
}

// q5Worker reports the bids of its share of the events slice by slice.
func q5Worker(ctx context.Context, n, p, k int64, parts chan<- q5Part) {
	var e nexmark.Event
	slice, bids := int64(0), make(map[int64]int64, 1024)
	report := func() {
		parts <- q5Part{slice, bids}
		slice, bids = slice+1, make(map[int64]int64, 1024)
	}
	for i := k; i < n; i += p {
		nexmark.At(i, &e)
		if e.Kind != nexmark.Bid {
			continue
		}
		if s := e.Time / nexmark.Q5Period; s != slice {
			if ctx.Err() != nil {
				return
			}
			for slice < s {
				report()
			}
		}
		bids[e.ID]++
	}
	for last := lastSlice(n); slice <= last; {
		report()
	}
}

func lastSlice(n int64) int64 { return nexmark.TimeAt(n-1) / nexmark.Q5Period }

// slidingWindows evaluates the windows of Q5 from the counts of their slices.
type slidingWindows struct {
	slices map[int64]map[int64]int64 // slice -> auction -> bids

	count, sumCount, sumAuction int64
}

// fire evaluates the window that ends with the slice, and drops the slice that
// no later window needs. It must be called for each slice in order, once the
// slice is complete.
func (w *slidingWindows) fire(end int64) {
	first := end - slicesPerWindow + 1
	total := map[int64]int64{}
	for s := first; s <= end; s++ {
		for auction, count := range w.slices[s] {
			total[auction] += count
		}
	}
	if best := hottest(total); best.bids > 0 {
		w.count++
		w.sumCount += best.bids
		w.sumAuction += best.auction
	}
	delete(w.slices, first)
}

func (w *slidingWindows) result() nexmark.Result {
	return nexmark.Result{
		Query:      nexmark.Q5,
		Count:      w.count,
		SumCount:   w.sumCount,
		SumAuction: w.sumAuction,
	}
}

// hotItem is an auction with its number of bids; no auction has 0.
type hotItem struct{ auction, bids int64 }

// better says whether h comes before o: by more bids, then by the smaller id.
func (h hotItem) better(o hotItem) bool {
	return h.bids > o.bids || h.bids == o.bids && h.auction < o.auction
}

// hottest returns the best of the auctions, or the zero value if there is none.
func hottest(bids map[int64]int64) hotItem {
	var best hotItem
	for auction, count := range bids {
		if h := (hotItem{auction, count}); h.better(best) {
			best = h
		}
	}
	return best
}
