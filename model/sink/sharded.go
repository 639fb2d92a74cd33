package sink

// A Sharded sink makes an exact number of things, say files, whatever the number
// of writers. A runner asks when it plans the pipeline, and opens no more writers
// than that; a sink that is opened with fewer divides what each is given.
type Sharded interface {
	// Shards is the number of shards; 0 leaves it to the runner, which then opens a
	// writer for each.
	Shards() int
}
