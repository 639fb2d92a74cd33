package windowing

import (
	"fmt"
	"time"

	"github.com/millrace/millrace/model"
)

// Fixed cuts time into back-to-back windows of Size, one of which starts at
// Offset after the Unix epoch: daily windows in New York's winter have an Offset
// of 5 h.
//
// State: one cell per key and window, from its first element until the
// watermark passes its end plus the allowed lateness.
type Fixed struct{ Size, Offset time.Duration }

// AssignWindows implements [model.WindowFn].
func (f Fixed) AssignWindows(dst []model.Window, t model.Timestamp) []model.Window {
	return append(dst, f.Slice(t))
}

// Validate implements [model.WindowFn].
func (f Fixed) Validate() error {
	if err := positive("Fixed.Size", f.Size); err != nil {
		return err
	}
	return offset("Fixed.Offset", f.Offset, "Size", f.Size)
}

func offset(field string, d time.Duration, ofName string, of time.Duration) error {
	if d%time.Microsecond != 0 {
		return fmt.Errorf("%s is %v; it must be whole microseconds, the resolution of a timestamp", field, d)
	}
	if d <= -of || d >= of {
		return fmt.Errorf("%s is %v; it must be less than %s, %v, either way", field, d, ofName, of)
	}
	return nil
}

func (f Fixed) String() string {
	if f.Offset != 0 {
		return fmt.Sprintf("fixed(%v, offset %v)", f.Size, f.Offset)
	}
	return fmt.Sprintf("fixed(%v)", f.Size)
}

// Slice implements [model.SlicingWindowFn]: a fixed window is one slice.
func (f Fixed) Slice(t model.Timestamp) model.Window {
	t, size := within(t), micros(f.Size)
	return around(t, since(t, size, micros(f.Offset)), size)
}

// SliceWindows implements [model.SlicingWindowFn].
func (f Fixed) SliceWindows(dst []model.Window, s model.Window) []model.Window { return append(dst, s) }

// WindowSlices implements [model.SlicingWindowFn].
func (f Fixed) WindowSlices(dst []model.Window, w model.Window) []model.Window { return append(dst, w) }
