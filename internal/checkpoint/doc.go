// Package checkpoint keeps the checkpoints of a pipeline in a state directory.
//
// A checkpoint is the saved cells of all tasks, as tables of Pebble, and a
// [Manifest] that says to what they belong: the graph, the positions of sources,
// what sinks prepared. The package is used by runners; it knows nothing of them,
// nor of the engine, and starts no goroutines besides Pebble's.
//
// # The directory
//
//	MILLRACE                      says that this is a state directory, and of which format
//	LOCK, OWNER, CONTROL          who has it open, and where it is asked (package control)
//	ID                            a name that no other state directory has
//	COMMITTED                     the checkpoints that sinks are known to have committed, by checksum
//	SHIPPING                      to where checkpoints are shipped, and by what claim (package shipping)
//	checkpoints/000000000007      checkpoint 7: Pebble's files, and manifest.json
//	checkpoints/000000000009-v2   checkpoint 9, a savepoint named v2
//	checkpoints/last-000000000009 the highest number of a checkpoint so far, in the name of an empty file
//	live/                         the tables of the database that the next checkpoint is made of
//	staged/                       tables that were applied since the last checkpoint
//
// What is in live and staged outlives no process: both are made anew from a
// checkpoint by [Open]. So the only writes that must be ordered are those that make
// and remove checkpoints, and each of these takes effect by one rename.
//
// # Invariants
//
// A directory in checkpoints whose name is a number is whole: it got that name after
// all that is in it was synced, and loses it before anything of it is removed. What
// a crash leaves has another name, or is found by the sums and sizes in the
// manifest. A number is given once, also after its checkpoint was removed by hand. Nothing in a checkpoint is ever changed: its tables are shared with live
// and other checkpoints as hard links, and its other files are copied.
//
// # Why tables, not batches
//
// Changes are gathered, sorted, and written as tables that Pebble ingests; its
// memtable stays empty, and its write-ahead log is off. There is no size below which
// a batch is taken instead: a checkpoint has to write a table and sync it either way.
// Through a memtable, ten keys take half as long or less, which is milliseconds, and a million random ones more than
// twice as long (BenchmarkCommit: 1.7 s here, 3.8 s there, on two busy cores). What decided it
// are faults: Pebble reports no error of a flush and tries it again without end,
// while a table that cannot be written is an error of [Store.Apply] or
// [Store.Commit]. And as what was applied since the last checkpoint is there as
// tables, the database can be made anew at any time, of the checkpoint and them.
//
// # Blocks and filters
//
// Cells that are not in memory are read key by key, so blocks are small, and there is
// a filter of ten bits for each key, by which a read of a key that is not there touches
// no block. Two million random entries of 38 bytes, in 30 tables, with a cache
// for about half of what they take (BenchmarkGet, on two busy cores):
//
//	block    found     missing    a step of a scan
//	 4 KiB    4.9 us    1.3 us     68 ns
//	 8 KiB    6.0 us    1.4 us     57 ns
//	16 KiB    7.0 us    1.3 us     51 ns
//	32 KiB   10.2 us    1.5 us     53 ns
//
// Values stay in the tables of their keys: most are small.
package checkpoint
