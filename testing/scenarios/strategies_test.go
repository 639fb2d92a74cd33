package scenarios_test

import (
	"testing"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/testing/streamtest"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/triggers"
	"github.com/millrace/millrace/windowing"
)

// A dashboard: something each ten seconds, the result when the hour is complete, and
// corrections for a day.
var dashboard = model.WindowingStrategy{
	Windows: windowing.Fixed{Size: time.Hour},
	Trigger: triggers.AfterWatermark{
		Early: triggers.AfterProcessingTime{Delay: 10 * time.Second},
		Late:  triggers.Always{},
	},
	Lateness: 24 * time.Hour,
	Panes:    model.Accumulating,
}

// Batches for a store that is dear to call: a thousand at a time, or what has come in
// a second.
var batches = model.WindowingStrategy{
	Windows: windowing.Global{},
	Trigger: triggers.Repeatedly{Trigger: triggers.AfterAny{
		triggers.AfterCount{N: 1000},
		triggers.AfterProcessingTime{Delay: time.Second},
	}},
	Panes: model.Discarding,
}

// One result per session, and none before all that may be late has come.
var once = model.WindowingStrategy{
	Windows:  windowing.Sessions{Gap: 30 * time.Minute},
	Trigger:  triggers.Never{},
	Lateness: time.Hour,
	Panes:    model.Accumulating,
}

func TestStrategiesOfThePageAreAccepted(t *testing.T) {
	for _, strategy := range []model.WindowingStrategy{dashboard, batches, once} {
		var p model.Pipeline
		words := streamtest.NewStream[text](&p).End()
		transforms.GroupByKey(transforms.Window(words, strategy))
		if err := p.Err(); err != nil {
			t.Errorf("%v: %v", strategy, err)
		}
	}
}
