package engine_test

import (
	"fmt"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/windowing"
)

// The WindowFns of users that the tests have: each is of a kind that package
// windowing has none of.

// spread puts an instant into two windows that no other instant has, and that
// are made of no slices.
type spread struct{ before, after model.Timestamp }

func (s spread) AssignWindows(dst []model.Window, t model.Timestamp) []model.Window {
	return append(dst, model.Window{Start: t - s.before, End: t + 1}, model.Window{Start: t, End: t + 1 + s.after})
}

func (spread) Validate() error  { return nil }
func (s spread) String() string { return fmt.Sprintf("spread(%d, %d)", s.before, s.after) }

// nested puts an instant into a small window and the large one around it. The
// small window is a slice that outlives its own firing.
type nested struct{ small, times model.Timestamp }

func floor(t, size model.Timestamp) model.Timestamp { return t - (t%size+size)%size }

func (n nested) AssignWindows(dst []model.Window, t model.Timestamp) []model.Window {
	return n.SliceWindows(dst, n.Slice(t))
}

func (n nested) Slice(t model.Timestamp) model.Window {
	start := floor(t, n.small)
	return model.Window{Start: start, End: start + n.small}
}

// SliceWindows lists windows of the same end in the order that suits it.
func (n nested) SliceWindows(dst []model.Window, s model.Window) []model.Window {
	large := n.small * n.times
	start := floor(s.Start, large)
	return append(dst, s, model.Window{Start: start, End: start + large})
}

func (n nested) WindowSlices(dst []model.Window, w model.Window) []model.Window {
	for at := w.Start; at < w.End; at += n.small {
		dst = append(dst, model.Window{Start: at, End: at + n.small})
	}
	return dst
}

func (nested) Validate() error  { return nil }
func (n nested) String() string { return fmt.Sprintf("nested(%d times %d)", n.times, n.small) }

// searched are sessions that do not say that they merge what overlaps, so that
// the engine has to look at all of a key's windows.
type searched struct{ gap model.Timestamp }

func (s searched) AssignWindows(dst []model.Window, t model.Timestamp) []model.Window {
	return append(dst, model.Window{Start: t, End: t + s.gap})
}

func (searched) MergeWindows(windows, into []model.Window) {
	windowing.MergeOverlapping(windows, into)
}
func (searched) Validate() error  { return nil }
func (s searched) String() string { return fmt.Sprintf("searched(%d)", s.gap) }

// capped are sessions that take no window that would make them longer than most.
type capped struct{ gap, most model.Timestamp }

func (c capped) AssignWindows(dst []model.Window, t model.Timestamp) []model.Window {
	return append(dst, model.Window{Start: t, End: t + c.gap})
}

func (c capped) MergeWindows(windows, into []model.Window) {
	for i := 0; i < len(windows); {
		span := windows[i]
		j := i + 1
		for ; j < len(windows) && windows[j].Start < span.End; j++ {
			s := span.Span(windows[j])
			if s.End-s.Start > c.most {
				break
			}
			span = s
		}
		for ; i < j; i++ {
			into[i] = span
		}
	}
}

func (capped) Validate() error  { return nil }
func (c capped) String() string { return fmt.Sprintf("capped(%d, most %d)", c.gap, c.most) }

// stars are windows that begin together and differ in length; those of one start
// merge, however they overlap others.
type stars struct{ every, short, long model.Timestamp }

func (s stars) AssignWindows(dst []model.Window, t model.Timestamp) []model.Window {
	start := floor(t, s.every)
	length := s.short
	if t%2 == 0 {
		length = s.long
	}
	return append(dst, model.Window{Start: start, End: start + s.every + length})
}

func (stars) MergeWindows(windows, into []model.Window) {
	for i, w := range windows {
		into[i] = w
		for _, o := range windows {
			if o.Start == w.Start {
				into[i] = into[i].Span(o)
			}
		}
	}
}

func (stars) Validate() error { return nil }
func (s stars) String() string {
	return fmt.Sprintf("stars(%d, %d or %d)", s.every, s.short, s.long)
}

var (
	_ model.WindowFn        = spread{}
	_ model.SlicingWindowFn = nested{}
	_ model.MergingWindowFn = searched{}
	_ model.MergingWindowFn = capped{}
	_ model.MergingWindowFn = stars{}
)
