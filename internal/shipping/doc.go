// Package shipping keeps copies of checkpoints in an object store, so that a pipeline
// outlives its machine.
//
// It stands between package checkpoint and the runner: it knows what files a checkpoint
// has, and not what is in them. It starts no goroutine and looks at no clock; whoever
// calls it decides when, and how often again.
//
// # The prefix
//
// A URL names a bucket, and in it a prefix that belongs to one line of checkpoints:
//
//	MILLRACE                              whose they are: a number that was drawn
//	claims/000000000003                   who ships, or shipped; the highest one does
//	objects/000000000003/<sha-256>        a file, shipped under claim 3
//	checkpoints/000000000003-000000000007 checkpoint 7, shipped under claim 3: a list of its files
//
// A file that the newest checkpoint has is not shipped again: of tables that were not
// compacted nothing travels but their names.
//
// # Invariants
//
// A checkpoint's list is written when all of its files are there, in one step, and
// removed before any of them. What no retained list names is removed, so it matters not
// where a process dies.
//
// A claim is created, and never by two; it is made before the newest checkpoint is
// looked for that is gone on from. Whoever ships looks, after it has written a list,
// whether its claim is still the highest. So if it is, whoever takes over sees that
// list, or a newer one. And whoever removes something lists what there is before it looks
// at the claims: it removes only what was there before another claim. What the newest
// list named then, it retains, and the new owner relies on no other object.
//
// The state directory notes the claims that were made with it. A directory that has
// not made the highest one is a copy, or was left behind when another machine took over:
// it may not go on shipping.
package shipping
