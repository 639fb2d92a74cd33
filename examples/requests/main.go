// Requests counts the requests in log files by minute and status. The first word
// of a line is when the request came, the second how it ended:
//
//	2024-02-29T12:30:10Z 404 /favicon.ico
//
// It prints each minute as it ends, and again with its new count where a line comes
// late. What is late depends on the watermark, which follows the lines that are read
// together: with -parallelism 1 -source-batch 1, each one.
//
// It is the program that the README begins with.
package main

import (
	"context"
	"flag"
	"fmt"
	"strings"
	"time"

	"github.com/millrace/millrace"
	"github.com/millrace/millrace/io/textio"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/windowing"
)

func main() {
	in := flag.String("in", "access.log", "the log `files`, as a pattern; may be compressed")
	millrace.Main(func(p *model.Pipeline) error {
		logs := textio.Source(*in, textio.Options{})
		// Lines may be up to ten seconds behind those before them and still be on time.
		timed := source.WithEventTime(logs, timeOf, source.BoundedOutOfOrderness(10*time.Second))
		counts := PerMinute(transforms.Read(p, timed))
		transforms.ForEach(counts, show)
		return nil
	})
}

// PerMinute counts lines by status, in windows of a minute. A line up to an hour
// late corrects the count of its minute.
func PerMinute(lines model.PCollection[string]) model.PCollection[model.KV[string, int64]] {
	statuses := transforms.Map(lines, func(line string) string { return field(line, 1) })
	minutes := transforms.Window(statuses, model.WindowingStrategy{
		Windows:  windowing.Fixed{Size: time.Minute},
		Lateness: time.Hour,
		Panes:    model.Accumulating,
	})
	return transforms.Count(minutes)
}

func show(_ context.Context, e transforms.Element[model.KV[string, int64]]) error {
	_, err := fmt.Println(e.Window.Start, e.Value.Key, e.Value.Value, e.Pane.Timing)
	return err
}

// timeOf is when the request of line came. A line without a time takes that of the
// stream at that moment.
func timeOf(line string) model.Timestamp {
	t, err := time.Parse(time.RFC3339Nano, field(line, 0))
	if err != nil {
		return model.MinTimestamp
	}
	return model.TimestampOf(t)
}

func field(line string, i int) string {
	if words := strings.Fields(line); i < len(words) {
		return words[i]
	}
	return "-"
}
