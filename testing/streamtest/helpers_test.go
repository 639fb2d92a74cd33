package streamtest_test

import (
	"iter"
	"slices"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/triggers"
	"github.com/millrace/millrace/windowing"
)

// The scenarios are told in seconds.
const (
	tick   model.Timestamp = 1
	second                 = 1_000_000 * tick
)

// between is the window [from, to), in seconds.
func between(from, to model.Timestamp) model.Window {
	return model.Window{Start: from * second, End: to * second}
}

// minutes are windows of a minute that take late elements for a while more.
func minutes(lateness time.Duration, panes model.PaneMode) model.WindowingStrategy {
	return model.WindowingStrategy{Windows: windowing.Fixed{Size: time.Minute}, Lateness: lateness, Panes: panes}
}

func fixed(size time.Duration) model.WindowFn { return windowing.Fixed{Size: size} }

func sliding(size, every, lateness time.Duration) model.WindowingStrategy {
	return model.WindowingStrategy{Windows: windowing.Sliding{Size: size, Every: every}, Lateness: lateness, Panes: model.Accumulating}
}

func sessions(gap, lateness time.Duration, panes model.PaneMode) model.WindowingStrategy {
	return model.WindowingStrategy{Windows: windowing.Sessions{Gap: gap}, Lateness: lateness, Panes: panes}
}

// count counts the elements of each kind.
func count(c model.PCollection[string], s model.WindowingStrategy) model.PCollection[model.KV[string, int64]] {
	return transforms.Count(transforms.Window(c, s))
}

var of = model.KVOf[string, int64]

// collected groups by key, with the values of each key in order.
func collected[V interface{ ~int | ~string }](c model.PCollection[model.KV[string, V]]) model.PCollection[model.KV[string, []V]] {
	return transforms.Map(transforms.GroupByKey(c), func(g model.KV[string, iter.Seq[V]]) model.KV[string, []V] {
		return model.KVOf(g.Key, slices.Sorted(g.Value))
	})
}

// perKey is the default trigger in disguise, so that the engine keeps windows
// key by key and folds nothing before the exchange.
type perKey struct{ triggers.Default }

func (perKey) String() string { return "default, per key" }
