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

// AfterAll fires once every one of its triggers would, and is finished then.
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
	unfinished(c, func(i int, s *model.TriggerContext) { t[i].OnFire(s) })
	c.Cell().Finished = true
}

// AfterAny fires once any of its triggers would, and is finished then.
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

// OnFire implements [model.Trigger].
func (t AfterAny) OnFire(c *model.TriggerContext) { c.Cell().Finished = true }

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
// furthest back decide which part is current. What others remember is forgotten.
func (t AfterEach) OnMerge(c *model.TriggerContext, from []model.TriggerCell) {
	reached := 0
	for reached < len(t) && c.SubCells(from, reached)[0].Finished {
		reached++
	}
	first := c.Cell().Count == 0
	switch current := t.current(c); {
	case !first && reached > current:
		return
	case first || reached < current:
		c.Reset()
		for i := range reached {
			c.Sub(i).Cell().Finished = true
		}
	}
	c.Cell().Count += max(from[0].Count, 1) // not the first any more
	c.Cell().Finished = reached == len(t)
	if reached < len(t) {
		t[reached].OnMerge(c.Sub(reached), c.SubCells(from, reached))
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
// and is finished. It is also finished when Main is.
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
func (t OrFinally) OnMerge(c *model.TriggerContext, from []model.TriggerCell) { joinParts(c, from) }

// ShouldFire implements [model.Trigger].
func (t OrFinally) ShouldFire(c *model.TriggerContext) bool {
	main, until := t.Main.ShouldFire(c.Sub(0)), t.Until.ShouldFire(c.Sub(1))
	return main || until
}

// OnFire implements [model.Trigger].
func (t OrFinally) OnFire(c *model.TriggerContext) {
	if t.Until.ShouldFire(c.Sub(1)) {
		c.Cell().Finished = true
		return
	}
	t.Main.OnFire(c.Sub(0))
	c.Cell().Finished = c.Sub(0).Cell().Finished
}
