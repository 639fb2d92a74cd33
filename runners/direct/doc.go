// Package direct runs a pipeline in this process, on all its cores.
//
// It hosts the core of package internal/engine: every stage of the plan becomes
// as many tasks as there is parallelism, and a pool of as many workers steps
// whichever tasks have something to do and room for what they make. A task's
// mailbox is bounded; a full one stops those that fill it, up to the source: that
// is the backpressure.
//
// The invariant: a task is stepped by one worker at a time, and messages from one
// task to another arrive in the order in which they were sent.
package direct
