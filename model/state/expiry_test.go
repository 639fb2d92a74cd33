package state_test

import (
	"testing"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/state"
)

// An element that comes out of order must not have what a later one added be
// forgotten sooner.
func TestAnEarlierAddDoesNotShortenTheTime(t *testing.T) {
	ttl := state.ExpireAfterEventTime(60 * time.Microsecond)
	seen := state.NewSet[string]("seen", ttl)
	sum := state.NewCombining("sum", sums{}, ttl)
	h := newHost(t, seen, sum)
	add := func(at model.Timestamp) {
		h.clocks[state.EventTime] = at // of the call; the watermark is behind all
		seen.Add(h, "a")
		sum.Add(h, 1)
	}
	add(100)
	add(50)
	for _, want := range []struct {
		at  model.Timestamp
		has bool
		sum int
	}{{120, true, 2}, {159, true, 2}, {160, false, 0}} {
		h.clocks[state.EventTime] = want.at
		h.sweep()
		h.evict(t)
		if has, got := seen.Has(h, "a"), sum.Get(h); has != want.has || got != want.sum {
			t.Errorf("at %d: the value is there: %v, the sum is %d; want %v and %d", want.at, has, got, want.has, want.sum)
		}
	}
	if err := h.End(); err != nil {
		t.Fatal(err)
	}
}
