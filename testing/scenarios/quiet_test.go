package scenarios_test

import (
	"fmt"
	"time"

	"github.com/millrace/millrace/model"
)

// Quiet fires once nothing has come for Gap of processing time, and is finished
// then.
type Quiet struct{ Gap time.Duration }

func (t Quiet) String() string { return fmt.Sprintf("quiet(%v)", t.Gap) }

func (t Quiet) Validate() error {
	if t.Gap <= 0 {
		return fmt.Errorf("Quiet.Gap is %v; it must be positive", t.Gap)
	}
	return nil
}

func (t Quiet) Subtriggers() []model.Trigger { return nil }

func (t Quiet) Finishes(lateness time.Duration) bool { return true }

// OnElement puts the time off.
func (t Quiet) OnElement(c *model.TriggerContext) {
	cell := c.Cell()
	cell.Count++
	cell.At = c.Now.Add(t.Gap)
}

// OnMerge waits for the last that came to any of the windows. Where the trigger had
// finished, it waits for nothing; it is finished if it had been everywhere.
func (t Quiet) OnMerge(c *model.TriggerContext, from []model.TriggerCell) {
	cell := c.Cell()
	if from[0].Finished {
		cell.Finished = cell.Count == 0
		return
	}
	cell.Finished = false
	if cell.Count == 0 || from[0].Count > 0 && from[0].At > cell.At {
		cell.At = from[0].At
	}
	cell.Count += from[0].Count
}

// ShouldFire asks to be asked again when it may be time.
func (t Quiet) ShouldFire(c *model.TriggerContext) bool {
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

func (t Quiet) OnFire(c *model.TriggerContext) { c.Cell().Finished = true }
