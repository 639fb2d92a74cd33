package triggers

import "github.com/millrace/millrace/model"

// Default fires when the watermark passes the end of the window, and again for
// every late element. It never finishes. It is what a strategy without a Trigger
// means, and the engine runs it without any state per key.
type Default struct{ part }

func (Default) String() string { return "default" }

// ShouldFire implements [model.Trigger].
func (Default) ShouldFire(c *model.TriggerContext) bool { return pastEnd(c) }

// pastEnd reports whether the watermark has reached the end of the window, and
// asks to be told when it does.
func pastEnd(c *model.TriggerContext) bool {
	if c.Watermark >= c.Window.End {
		return true
	}
	c.WakeAtEventTime(c.Window.End)
	return false
}

// Never never fires. What its window holds is emitted as the window closes for
// good, once the watermark passes its end plus the allowed lateness: one final
// pane.
type Never struct{ part }

func (Never) String() string { return "never" }

// ShouldFire implements [model.Trigger].
func (Never) ShouldFire(*model.TriggerContext) bool { return false }

// Always fires for every element. It never finishes.
type Always struct{ part }

func (Always) String() string { return "always" }

// ShouldFire implements [model.Trigger]. It asks for the end of the window, too,
// where a strategy may want a pane without anything new in it.
func (Always) ShouldFire(c *model.TriggerContext) bool {
	pastEnd(c)
	return true
}
