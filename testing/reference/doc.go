// Package reference says what a grouping must emit, without any thought of how. It
// is what the engine is held against: so it is slow, it is written from the
// definitions and not from the engine, and it shares no code with it. From packages
// windowing and triggers it takes the fields of their types, and calls none of
// their methods.
//
// It keeps all that ever happened to a window, as a story, and looks through the
// whole of it for each question: what is in the window, what is unsaid, whether
// the trigger is ready. Nothing is ever updated in place, and what merges is put
// side by side, as the parts of a new story.
//
// The invariant: what [Evaluate] returns depends on the order of one key's
// elements, watermarks and times alone, so that it holds for any number of tasks
// and any size of batches.
package reference

import "github.com/millrace/millrace/model"

// A Step is something that happens to a grouping: first processing time moves to
// Now, then Elements arrive, then the watermark rises to Watermark. Neither of the
// two goes back: an earlier one is no news.
type Step struct {
	Now       model.Timestamp
	Elements  []Element
	Watermark model.Timestamp
}

// An Element is a value under a key. Where it comes out of another grouping it
// carries its Window, and may be a Retraction; otherwise its windows follow from
// its timestamp At.
type Element struct {
	Key, Value int
	At         model.Timestamp
	Window     model.Window
	Retraction bool
}

// A Pane is what the grouping emits in a step for a key and window. Its Values are
// in the order of their arrival.
type Pane struct {
	Step   int
	Key    int
	Window model.Window
	model.Pane
	At     model.Timestamp
	Values []int
}

// A Drop is an element that the grouping did not take.
type Drop struct {
	Step, Key, Value int
	At               model.Timestamp
	Window           model.Window
	Watermark        model.Timestamp
	Reason           model.DropReason
}

// A Result is all that a grouping does.
type Result struct {
	// Panes and Drops are in the order of keys and, for each key, in that in which
	// they happen.
	Panes []Pane
	Drops []Drop
	// Watermarks are the output watermark after each step.
	Watermarks []model.Timestamp
	// OnTime, Late and Dropped count elements, once for each window that takes them
	// before the watermark has reached its end, after that, or not at all.
	OnTime, Late, Dropped int64
	// Windowless counts elements that are in no window.
	Windowless int64
}
