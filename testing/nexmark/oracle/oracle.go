// Package oracle computes the queries of package nexmark in the plainest way
// there is, to tell whether another implementation is right.
//
// It is one goroutine that reads the stream in order and evaluates one window at
// a time from a list of what is in it: by sorting, or by comparing all with all.
// It is meant to be checked by reading it against the definitions of the
// queries ([nexmark.Query]).
//
// Invariant: it shares no code with the engine nor with package loop, save the
// generator; nor does it share their ideas: no state per key, no partial
// aggregates, no watermark. It needs memory for one window, and a few seconds
// for ten million events.
package oracle

import (
	"fmt"
	"slices"

	"github.com/millrace/millrace/testing/nexmark"
)

// Compute returns the right result of the query over events 0 to events-1.
func Compute(q nexmark.Query, events int64) (nexmark.Result, error) {
	switch q {
	case nexmark.Q1:
		return q1(events), nil
	case nexmark.Q5:
		return q5(events), nil
	case nexmark.Q8:
		return q8(events), nil
	}
	return nexmark.Result{}, fmt.Errorf("oracle: no query %q", string(q))
}

func q1(events int64) nexmark.Result {
	result := nexmark.Result{Query: nexmark.Q1}
	for i := range events {
		if e := event(i); e.Kind == nexmark.Bid {
			result.Count++
			result.SumPrice += e.Price * 908 / 1000
		}
	}
	return result
}

func q5(events int64) nexmark.Result {
	const size, period = 10_000, 2_000
	result := nexmark.Result{Query: nexmark.Q5}
	if events == 0 {
		return result
	}
	type bid struct{ time, auction int64 }
	var (
		bids []bid // of the window, in order of time
		next int64 // the first event not read
	)
	// The first window is the one whose last period is the stream's first.
	for start := int64(period - size); start <= event(events-1).Time; start += period {
		for ; next < events && event(next).Time < start+size; next++ {
			if e := event(next); e.Kind == nexmark.Bid {
				bids = append(bids, bid{e.Time, e.ID})
			}
		}
		bids = slices.DeleteFunc(bids, func(b bid) bool { return b.time < start })

		var auctions []int64
		for _, b := range bids {
			auctions = append(auctions, b.auction)
		}
		if auction, count := mostFrequent(auctions); count > 0 {
			result.Count++
			result.SumCount += count
			result.SumAuction += auction
		}
	}
	return result
}

// mostFrequent returns the value that occurs most often in the list and how
// often, the smallest of several such values. It sorts the list.
func mostFrequent(list []int64) (value, count int64) {
	slices.Sort(list)
	for i := 0; i < len(list); {
		j := i
		for j < len(list) && list[j] == list[i] {
			j++
		}
		if n := int64(j - i); n > count {
			value, count = list[i], n
		}
		i = j
	}
	return value, count
}

func q8(events int64) nexmark.Result {
	const size = 10_000
	result := nexmark.Result{Query: nexmark.Q8}
	var next int64 // the first event not read
	for start := int64(0); next < events; start += size {
		var persons, sellers []int64
		for ; next < events && event(next).Time < start+size; next++ {
			switch e := event(next); e.Kind {
			case nexmark.Person:
				persons = append(persons, e.ID)
			case nexmark.Auction:
				sellers = append(sellers, e.Ref)
			}
		}
		for _, seller := range sellers {
			for _, person := range persons {
				if person == seller {
					result.Count++
					result.SumID += person
				}
			}
		}
	}
	return result
}

func event(i int64) nexmark.Event {
	var e nexmark.Event
	nexmark.At(i, &e)
	return e
}
