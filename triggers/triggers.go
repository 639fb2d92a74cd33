// Package triggers decides when a window emits a pane. A trigger is plain data
// and pure evaluation: it can be printed, compared and sent to a worker, and all
// that it remembers about a key and window is in the cells that the engine keeps
// for it. [model.Trigger] says how to write one.
//
// The invariant: a trigger knows only what its [model.TriggerContext] shows. It has
// no clock, and asks to be woken instead.
package triggers

import "github.com/millrace/millrace/model"

// Default fires when the watermark passes the end of the window, and again for
// every late element. It never finishes. It is what a strategy without a Trigger
// means, and the engine runs it without any state per key.
type Default struct{}

var _ model.Trigger = Default{}

func (Default) String() string { return "default" }

// Validate implements [model.Trigger].
func (Default) Validate() error { return nil }

// Subtriggers implements [model.Trigger].
func (Default) Subtriggers() []model.Trigger { return nil }

// OnElement implements [model.Trigger].
func (Default) OnElement(*model.TriggerContext) {}

// OnMerge implements [model.Trigger].
func (Default) OnMerge(*model.TriggerContext, []model.TriggerCell) {}

// ShouldFire implements [model.Trigger].
func (Default) ShouldFire(c *model.TriggerContext) bool {
	if c.Watermark >= c.Window.End {
		return true
	}
	c.WakeAtEventTime(c.Window.End)
	return false
}

// OnFire implements [model.Trigger].
func (Default) OnFire(*model.TriggerContext) {}
