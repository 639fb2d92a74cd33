package nexmark

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Query names a query of the benchmark.
type Query string

// The queries.
const (
	// Q1 converts currencies: each bid, its price multiplied by 908/1000 in
	// integer arithmetic. It measures the cost of an element that only passes
	// through.
	Q1 Query = "q1"

	// Q5 finds the hot items: for each sliding window of 10 s every 2 s, the
	// auction with the most bids, the smallest id of those with equally many.
	// Windows are aligned to time 0, and every window counts that overlaps the
	// stream, those included that begin before it or end after it. It measures
	// keyed aggregation.
	Q5 Query = "q5"

	// Q8 monitors new users: each pair of a person and an auction of which that
	// person is the seller, both within the same tumbling window of 10 s. It
	// measures a windowed join.
	Q8 Query = "q8"
)

// The windows of the queries, in milliseconds.
const (
	Q5Window = 10_000
	Q5Period = 2_000
	Q8Window = 10_000
)

var queries = []Query{Q1, Q5, Q8}

// Queries returns all queries.
func Queries() []Query { return slices.Clone(queries) }

// ParseQuery returns the query of that name, or an error that lists the names
// there are.
func ParseQuery(name string) (Query, error) {
	if q := Query(name); slices.Contains(queries, q) {
		return q, nil
	}
	allowed := make([]string, len(queries))
	for i, q := range queries {
		allowed[i] = string(q)
	}
	return "", fmt.Errorf("unknown query %q, allowed: %s", name, strings.Join(allowed, ", "))
}

// Config says how much work a run of a query is, and on how many cores.
type Config struct {
	Events      int64 // the query reads events 0 to Events-1
	Parallelism int   // workers that generate and process events

	// StateDir is where a runner that can keeps its state, "" for memory, and
	// CheckpointEvery how often it takes a checkpoint.
	StateDir        string
	CheckpointEvery time.Duration
	// Saved, if set, is told of the checkpoints.
	Saved *Saved
}

// Saved is what a run's checkpoints came to.
type Saved struct {
	Checkpoints int64
	// LongestPause is the longest time that a task did nothing else.
	LongestPause time.Duration
	StateBytes   int64
}

// Validate returns an error if there is nothing to run or nobody to run it.
func (c Config) Validate() error {
	if c.Events < 1 {
		return fmt.Errorf("%d events, need at least 1", c.Events)
	}
	if c.Parallelism < 1 {
		return fmt.Errorf("parallelism %d, need at least 1", c.Parallelism)
	}
	return nil
}

// Result is the outcome of a query, reduced to sums that do not depend on the
// order in which the results came. Two runs of a query over equally many events
// are right only if their Results are equal by ==. Fields that the query does
// not use stay zero.
type Result struct {
	Query Query

	// Count is the number of results: of bids for Q1, of windows that have a
	// bid for Q5, of pairs for Q8.
	Count int64

	SumPrice   int64 // Q1: the converted prices
	SumCount   int64 // Q5: per window the number of bids on the hot item
	SumAuction int64 // Q5: per window the id of the hot item
	SumID      int64 // Q8: per pair the id of the person
}

// Checksum prints the fields that the query uses, in one line.
func (r Result) Checksum() string {
	switch r.Query {
	case Q1:
		return fmt.Sprintf("count=%d sum=%d", r.Count, r.SumPrice)
	case Q5:
		return fmt.Sprintf("count=%d sumCount=%d sumAuction=%d", r.Count, r.SumCount, r.SumAuction)
	case Q8:
		return fmt.Sprintf("count=%d sumId=%d", r.Count, r.SumID)
	}
	return fmt.Sprintf("no such query: %q", string(r.Query))
}
