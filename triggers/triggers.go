// Package triggers decides when a window emits a pane. A trigger is plain data
// and pure evaluation: it can be printed, compared and sent to a worker, and all
// that it remembers about a key and window is in the cells that the engine keeps
// for it. [model.Trigger] says how to write one.
//
// The invariant: a trigger knows only what its [model.TriggerContext] shows. It has
// no clock, and asks to be woken instead.
//
// [Default] and [AfterWatermark] serve most pipelines. The others are parts to
// compose: once they have fired, [AfterCount], [AfterProcessingTime] and their
// kind are finished, and [Repeatedly] starts them over.
package triggers

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/millrace/millrace/model"
)

// part is what a trigger without parts, or that has nothing to say of one of
// these, is made of.
type part struct{}

func (part) Subtriggers() []model.Trigger                       { return nil }
func (part) Finishes(time.Duration) bool                        { return false }
func (part) Validate() error                                    { return nil }
func (part) OnElement(*model.TriggerContext)                    {}
func (part) OnMerge(*model.TriggerContext, []model.TriggerCell) {}
func (part) OnFire(*model.TriggerContext)                       {}

// call is the list of triggers ts under a name, printed.
func call(name string, ts ...model.Trigger) string {
	var b strings.Builder
	b.WriteString(name)
	b.WriteByte('(')
	for i, t := range ts {
		if i > 0 {
			b.WriteString(", ")
		}
		if t == nil {
			b.WriteString("nil")
			continue
		}
		b.WriteString(t.String())
	}
	b.WriteByte(')')
	return b.String()
}

// several validates the parts of a composite.
func several(name string, atLeast int, ts []model.Trigger) error {
	var errs []error
	if len(ts) < atLeast {
		errs = append(errs, fmt.Errorf("%s has %d triggers; it needs at least %d", name, len(ts), atLeast))
	}
	for i, t := range ts {
		if t == nil {
			errs = append(errs, fmt.Errorf("%s's trigger %d is nil", name, i+1))
			continue
		}
		if err := t.Validate(); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// unfinished calls f with every subtrigger that has not finished.
func unfinished(c *model.TriggerContext, f func(i int, s *model.TriggerContext)) {
	for i := range c.Trigger().Subtriggers() {
		if s := c.Sub(i); !s.Cell().Finished {
			f(i, s)
		}
	}
}

// A trigger that may finish counts the elements it has seen in its cell's Count.

// joins reports whether from, what such a trigger without parts remembers of a window, counts for
// the merged one: not if it had finished there. The merged window's has finished if
// those of all windows had; what a finished one remembered is forgotten.
func joins(c *model.TriggerContext, from []model.TriggerCell) bool {
	cell := c.Cell()
	switch {
	case from[0].Finished:
		cell.Finished = cell.Finished || cell.Count == 0
		return false
	case cell.Finished:
		c.Reset()
	}
	return true
}

// How a composite that has finished came to do so, in its cell's At.
const (
	// byEnd says that it would not have fired had the watermark not reached the end of the
	// window. A merged window whose end is yet to come undoes that.
	byEnd model.Timestamp = 1 << iota
	// byMain says that an OrFinally finished with its Main, and goes on if that does.
	byMain
)

// finish has a composite finish as it fires. It must be called before its parts are told.
func finish(c *model.TriggerContext) {
	cell := c.Cell()
	cell.Finished = true
	if !c.FiresBeforeEnd() {
		cell.At = byEnd
	}
}

// joinParts merges a composite that finishes as a whole. Where it had finished by the
// end of a window, it goes on in a merged one whose end is yet to come.
func joinParts(c *model.TriggerContext, from []model.TriggerCell) {
	cell, was := c.Cell(), from[0]
	if !was.Finished || was.At&byEnd != 0 && c.Watermark < c.Window.End {
		if cell.Finished {
			c.Reset()
		}
		cell.Count += max(was.Count, 1) // not the first any more
		mergeParts(c, from)
		return
	}
	if cell.Count > 0 && !cell.Finished || cell.At != 0 && was.At == 0 {
		return
	}
	if cell.At == 0 && was.At != 0 {
		c.Reset()
	}
	cell.Finished = true
	cell.At |= was.At
	mergeParts(c, from) // for when it goes on in a window that this becomes part of
}

// mergeParts has every subtrigger take in its part of from.
func mergeParts(c *model.TriggerContext, from []model.TriggerCell) {
	for i := range c.Trigger().Subtriggers() {
		s := c.Sub(i)
		s.Trigger().OnMerge(s, c.SubCells(from, i))
	}
}
