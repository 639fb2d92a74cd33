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

// assign lists the windows of an element of op that has more than one, or none.
func (a *assigner) assign(op *Op, m *model.Meta) ([]model.Window, error) {
	a.scratch = a.fn.AssignWindows(a.scratch[:0], m.Timestamp)
	if len(a.scratch) == 0 {
		op.Counts.Windowless++
	}
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

// mismerged is what is wrong with how fn, the WindowFn of w, merged those of the open
// windows from lo on, each into the next of targets. Elements of a window that its target
// does not hold would vanish. So would those of targets that overlap, where fn says that
// no open windows do.
func mismerged(w *model.Windowing, fn model.MergingWindowFn, open []model.Window, lo int, targets []model.Window) error {
	for i, target := range targets {
		wrong := ""
		switch {
		case !covers(target, open[lo+i]):
			wrong = "does not hold all of it"
		case target.Start < model.MinTimestamp || target.End > model.MaxTimestamp:
			wrong = "goes beyond the ends of time, model.MinTimestamp and model.MaxTimestamp"
		default:
			continue
		}
		return fmt.Errorf("the WindowFn %v (set at %v) merged the window %v into %v, which %s", fn, w.Site, open[lo+i], target, wrong)
	}
	if _, overlapping := fn.(model.OverlapMerging); !overlapping {
		return nil
	}
	last := targets[0]
	if lo > 0 {
		last = open[lo-1]
	}
	for i := range len(targets) + 1 {
		next := last
		if i < len(targets) {
			next = targets[i]
		} else if hi := lo + i; hi < len(open) {
			next = open[hi]
		}
		if next != last && next.Overlaps(last) {
			return fmt.Errorf("the WindowFn %v (set at %v) has MergesOverlapping, but leaves the windows %v and %v apart, which overlap; merge all that overlap, as windowing.MergeOverlapping does, or do without MergesOverlapping", fn, w.Site, last, next)
		}
		last = next
	}
	return nil
}
