package loop

import (
	"context"
	"math"
	"slices"
	"sync"

	"github.com/millrace/millrace/testing/nexmark"
)

// shuffleBatch is the number of bids sent at once.
const shuffleBatch = 1024

// shuffleEnd is the watermark of a worker that will send no more.
const shuffleEnd = math.MaxInt64

// timedKey is what Q5 needs of a bid.
type timedKey struct{ time, auction int64 }

// batch carries bids from one producer to one owner of keys.
type batch struct {
	from      int
	watermark int64 // the producer has sent all it has up to this time
	bids      []timedKey
}

// batchPool lends the memory of batches, so that a batch is made once and not
// for each send.
type batchPool struct{ pool sync.Pool }

func (p *batchPool) get() []timedKey {
	if b, ok := p.pool.Get().(*[shuffleBatch]timedKey); ok {
		return b[:0]
	}
	return make([]timedKey, 0, shuffleBatch)
}

func (p *batchPool) put(b []timedKey) { p.pool.Put((*[shuffleBatch]timedKey)(b[:shuffleBatch])) }

// q5Shuffle sends each bid to the owner of its auction. An owner knows the best
// of its own auctions in each window; the best of all is found at the end.
func q5Shuffle(ctx context.Context, n int64, p int) nexmark.Result {
	var pool batchPool
	inboxes := make([]chan batch, p)
	for j := range inboxes {
		inboxes[j] = make(chan batch, 16)
	}
	go parallel(p, func(k int) { shuffleProduce(ctx, n, k, inboxes, &pool) })

	found := make([]map[int64]hotItem, p)
	parallel(p, func(j int) { found[j] = shuffleCount(inboxes[j], p, &pool) })

	best := map[int64]hotItem{} // by the window's last slice
	for _, windows := range found {
		for w, item := range windows {
			if item.better(best[w]) {
				best[w] = item
			}
		}
	}
	result := nexmark.Result{Query: nexmark.Q5, Count: int64(len(best))}
	for _, item := range best {
		result.SumCount += item.bids
		result.SumAuction += item.auction
	}
	return result
}

// shuffleProduce sends worker k's share of the bids to their owners. It always
// ends with a batch for each owner that says so, that the owners end as well.
func shuffleProduce(ctx context.Context, n int64, k int, inboxes []chan batch, pool *batchPool) {
	p := len(inboxes)
	buffers := make([][]timedKey, p)
	for j := range buffers {
		buffers[j] = pool.get()
	}
	var e nexmark.Event
	for i := int64(k); i < n; i += int64(p) {
		nexmark.At(i, &e)
		if e.Kind != nexmark.Bid {
			continue
		}
		j := owner(e.ID, p)
		buffers[j] = append(buffers[j], timedKey{e.Time, e.ID})
		if len(buffers[j]) == shuffleBatch {
			if ctx.Err() != nil {
				break
			}
			// More events of this very millisecond may follow.
			inboxes[j] <- batch{k, e.Time - 1, buffers[j]}
			buffers[j] = pool.get()
		}
	}
	for j := range buffers {
		inboxes[j] <- batch{k, shuffleEnd, buffers[j]}
	}
}

// owner returns which of p workers counts the bids on the auction.
func owner(auction int64, p int) int {
	return int((uint64(auction) * 0x9E3779B97F4A7C15 >> 32) % uint64(p))
}

// shuffleCount counts the bids that come in per window and auction, and returns
// the best auction of each window, by the window's last slice.
func shuffleCount(inbox <-chan batch, p int, pool *batchPool) map[int64]hotItem {
	windows := map[int64]map[int64]int64{} // window -> auction -> bids
	best := map[int64]hotItem{}
	watermarks := make([]int64, p)
	for open := p; open > 0; {
		b := <-inbox
		for _, bid := range b.bids {
			s := bid.time / nexmark.Q5Period
			for w := s; w < s+slicesPerWindow; w++ {
				bids := windows[w]
				if bids == nil {
					bids = map[int64]int64{}
					windows[w] = bids
				}
				bids[bid.auction]++
			}
		}
		pool.put(b.bids)
		watermarks[b.from] = b.watermark
		watermark := slices.Min(watermarks)
		for w, bids := range windows {
			if (w+1)*nexmark.Q5Period-1 <= watermark {
				best[w] = hottest(bids)
				delete(windows, w)
			}
		}
		if b.watermark == shuffleEnd {
			open--
		}
	}
	return best
}
