package windowing

import (
	"fmt"
	"time"

	"github.com/millrace/millrace/model"
)

// Sessions groups the elements of a key that are less than Gap apart: each opens
// a window of Gap at its timestamp, and windows that overlap become one. Windows
// that only touch stay apart.
//
// State: one cell per key and open session, until the watermark passes its end
// plus the allowed lateness.
type Sessions struct{ Gap time.Duration }

// AssignWindows implements [model.WindowFn].
func (s Sessions) AssignWindows(dst []model.Window, t model.Timestamp) []model.Window {
	return append(dst, around(within(t), 0, micros(s.Gap)))
}

// Validate implements [model.WindowFn].
func (s Sessions) Validate() error { return positive("Sessions.Gap", s.Gap) }

func (s Sessions) String() string { return fmt.Sprintf("sessions(%v)", s.Gap) }

// MergeWindows implements [model.MergingWindowFn].
func (Sessions) MergeWindows(windows, into []model.Window) { MergeOverlapping(windows, into) }

// MergesOverlapping implements [model.OverlapMerging].
func (Sessions) MergesOverlapping() {}

// MergeOverlapping is a [model.MergingWindowFn]'s MergeWindows that merges the
// windows that overlap, directly or through others.
func MergeOverlapping(windows, into []model.Window) {
	for i := 0; i < len(windows); {
		span := windows[i]
		j := i + 1
		for ; j < len(windows) && windows[j].Start < span.End; j++ {
			span = span.Span(windows[j])
		}
		for ; i < j; i++ {
			into[i] = span
		}
	}
}
