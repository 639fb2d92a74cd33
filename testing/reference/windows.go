package reference

import (
	"fmt"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/windowing"
)

// windowsOf are the windows of fn that hold t, by their starts.
func windowsOf(fn model.WindowFn, t model.Timestamp) (windows []model.Window) {
	switch f := fn.(type) {
	case nil, windowing.Global:
		return []model.Window{model.GlobalWindow}
	case windowing.Sessions:
		return []model.Window{{Start: t, End: t + us(f.Gap)}}
	case windowing.Fixed:
		return windowsOf(windowing.Sliding{Size: f.Size, Every: f.Size, Offset: f.Offset}, t)
	case windowing.Sliding:
		first := (t-us(f.Size)-us(f.Offset))/us(f.Every) - 2 // one that is too early for sure
		for start := first*us(f.Every) + us(f.Offset); start <= t; start += us(f.Every) {
			if w := (model.Window{Start: start, End: start + us(f.Size)}); start <= t && t < w.End {
				windows = append(windows, w)
			}
		}
		return windows
	}
	panic(fmt.Sprintf("reference: no definition of the windows of %T", fn))
}

// merges reports whether windows of fn that overlap become one.
func merges(fn model.WindowFn) bool {
	_, sessions := fn.(windowing.Sessions)
	return sessions
}

func us(d time.Duration) model.Timestamp { return model.Timestamp(d / time.Microsecond) }
