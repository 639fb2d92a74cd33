package sink

import "context"

// A Sweeper is a sink whose writers leave things behind when their process dies. A runner
// calls Sweep before it opens writers, after it has committed what was prepared for the
// checkpoint that it goes on from: what is still there of that owner, nobody needs.
type Sweeper interface {
	// Sweep removes what writers with this [Shard.Owner] have left and not committed, and
	// tells how many things that were. None of them is at work.
	Sweep(ctx context.Context, owner string) (int, error)
}
