package transforms

import (
	"iter"

	"github.com/millrace/millrace/internal/engine"
)

// A MapView is a side input of [AsMap] in one window: a value for each key. It
// holds during the call that it is given to; the zero MapView is empty.
type MapView[K comparable, V any] struct{ m *engine.SideMap[K, V] }

// MapViewOf is a view of m, for tests of functions that take one.
func MapViewOf[K comparable, V any](m map[K]V) MapView[K, V] {
	v := MapView[K, V]{&engine.SideMap[K, V]{}}
	for k, x := range m {
		v.m.Set(k, x)
	}
	return v
}

// Get is the value of k, and whether there is one.
func (v MapView[K, V]) Get(k K) (value V, ok bool) {
	if v.m == nil {
		return value, false
	}
	return v.m.Get(k)
}

// Len is the number of keys.
func (v MapView[K, V]) Len() int {
	if v.m == nil {
		return 0
	}
	return v.m.Len()
}

// All is every key with its value. Their order is not defined.
func (v MapView[K, V]) All() iter.Seq2[K, V] {
	if v.m == nil {
		return func(func(K, V) bool) {}
	}
	return v.m.All()
}

// A MultimapView is a side input of [AsMultimap] in one window: the values of each
// key. It holds during the call that it is given to; the zero MultimapView is empty.
type MultimapView[K comparable, V any] struct{ m *engine.SideMultimap[K, V] }

// MultimapViewOf is a view of m, for tests of functions that take one.
func MultimapViewOf[K comparable, V any](m map[K][]V) MultimapView[K, V] {
	v := MultimapView[K, V]{&engine.SideMultimap[K, V]{}}
	for k, values := range m {
		for _, x := range values {
			v.m.Add(k, x)
		}
	}
	return v
}

// Get is the values of k, in no defined order. The slice must not be changed.
func (v MultimapView[K, V]) Get(k K) []V {
	if v.m == nil {
		return nil
	}
	return v.m.Get(k)
}

// Len is the number of keys that have values.
func (v MultimapView[K, V]) Len() int {
	if v.m == nil {
		return 0
	}
	return v.m.Len()
}

// All is every key with its values. Their order is not defined.
func (v MultimapView[K, V]) All() iter.Seq2[K, []V] {
	if v.m == nil {
		return func(func(K, []V) bool) {}
	}
	return v.m.All()
}
