package transforms

import (
	"math"
	"math/big"
	"math/bits"

	"github.com/millrace/millrace/internal/engine"
)

// How sums and means are kept over an input with retractions, where what is taken back
// must leave nothing behind: no rounding error, no infinity, no NaN. The accumulator is a
// list of numbers of the values' own type, and holds the sum exactly. See
// engine.Retractor.

// An exact sum of floats lists how many NaNs, positive and negative infinities and values
// there are, each as a pair of a high and a low part; then the place of the first digit;
// then the digits of the sum of all finite values, lowest first. A digit at place p counts
// for 2^(12p-1074), is between -4096 and 4096, and may be of either sign.
const (
	exactNaNs = 2 * iota
	exactPlus
	exactMinus
	exactCount
	exactPlace
	exactDigits = exactPlace + 1

	exactBits  = 12
	exactLow   = -1074   // the exponent of the smallest float
	exactCarry = 1 << 20 // of a low part; a float32 counts as far as 1<<24
)

// floatSum is the combiner of Sum for floats. It is no [Inverter], but an
// engine.Retractor.
type floatSum[N Number] struct{}

func (floatSum[N]) New() N         { return 0 }
func (floatSum[N]) Add(a, v N) N   { return a + v }
func (floatSum[N]) Merge(a, b N) N { return a + b }
func (floatSum[N]) Result(a N) N   { return a }

// Retracting implements engine.Retractor.
func (floatSum[N]) Retracting() engine.Retracting[N, N] {
	return engine.Retracting[N, N]{Put: exactPut[N], Take: exactTake[N], Join: exactJoin[N], Read: exactSum[N]}
}

// floatMean is to Mean what floatSum is to Sum.
type floatMean[N Number] struct{ mean[N] }

// Retracting implements engine.Retractor.
func (floatMean[N]) Retracting() engine.Retracting[N, float64] {
	return engine.Retracting[N, float64]{Put: exactPut[N], Take: exactTake[N], Join: exactJoin[N], Read: exactMean[N]}
}

func exactPut[N Number](into *[]N, v *N)  { exactAdd(into, *v, 1) }
func exactTake[N Number](into *[]N, v *N) { exactAdd(into, *v, -1) }

// isFloat reports whether N has fractions.
func isFloat[N Number]() bool {
	one := N(1)
	return one/2 != 0
}

// isWide reports whether N is of integers that a float64 may not hold.
func isWide[N Number]() bool {
	large := uint64(1)<<53 + 1
	return !isFloat[N]() && uint64(N(large)) == large
}

// exactAdd adds v, or takes it out if sign is -1.
func exactAdd[N Number](acc *[]N, v N, sign int64) {
	if *acc == nil {
		*acc = make([]N, exactDigits, exactDigits+6)
	}
	f := float64(v)
	exactBump(*acc, exactCount, N(1), sign)
	switch {
	case math.IsNaN(f):
		exactBump(*acc, exactNaNs, N(1), sign)
	case math.IsInf(f, 1):
		exactBump(*acc, exactPlus, N(1), sign)
	case math.IsInf(f, -1):
		exactBump(*acc, exactMinus, N(1), sign)
	case f != 0:
		if f < 0 {
			f, sign = -f, -sign
		}
		fraction, exp := math.Frexp(f)
		mantissa := uint64(fraction * (1 << 53))
		zeros := bits.TrailingZeros64(mantissa)
		mantissa, exp = mantissa>>zeros, exp-53+zeros-exactLow
		place := exp / exactBits
		for m := mantissa << (exp % exactBits); m != 0; m >>= exactBits { // 53 bits and 11
			exactDigit(acc, place, float64(sign)*float64(m%(1<<exactBits)))
			place++
		}
		exactTrim(acc)
	}
}

// exactBump adds n, less than exactCarry, or takes it from the count at i.
func exactBump[N Number](acc []N, i int, n N, sign int64) {
	if sign < 0 {
		acc[i+1] -= n
	} else {
		acc[i+1] += n
	}
	carry := exactCarryOf(acc[i+1])
	acc[i] += carry
	acc[i+1] -= carry * exactUnit[N]()
}

// exactUnit is exactCarry as an N.
func exactUnit[N Number]() N {
	n := exactCarry
	return N(n)
}

// exactCarryOf is what of n is carried: 1, -1 or 0.
func exactCarryOf[N Number](n N) N {
	switch u := exactUnit[N](); {
	case n >= u:
		return 1
	case n+u <= 0:
		return 0 - N(1)
	}
	return 0
}

// exactDigit adds d to the digit at place, and carries.
func exactDigit[N Number](acc *[]N, place int, d float64) {
	for d != 0 {
		i := exactIndex(acc, place)
		sum := float64((*acc)[i]) + d
		d = 0
		switch {
		case sum >= 1<<exactBits:
			sum, d = sum-(1<<exactBits), 1
		case sum <= -(1 << exactBits):
			sum, d = sum+(1<<exactBits), -1
		}
		(*acc)[i] = N(sum)
		place++
	}
}

// exactIndex is where in acc the digit at place is. There is one afterwards.
func exactIndex[N Number](acc *[]N, place int) int {
	a := *acc
	if len(a) == exactDigits {
		a[exactPlace] = N(place)
	}
	first := int(a[exactPlace])
	if more := first - place; more > 0 {
		had := len(a)
		for range more {
			a = append(a, 0)
		}
		copy(a[exactDigits+more:], a[exactDigits:had])
		clear(a[exactDigits:][:more])
		first = place
		a[exactPlace] = N(first)
	}
	i := exactDigits + place - first
	for len(a) <= i {
		a = append(a, 0)
	}
	*acc = a
	return i
}

// exactTrim drops zeros at both ends of the digits.
func exactTrim[N Number](acc *[]N) {
	a := *acc
	for len(a) > exactDigits && a[len(a)-1] == 0 {
		a = a[:len(a)-1]
	}
	zeros := 0
	for exactDigits+zeros < len(a) && a[exactDigits+zeros] == 0 {
		zeros++
	}
	if zeros > 0 {
		a = append(a[:exactDigits], a[exactDigits+zeros:]...)
		a[exactPlace] += N(zeros)
	}
	*acc = a
}

// exactJoin adds all that is in other to into.
func exactJoin[N Number](into, other *[]N) {
	from := *other
	if from == nil {
		return
	}
	if *into == nil {
		*into = append([]N(nil), from...)
		return
	}
	for _, i := range []int{exactNaNs, exactPlus, exactMinus, exactCount} {
		(*into)[i] += from[i]
		exactBump(*into, i, from[i+1], 1)
	}
	for i, d := range from[exactDigits:] {
		exactDigit(into, int(from[exactPlace])+i, float64(d))
	}
	exactTrim(into)
}

// exactCounted is the count at i.
func exactCounted[N Number](acc []N, i int) int64 {
	return int64(acc[i])*exactCarry + int64(acc[i+1])
}

// exactSpecial is the sum of what is not finite, and whether there is any.
func exactSpecial[N Number](acc []N) (sum float64, any bool) {
	nan, plus, minus := exactCounted(acc, exactNaNs) > 0, exactCounted(acc, exactPlus) > 0, exactCounted(acc, exactMinus) > 0
	switch {
	case nan || plus && minus:
		return math.NaN(), true
	case plus:
		return math.Inf(1), true
	case minus:
		return math.Inf(-1), true
	}
	return 0, false
}

// exactTotal is the sum of what is finite.
func exactTotal[N Number](acc []N) *big.Float {
	sum := new(big.Int)
	for i := len(acc) - 1; i >= exactDigits; i-- {
		sum.Lsh(sum, exactBits).Add(sum, big.NewInt(int64(acc[i])))
	}
	total := new(big.Float).SetInt(sum)
	return total.SetMantExp(total, int(acc[exactPlace])*exactBits+exactLow)
}

// exactSum is the sum, rounded once.
func exactSum[N Number](of *[]N) N {
	acc := *of
	if acc == nil {
		return 0
	}
	if f, special := exactSpecial(acc); special {
		return N(f)
	}
	total := exactTotal(acc)
	large := 1 << 24
	if N(large)+1 == N(large) { // a float32
		f, _ := total.Float32()
		return N(f)
	}
	f, _ := total.Float64()
	return N(f)
}

// exactMean is the mean, whose sum may be beyond all floats.
func exactMean[N Number](of *[]N) float64 {
	acc := *of
	if acc == nil || exactCounted(acc, exactCount) == 0 {
		return math.NaN()
	}
	if f, special := exactSpecial(acc); special {
		return f
	}
	return quotient(exactTotal(acc), exactCounted(acc, exactCount))
}

func quotient(total *big.Float, n int64) float64 {
	precision := total.Prec() + 128 // so that it is rounded once: it is not nearer to a tie than that
	f, _ := new(big.Float).SetPrec(precision).Quo(total, new(big.Float).SetInt64(n)).Float64()
	return f
}

// wideMean is the combiner of Mean for integers of 64 bits. Over retractions, its list is
// the number of values and their sum, of 128 bits: the low half and the high one.
type wideMean[N Number] struct{ mean[N] }

// Retracting implements engine.Retractor.
func (wideMean[N]) Retracting() engine.Retracting[N, float64] {
	return engine.Retracting[N, float64]{Put: widePut[N], Take: wideTake[N], Join: wideJoin[N], Read: wideRead[N]}
}

func widePut[N Number](into *[]N, v *N) {
	if *into == nil {
		*into = make([]N, 3)
	}
	a := *into
	low, carry := bits.Add64(uint64(a[1]), uint64(*v), 0)
	high, _ := bits.Add64(uint64(a[2]), signOf(*v), carry)
	a[0], a[1], a[2] = a[0]+1, N(low), N(high)
}

func wideTake[N Number](into *[]N, v *N) {
	if *into == nil {
		*into = make([]N, 3)
	}
	a := *into
	low, borrow := bits.Sub64(uint64(a[1]), uint64(*v), 0)
	high, _ := bits.Sub64(uint64(a[2]), signOf(*v), borrow)
	a[0], a[1], a[2] = a[0]-1, N(low), N(high)
}

func wideJoin[N Number](into, from *[]N) {
	a, b := *into, *from
	switch {
	case b == nil:
	case a == nil:
		*into = append([]N(nil), b...)
	default:
		low, carry := bits.Add64(uint64(a[1]), uint64(b[1]), 0)
		high, _ := bits.Add64(uint64(a[2]), uint64(b[2]), carry)
		a[0], a[1], a[2] = a[0]+b[0], N(low), N(high)
	}
}

func wideRead[N Number](acc *[]N) float64 {
	a := *acc
	if a == nil || a[0] == 0 {
		return math.NaN()
	}
	sum := big.NewInt(int64(a[2]))
	sum.Lsh(sum, 64).Add(sum, new(big.Int).SetUint64(uint64(a[1])))
	return quotient(new(big.Float).SetInt(sum), int64(a[0]))
}

// signOf is the high half of v.
func signOf[N Number](v N) uint64 {
	if v < 0 {
		return math.MaxUint64
	}
	return 0
}
