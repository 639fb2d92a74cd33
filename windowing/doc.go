// Package windowing assigns event times to windows. Its types are plain data:
// they are printed, compared and sent to a worker. [model.WindowFn] and
// [model.MergingWindowFn] say how to write another; ExampleSessionsBy shows one.
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

// floor is the last multiple of size, counted from offset, that is not after t.
func floor(t, size, offset model.Timestamp) model.Timestamp {
	r := (t%size - offset%size) % size // |r| < 2*size does not overflow
	if r < 0 {
		r += size
	}
	if t < model.MinTimestamp+r {
		return model.MinTimestamp
	}
	return t - r
}

// bounded is [start, start+size) inside the range of time.
func bounded(start, size model.Timestamp) model.Window {
	end := start + size
	if start > model.MaxTimestamp-size {
		end = model.MaxTimestamp
	}
	return model.Window{Start: start, End: end}
}
