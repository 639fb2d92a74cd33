package source

// A Described source says what it reads. A run that goes on from a checkpoint is given
// the source that the checkpoint was taken with: where the two say something else, it is
// refused, as the positions are of the other.
type Described interface {
	// Describe names the input, and how it is read where that decides what elements are
	// made of it, for a user to read: "/data/logs/*.txt, gzip". It is the same for the same
	// input in each process, wherever that was started, and also if the input has grown. ""
	// is not compared. It does no I/O.
	Describe() string
}

// A Movable source can read on in an input that is at another place by now, such as
// files that were moved to another folder.
type Movable interface {
	// Moves reports whether it can, as a wrapper may not know before.
	Moves() bool
	// Moved is s, a split of a checkpoint, as one of this source. It is called for each split
	// that a run goes on with; one that is where the source looks for it stays as it is. It is
	// an error if the source has nothing in its place.
	Moved(s Split) (Split, error)
}
