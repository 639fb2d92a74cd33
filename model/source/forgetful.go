package source

// A Forgetful source cannot keep the invariant of this package: a reader that is opened
// at a position may not have what the one that reported it would have produced next, as
// with a socket. What it brings is lost where a run fails between two checkpoints.
type Forgetful interface {
	// Forgets says why, in a few words for a user to read; "" is that it does not.
	Forgets() string
}
