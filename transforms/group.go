package transforms

import (
	"errors"
	"fmt"
	"iter"
	"reflect"
	"strings"

	"github.com/millrace/millrace/internal/engine"
	"github.com/millrace/millrace/model"
)

// GroupByKey gathers the values of each key in each pane: PCollection[KV[K, V]]
// -> PCollection[KV[K, iter.Seq[V]]]. The order of values is not defined. The
// result carries the last timestamp of its window, or what Timestamps of the
// [model.WindowingStrategy] says.
//
// State: every value, until its window has fired and its allowed lateness is
// over. Where a combine will do, [CombinePerKey] keeps one accumulator instead.
func GroupByKey[K comparable, V any](c model.PCollection[model.KV[K, V]], opts ...model.Option) model.PCollection[model.KV[K, iter.Seq[V]]] {
	hash, err := hashOf[K]()
	encode, errV := encodeOf(reflect.TypeFor[V](), "value")
	return model.Add1[model.KV[K, iter.Seq[V]]](c.Pipeline(), model.Definition{
		Kind:      "GroupByKey",
		Class:     model.Exchange,
		TakesLate: true,
		Detail:    placed(c, false),
		Spec:      &engine.GroupSpec[K, V]{Hash: hash, Encode: encode},
		Inputs:    in(c),
		Windowing: grouped(c),
		Err:       errors.Join(err, errV, groupable(c)),
		Options:   opts,
	})
}

// placed is the detail of a grouping: whether it is lifted, and how its windows
// are kept where that is not one by one for all keys.
func placed(c model.Input, lifts bool) string {
	col := c.Collection()
	switch {
	case col == nil:
		return ""
	case !engine.Lifts(col.Windowing):
		return "windows go by key"
	}
	var details []string
	if lifts {
		details = append(details, "lifted: folded before the exchange")
	}
	if fn, ok := col.Windowing.Strategy.Windows.(model.SlicingWindowFn); ok && engine.Sliced(col.Windowing) {
		slice := fn.Slice(0)
		details = append(details, fmt.Sprintf("in slices of %v", slice.End.Sub(slice.Start)))
	}
	return strings.Join(details, ", ")
}
