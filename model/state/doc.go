// Package state declares what a keyed transform remembers between elements: its
// cells and its timers. A DoFn of transforms.DoKeyed holds them as plain values,
// made once by the constructors here, and lists them in its method Cells:
//
//	type overdue struct {
//		seen state.Value[bool]
//		due  state.EventTimer
//	}
//
//	d := &overdue{state.NewValue[bool]("seen"), state.NewEventTimer("due")}
//
// What a cell holds is kept for each key and window on its own. Its methods take
// a [Scope], which says for which: the element or the firing that the DoFn was
// called with is one.
//
//	if d.seen.Get(e) { ... }
//
// # Cells
//
//	Value         at most one value
//	Bag           values in the order in which they were added
//	Map           a value for each of some keys
//	Set           values, each once
//	Multimap      values for each of some keys
//	OrderedList   values by timestamp
//	Combining     what a combiner made of the values added
//
// What is kept for a key and window goes when the watermark reaches the end of the
// window plus the allowed lateness; in the global window, when the input ends. A
// cell that was emptied costs nothing, and a key without anything in its cells and
// without a timer costs nothing at all. [ExpireAfterEventTime] and
// [ExpireAfterProcessingTime] have a cell forget sooner.
//
// The types that a cell holds must have an encoding (package coder), so that a
// runner can write it to disk; one that has none is a build error. What a method
// returns shares memory with the cell, and what it is given is kept: neither is to
// be changed afterwards. A value is replaced by setting it.
//
// # Timers
//
//	EventTimer             calls OnTimer when the watermark reaches its time
//	ProcessingTimer        calls OnTimer when processing time does
//	EventTimerFamily       any number of event-time timers, told apart by a tag
//	ProcessingTimerFamily  any number of processing-time timers
//
// A timer is set for the key and window of the call; set again, it moves. The
// timers of a key fire in the order of their times, and at one time in the order
// of their windows, then in that of Cells, then in that of their tags; an
// event-time timer comes before a processing-time timer that is due with it. Each
// is cleared before OnTimer is called. One that is set for a time that has been
// reached fires as soon as the call that sets it returns.
//
// When the watermark jumps over the times of several timers, each is called in
// turn, and those that OnTimer sets on the way take their place in the order.
//
// An event-time timer must be set before the [Expiry] of its window; at or after
// it, it is an error, since there would be nothing left for it to look at. A timer
// that sets itself again, a looping one, must therefore ask:
//
//	if next := f.At.Add(time.Minute); next < state.Expiry(f) {
//		d.tick.Set(f, next)
//	}
//
// The global window has no end of its own. When the input ends, the event-time
// timers that are set still fire, in their order, and so do those that they set.
// For loops, Expiry is from then on the end of the key at hand: just after the latest
// element that it had, or the latest event-time timer that was still to fire. One that
// does not ask for it is an error after a thousand firings or more.
//
// A processing-time timer that is still to come when its window expires does not
// fire: a DoFn with such timers says in OnWindowExpiration what is to be done then.
//
// # Mistakes
//
// A cell that Cells does not list, one that is listed twice or by two DoFns, two of
// one name, a type without an encoding: these are build errors where the pipeline
// is built, or else errors of the element at hand, which end the run. After an
// error reads are empty, and writes do nothing.
//
// # Place
//
// The package declares; it does not know where cells are kept. Who keeps them
// implements [Access] and hands DoFns a [Frame]. The invariant between the two: a
// slot's contents are touched by the methods of its cell and of its [Spec] only.
package state
