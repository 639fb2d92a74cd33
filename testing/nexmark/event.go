package nexmark

// Kind says what an Event is.
type Kind uint8

// The kinds of event, in the order in which a cycle of the stream brings them.
const (
	Person  Kind = iota // somebody registers with the auction house
	Auction             // a person puts an item up for sale
	Bid                 // a person offers a price for an auction
)

// String returns the kind's name in lower case.
func (k Kind) String() string {
	switch k {
	case Person:
		return "person"
	case Auction:
		return "auction"
	case Bid:
		return "bid"
	}
	return "unknown"
}

// Event is one event of the stream. The three kinds share one flat struct, so
// that a source can hand out events of all kinds without boxing them; what a
// field means depends on Kind:
//
//	        Person       Auction            Bid
//	ID      its own id   its own id         the auction bid on
//	Ref     0            the seller's id    the bidder's id
//	Price   0            the initial bid    the price offered
//	S1      name         item               channel
//	S2      US state     description        extra text
//
// The strings are taken from small fixed tables and never built, so an Event
// owns no memory and may be copied freely.
type Event struct {
	Kind  Kind
	Time  int64 // event time in milliseconds since the stream's start
	ID    int64 // person: own id; auction: own id; bid: id of the auction
	Ref   int64 // person: 0; auction: id of the seller; bid: id of the bidder
	Price int64 // person: 0; auction: initial bid; bid: price
	S1    string
	S2    string
}
