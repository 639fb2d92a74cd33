// Package simulate has pipelines go through crashes: it runs one again and again, each
// time by a schedule drawn from a seed, and compares what was committed in the end with
// a run that nothing happened to.
//
//	simulate.Run(t, func(p *model.Pipeline) {
//		lines := transforms.Read(p, simulate.Stream[string]{Events: requests})
//		simulate.Output(PerMinute(lines))
//	}, simulate.Seeds(500))
//
// The engine, the direct runner and the state directory are the real ones. What they
// stand on is simulated: tasks are stepped one at a time, in an order that is drawn; the
// clock goes as the schedule says; the disk is in memory, and forgets in a crash what
// was not synced.
//
// # What happens
//
// A schedule is the lives of several processes, one after the other. In each, at steps
// that are drawn: checkpoints, steps of tasks out of their turn, splits that have
// nothing for a while, a clock that is set forward or back; with as many tasks, and as
// small batches and mailboxes, as are drawn. At its end, mostly, the process crashes, at
// a step or at any operation of its disk, also while it recovers or commits: of what was
// not synced by then, none is left, or all, or some. Or it is killed and its disk is
// not; or operations of the disk fail, or find it full, or a write is torn; or it is
// stopped gracefully. User code fails, and the run is started again in the same process
// or not. With [Upgrade], one of the processes is the first of a later version of the
// pipeline. The last process is let alone.
//
// # What is found
//
// What a sink committed that its checkpoint did not keep, or never committed; state,
// timers and positions that were not saved with one another; state of user functions
// outside of their cells. A run that ends in an error though nothing happens to it, or
// does not end, is a failure too.
//
// # Invariants
//
// All that happens in a schedule follows from its text and the pipeline, so that it can
// be replayed: each process runs in one goroutine, but for those of the database, which
// nothing waits for to see what they do. What is compared is what is durable: the last
// file system is crashed, too.
package simulate
