package transforms

import (
	"github.com/millrace/millrace/internal/engine"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
)

// Impulse makes a collection of one element without content, in the global window,
// with the earliest timestamp: -> PCollection[struct{}]. Behind it, a transform does
// something once.
func Impulse(p *model.Pipeline, opts ...model.Option) model.PCollection[struct{}] {
	return model.Add1[struct{}](p, model.Definition{
		Kind:    "Impulse",
		Class:   model.Source,
		Spec:    &engine.ReadSpec[struct{}]{Source: created[struct{}]{{}}},
		Options: opts,
	})
}

// PeriodicImpulse makes a collection of the instants of processing time at which
// something is to be done again: source.Periodic -> PCollection[model.Timestamp]. An
// element is stamped with its instant, and the watermark is the next instant. The
// collection is in the global window; with [Window] and windowing.Fixed of the same
// length, each instant has a window of its own.
//
// Instants that were missed, by a run that was down or behind, come one after the
// other as soon as they can. The collection is unbounded unless it has an End.
func PeriodicImpulse(p *model.Pipeline, instants source.Periodic, opts ...model.Option) model.PCollection[model.Timestamp] {
	return read[model.Timestamp](p, "PeriodicImpulse", instants, opts)
}
