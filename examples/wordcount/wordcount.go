// Package wordcount counts the words of a stream of lines per minute: early, on
// time and late. It is the smallest whole example: the pipeline, a test of it against scripted time, and,
// in perminute, a program that runs it over files.
package wordcount

import (
	"strings"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/triggers"
	"github.com/millrace/millrace/windowing"
)

// PerMinute emits a running count every 10 seconds in which there was something to
// count, the final one when the minute closes, and a corrected one for each line
// that is up to 5 minutes late.
var PerMinute = model.WindowingStrategy{
	Windows: windowing.Fixed{Size: time.Minute},
	Trigger: triggers.AfterWatermark{
		Early: triggers.Repeatedly{Trigger: triggers.AfterProcessingTime{Delay: 10 * time.Second}},
		Late:  triggers.AfterCount{N: 1},
	},
	Lateness: 5 * time.Minute,
	Panes:    model.Accumulating,
}

// WordCount counts the words of lines, in lower case.
func WordCount(lines model.PCollection[string]) model.PCollection[model.KV[string, int64]] {
	words := transforms.FlatMap(lines, strings.FieldsSeq)
	words = transforms.Map(words, strings.ToLower)
	words = transforms.Window(words, PerMinute)
	return transforms.Count(words, model.Name("CountWords"))
}
