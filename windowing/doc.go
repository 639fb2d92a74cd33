// Package windowing assigns event times to windows. Its types are plain data:
// they are printed, compared and sent to a worker. [model.WindowFn] and
// [model.MergingWindowFn] say how to write another, and the examples show two.
//
// Windows are cut off where time begins and ends. [model.MaxTimestamp], which is
// in no half-open window, is given those of the instant before it.
//
// The invariant: a window depends on timestamps and elements alone, so that the
// same input is cut the same way in every run and on every machine.
package windowing

import (
	"fmt"
	"time"

	"github.com/millrace/millrace/model"
)

func positive(field string, d time.Duration) error {
	if d < time.Microsecond {
		return fmt.Errorf("%s is %v; it must be at least 1µs, the resolution of a timestamp", field, d)
	}
	if d%time.Microsecond != 0 {
		return fmt.Errorf("%s is %v; it must be whole microseconds, the resolution of a timestamp", field, d)
	}
	return nil
}

func micros(d time.Duration) model.Timestamp { return model.Timestamp(d / time.Microsecond) }

// within is t where there is room for a window around it: what is stamped with
// the end of time belongs to the instant before.
func within(t model.Timestamp) model.Timestamp {
	return min(max(t, model.MinTimestamp), model.MaxTimestamp-1)
}

// since is how long before t the last multiple of every was, counted from offset.
func since(t, every, offset model.Timestamp) model.Timestamp {
	r := (t%every - offset%every) % every // neither of the two differences overflows
	if r < 0 {
		r += every
	}
	return r
}

// around is the window of size that starts before earlier than t, cut off where
// time begins and ends.
func around(t, before, size model.Timestamp) model.Window {
	w := model.Window{Start: model.MinTimestamp, End: model.MaxTimestamp}
	if t >= model.MinTimestamp+before {
		w.Start = t - before
	}
	if after := size - before; t <= model.MaxTimestamp-after {
		w.End = t + after
	}
	return w
}
