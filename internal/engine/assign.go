package engine

import (
	"fmt"
	"slices"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/windowing"
)

// An assigner gives an element's windows to the sender of a grouping: the ones
// it carries, the one slice that its timestamp lies in, or the windows that
// follow from its timestamp.
type assigner struct {
	carried bool
	slicing model.SlicingWindowFn // nil if not sliced
	fn      model.WindowFn
	last    model.Window // the last slice
	outside bool         // that slice is in no window
	of      *model.Windowing
	scratch []model.Window
}

func newAssigner(w *model.Windowing) *assigner {
	a := &assigner{carried: w.Assigned, fn: w.Strategy.Windows, of: w}
	if a.fn == nil {
		a.fn = windowing.Global{}
	}
	if !a.carried {
		a.slicing = slicing(w)
	}
	return a
}

// slicing is how w's windows are kept as slices, or nil.
func slicing(w *model.Windowing) model.SlicingWindowFn {
	if w.Assigned || !usesAligned(w) {
		return nil
	}
	if w.Strategy.Windows == nil {
		return windowing.Global{}
	}
	s, _ := w.Strategy.Windows.(model.SlicingWindowFn)
	return s
}

// Sliced reports whether windows of w share slices.
func Sliced(w *model.Windowing) bool {
	s := slicing(w)
	if s == nil {
		return false
	}
	first := s.Slice(0)
	ws := s.SliceWindows(nil, first)
	return len(ws) != 1 || ws[0] != first
}

// one is the element's only window or slice; ok is false where it may have
// several, which assign lists.
func (a *assigner) one(m *model.Meta) (w model.Window, ok bool) {
	switch {
	case a.carried:
		return m.Window, true
	case a.slicing != nil:
		if !a.last.Contains(m.Timestamp) {
			a.last = a.slicing.Slice(m.Timestamp)
			a.scratch = a.slicing.SliceWindows(a.scratch[:0], a.last)
			a.outside = len(a.scratch) == 0
		}
		return a.last, !a.outside
	}
	return model.Window{}, false
}

// assign lists the windows of an element that has more than one.
func (a *assigner) assign(m *model.Meta) ([]model.Window, error) {
	a.scratch = a.fn.AssignWindows(a.scratch[:0], m.Timestamp)
	return a.scratch, misassigned(a.of, a.scratch, m.Timestamp)
}

// misassigned is what is wrong with the windows ws that the WindowFn of w gave for
// timestamp t. In such a window an element would vanish, or count twice.
func misassigned(w *model.Windowing, ws []model.Window, t model.Timestamp) error {
	held := min(max(t, model.MinTimestamp), model.MaxTimestamp-1) // as package windowing says
	for i, win := range ws {
		const few = 8 // beyond which only the one before is compared
		wrong := ""
		switch {
		case !win.Contains(held):
			wrong = "does not hold it"
		case win.Start < model.MinTimestamp || win.End > model.MaxTimestamp:
			wrong = "goes beyond the ends of time, model.MinTimestamp and model.MaxTimestamp"
		case i > 0 && win == ws[i-1], i < few && slices.Contains(ws[:i], win):
			wrong = "was given before"
		default:
			continue
		}
		return fmt.Errorf("the WindowFn %v (set at %v) gave timestamp %v the window %v, which %s", w.Strategy.Windows, w.Site, t, win, wrong)
	}
	return nil
}
