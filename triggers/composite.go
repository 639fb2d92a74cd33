package triggers

import (
	"time"

	"github.com/millrace/millrace/model"
)

// Repeatedly fires whenever Trigger does, and starts it over when it finishes.
// It never finishes.
type Repeatedly struct {
	part
	Trigger model.Trigger
}

func (t Repeatedly) String() string { return call("repeatedly", t.Trigger) }

// Validate implements [model.Trigger].
func (t Repeatedly) Validate() error { return several("Repeatedly", 1, t.Subtriggers()) }

// Subtriggers implements [model.Trigger].
func (t Repeatedly) Subtriggers() []model.Trigger { return []model.Trigger{t.Trigger} }

// OnElement implements [model.Trigger].
func (t Repeatedly) OnElement(c *model.TriggerContext) { t.Trigger.OnElement(c.Sub(0)) }

// OnMerge implements [model.Trigger].
func (t Repeatedly) OnMerge(c *model.TriggerContext, from []model.TriggerCell) { mergeParts(c, from) }

// ShouldFire implements [model.Trigger].
func (t Repeatedly) ShouldFire(c *model.TriggerContext) bool { return t.Trigger.ShouldFire(c.Sub(0)) }

// OnFire implements [model.Trigger].
func (t Repeatedly) OnFire(c *model.TriggerContext) {
	s := c.Sub(0)
	t.Trigger.OnFire(s)
	if s.Cell().Finished {
		s.Reset()
	}
}

// AfterAll fires once every one of its triggers would, and is finished then. In a
// session that grows past the watermark, it waits anew for those of them that went by the
// end of the window.
type AfterAll []model.Trigger

func (t AfterAll) String() string { return call("all", t...) }

// Validate implements [model.Trigger].
func (t AfterAll) Validate() error { return several("AfterAll", 1, t) }

// Subtriggers implements [model.Trigger].
func (t AfterAll) Subtriggers() []model.Trigger { return t }

// Finishes implements [model.Trigger]: it does unless a part never fires, which
// nobody can tell of a trigger.
func (t AfterAll) Finishes(time.Duration) bool { return true }

// OnElement implements [model.Trigger].
func (t AfterAll) OnElement(c *model.TriggerContext) {
	c.Cell().Count++
	unfinished(c, func(i int, s *model.TriggerContext) { t[i].OnElement(s) })
}

// OnMerge implements [model.Trigger].
func (t AfterAll) OnMerge(c *model.TriggerContext, from []model.TriggerCell) { joinParts(c, from) }

// ShouldFire implements [model.Trigger].
func (t AfterAll) ShouldFire(c *model.TriggerContext) bool {
	all := true
	unfinished(c, func(i int, s *model.TriggerContext) { all = t[i].ShouldFire(s) && all })
	return all
}

// OnFire implements [model.Trigger].
func (t AfterAll) OnFire(c *model.TriggerContext) {
	finish(c)
	unfinished(c, func(i int, s *model.TriggerContext) { t[i].OnFire(s) })
}

// AfterAny fires once any of its triggers would, and is finished then. If that was for the
// end of the window alone, it is active again in a session that grows past the watermark.
type AfterAny []model.Trigger

func (t AfterAny) String() string { return call("any", t...) }

// Validate implements [model.Trigger].
func (t AfterAny) Validate() error { return several("AfterAny", 1, t) }

// Subtriggers implements [model.Trigger].
func (t AfterAny) Subtriggers() []model.Trigger { return t }

// Finishes implements [model.Trigger].
func (t AfterAny) Finishes(time.Duration) bool { return true }

// OnElement implements [model.Trigger].
func (t AfterAny) OnElement(c *model.TriggerContext) {
	c.Cell().Count++
	unfinished(c, func(i int, s *model.TriggerContext) { t[i].OnElement(s) })
}

// OnMerge implements [model.Trigger].
func (t AfterAny) OnMerge(c *model.TriggerContext, from []model.TriggerCell) { joinParts(c, from) }

// ShouldFire implements [model.Trigger].
func (t AfterAny) ShouldFire(c *model.TriggerContext) bool {
	any := false
	unfinished(c, func(i int, s *model.TriggerContext) { any = t[i].ShouldFire(s) || any })
	return any
}

// OnFire implements [model.Trigger]. The parts that did not fire start over.
func (t AfterAny) OnFire(c *model.TriggerContext) {
	finish(c)
	unfinished(c, func(i int, s *model.TriggerContext) {
		if t[i].ShouldFire(s) {
			t[i].OnFire(s)
		} else {
			s.Reset()
		}
	})
}

// AfterEach fires as its first trigger does until that finishes, then as its
// second, and so on; it is finished when the last one is.
type AfterEach []model.Trigger

func (t AfterEach) String() string { return call("each", t...) }

// Validate implements [model.Trigger].
func (t AfterEach) Validate() error { return several("AfterEach", 1, t) }

// Subtriggers implements [model.Trigger].
func (t AfterEach) Subtriggers() []model.Trigger { return t }

// Finishes implements [model.Trigger].
func (t AfterEach) Finishes(lateness time.Duration) bool {
	for _, s := range t {
		if !s.Finishes(lateness) {
			return false
		}
	}
	return true
}

// current is the first part that has not finished, or len(t).
func (t AfterEach) current(c *model.TriggerContext) int {
	for i := range t {
		if !c.Sub(i).Cell().Finished {
			return i
		}
	}
	return len(t)
}

// OnElement implements [model.Trigger].
func (t AfterEach) OnElement(c *model.TriggerContext) {
	c.Cell().Count++
	if i := t.current(c); i < len(t) {
		t[i].OnElement(c.Sub(i))
	}
}

// OnMerge implements [model.Trigger]: of the merged windows, those that are
// furthest back decide which part is current. What others remember is forgotten. A part
// that had finished and is active again in the merged window is current again.
func (t AfterEach) OnMerge(c *model.TriggerContext, from []model.TriggerCell) {
	cell, current := c.Cell(), len(t)
	if cell.Count > 0 {
		current = t.current(c)
	}
	cell.Count += max(from[0].Count, 1) // not the first any more
	for i := range current {
		s, was := c.Sub(i), c.SubCells(from, i)
		if !was[0].Finished {
			s.Reset()
		}
		if t[i].OnMerge(s, was); !s.Cell().Finished {
			for later := i + 1; later < len(t); later++ {
				c.Sub(later).Reset()
			}
			cell.Finished = false
			return
		}
	}
	cell.Finished = current == len(t)
	if current < len(t) {
		if s, was := c.Sub(current), c.SubCells(from, current); !was[0].Finished || s.Cell().Count > 0 {
			t[current].OnMerge(s, was)
		}
	}
}

// ShouldFire implements [model.Trigger].
func (t AfterEach) ShouldFire(c *model.TriggerContext) bool {
	i := t.current(c)
	return i < len(t) && t[i].ShouldFire(c.Sub(i))
}

// OnFire implements [model.Trigger].
func (t AfterEach) OnFire(c *model.TriggerContext) {
	i := t.current(c)
	t[i].OnFire(c.Sub(i))
	c.Cell().Finished = t.current(c) == len(t)
}

// OrFinally fires as Main does until Until would fire; it fires then once more
// and is finished. It is also finished when Main is. In a session that grows past the
// watermark it is active again if Until fired for the end of the window alone, and starts
// over, or if the Main that it finished with is active again.
type OrFinally struct{ Main, Until model.Trigger }

func (t OrFinally) String() string { return call("or-finally", t.Main, t.Until) }

// Validate implements [model.Trigger].
func (t OrFinally) Validate() error { return several("OrFinally", 2, t.Subtriggers()) }

// Subtriggers implements [model.Trigger].
func (t OrFinally) Subtriggers() []model.Trigger { return []model.Trigger{t.Main, t.Until} }

// Finishes implements [model.Trigger].
func (t OrFinally) Finishes(time.Duration) bool { return true }

// OnElement implements [model.Trigger].
func (t OrFinally) OnElement(c *model.TriggerContext) {
	c.Cell().Count++
	t.Main.OnElement(c.Sub(0))
	t.Until.OnElement(c.Sub(1))
}

// OnMerge implements [model.Trigger].
func (t OrFinally) OnMerge(c *model.TriggerContext, from []model.TriggerCell) {
	cell, main := c.Cell(), c.Sub(0)
	goesOn := cell.Count > 0 && !cell.Finished
	if goesOn && from[0].Finished && from[0].At&byMain != 0 {
		mergeParts(c, from)
		return
	}
	joinParts(c, from)
	if cell.Finished && cell.At&byMain != 0 && !main.Cell().Finished {
		cell.Finished, cell.At = false, 0
		cell.Count = max(cell.Count, 1)
	}
}

// ShouldFire implements [model.Trigger].
func (t OrFinally) ShouldFire(c *model.TriggerContext) bool {
	main, until := t.Main.ShouldFire(c.Sub(0)), t.Until.ShouldFire(c.Sub(1))
	return main || until
}

// OnFire implements [model.Trigger]. As one of the two ends it, the other starts over.
func (t OrFinally) OnFire(c *model.TriggerContext) {
	cell, main, until := c.Cell(), c.Sub(0), c.Sub(1)
	if t.Until.ShouldFire(until) {
		cell.Finished = true
		if !until.FiresBeforeEnd() {
			cell.At = byEnd
		}
		t.Until.OnFire(until)
		main.Reset()
		return
	}
	t.Main.OnFire(main)
	if cell.Finished = main.Cell().Finished; cell.Finished {
		cell.At = byMain
		until.Reset()
	}
}
