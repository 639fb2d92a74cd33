// Package nexmark is the benchmark of Millrace: a stream of auctions in the
// manner of Nexmark, and the queries that are run over it.
//
// The package holds what every implementation of a query shares: the generator
// ([At]), the names of the queries ([Query]), how much work to do ([Config]) and
// the comparable outcome ([Result]). The implementations that it is compared
// with stand beside it: package loop holds the queries written by hand as Go
// loops, package oracle computes them naively. Command cmd/nexmark runs and
// measures them.
//
// Invariant: event i is a pure function of i, and event times never decrease
// with i. So a source may be split in any way, replayed from any position, and
// two implementations of one query over the same number of events must agree on
// their [Result] exactly.
package nexmark
