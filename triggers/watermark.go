package triggers

import (
	"time"

	"github.com/millrace/millrace/model"
)

// AfterWatermark fires when the watermark passes the end of the window. Before
// that it fires whenever Early does, which is started over when it finishes; after
// it, whenever Late does, likewise. Without Late it is finished after the on-time
// pane; without Early there are no early panes.
//
// A key of which an early pane has said everything has no on-time pane, unless
// OnTime of the [model.WindowingStrategy] is [model.FireAlways].
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

// active is the context of the part that has the say now, and its place among the
// parts: Early before the on-time pane, Late after it. It is nil if there is none.
// A window that merging has grown past the watermark is early again.
func (t AfterWatermark) active(c *model.TriggerContext) (part *model.TriggerContext, i int) {
	fired := c.Cell().Count > 0
	switch {
	case fired && t.Late == nil, !fired && t.Early == nil:
		return nil, 0
	case fired && t.Early != nil:
		i = 1
	}
	return c.Sub(i), i
}

// Finishes implements [model.Trigger].
func (t AfterWatermark) Finishes(lateness time.Duration) bool { return t.Late == nil && lateness > 0 }

// OnElement implements [model.Trigger].
func (t AfterWatermark) OnElement(c *model.TriggerContext) {
	if a, _ := t.active(c); a != nil {
		a.Trigger().OnElement(a)
	}
}

// OnMerge implements [model.Trigger]. What the part remembers that has no say in the
// merged window is forgotten.
func (t AfterWatermark) OnMerge(c *model.TriggerContext, from []model.TriggerCell) {
	cell, fired := c.Cell(), from[0].Count > 0
	if fired && c.Watermark >= c.Window.End {
		cell.Count = 1
		cell.Finished = t.Late == nil
	}
	if a, i := t.active(c); a != nil && fired == (cell.Count > 0) {
		a.Trigger().OnMerge(a, c.SubCells(from, i))
	}
}

// ShouldFire implements [model.Trigger].
func (t AfterWatermark) ShouldFire(c *model.TriggerContext) bool {
	if c.Cell().Count == 0 && pastEnd(c) {
		return true
	}
	a, _ := t.active(c)
	return a != nil && a.Trigger().ShouldFire(a)
}

// OnFire implements [model.Trigger].
func (t AfterWatermark) OnFire(c *model.TriggerContext) {
	cell := c.Cell()
	a, _ := t.active(c)
	if cell.Count == 0 && c.Watermark >= c.Window.End {
		cell.Count = 1
		cell.Finished = t.Late == nil
		if a != nil {
			a.Reset()
		}
		return
	}
	a.Trigger().OnFire(a)
	if a.Cell().Finished {
		a.Reset()
	}
}
