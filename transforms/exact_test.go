package transforms_test

import (
	"math"
	"math/big"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/millrace/millrace/internal/engine"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/testing/streamtest"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/windowing"
)

// corrected is the sum, and the mean, of two numbers of which the first is first said to
// be something else.
func corrected(t *testing.T, wrong float64) (sum, mean *streamtest.Captured[float64]) {
	const second = model.Timestamp(1_000_000)
	var p model.Pipeline
	rates := streamtest.NewStream[model.KV[string, float64]](&p).
		Add(10*second, model.KVOf("a", wrong), model.KVOf("b", 3.0)).
		Watermark(60*second).
		Add(20*second, model.KVOf("a", 6.5)).
		End()
	minutes := model.WindowingStrategy{Windows: windowing.Fixed{Size: time.Minute}, Lateness: time.Minute, Panes: model.Retracting}
	latest := transforms.Values(transforms.Reduce(transforms.Window(rates, minutes), func(_, v float64) float64 { return v }))
	sum = streamtest.Capture(transforms.CombineGlobally(latest, transforms.Sum))
	mean = streamtest.Capture(transforms.CombineGlobally(latest, transforms.Mean))
	streamtest.Run(t, &p)
	return sum, mean
}

// What is taken back leaves nothing behind, neither in a sum nor in a mean.
func TestWhatIsTakenBackIsNotInASum(t *testing.T) {
	for _, wrong := range []float64{math.Inf(1), math.Inf(-1), math.NaN(), 1e17, math.MaxFloat64, 0.1} {
		sum, mean := corrected(t, wrong)
		sum.Want(t, 9.5)
		mean.Want(t, 4.75)
	}
}

// retracting is what c has beside, where values are taken back.
func retracting[V, A, O any](c transforms.Combiner[V, A, O]) engine.Retracting[V, O] {
	return c.(engine.Retractor[V, O]).Retracting()
}

// leftOver puts values in and takes some of them out again, in any order and in parts
// that are joined, and returns what is read off and which values are left.
func leftOver[V, O any](t *rapid.T, r engine.Retracting[V, O], value *rapid.Generator[V]) (O, []V) {
	type change struct {
		v    V
		take bool
	}
	var changes []change
	var left []V
	for _, v := range rapid.SliceOfN(value, 0, 20).Draw(t, "values") {
		changes = append(changes, change{v, false})
		if rapid.IntRange(0, 2).Draw(t, "taken") > 0 {
			changes = append(changes, change{v, true})
		} else {
			left = append(left, v)
		}
	}
	parts := make([][]V, 3)
	for _, c := range rapid.Permutation(changes).Draw(t, "changes") {
		i := rapid.IntRange(0, len(parts)-1).Draw(t, "part")
		if c.take {
			r.Take(&parts[i], &c.v)
		} else {
			r.Put(&parts[i], &c.v)
		}
	}
	for i := range parts[1:] {
		r.Join(&parts[0], &parts[i+1])
	}
	return r.Read(&parts[0]), left
}

// sumOf is the exact sum of values, or what is not finite of it.
func sumOf[F ~float32 | ~float64](values []F) (*big.Float, float64) {
	total := new(big.Float).SetPrec(4000)
	special := 0.0
	for _, v := range values {
		if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
			special += f
		} else {
			total.Add(total, new(big.Float).SetFloat64(f))
		}
	}
	return total, special
}

func same(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) }

// doubles draws floats of all sizes, subnormal ones, and what is not finite.
func doubles() *rapid.Generator[float64] {
	return rapid.OneOf(rapid.Float64(), rapid.Float64Range(-10, 10),
		rapid.SampledFrom([]float64{math.Inf(1), math.Inf(-1), math.NaN(), 1e17, math.MaxFloat64, -math.MaxFloat64, math.SmallestNonzeroFloat64, 0.1}))
}

func TestSumsOverRetractionsAreThoseOfWhatIsLeft(t *testing.T) {
	sum64, mean64 := retracting(transforms.Sum[float64]()), retracting(transforms.Mean[float64]())
	sum32 := retracting(transforms.Sum[float32]())
	singles := rapid.OneOf(rapid.Float32(), rapid.SampledFrom([]float32{math.MaxFloat32, math.SmallestNonzeroFloat32, 0.1, 1e10, float32(math.Inf(1))}))
	rapid.Check(t, func(t *rapid.T) {
		got, left := leftOver(t, sum64, doubles())
		total, special := sumOf(left)
		want, _ := total.Float64()
		if want += special; special != 0 {
			want = special
		}
		if !same(got, want) {
			t.Fatalf("the sum of %v is %v, want %v", left, got, want)
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		got, left := leftOver(t, mean64, doubles())
		total, special := sumOf(left)
		want := math.NaN()
		switch {
		case special != 0:
			want = special
		case len(left) > 0:
			want, _ = total.Quo(total, big.NewFloat(float64(len(left)))).Float64()
		}
		if !same(got, want) {
			t.Fatalf("the mean of %v is %v, want %v", left, got, want)
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		got, left := leftOver(t, sum32, singles)
		total, special := sumOf(left)
		want, _ := total.Float32()
		if special != 0 {
			want = float32(special)
		}
		if !same(float64(got), float64(want)) {
			t.Fatalf("the sum of %v is %v, want %v", left, got, want)
		}
	})
}

func TestMeansOfLargeIntegersOverRetractionsAreThoseOfWhatIsLeft(t *testing.T) {
	signed, unsigned := retracting(transforms.Mean[int64]()), retracting(transforms.Mean[uint64]())
	check := func(t *rapid.T, got float64, sum *big.Int, n int) {
		want := math.NaN()
		if n > 0 {
			want, _ = new(big.Rat).SetFrac(sum, big.NewInt(int64(n))).Float64()
		}
		if !same(got, want) {
			t.Fatalf("the mean of %d values that are %v in all is %v, want %v", n, sum, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		got, left := leftOver(t, signed, rapid.Int64())
		sum := new(big.Int)
		for _, v := range left {
			sum.Add(sum, big.NewInt(v))
		}
		check(t, got, sum, len(left))
	})
	rapid.Check(t, func(t *rapid.T) {
		got, left := leftOver(t, unsigned, rapid.Uint64())
		sum := new(big.Int)
		for _, v := range left {
			sum.Add(sum, new(big.Int).SetUint64(v))
		}
		check(t, got, sum, len(left))
	})
}

// What is kept does not grow with what came and went.
func TestAnExactSumStaysSmall(t *testing.T) {
	sum := retracting(transforms.Sum[float64]())
	var acc []float64
	v, w := 1e300, 0.1
	for range 1000 {
		sum.Put(&acc, &w)
		sum.Put(&acc, &v)
		sum.Take(&acc, &v)
	}
	if len(acc) > 20 {
		t.Errorf("it keeps %d numbers", len(acc))
	}
	if allocs := testing.AllocsPerRun(100, func() { sum.Put(&acc, &w); sum.Take(&acc, &w) }); allocs != 0 {
		t.Errorf("a value takes %v allocations", allocs)
	}
}
