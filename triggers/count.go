package triggers

import (
	"fmt"
	"time"

	"github.com/millrace/millrace/model"
)

// AfterCount fires once a pane holds N elements, and is finished then.
type AfterCount struct {
	part
	N int64
}

func (t AfterCount) String() string { return fmt.Sprintf("count(%d)", t.N) }

// Validate implements [model.Trigger].
func (t AfterCount) Validate() error {
	if t.N < 1 {
		return fmt.Errorf("AfterCount.N is %d; it must be at least 1", t.N)
	}
	return nil
}

// Finishes implements [model.Trigger].
func (AfterCount) Finishes(time.Duration) bool { return true }

// OnElement implements [model.Trigger].
func (AfterCount) OnElement(c *model.TriggerContext) { c.Cell().Count++ }

// OnMerge implements [model.Trigger].
func (AfterCount) OnMerge(c *model.TriggerContext, from []model.TriggerCell) {
	if joins(c, from) {
		c.Cell().Count += from[0].Count
	}
}

// ShouldFire implements [model.Trigger].
func (t AfterCount) ShouldFire(c *model.TriggerContext) bool { return c.Cell().Count >= t.N }

// OnFire implements [model.Trigger].
func (AfterCount) OnFire(c *model.TriggerContext) { c.Cell().Finished = true }
