package windowing

import (
	"fmt"
	"time"

	"github.com/millrace/millrace/model"
)

// Sliding starts a window of Size at every multiple of Every, counted from
// Offset after the Unix epoch. An element belongs to Size/Every windows; where
// Every is larger than Size, to one or to none. Those in none are dropped, and counted.
//
// State: a combine or grouping under the default trigger keeps one cell per key
// and slice, a slice being the common divisor of Size and Every, and merges
// slices when a window fires; an element is stored once. Under another trigger it
// keeps one cell per key and window.
type Sliding struct{ Size, Every, Offset time.Duration }

// AssignWindows implements [model.WindowFn].
func (s Sliding) AssignWindows(dst []model.Window, t model.Timestamp) []model.Window {
	t = within(t)
	size, every := micros(s.Size), micros(s.Every)
	last := since(t, every, micros(s.Offset)) // when the last window before t started
	if last >= size {
		return dst
	}
	for before := last + (size-1-last)/every*every; before >= last; before -= every {
		dst = append(dst, around(t, before, size))
	}
	return dst
}

// Validate implements [model.WindowFn].
func (s Sliding) Validate() error {
	if err := positive("Sliding.Size", s.Size); err != nil {
		return err
	}
	if err := positive("Sliding.Every", s.Every); err != nil {
		return err
	}
	if n := s.Size / s.Every; n > maxSliding {
		return fmt.Errorf("Sliding puts each element into %d windows (Size %v, Every %v); the limit is %d", n, s.Size, s.Every, maxSliding)
	}
	if n := s.Size / gcd(s.Size, s.Every); n > maxSlices {
		return fmt.Errorf("Sliding cuts each window into %d slices, of the common divisor of Size %v and Every %v; the limit is %d: choose an Every that divides Size", n, s.Size, s.Every, maxSlices)
	}
	return offset("Sliding.Offset", s.Offset, "Every", s.Every)
}

const (
	maxSliding = 100_000
	maxSlices  = 100_000
)

func (s Sliding) String() string {
	if s.Offset != 0 {
		return fmt.Sprintf("sliding(%v every %v, offset %v)", s.Size, s.Every, s.Offset)
	}
	return fmt.Sprintf("sliding(%v every %v)", s.Size, s.Every)
}

func gcd(a, b time.Duration) time.Duration {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// Slice implements [model.SlicingWindowFn]: slices are as long as the common
// divisor of Size and Every.
func (s Sliding) Slice(t model.Timestamp) model.Window {
	t = within(t)
	size := micros(gcd(s.Size, s.Every))
	return around(t, since(t, size, micros(s.Offset)), size)
}

// SliceWindows implements [model.SlicingWindowFn].
func (s Sliding) SliceWindows(dst []model.Window, slice model.Window) []model.Window {
	return s.AssignWindows(dst, slice.Start)
}

// WindowSlices implements [model.SlicingWindowFn].
func (s Sliding) WindowSlices(dst []model.Window, w model.Window) []model.Window {
	for at := w.Start; at < w.End; {
		slice := s.Slice(at)
		dst = append(dst, slice)
		at = slice.End
	}
	return dst
}
