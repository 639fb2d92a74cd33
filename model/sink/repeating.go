package sink

// A Repeating sink cannot keep the invariant of this package to the end: its medium may
// see a second Commit of the same committables as another one. What it is given takes
// effect at least once.
type Repeating interface {
	// Repeats says why, in a few words for a user to read; "" is that it does not.
	Repeats() string
}
