package transforms

import (
	"fmt"

	"github.com/millrace/millrace/internal/engine"
	"github.com/millrace/millrace/model"
)

// Reshuffle spreads elements evenly over all tasks: PCollection[T] ->
// PCollection[T]. It is for work that is dear per element behind a source that
// cannot be split, or behind a few hot keys. Timestamps, windows and panes stay, but
// panes may overtake each other on the way. Where panes are taken back, those of a
// window go to one task from each of those that they come from, so that no
// retraction comes before what it takes back.
//
// State: none.
func Reshuffle[T any](c model.PCollection[T], opts ...model.Option) model.PCollection[T] {
	return reshuffle(c, 0, opts)
}

func reshuffle[T any](c model.PCollection[T], tasks int, opts []model.Option) model.PCollection[T] {
	detail := ""
	if tasks > 0 {
		detail = fmt.Sprintf("to %d tasks", tasks)
	}
	return model.Add1[T](c.Pipeline(), model.Definition{
		Kind:    "Reshuffle",
		Class:   model.Exchange,
		Detail:  detail,
		Spec:    &engine.ReshuffleSpec[T]{Tasks: tasks},
		Inputs:  in(c),
		Options: opts,
	})
}
