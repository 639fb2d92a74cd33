package direct_test

import (
	"sync/atomic"
	"testing"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/runners/direct"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/windowing"
)

// countingSlices are sliding windows that count how many windows they are asked for.
type countingSlices struct {
	windowing.Sliding
	windows *atomic.Int64
}

func (c countingSlices) SliceWindows(dst []model.Window, s model.Window) []model.Window {
	before := len(dst)
	dst = c.Sliding.SliceWindows(dst, s)
	c.windows.Add(int64(len(dst) - before))
	return dst
}

// The windows of a slice are asked for as it comes, and not for each window that fires.
func TestTheWorkForASliceGrowsWithItsWindows(t *testing.T) {
	var p model.Pipeline
	const elements, windows = 3, 500
	asked := new(atomic.Int64)
	src := &numbers{n: elements}
	fn := countingSlices{windowing.Sliding{Size: windows * micro, Every: micro}, asked}
	sum := summed(transforms.CombineGlobally(transforms.Window(src.read(&p), model.WindowingStrategy{Windows: fn}), transforms.Counting))
	if _, err := (direct.Runner{Parallelism: 1}).Run(t.Context(), &p); err != nil {
		t.Fatal(err)
	}
	if got := sum.Load(); got != elements*windows {
		t.Errorf("%d elements were counted, over %d windows of each of %d", got, windows, elements)
	}
	if got := asked.Load(); got > 10*elements*windows {
		t.Errorf("%d windows were asked for, of %d slices in %d windows each", got, elements, windows)
	}
}
