package direct_test

import (
	"strings"
	"testing"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/runners/direct"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/triggers"
)

// An impatient trigger never fires, and asks to be asked again at once.
type impatient struct {
	triggers.Default
	ask func(*model.TriggerContext)
}

func (t impatient) ShouldFire(c *model.TriggerContext) bool { t.ask(c); return false }
func (impatient) OnElement(*model.TriggerContext)           {}
func (impatient) String() string                            { return "impatient" }

func TestATriggerThatAsksForWhatHasPassedEndsTheRun(t *testing.T) {
	for clock, ask := range map[string]func(*model.TriggerContext){
		"event time":      func(c *model.TriggerContext) { c.WakeAtEventTime(c.Watermark) },
		"processing time": func(c *model.TriggerContext) { c.WakeAtProcessingTime(c.Now) },
	} {
		var p model.Pipeline
		src := &numbers{n: 100, promises: true}
		strategy := tens
		strategy.Trigger, strategy.Panes = impatient{ask: ask}, model.Discarding
		counted(transforms.Window(src.read(&p), strategy))
		_, err := direct.Runner{Parallelism: 2, SourceBatch: 1}.Run(t.Context(), &p)
		if err == nil || !strings.Contains(err.Error(), "its trigger impatient has asked 65537 times to be asked again at an instant that has passed") {
			t.Errorf("%s: the run returned %v", clock, err)
		}
	}
}
