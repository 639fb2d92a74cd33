// Package filesink writes elements to files in two phases. Connectors of files
// put an encoder on top of it.
//
// It stands below the connectors and knows nothing of what elements look like; it
// implements [sink.Sink] for them. A writer collects elements in a part: a file
// with a hidden name in the folder of the output. Prepare makes the part durable
// and names it; Commit gives it its final name. Each further Prepare of a writer
// makes another part.
//
// The invariant: a file under a final name is complete and never changes, and
// what was prepared has exactly one name, the hidden or the final one, so that a
// repeated Commit sees what the first one did.
//
// A process that dies leaves the hidden files that it had not committed. Their names tell
// the state directory, and the next run with that removes them, after it has committed
// those which its checkpoint knows of. The hidden files of a run without a state
// directory stay: nothing can tell them from those of a writer that still works.
//
// A committed file may be taken away at once. Where neither name of a prepared file is
// there, it was committed and taken; see [sink.Gone].
package filesink
