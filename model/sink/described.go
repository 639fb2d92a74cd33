package sink

// A Described sink says what it writes to. A run that goes on from a checkpoint is given
// the sink that the checkpoint was taken with: where the two say something else, it is
// refused, as a part of the result would be elsewhere.
type Described interface {
	// Describe names the place, and the form of what is written there, for a user to read:
	// "/data/out.csv, csv". It is the same for the same place in each process, wherever that
	// was started. "" is not compared. It does no I/O.
	Describe() string
}
