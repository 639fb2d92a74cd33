package csvio

import "github.com/millrace/millrace/model/source"

// ShortFloat is what numbers are tried with first.
var ShortFloat = shortFloat

// An Outcome is a row or the report of a bad one.
type Outcome[T any] = outcome[T]

// OutcomeSource is what ReadWithDeadLetters reads.
func OutcomeSource[T any](pattern string, opts Options[T]) source.Source[Outcome[T]] {
	return outcomeSource(pattern, opts)
}
