package nexmark

// Shape of the stream. A cycle is CycleLength events: one person, then
// AuctionsPerCycle auctions, then bids.
const (
	CycleLength      = 50
	AuctionsPerCycle = 3
	EventsPerMilli   = 10 // event time advances 1 ms every so many events

	firstID = 1000 // ids of persons and of auctions start here

	// Popularity is skewed: a share of the references goes to one hot id, the
	// newest multiple of hotSpan; the others spread evenly over the newest ids.
	hotSpan        = 100
	recentPersons  = 1000
	recentAuctions = 100
)

var (
	names    = [8]string{"Peter Smith", "Kate Walton", "Luke Abrams", "Sarah Shultz", "Vicky Noris", "Saul Jones", "Deiter Spencer", "Julie White"}
	states   = [8]string{"AZ", "CA", "ID", "OR", "WA", "WY", "NY", "TX"}
	channels = [4]string{"Google", "Facebook", "Baidu", "Apple"}
	extras   = [8]string{
		"abcdefghijklmnopqrstuvwxyzabcdefghijkl00",
		"abcdefghijklmnopqrstuvwxyzabcdefghijkl01",
		"abcdefghijklmnopqrstuvwxyzabcdefghijkl02",
		"abcdefghijklmnopqrstuvwxyzabcdefghijkl03",
		"abcdefghijklmnopqrstuvwxyzabcdefghijkl04",
		"abcdefghijklmnopqrstuvwxyzabcdefghijkl05",
		"abcdefghijklmnopqrstuvwxyzabcdefghijkl06",
		"abcdefghijklmnopqrstuvwxyzabcdefghijkl07",
	}
)

// TimeAt returns the event time of event i, in milliseconds. It never decreases
// with i.
func TimeAt(i int64) int64 { return i / EventsPerMilli }

// At sets *e to event i of the stream, i >= 0. All fields are overwritten. It
// keeps no state and allocates nothing, so any number of goroutines may generate
// any parts of the stream.
//
// The randomness of event i is splitmix64(i), its bits drawn from for one
// choice after another; a bid draws from a second mix of that number as well.
func At(i int64, e *Event) {
	cycle, offset := i/CycleLength, i%CycleLength
	r := mix(uint64(i))
	e.Time = TimeAt(i)
	switch {
	case offset == 0:
		e.Kind = Person
		e.ID = firstID + cycle
		e.Ref, e.Price = 0, 0
		e.S1, e.S2 = names[r&7], states[(r>>3)&7]
	case offset <= AuctionsPerCycle:
		e.Kind = Auction
		e.ID = firstID + cycle*AuctionsPerCycle + offset - 1
		if r%4 != 0 {
			e.Ref = hot(cycle)
		} else {
			e.Ref = recent(cycle, recentPersons, r>>8)
		}
		e.Price = int64((r>>20)%10_000) + 1
		e.S1, e.S2 = names[(r>>40)&7], extras[(r>>44)&7]
	default:
		e.Kind = Bid
		lastAuction := cycle*AuctionsPerCycle + AuctionsPerCycle - 1
		if r%2 != 0 {
			e.ID = hot(lastAuction)
		} else {
			e.ID = recent(lastAuction, recentAuctions, r>>8)
		}
		r2 := mix(r)
		if r2%4 != 0 {
			e.Ref = hot(cycle)
		} else {
			e.Ref = recent(cycle, recentPersons, r2>>8)
		}
		e.Price = int64((r2>>24)%100_000_000) + 1
		e.S1, e.S2 = channels[(r>>40)&3], extras[(r>>44)&7]
	}
}

// hot returns the popular id of the time when last, counted from 0, is the
// newest.
func hot(last int64) int64 { return firstID + last/hotSpan*hotSpan }

// recent returns one of the newest span ids, or of all while there are fewer;
// last, counted from 0, is the newest.
func recent(last, span int64, random uint64) int64 {
	n := min(last, span-1) + 1
	return firstID + last - int64(random%uint64(n))
}

// mix is splitmix64: one step of the generator seeded with x.
func mix(x uint64) uint64 {
	x += 0x9E3779B97F4A7C15
	x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9
	x = (x ^ (x >> 27)) * 0x94D049BB133111EB
	return x ^ (x >> 31)
}
