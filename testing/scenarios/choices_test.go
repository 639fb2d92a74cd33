package scenarios_test

import (
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/triggers"
)

// The triggers of docs/triggers.md, as they print themselves.
var choices = map[string]model.Trigger{
	"default":                      triggers.Default{},
	"always":                       triggers.Always{},
	"never":                        triggers.Never{},
	"count(2)":                     triggers.AfterCount{N: 2},
	"processing-time(10s)":         triggers.AfterProcessingTime{Delay: 10 * time.Second},
	"synchronized-processing-time": triggers.AfterSynchronizedProcessingTime{},
	"watermark()":                  triggers.AfterWatermark{},
	"all(count(2), processing-time(10s))": triggers.AfterAll{
		triggers.AfterCount{N: 2},
		triggers.AfterProcessingTime{Delay: 10 * time.Second},
	},
	"each(count(2), always)": triggers.AfterEach{
		triggers.AfterCount{N: 2},
		triggers.Always{},
	},
	"or-finally(always, watermark())": triggers.OrFinally{
		Main:  triggers.Always{},
		Until: triggers.AfterWatermark{},
	},
	"repeatedly(count(2))": triggers.Repeatedly{
		Trigger: triggers.AfterCount{N: 2},
	},
	"repeatedly(processing-time(10s))": triggers.Repeatedly{
		Trigger: triggers.AfterProcessingTime{Delay: 10 * time.Second},
	},
	"repeatedly(processing-time(0s, align 15s))": triggers.Repeatedly{
		Trigger: triggers.AfterProcessingTime{Align: 15 * time.Second},
	},
	"repeatedly(synchronized-processing-time)": triggers.Repeatedly{
		Trigger: triggers.AfterSynchronizedProcessingTime{},
	},
	"repeatedly(all(count(2), watermark()))": triggers.Repeatedly{
		Trigger: triggers.AfterAll{triggers.AfterCount{N: 2}, triggers.AfterWatermark{}},
	},
	"repeatedly(any(count(3), watermark()))": triggers.Repeatedly{
		Trigger: triggers.AfterAny{triggers.AfterCount{N: 3}, triggers.AfterWatermark{}},
	},
	"repeatedly(each(count(1), count(2)))": triggers.Repeatedly{
		Trigger: triggers.AfterEach{triggers.AfterCount{N: 1}, triggers.AfterCount{N: 2}},
	},
	"watermark(early always, late always)": triggers.AfterWatermark{
		Early: triggers.Always{},
		Late:  triggers.Always{},
	},
	"watermark(early processing-time(10s), late count(2))": triggers.AfterWatermark{
		Early: triggers.AfterProcessingTime{Delay: 10 * time.Second},
		Late:  triggers.AfterCount{N: 2},
	},
	"repeatedly(quiet(10s))": triggers.Repeatedly{
		Trigger: Quiet{Gap: 10 * time.Second},
	},
}
