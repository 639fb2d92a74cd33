package windowing

import "github.com/millrace/millrace/model"

// Global puts everything into one window that ends when the input does. It is
// what a collection has until it is windowed.
//
// State: that of the one window, for as long as the input lasts.
type Global struct{}

// AssignWindows implements [model.WindowFn].
func (Global) AssignWindows(dst []model.Window, _ model.Timestamp) []model.Window {
	return append(dst, model.GlobalWindow)
}

// Validate implements [model.WindowFn].
func (Global) Validate() error { return nil }

func (Global) String() string { return "global" }

// Slice implements [model.SlicingWindowFn].
func (Global) Slice(model.Timestamp) model.Window { return model.GlobalWindow }

// SliceWindows implements [model.SlicingWindowFn].
func (Global) SliceWindows(dst []model.Window, s model.Window) []model.Window { return append(dst, s) }

// WindowSlices implements [model.SlicingWindowFn].
func (Global) WindowSlices(dst []model.Window, w model.Window) []model.Window { return append(dst, w) }
