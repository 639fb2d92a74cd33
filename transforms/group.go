package transforms

import (
	"errors"
	"iter"

	"github.com/millrace/millrace/internal/engine"
	"github.com/millrace/millrace/model"
)

// GroupByKey gathers the values of each key in each pane: PCollection[KV[K, V]]
// -> PCollection[KV[K, iter.Seq[V]]]. The order of values is not defined. The
// result carries the last timestamp of its window.
//
// State: every value, until its window has fired and its allowed lateness is
// over. Where a combine will do, [CombinePerKey] keeps one accumulator instead.
func GroupByKey[K comparable, V any](c model.PCollection[model.KV[K, V]], opts ...model.Option) model.PCollection[model.KV[K, iter.Seq[V]]] {
	hash, err := hashOf[K]()
	encode, errV := encodeOf[V]("value")
	return model.Add1[model.KV[K, iter.Seq[V]]](c.Pipeline(), model.Definition{
		Kind:      "GroupByKey",
		Class:     model.Exchange,
		TakesLate: true,
		Detail:    placed(c, ""),
		Spec:      engine.GroupSpec[K, V]{Hash: hash, Encode: encode},
		Inputs:    in(c),
		Windowing: grouped(c),
		Err:       errors.Join(err, errV, groupable(c)),
		Options:   opts,
	})
}

// placed is the detail of a grouping: how its windows are kept.
func placed(c model.Input, lift string) string {
	col := c.Collection()
	if col == nil {
		return ""
	}
	w := col.Windowing
	if !engine.Lifts(w) {
		return "windows per key"
	}
	if !w.Assigned && engine.Sliced(w) {
		if lift != "" {
			lift += ", "
		}
		return lift + "slices"
	}
	return lift
}
