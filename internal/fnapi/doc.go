// Package fnapi is the worker's end of Beam's Fn API, the protocol by which a portable
// engine (Flink, Prism, and others) has bundles of elements worked on in another process.
//
// It is transport and the life of a bundle, and knows nothing of what the bundles are for: a
// [Handler] compiles the descriptor of an engine's stage into a [Processor], which is given one
// [Bundle] after the other, and several at once. Over gRPC there are five services:
//
//   - control: the engine asks for bundles, for their progress, to split them, to finalize
//     them (worker.go, control.go);
//   - data: elements and timers, in blocks, both ways (data.go, inbox.go);
//   - state: reads, and writes that do not wait for their answers (state.go);
//   - logging and worker status (logging.go, status.go).
//
// A [Worker] is one such end, under the id that the engine gave it. A process may run several,
// and a [Pool] starts them as an engine asks for them.
//
// Two rules hold whatever the engine does. A bundle's answer is sent after all its writes of state
// have been answered and all its elements and timers have been sent. And what an engine sends can fail a
// bundle, or end a worker, but never the process.
//
// Windows are global in every message that passes here: windows, triggers and lateness are not the
// engine's business. Times are in milliseconds since 1970, the resolution of the protocol.
package fnapi
