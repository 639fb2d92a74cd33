package oracle

import (
	"testing"

	"github.com/millrace/millrace/testing/nexmark"
)

// Results that implementations in several systems and languages agree on.
func TestKnownResults(t *testing.T) {
	for _, test := range []struct {
		query  nexmark.Query
		events int64
		want   string
	}{
		{nexmark.Q1, 50, "count=46 sum=2150479637"},
		{nexmark.Q1, 100_000, "count=92000 sum=4187291012487"},
		{nexmark.Q1, 2_000_000, "count=1840000 sum=83529511845509"},
		{nexmark.Q5, 4, "count=0 sumCount=0 sumAuction=0"},
		{nexmark.Q5, 50, "count=5 sumCount=125 sumAuction=5000"},
		{nexmark.Q5, 100_000, "count=9 sumCount=7280 sumAuction=33300"},
		{nexmark.Q5, 2_000_000, "count=104 sumCount=86082 sumAuction=6338700"},
		{nexmark.Q8, 50, "count=3 sumId=3000"},
		{nexmark.Q8, 100_000, "count=6000 sumId=11229815"},
		{nexmark.Q8, 2_000_000, "count=112838 sumId=2350940370"},
	} {
		got, err := Compute(test.query, test.events)
		if err != nil || got.Checksum() != test.want {
			t.Errorf("%s of %d events: got %q, %v, want %q", test.query, test.events, got.Checksum(), err, test.want)
		}
	}
}

func TestNoEvents(t *testing.T) {
	for _, q := range nexmark.Queries() {
		if got, err := Compute(q, 0); got != (nexmark.Result{Query: q}) || err != nil {
			t.Errorf("%s: got %+v, %v", q, got, err)
		}
	}
}

func TestUnknownQuery(t *testing.T) {
	if _, err := Compute("q9", 1); err == nil {
		t.Error("no error")
	}
}

func TestMostFrequent(t *testing.T) {
	for _, test := range []struct {
		list         []int64
		value, count int64
	}{
		{nil, 0, 0},
		{[]int64{7}, 7, 1},
		{[]int64{3, 1, 3, 2}, 3, 2},
		{[]int64{9, 4, 9, 4, 1}, 4, 2}, // a tie goes to the smallest
	} {
		if value, count := mostFrequent(test.list); value != test.value || count != test.count {
			t.Errorf("%v: got %d, %d times, want %d, %d times", test.list, value, count, test.value, test.count)
		}
	}
}
