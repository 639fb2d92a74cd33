package model

import (
	"fmt"
	"time"
)

// A Window is the half-open interval [Start, End) of event time. The zero
// Window is empty; on an element it means that windows have not been assigned
// yet and follow from its timestamp.
type Window struct{ Start, End Timestamp }

// GlobalWindow holds all of time.
var GlobalWindow = Window{MinTimestamp, EndOfGlobalWindow}

// MaxTimestamp is the last timestamp inside w.
func (w Window) MaxTimestamp() Timestamp { return w.End - 1 }

// IsZero reports whether w is the zero Window.
func (w Window) IsZero() bool { return w == Window{} }

// Contains reports whether t lies in w.
func (w Window) Contains(t Timestamp) bool { return w.Start <= t && t < w.End }

// Overlaps reports whether w and o share an instant; windows that only touch do not.
func (w Window) Overlaps(o Window) bool { return w.Start < o.End && o.Start < w.End }

// Span is the smallest window that covers both.
func (w Window) Span(o Window) Window { return Window{min(w.Start, o.Start), max(w.End, o.End)} }

// Compare orders windows by end, then by start.
func (w Window) Compare(o Window) int {
	switch {
	case w == o:
		return 0
	case w.End < o.End || w.End == o.End && w.Start < o.Start:
		return -1
	}
	return 1
}

// String is "[start, end)", or "global".
func (w Window) String() string {
	if w == GlobalWindow {
		return "global"
	}
	return fmt.Sprintf("[%v, %v)", w.Start, w.End)
}

// Timing says where a pane stands relative to the watermark.
type Timing uint8

const (
	// Unknown is the timing of an element that no trigger has fired.
	Unknown Timing = iota
	// Early panes fire before the watermark passes the end of their window.
	Early
	// OnTime is the first pane since the watermark passed the end of its window, unless
	// all that is new in it came after that.
	OnTime
	// Late panes are all others.
	Late
)

var timingNames = [...]string{"unknown", "early", "on-time", "late"}

func (t Timing) String() string {
	if int(t) < len(timingNames) {
		return timingNames[t]
	}
	return fmt.Sprintf("Timing(%d)", uint8(t))
}

// A Pane identifies one firing of one key and window.
type Pane struct {
	// Index counts the panes of the key and window, from 0.
	Index int64
	// NonSpeculativeIndex counts those that are not early; -1 on early panes.
	NonSpeculativeIndex int64
	Timing              Timing
	// First and Last say that no pane came before, and that none will follow. An on-time
	// pane is not Last as long as its window's lateness allows another, even if the
	// watermark passes both at once.
	First, Last bool
	// Retraction says that the element takes back what the pane said before.
	Retraction bool
}

// NoPane is the pane of an element that no trigger has fired: the first and
// last of its kind.
var NoPane = Pane{Timing: Unknown, First: true, Last: true}

func (p Pane) String() string {
	s := fmt.Sprintf("%v #%d", p.Timing, p.Index)
	if p.Retraction {
		s = "retraction of " + s
	}
	if p.Last {
		s += " last"
	}
	return s
}

// A PaneMode says whether a pane repeats what earlier panes of its window held.
type PaneMode uint8

const (
	// Discarding panes hold only what arrived since the pane before. It is what
	// the zero mode means.
	Discarding PaneMode = iota + 1
	// Accumulating panes hold all that the window has seen.
	Accumulating
	// Retracting panes hold all that the window has seen, and each is preceded by
	// retractions of what the last one said, or the last ones of windows that have
	// merged since, for which the watermark waits. The groupings that follow take
	// retractions into account.
	//
	// What the last pane said is kept with its window. In the groupings that follow, a
	// retraction costs a look through the values of its key and window, unless a
	// combiner can take it out, as transforms.Inverter says; and values are kept
	// there where accumulators would do otherwise.
	Retracting
)

func (m PaneMode) String() string {
	switch m {
	case 0, Discarding:
		return "discarding"
	case Accumulating:
		return "accumulating"
	case Retracting:
		return "retracting"
	}
	return fmt.Sprintf("PaneMode(%d)", uint8(m))
}

// A WindowFn assigns each timestamp its windows. Package windowing has the usual
// ones; a user's own is any value that
//
//   - is plain data: copied freely, used by many goroutines at once, printed
//     by String and compared by reflect.DeepEqual;
//   - is pure: the same timestamp gives the same windows, for ever, since state
//     is kept by window.
//
// A WindowFn may also implement [ElementWindowFn], [MergingWindowFn] and
// [SlicingWindowFn].
type WindowFn interface {
	// AssignWindows appends the windows of timestamp t to dst. Every window must
	// hold t, must not be empty, must not go beyond MinTimestamp and MaxTimestamp, and may
	// be given only once; otherwise the run ends with an error. MaxTimestamp itself has
	// the windows of the instant before. An element without a window is dropped, and counted.
	AssignWindows(dst []Window, t Timestamp) []Window
	// Validate reports what is wrong with the WindowFn's own fields.
	Validate() error
	String() string
}

// An ElementWindowFn looks at the element, too. Its T must be the element type
// of the collection that is windowed; anything else is a build error.
type ElementWindowFn[T any] interface {
	WindowFn
	// AssignElementWindows is AssignWindows for element v, and called in its place.
	AssignElementWindows(dst []Window, v T, t Timestamp) []Window
}

// An ElementAware WindowFn is an ElementWindowFn for some T: the marker by which
// a wrong T is noticed at build time.
type ElementAware interface {
	WindowFn
	// ElementType names T for the error message: "an Order".
	ElementType() string
}

// A MergingWindowFn's windows grow together: sessions. Windows of one key are
// merged as elements arrive, and never apart again.
type MergingWindowFn interface {
	WindowFn
	// MergeWindows is given the open windows of one key, ordered by Start and then
	// by End, and sets into[i] to the window that windows[i] becomes part of, which is
	// windows[i] itself when it stays alone. A result must hold all of its parts, and must
	// not go beyond MinTimestamp and MaxTimestamp; otherwise the run ends with an error.
	// Windows that overlap may stay apart: an element is in the one that its own window
	// became part of.
	MergeWindows(windows, into []Window)
}

// An OverlapMerging MergingWindowFn merges two windows exactly when they overlap,
// directly or through others. The engine then looks only at the neighbours of a
// new window, not at all the windows of its key. Windows that overlap and stay apart end
// the run with an error.
type OverlapMerging interface {
	MergingWindowFn
	MergesOverlapping()
}

// A SlicingWindowFn's windows are made of slices that they share: a sliding
// window of 10 s every 2 s is five slices of 2 s. A combine then keeps one
// accumulator per slice, not one per window.
type SlicingWindowFn interface {
	WindowFn
	// Slice is the slice that holds t. Every window either contains it or does
	// not overlap it.
	Slice(t Timestamp) Window
	// SliceWindows appends the windows that contain slice s, by end, to dst.
	SliceWindows(dst []Window, s Window) []Window
	// WindowSlices appends the slices that make up window w, by end, to dst.
	WindowSlices(dst []Window, w Window) []Window
}

// A WindowingStrategy is how a collection is cut into windows and panes.
type WindowingStrategy struct {
	// Windows assigns the windows.
	Windows WindowFn
	// Trigger decides when a window emits a pane; nil is one pane as the watermark
	// passes the end of the window, and one per late element.
	Trigger Trigger
	// Lateness is how long after its end, in event time, a window still takes
	// elements. State of a window is kept until then.
	Lateness time.Duration
	// Panes must be set when Trigger or Lateness allow more than one pane.
	Panes PaneMode
	// OnTime says whether a key that had elements gets an on-time pane even if an
	// early one said it all, as its trigger fires at the end of the window; under a trigger
	// that takes no notice of the watermark it promises nothing. Closing says whether the key
	// gets a last pane when the window expires with nothing new. Without them, who waits for
	// the on-time pane of each key, to take it for final, may wait in vain.
	OnTime, Closing PaneBehavior
	// Timestamps says what timestamp a pane's elements carry.
	Timestamps TimestampCombiner
	// MayFinish accepts a Trigger that may finish while its window still takes
	// elements. Those that come afterwards are dropped, and counted.
	MayFinish bool
}

// A PaneBehavior says whether a pane is emitted without anything new in it.
type PaneBehavior uint8

const (
	// IfNotEmpty emits a pane only if something arrived since the last one.
	IfNotEmpty PaneBehavior = iota
	// FireAlways emits it anyway.
	FireAlways
)

// A TimestampCombiner says what timestamp a pane's elements carry.
type TimestampCombiner uint8

const (
	// EndOfWindow is the last instant of the window.
	EndOfWindow TimestampCombiner = iota
	// Earliest is the earliest of the elements that arrived since the last pane and were
	// not behind the watermark as they did; if all were, it is the last instant of the
	// window. It holds the watermark back until the pane has fired, so that what came in
	// time is in time for transforms behind, too.
	Earliest
	// Latest is the latest of these, and as Earliest otherwise.
	Latest
)

var timestampNames = [...]string{"end-of-window", "earliest", "latest"}

func (c TimestampCombiner) String() string {
	if int(c) < len(timestampNames) {
		return timestampNames[c]
	}
	return fmt.Sprintf("TimestampCombiner(%d)", uint8(c))
}

func (s WindowingStrategy) String() string {
	out := "global"
	if s.Windows != nil {
		out = s.Windows.String()
	}
	if s.Trigger != nil {
		out += " trigger=" + s.Trigger.String()
	}
	if s.Lateness > 0 {
		out += fmt.Sprintf(" lateness=%v", s.Lateness)
	}
	if s.Panes != 0 {
		out += " " + s.Panes.String()
	}
	if s.OnTime == FireAlways {
		out += " on-time=always"
	}
	if s.Closing == FireAlways {
		out += " closing=always"
	}
	if s.Timestamps != EndOfWindow {
		out += " timestamps=" + s.Timestamps.String()
	}
	return out
}

// Expiry is when the state of w is let go: once the watermark reaches it,
// elements of w are dropped.
func (s WindowingStrategy) Expiry(w Window) Timestamp { return w.End.Add(s.Lateness) }
