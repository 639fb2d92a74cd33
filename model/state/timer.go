package state

import (
	"time"

	"github.com/millrace/millrace/model"
)

// An EventTimer calls OnTimer when the watermark reaches the time that it was set
// for.
//
// State: some hundred bytes for a timer that is set.
type EventTimer struct{ c *decl }

// NewEventTimer declares an EventTimer.
func NewEventTimer(name string) EventTimer {
	return EventTimer{newTimer(name, KindEventTimer, EventTime)}
}

// Name implements [Cell].
func (t EventTimer) Name() string { return nameOf(t.c) }

func (t EventTimer) declaration() *decl { return t.c }

// Set sets the timer to at, or moves it there. At must be before the [Expiry] of
// the window. What OnTimer emits has timestamp at, unless that is after the window,
// whose last timestamp it has then, or before the timestamp of the call that set
// the timer, which it has then.
func (t EventTimer) Set(s Scope, at model.Timestamp) { t.c.set(s, "", Setting{At: at}) }

// SetWithOutput is Set for a timer whose OnTimer emits with timestamp output: it
// must lie in the window and may not be before the timestamp of the call. The
// watermark behind the transform is held at output until the timer has fired or is
// cleared, so that what is emitted is not late.
func (t EventTimer) SetWithOutput(s Scope, at, output model.Timestamp) {
	t.c.set(s, "", Setting{At: at, Output: output, HasOutput: true})
}

// Clear clears the timer, if it is set.
func (t EventTimer) Clear(s Scope) { t.c.unset(s, "") }

// A ProcessingTimer calls OnTimer when processing time reaches the time that it
// was set for. One that has not fired when its window expires never does; a DoFn
// that has such timers must have the method OnWindowExpiration therefore.
//
// State: some hundred bytes for a timer that is set.
type ProcessingTimer struct{ c *decl }

// NewProcessingTimer declares a ProcessingTimer.
func NewProcessingTimer(name string) ProcessingTimer {
	return ProcessingTimer{newTimer(name, KindProcessingTimer, ProcessingTime)}
}

// Name implements [Cell].
func (t ProcessingTimer) Name() string { return nameOf(t.c) }

func (t ProcessingTimer) declaration() *decl { return t.c }

// Set sets the timer to at, or moves it there. What OnTimer emits has the timestamp
// of the watermark at that moment, or of the call that set the timer if that is
// later, but none after the window.
func (t ProcessingTimer) Set(s Scope, at model.Timestamp) { t.c.set(s, "", Setting{At: at}) }

// SetAfter is Set to d from [Now].
func (t ProcessingTimer) SetAfter(s Scope, d time.Duration) { t.c.setAfter(s, "", d) }

// SetWithOutput is Set for a timer whose OnTimer emits with timestamp output: it
// must lie in the window and may not be before the timestamp of the call. The
// watermark behind the transform is held at output until the timer has fired or is
// cleared, so that what is emitted is not late.
func (t ProcessingTimer) SetWithOutput(s Scope, at, output model.Timestamp) {
	t.c.set(s, "", Setting{At: at, Output: output, HasOutput: true})
}

// Clear clears the timer, if it is set.
func (t ProcessingTimer) Clear(s Scope) { t.c.unset(s, "") }

// An EventTimerFamily is any number of [EventTimer]s, each with a tag.
//
// State: some hundred bytes and the tag for each timer that is set.
type EventTimerFamily struct{ c *decl }

// NewEventTimerFamily declares an EventTimerFamily.
func NewEventTimerFamily(name string) EventTimerFamily {
	return EventTimerFamily{newTimer(name, KindEventTimerFamily, EventTime)}
}

// Name implements [Cell].
func (t EventTimerFamily) Name() string { return nameOf(t.c) }

func (t EventTimerFamily) declaration() *decl { return t.c }

// Set is that of [EventTimer], for the timer with the tag.
func (t EventTimerFamily) Set(s Scope, tag string, at model.Timestamp) {
	t.c.set(s, tag, Setting{At: at})
}

// SetWithOutput is that of [EventTimer], for the timer with the tag.
func (t EventTimerFamily) SetWithOutput(s Scope, tag string, at, output model.Timestamp) {
	t.c.set(s, tag, Setting{At: at, Output: output, HasOutput: true})
}

// Clear clears the timer with the tag, if it is set.
func (t EventTimerFamily) Clear(s Scope, tag string) { t.c.unset(s, tag) }

// A ProcessingTimerFamily is any number of [ProcessingTimer]s, each with a tag.
//
// State: some hundred bytes and the tag for each timer that is set.
type ProcessingTimerFamily struct{ c *decl }

// NewProcessingTimerFamily declares a ProcessingTimerFamily.
func NewProcessingTimerFamily(name string) ProcessingTimerFamily {
	return ProcessingTimerFamily{newTimer(name, KindProcessingTimerFamily, ProcessingTime)}
}

// Name implements [Cell].
func (t ProcessingTimerFamily) Name() string { return nameOf(t.c) }

func (t ProcessingTimerFamily) declaration() *decl { return t.c }

// Set is that of [ProcessingTimer], for the timer with the tag.
func (t ProcessingTimerFamily) Set(s Scope, tag string, at model.Timestamp) {
	t.c.set(s, tag, Setting{At: at})
}

// SetAfter is Set to d from [Now].
func (t ProcessingTimerFamily) SetAfter(s Scope, tag string, d time.Duration) {
	t.c.setAfter(s, tag, d)
}

// SetWithOutput is that of [ProcessingTimer], for the timer with the tag.
func (t ProcessingTimerFamily) SetWithOutput(s Scope, tag string, at, output model.Timestamp) {
	t.c.set(s, tag, Setting{At: at, Output: output, HasOutput: true})
}

// Clear clears the timer with the tag, if it is set.
func (t ProcessingTimerFamily) Clear(s Scope, tag string) { t.c.unset(s, tag) }

func newTimer(name string, k Kind, c Clock) *decl {
	d := &decl{clock: c}
	d.declare(name, k, nil)
	return d
}

func (d *decl) set(s Scope, tag string, to Setting) {
	f := d.enter(s)
	if f == nil {
		return
	}
	if err := f.access.SetTimer(d.index, tag, to); err != nil {
		f.fail(err)
	}
}

func (d *decl) setAfter(s Scope, tag string, after time.Duration) {
	if f := d.enter(s); f != nil {
		d.set(s, tag, Setting{At: f.access.Time(ProcessingTime).Add(after)})
	}
}

func (d *decl) unset(s Scope, tag string) {
	if f := d.enter(s); f != nil {
		f.access.ClearTimer(d.index, tag)
	}
}
