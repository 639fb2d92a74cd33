package sink

// An Exclusive sink has a target that no other sink of the pipeline may write to, for
// one would replace what the other wrote. Two with the same target are a mistake.
type Exclusive interface {
	// Target names what is written to: equal for equal targets, and "" for one that
	// can be shared.
	Target() string
}
