package transforms

import (
	"github.com/millrace/millrace/model"
)

// KeyBy keys each element: PCollection[V] -> PCollection[KV[K, V]].
func KeyBy[K comparable, V any](c model.PCollection[V], key func(V) K, opts ...model.Option) model.PCollection[model.KV[K, V]] {
	var fn func(V) model.KV[K, V]
	if key != nil {
		fn = func(v V) model.KV[K, V] { return model.KV[K, V]{Key: key(v), Value: v} }
	}
	return mapKind(c, "KeyBy", fn, opts)
}

// Keys drops the values: PCollection[KV[K, V]] -> PCollection[K].
func Keys[K comparable, V any](c model.PCollection[model.KV[K, V]], opts ...model.Option) model.PCollection[K] {
	return mapKind(c, "Keys", func(kv model.KV[K, V]) K { return kv.Key }, opts)
}

// Values drops the keys: PCollection[KV[K, V]] -> PCollection[V].
func Values[K comparable, V any](c model.PCollection[model.KV[K, V]], opts ...model.Option) model.PCollection[V] {
	return mapKind(c, "Values", func(kv model.KV[K, V]) V { return kv.Value }, opts)
}

// Swap makes the value the key: PCollection[KV[K, V]] -> PCollection[KV[V, K]].
func Swap[K, V comparable](c model.PCollection[model.KV[K, V]], opts ...model.Option) model.PCollection[model.KV[V, K]] {
	return mapKind(c, "Swap", func(kv model.KV[K, V]) model.KV[V, K] { return model.KV[V, K]{Key: kv.Value, Value: kv.Key} }, opts)
}
