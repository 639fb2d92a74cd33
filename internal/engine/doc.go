// Package engine is Millrace's core: what a stage of a plan does with elements,
// watermarks and processing time. Both runners host it; they differ only in who
// keeps its state, who moves its messages and who says what time it is.
//
// Its invariant: it is a deterministic state machine. Nothing here starts a
// goroutine, reads a clock, or touches a disk or a socket, and nothing depends
// on the order of a Go map. The same calls give the same outputs.
//
// To read it, start with [Task], which is one instance of a stage. [Emit] is how
// fused transforms hand each other elements; partitioner and lift end a stage,
// [Receiver]s begin one: aligned for windows that every key shares, paned for
// windows and triggers that go by key. They know keys and accumulators by number;
// edge.go has what must know their types. Their state is kept by package cells.
package engine
