package transforms

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// A Number is what can be added up.
type Number interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64 |
		~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64 |
		~float32 | ~float64
}

// Counting is the [Combiner] that counts values.
func Counting[V any]() Combiner[V, int64, int64] { return counting[V]{} }

type counting[V any] struct{}

func (counting[V]) New() int64             { return 0 }
func (counting[V]) Add(a int64, _ V) int64 { return a + 1 }
func (counting[V]) Merge(a, b int64) int64 { return a + b }
func (counting[V]) Result(a int64) int64   { return a }

// Subtract implements [Inverter].
func (counting[V]) Subtract(a int64, _ V) int64 { return a - 1 }

// Sum is the [Combiner] that adds values up. Integers wrap on overflow; the sum
// of floats depends on the order in its last bits.
//
// Over an input with retractions, a sum of floats is that of the values that are left,
// whatever was taken back: it is kept exactly, in some hundred bytes for each key and
// window, and rounded once, for a pane.
func Sum[N Number]() Combiner[N, N, N] {
	if isFloat[N]() {
		return floatSum[N]{}
	}
	return sum[N]{}
}

// Add returns a + b; it is a ready argument for [Reduce].
func Add[N Number](a, b N) N { return a + b }

type sum[N Number] struct{}

func (sum[N]) New() N         { return 0 }
func (sum[N]) Add(a, v N) N   { return a + v }
func (sum[N]) Merge(a, b N) N { return a + b }
func (sum[N]) Result(a N) N   { return a }

// Subtract implements [Inverter].
func (sum[N]) Subtract(a, v N) N { return a - v }

// Mean is the [Combiner] of the arithmetic mean. It adds up as float64, which is
// exact for integers up to 2^53. Over an input with retractions, it is exact as that of
// [Sum] is.
func Mean[N Number]() Combiner[N, MeanAccumulator, float64] {
	switch {
	case isFloat[N]():
		return floatMean[N]{}
	case isWide[N]():
		return wideMean[N]{}
	}
	return smallMean[N]{}
}

// A MeanAccumulator is what [Mean] remembers.
type MeanAccumulator struct {
	Sum   float64
	Count int64
}

type mean[N Number] struct{}

func (mean[N]) New() MeanAccumulator { return MeanAccumulator{} }

func (mean[N]) Add(a MeanAccumulator, v N) MeanAccumulator {
	return MeanAccumulator{a.Sum + float64(v), a.Count + 1}
}

func (mean[N]) Merge(a, b MeanAccumulator) MeanAccumulator {
	return MeanAccumulator{a.Sum + b.Sum, a.Count + b.Count}
}

// smallMean is the mean of integers whose sum is exact.
type smallMean[N Number] struct{ mean[N] }

// Subtract implements [Inverter].
func (smallMean[N]) Subtract(a MeanAccumulator, v N) MeanAccumulator {
	return MeanAccumulator{a.Sum - float64(v), a.Count - 1}
}

func (mean[N]) Result(a MeanAccumulator) float64 { return a.Sum / float64(a.Count) }

// Min is the [Combiner] of the smallest value. A float NaN counts as smaller
// than any other, as in [cmp.Compare].
func Min[T cmp.Ordered]() Combiner[T, Extreme[T], T] { return extreme[T]{-1} }

// Max is the [Combiner] of the largest value.
func Max[T cmp.Ordered]() Combiner[T, Extreme[T], T] { return extreme[T]{1} }

// An Extreme is what [Min] and [Max] remember.
type Extreme[T any] struct {
	Some  bool
	Value T
}

type extreme[T cmp.Ordered] struct{ sign int }

func (extreme[T]) New() Extreme[T] { return Extreme[T]{} }

func (e extreme[T]) Add(a Extreme[T], v T) Extreme[T] {
	if !a.Some || cmp.Compare(v, a.Value)*e.sign > 0 {
		return Extreme[T]{true, v}
	}
	return a
}

func (e extreme[T]) Merge(a, b Extreme[T]) Extreme[T] {
	if !b.Some {
		return a
	}
	return e.Add(a, b.Value)
}

func (extreme[T]) Result(a Extreme[T]) T { return a.Value }

// Top is the constructor of the [Combiner] of the n largest values by compare, the
// largest first: Top(3, cmp.Compare[int]) of 5, 9, 1 and 7 is 9, 7, 5. Compare is
// negative where a is the smaller, as with [slices.SortFunc]; it must be a total
// order, or which of several equal values are kept is not defined. Its state is up
// to n values.
func Top[T any](n int, compare func(a, b T) int) func() Combiner[T, []T, []T] {
	return func() Combiner[T, []T, []T] { return top[T]{n, compare} }
}

// top keeps up to n values as a heap with the smallest one first.
type top[T any] struct {
	n       int
	compare func(a, b T) int
}

// Validate reports what is wrong with Top's arguments.
func (t top[T]) Validate() error {
	var err error
	if t.n < 1 {
		err = fmt.Errorf("Top(%d) keeps nothing; it needs at least 1", t.n)
	}
	if t.compare == nil {
		err = errors.Join(err, errors.New("Top needs a function that compares"))
	}
	return err
}

func (top[T]) New() []T { return nil }

func (t top[T]) Add(a []T, v T) []T {
	if len(a) < t.n {
		a = append(a, v)
		for i := len(a) - 1; i > 0; {
			parent := (i - 1) / 2
			if t.compare(a[i], a[parent]) >= 0 {
				break
			}
			a[i], a[parent] = a[parent], a[i]
			i = parent
		}
		return a
	}
	if t.compare(v, a[0]) <= 0 {
		return a
	}
	a[0] = v
	for i := 0; ; {
		c := 2*i + 1
		if c >= len(a) {
			return a
		}
		if c+1 < len(a) && t.compare(a[c+1], a[c]) < 0 {
			c++
		}
		if t.compare(a[c], a[i]) >= 0 {
			return a
		}
		a[i], a[c] = a[c], a[i]
		i = c
	}
}

func (t top[T]) Merge(a, b []T) []T {
	for _, v := range b {
		a = t.Add(a, v)
	}
	return a
}

func (t top[T]) Result(a []T) []T {
	out := slices.Clone(a)
	slices.SortFunc(out, func(a, b T) int { return t.compare(b, a) })
	return out
}
