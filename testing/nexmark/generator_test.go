package nexmark

import (
	"fmt"
	"hash/fnv"
	"testing"
)

// The goldens of this file fix the stream: figures and results of different
// versions, and of other systems that port the generator, compare only while
// they hold.

func TestAtGolden(t *testing.T) {
	const extra = "abcdefghijklmnopqrstuvwxyzabcdefghijkl"
	for _, test := range []struct {
		i    int64
		want Event
	}{
		{0, Event{Person, 0, 1000, 0, 0, "Julie White", "WY"}},
		{1, Event{Auction, 0, 1000, 1000, 6049, "Saul Jones", extra + "02"}},
		{2, Event{Auction, 0, 1001, 1000, 1562, "Saul Jones", extra + "03"}},
		{3, Event{Auction, 0, 1002, 1000, 4273, "Vicky Noris", extra + "01"}},
		{4, Event{Bid, 0, 1002, 1000, 45928974, "Apple", extra + "06"}},
		{5, Event{Bid, 0, 1000, 1000, 46977394, "Apple", extra + "03"}},
		{49, Event{Bid, 4, 1000, 1000, 98188396, "Apple", extra + "01"}},
		{50, Event{Person, 5, 1001, 0, 0, "Sarah Shultz", "CA"}},
		{51, Event{Auction, 5, 1003, 1001, 1193, "Peter Smith", extra + "05"}},
		{54, Event{Bid, 5, 1000, 1001, 34388288, "Baidu", extra + "03"}},
		{9_999_999, Event{Bid, 999999, 600900, 200900, 39319595, "Baidu", extra + "07"}},
		{1 << 40, Event{Bid, 109951162777, 65970698600, 21990232833, 47547642, "Facebook", extra + "07"}},
	} {
		// What was in the event before must not show.
		got := Event{Bid, -1, -1, -1, -1, "old", "old"}
		At(test.i, &got)
		if got != test.want {
			t.Errorf("event %d: got %+v, want %+v", test.i, got, test.want)
		}
	}
}

func TestAtChecksum(t *testing.T) {
	for _, test := range []struct {
		from, to int64
		want     uint64
	}{
		{0, 1000, 0x5fe2a263e32aab65},
		{0, 100_000, 0xcc405340a4908c26},
		{9_900_000, 10_000_000, 0x6d644c17d7d0dfd4},
	} {
		h := fnv.New64a()
		var e Event
		for i := test.from; i < test.to; i++ {
			At(i, &e)
			fmt.Fprintln(h, uint8(e.Kind), e.Time, e.ID, e.Ref, e.Price, e.S1, e.S2)
		}
		if got := h.Sum64(); got != test.want {
			t.Errorf("events %d to %d: checksum %#x, want %#x", test.from, test.to, got, test.want)
		}
	}
}

// Whatever an event refers to has been in the stream before it.
func TestReferencesLookBack(t *testing.T) {
	var e Event
	var persons, auctions, last int64
	for i := range int64(200_000) {
		At(i, &e)
		if e.Time < last || e.Time != TimeAt(i) {
			t.Fatalf("event %d has time %d, after %d", i, e.Time, last)
		}
		last = e.Time
		known := func(id, count int64) bool { return id >= firstID && id < firstID+count }
		switch e.Kind {
		case Person:
			persons++
		case Auction:
			auctions++
			if !known(e.Ref, persons) {
				t.Fatalf("event %d: unknown seller %d", i, e.Ref)
			}
		case Bid:
			if !known(e.ID, auctions) || !known(e.Ref, persons) {
				t.Fatalf("event %d: unknown auction %d or bidder %d", i, e.ID, e.Ref)
			}
		}
	}
	if persons != 4000 || auctions != 12_000 {
		t.Errorf("got %d persons and %d auctions, want 4000 and 12000", persons, auctions)
	}
}

func TestAtDoesNotAllocate(t *testing.T) {
	var e Event
	i := int64(0)
	if n := testing.AllocsPerRun(1000, func() { At(i, &e); i++ }); n != 0 {
		t.Errorf("%v allocations per event", n)
	}
}

func BenchmarkAt(b *testing.B) {
	var e Event
	i := int64(0)
	for b.Loop() {
		At(i, &e)
		i++
	}
}
