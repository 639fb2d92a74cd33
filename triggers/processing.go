package triggers

import (
	"fmt"
	"time"

	"github.com/millrace/millrace/model"
)

// AfterProcessingTime fires Delay of processing time after the first element of a
// pane, and is finished then. With Align, the time is put off to the next
// multiple of Align since the Unix epoch, so that many keys fire together.
type AfterProcessingTime struct {
	part
	Delay, Align time.Duration
}

func (t AfterProcessingTime) String() string {
	if t.Align > 0 {
		return fmt.Sprintf("processing-time(%v, align %v)", t.Delay, t.Align)
	}
	return fmt.Sprintf("processing-time(%v)", t.Delay)
}

// Validate implements [model.Trigger].
func (t AfterProcessingTime) Validate() error {
	switch {
	case t.Delay < 0:
		return fmt.Errorf("AfterProcessingTime.Delay is %v; it must not be negative", t.Delay)
	case t.Align < 0 || t.Align%time.Microsecond != 0:
		return fmt.Errorf("AfterProcessingTime.Align is %v; it must be whole microseconds, and not negative", t.Align)
	}
	return nil
}

// Finishes implements [model.Trigger].
func (AfterProcessingTime) Finishes(time.Duration) bool { return true }

// OnElement implements [model.Trigger].
func (t AfterProcessingTime) OnElement(c *model.TriggerContext) {
	cell := c.Cell()
	if cell.Count++; cell.Count > 1 {
		return
	}
	cell.At = c.Now.Add(t.Delay)
	if align := model.Timestamp(t.Align / time.Microsecond); align > 0 {
		if r := ((cell.At % align) + align) % align; r != 0 {
			cell.At += align - r
		}
	}
}

// OnMerge implements [model.Trigger]: the earliest of the merged times counts.
func (AfterProcessingTime) OnMerge(c *model.TriggerContext, from []model.TriggerCell) {
	mergeTime(c, from)
}

func mergeTime(c *model.TriggerContext, from []model.TriggerCell) {
	if !joins(c, from) {
		return
	}
	cell := c.Cell()
	if from[0].Count > 0 && (cell.Count == 0 || from[0].At < cell.At) {
		cell.At = from[0].At
	}
	cell.Count += from[0].Count
}

// ShouldFire implements [model.Trigger].
func (AfterProcessingTime) ShouldFire(c *model.TriggerContext) bool {
	cell := c.Cell()
	if cell.Count == 0 {
		return false
	}
	if c.Now >= cell.At {
		return true
	}
	c.WakeAtProcessingTime(cell.At)
	return false
}

// OnFire implements [model.Trigger].
func (AfterProcessingTime) OnFire(c *model.TriggerContext) { c.Cell().Finished = true }

// AfterSynchronizedProcessingTime fires once processing time has moved on since
// the first element of a pane, and is finished then: whatever arrived at the same
// instant, from all that is upstream, is in the pane. It is what follows a
// grouping whose own trigger goes by processing time.
type AfterSynchronizedProcessingTime struct{ part }

func (AfterSynchronizedProcessingTime) String() string { return "synchronized-processing-time" }

// Finishes implements [model.Trigger].
func (AfterSynchronizedProcessingTime) Finishes(time.Duration) bool { return true }

// OnElement implements [model.Trigger].
func (AfterSynchronizedProcessingTime) OnElement(c *model.TriggerContext) {
	cell := c.Cell()
	if cell.Count++; cell.Count == 1 {
		cell.At = c.Now + 1
	}
}

// OnMerge implements [model.Trigger].
func (AfterSynchronizedProcessingTime) OnMerge(c *model.TriggerContext, from []model.TriggerCell) {
	mergeTime(c, from)
}

// ShouldFire implements [model.Trigger].
func (AfterSynchronizedProcessingTime) ShouldFire(c *model.TriggerContext) bool {
	return AfterProcessingTime{}.ShouldFire(c)
}

// OnFire implements [model.Trigger].
func (AfterSynchronizedProcessingTime) OnFire(c *model.TriggerContext) { c.Cell().Finished = true }
