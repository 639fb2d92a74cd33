// Perminute counts the words of log files by the minute. Each line of a log
// begins with its time:
//
//	2024-02-29T12:30:10Z to be or not to be
//
// Run it with
//
//	go run ./examples/wordcount/perminute -in 'logs/*.txt' -out counts.txt
package main

import (
	"context"
	"flag"
	"fmt"
	"strings"
	"time"

	"github.com/millrace/millrace"
	"github.com/millrace/millrace/examples/wordcount"
	"github.com/millrace/millrace/io/textio"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
	"github.com/millrace/millrace/transforms"
)

func main() {
	var s settings
	flag.StringVar(&s.in, "in", "", "the log `files`, as a pattern")
	flag.StringVar(&s.out, "out", "counts.txt", "the `file` to write")
	flag.DurationVar(&s.disorder, "disorder", time.Minute, "how far a line may be behind the one before it and be on time")
	millrace.Main(func(p *model.Pipeline) error { return build(p, s) })
}

type settings struct {
	in, out  string
	disorder time.Duration
}

func build(p *model.Pipeline, s settings) error {
	if s.in == "" {
		return fmt.Errorf("-in is not set: say which files to read")
	}
	logs := source.WithEventTime(textio.Source(s.in, textio.Options{}), timeOf, source.BoundedOutOfOrderness(s.disorder))
	lines := transforms.Map(transforms.Read(p, logs), textOf)
	counts := wordcount.WordCount(lines)
	textio.Write(transforms.Do(counts, transforms.DoFunc[model.KV[string, int64], string](row)), s.out, textio.WriteOptions{Shards: 1, Overwrite: true})
	return nil
}

// timeOf is the time of a line; one without a time comes at that of those before.
func timeOf(line string) model.Timestamp {
	t, _ := parse(line)
	return t
}

func textOf(line string) string {
	_, text := parse(line)
	return text
}

// parse takes a line apart. One that does not begin with a time is all text.
func parse(line string) (model.Timestamp, string) {
	stamp, text, _ := strings.Cut(line, " ")
	t, err := time.Parse(time.RFC3339Nano, stamp)
	if err != nil {
		return model.MinTimestamp, line
	}
	return model.TimestampOf(t), text
}

// row tells a count, with its minute, and whether it is a running one, that of the
// whole minute, or one that a late line corrects.
func row(_ context.Context, e transforms.Element[model.KV[string, int64]], out transforms.Output[string]) error {
	out.Emit(fmt.Sprintf("%v %s %d %v", e.Window.Start, e.Value.Key, e.Value.Value, e.Pane.Timing))
	return nil
}
