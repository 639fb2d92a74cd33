package transforms

import (
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
)

// GenerateSequence makes a collection of numbers: source.Sequence ->
// PCollection[int64]. They come as fast as they are taken, or at the rate that numbers
// tells; it is unbounded if they are Endless.
//
// Without a rate, the numbers have no event time; source.WithEventTime and [Read]
// give them one, or [WithTimestamps].
func GenerateSequence(p *model.Pipeline, numbers source.Sequence, opts ...model.Option) model.PCollection[int64] {
	return read[int64](p, "GenerateSequence", numbers, opts)
}
