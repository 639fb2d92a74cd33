package nexmark

import (
	"strings"
	"testing"
)

func TestParseQuery(t *testing.T) {
	for _, q := range Queries() {
		if got, err := ParseQuery(string(q)); got != q || err != nil {
			t.Errorf("ParseQuery(%q) = %q, %v", q, got, err)
		}
	}
	for _, name := range []string{"", "Q5", "q9"} {
		_, err := ParseQuery(name)
		if err == nil || !strings.Contains(err.Error(), "allowed: q1, q5, q8") {
			t.Errorf("ParseQuery(%q): error %v does not say what is allowed", name, err)
		}
	}
}

func TestChecksum(t *testing.T) {
	for _, test := range []struct {
		result Result
		want   string
	}{
		{Result{Query: Q1, Count: 1, SumPrice: 2}, "count=1 sum=2"},
		{Result{Query: Q5, Count: 504, SumCount: 416672, SumAuction: 151655000}, "count=504 sumCount=416672 sumAuction=151655000"},
		{Result{Query: Q8, Count: 3, SumID: 4}, "count=3 sumId=4"},
		{Result{}, `no such query: ""`},
	} {
		if got := test.result.Checksum(); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}

func TestKindString(t *testing.T) {
	for kind, want := range map[Kind]string{Person: "person", Auction: "auction", Bid: "bid", 7: "unknown"} {
		if got := kind.String(); got != want {
			t.Errorf("Kind %d: got %q, want %q", uint8(kind), got, want)
		}
	}
}

func TestConfigValidate(t *testing.T) {
	for _, test := range []struct {
		config Config
		want   string
	}{
		{Config{Events: 1, Parallelism: 1}, ""},
		{Config{Events: 0, Parallelism: 1}, "0 events, need at least 1"},
		{Config{Events: 1, Parallelism: -1}, "parallelism -1, need at least 1"},
	} {
		got := ""
		if err := test.config.Validate(); err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%+v: got %q, want %q", test.config, got, test.want)
		}
	}
}
