package model

import (
	"fmt"
	"reflect"
)

// A KV is one keyed value.
type KV[K comparable, V any] struct {
	Key   K
	Value V
}

// KVOf pairs a key and a value.
func KVOf[K comparable, V any](k K, v V) KV[K, V] { return KV[K, V]{k, v} }

func (kv KV[K, V]) String() string {
	if t := reflect.TypeFor[V](); t.Kind() == reflect.Func { // a sequence, not an address
		return fmt.Sprintf("%v: %v", kv.Key, t)
	}
	return fmt.Sprintf("%v: %v", kv.Key, kv.Value)
}

// AnyKey is the key, for messages about an element of unknown type.
func (kv KV[K, V]) AnyKey() any { return kv.Key }

// Meta is where an element stands in time.
type Meta struct {
	Timestamp Timestamp
	Window    Window
	Pane      Pane
}

// An Element is a value with where it stands in time.
type Element[T any] struct {
	Meta
	Value T
}
