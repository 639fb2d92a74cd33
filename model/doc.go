// Package model describes a pipeline: its collections, the transforms between
// them, and how each collection is cut into windows and panes. It builds the
// graph and checks it; it knows nothing of how a graph runs.
//
// Everything else leans on this package and it leans on nothing of the module.
// Its invariant: a Node in [Pipeline.Nodes] is sound. A mistake made while
// building is recorded once, with the user's line, and the node that it would
// have become does not exist; whatever is built on it is silently dropped, so
// that one mistake is reported once.
package model
