package transforms_test

import (
	"cmp"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/millrace/millrace/transforms"
)

// folded combines values as a run may: cut into parts that are folded apart and
// merged in some order, with results read off on the way.
func folded[V, A, O any](t *rapid.T, c transforms.Combiner[V, A, O], values []V) O {
	values = slices.Clone(values)
	accs := []A{c.New()}
	for _, v := range rapid.Permutation(values).Draw(t, "order") {
		if rapid.Bool().Draw(t, "cut") {
			accs = append(accs, c.New())
		}
		i := len(accs) - 1
		accs[i] = c.Add(accs[i], v)
	}
	accs = rapid.Permutation(accs).Draw(t, "parts")
	all := accs[0]
	for _, a := range accs[1:] {
		if len(values) > 0 && rapid.Bool().Draw(t, "look") {
			_ = c.Result(all)
		}
		all = c.Merge(all, a)
	}
	return c.Result(all)
}

// TestCombiners holds each combiner, however its values are cut and ordered, to a
// plain computation over all of them.
func TestCombiners(t *testing.T) {
	values := rapid.SliceOfN(rapid.IntRange(-20, 20), 1, 12)
	check := func(name string, property func(t *rapid.T, values []int)) {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) { property(t, values.Draw(t, "values")) })
		})
	}
	check("Sum", func(t *rapid.T, values []int) {
		want := 0
		for _, v := range values {
			want += v
		}
		wantSame(t, folded(t, transforms.Sum[int](), values), want)
	})
	check("Counting", func(t *rapid.T, values []int) {
		wantSame(t, folded(t, transforms.Counting[int](), values), int64(len(values)))
	})
	check("Mean", func(t *rapid.T, values []int) {
		sum := 0
		for _, v := range values {
			sum += v
		}
		wantSame(t, folded(t, transforms.Mean[int](), values), float64(sum)/float64(len(values)))
	})
	check("Min", func(t *rapid.T, values []int) {
		wantSame(t, folded(t, transforms.Min[int](), values), slices.Min(values))
	})
	check("Max", func(t *rapid.T, values []int) {
		wantSame(t, folded(t, transforms.Max[int](), values), slices.Max(values))
	})
	check("Top", func(t *rapid.T, values []int) {
		n := rapid.IntRange(1, 14).Draw(t, "n")
		largestFirst := func(a, b int) int { return cmp.Compare(b, a) }
		want := slices.SortedFunc(slices.Values(values), largestFirst)
		want = want[:min(n, len(want))]
		if got := folded(t, transforms.Top(n, cmp.Compare[int])(), values); !slices.Equal(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}

func wantSame[T comparable](t *rapid.T, got, want T) {
	if got != want {
		t.Fatalf("got %v, want %v", got, want)
	}
}

func TestTopSharesNothingWithItsResult(t *testing.T) {
	top := transforms.Top(2, cmp.Compare[int])()
	acc := top.Add(top.Add(top.New(), 3), 5)
	result := top.Result(acc)
	acc = top.Add(acc, 7)
	if want := []int{5, 3}; !slices.Equal(result, want) {
		t.Errorf("an earlier result became %v, want %v", result, want)
	}
	if got, want := top.Result(acc), []int{7, 5}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestTopKeepsWhatItMergesAsItIs(t *testing.T) {
	top := transforms.Top(2, cmp.Compare[int])()
	a, b := top.Add(top.New(), 5), top.Add(top.Add(top.New(), 2), 7)
	before := slices.Clone(b)
	top.Merge(a, b)
	if !slices.Equal(b, before) {
		t.Errorf("%v became %v", before, b)
	}
}

func TestMinAndMaxPutNaNFirst(t *testing.T) {
	values := []float64{2, math.NaN(), 1}
	lo, hi := transforms.Min[float64](), transforms.Max[float64]()
	a, b := lo.New(), hi.New()
	for _, v := range values {
		a, b = lo.Add(a, v), hi.Add(b, v)
	}
	if got := lo.Result(a); !math.IsNaN(got) {
		t.Errorf("the smallest of %v is %v, want NaN", values, got)
	}
	if got := hi.Result(b); got != 2 {
		t.Errorf("the largest of %v is %v, want 2", values, got)
	}
}

func TestSumOfIntegersWraps(t *testing.T) {
	sum := transforms.Sum[int8]()
	if got := sum.Result(sum.Add(sum.Add(sum.New(), 100), 100)); got != -56 {
		t.Errorf("100 + 100 is %d in an int8, want -56", got)
	}
}
