// Package wordcount counts the words of a stream of lines per minute. It is the
// smallest whole example: the pipeline, a test of it against scripted time, and,
// in perminute, a program that runs it over files.
package wordcount

import (
	"strings"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/windowing"
)

// PerMinute emits the count when the minute closes, and a corrected one for each
// line that is up to 5 minutes late.
var PerMinute = model.WindowingStrategy{
	Windows:  windowing.Fixed{Size: time.Minute},
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
