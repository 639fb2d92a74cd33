package triggers

import (
	"time"

	"github.com/millrace/millrace/model"
)

// AfterWatermark fires when the watermark passes the end of the window. Before
// that it fires whenever Early does, which is started over each time; after it,
// whenever Late does, likewise. Without Late it is finished after the on-time
// pane; without Early there are no early panes.
type AfterWatermark struct{ Early, Late model.Trigger }

// cells: its own, then Early's, if any, then Late's. Its Count is 1 once the
// on-time pane has fired.

func (t AfterWatermark) String() string {
	s := "watermark("
	if t.Early != nil {
		s += "early " + t.Early.String()
	}
	if t.Late != nil {
		if t.Early != nil {
			s += ", "
		}
		s += "late " + t.Late.String()
	}
	return s + ")"
}

// Validate implements [model.Trigger].
func (t AfterWatermark) Validate() error { return several("AfterWatermark", 0, t.Subtriggers()) }

// Subtriggers implements [model.Trigger].
func (t AfterWatermark) Subtriggers() []model.Trigger {
	var subs []model.Trigger
	if t.Early != nil {
		subs = append(subs, t.Early)
	}
	if t.Late != nil {
		subs = append(subs, t.Late)
	}
	return subs
}

func (t AfterWatermark) early(c *model.TriggerContext) *model.TriggerContext {
	if t.Early == nil {
		return nil
	}
	return c.Sub(0)
}

func (t AfterWatermark) late(c *model.TriggerContext) *model.TriggerContext {
	switch {
	case t.Late == nil:
		return nil
	case t.Early == nil:
		return c.Sub(0)
	}
	return c.Sub(1)
}

// active is the part that has the say now: Early before the on-time pane, Late
// after it. A window that merging has grown past the watermark is early again.
func (t AfterWatermark) active(c *model.TriggerContext) *model.TriggerContext {
	if c.Cell().Count > 0 {
		return t.late(c)
	}
	return t.early(c)
}

// Finishes implements [model.Trigger].
func (t AfterWatermark) Finishes(lateness time.Duration) bool { return t.Late == nil && lateness > 0 }

// OnElement implements [model.Trigger].
func (t AfterWatermark) OnElement(c *model.TriggerContext) {
	if a := t.active(c); a != nil {
		a.Trigger().OnElement(a)
	}
}

// OnMerge implements [model.Trigger].
func (t AfterWatermark) OnMerge(c *model.TriggerContext, from []model.TriggerCell) {
	mergeParts(c, from)
	if c.Watermark >= c.Window.End {
		c.Cell().Count = max(c.Cell().Count, from[0].Count)
	}
}

// ShouldFire implements [model.Trigger].
func (t AfterWatermark) ShouldFire(c *model.TriggerContext) bool {
	if c.Cell().Count == 0 && pastEnd(c) {
		return true
	}
	a := t.active(c)
	return a != nil && a.Trigger().ShouldFire(a)
}

// OnFire implements [model.Trigger].
func (t AfterWatermark) OnFire(c *model.TriggerContext) {
	cell := c.Cell()
	if cell.Count == 0 && c.Watermark >= c.Window.End {
		cell.Count = 1
		if e := t.early(c); e != nil {
			e.Reset()
		}
		cell.Finished = t.Late == nil
		return
	}
	a := t.active(c)
	a.Trigger().OnFire(a)
	if a.Cell().Finished {
		a.Reset()
	}
}
