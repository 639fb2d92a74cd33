package dataflowpaper

import (
	"fmt"
	"testing"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/testing/streamtest"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/triggers"
	"github.com/millrace/millrace/windowing"
)

// What each figure says: the time at which a pane comes, its window, its sum and
// its timing, in the order in which they come.

func TestFigure5(t *testing.T) {
	const want = `
		12:05:20   5 of 12:00:26
		12:05:40   7 of 12:02:26
		12:06:13   3 of 12:03:39
		12:06:27   4 of 12:03:53
		12:06:40   3 of 12:04:20
		12:07:07   8 of 12:03:06
		12:07:20   3 of 12:06:39
		12:08:20   9 of 12:01:26, behind the watermark
		12:08:40   8 of 12:07:26
		12:09:00   1 of 12:07:46`
	var p model.Pipeline
	in, clock := live(&p, inputs)
	_, dropped := figure5(in)
	arrivals, late := streamtest.Capture(in), streamtest.CaptureDropped(dropped)
	streamtest.Run(t, &p)

	var got []string
	for _, e := range arrivals.Elements() {
		line := fmt.Sprintf("%s  %2d of %s", clock[e.Step], e.Value.Value, hms(e.Timestamp))
		for _, l := range late.Elements() {
			if l.Value.Timestamp == e.Timestamp && l.Value.Value == e.Value {
				line += ", behind the watermark"
			}
		}
		got = append(got, line)
	}
	wantLines(t, got, want)
}

func TestFigure6(t *testing.T) {
	wantPanes(t, batch, inputs, figure6, `
		12:10:00  global         51  on-time`)
}

func TestFigure7(t *testing.T) {
	wantPanes(t, live, inputs, figure7, `
		12:06:00  global         12  early
		12:07:00  global         22  early
		12:08:00  global         33  early
		12:09:00  global         51  early`)
}

func TestFigure8(t *testing.T) {
	wantPanes(t, live, inputs, figure8, `
		12:06:00  global         12  early
		12:07:00  global         10  early
		12:08:00  global         11  early
		12:09:00  global         18  early`)
}

func TestFigure9(t *testing.T) {
	wantPanes(t, live, inputs, figure9, `
		12:05:40  global         12  early
		12:06:27  global          7  early
		12:07:07  global         11  early
		12:08:20  global         12  early
		12:09:00  global          9  early`)
}

func TestFigure10(t *testing.T) {
	wantPanes(t, batch, inputs, figure10, `
		12:10:00  12:00 - 12:02  14  on-time
		12:10:00  12:02 - 12:04  22  on-time
		12:10:00  12:04 - 12:06   3  on-time
		12:10:00  12:06 - 12:08  12  on-time`)
}

func TestFigure11(t *testing.T) {
	wantPanes(t, live, inputs, figure11, `
		12:06:00  12:00 - 12:02   5  on-time
		12:06:00  12:02 - 12:04   7  early
		12:07:00  12:02 - 12:04  14  early
		12:07:00  12:04 - 12:06   3  early
		12:08:00  12:02 - 12:04  22  on-time
		12:08:00  12:06 - 12:08   3  early
		12:09:00  12:00 - 12:02  14  late
		12:09:00  12:06 - 12:08  12  early`)
}

func TestFigure12(t *testing.T) {
	wantPanes(t, live, inputs, figure12, `
		12:06:00  12:00 - 12:02   5  on-time
		12:07:30  12:02 - 12:04  22  on-time
		12:07:40  12:04 - 12:06   3  on-time
		12:08:20  12:00 - 12:02  14  late
		12:09:20  12:06 - 12:08  12  on-time`)
}

func TestFigure13(t *testing.T) {
	wantPanes(t, live, inputs, figure13, `
		12:06:00  12:00 - 12:02   5  on-time
		12:06:00  12:02 - 12:04   7  early
		12:07:00  12:02 - 12:04  14  early
		12:07:00  12:04 - 12:06   3  early
		12:07:30  12:02 - 12:04  22  on-time
		12:08:00  12:06 - 12:08   3  early
		12:08:20  12:00 - 12:02  14  late
		12:09:00  12:06 - 12:08  12  early`)
}

func TestFigure14(t *testing.T) {
	wantPanes(t, live, nearer, figure14, `
		12:06:00  12:00:26 - 12:01:26   5  on-time
		12:06:00  12:02:24 - 12:03:24   7  early
		12:07:00  12:03:39 - 12:05:20  10  early
		12:07:37  12:02:24 - 12:03:24  -7  early
		12:07:37  12:03:39 - 12:05:20 -10  early
		12:07:37  12:02:24 - 12:05:20  25  on-time
		12:08:00  12:06:39 - 12:07:39   3  early
		12:08:20  12:00:26 - 12:01:26  -5  on-time
		12:08:20  12:02:24 - 12:05:20 -25  on-time
		12:08:20  12:00:26 - 12:05:20  39  late
		12:09:00  12:06:39 - 12:07:39  -3  early
		12:09:00  12:06:39 - 12:08:46  12  early`)
}

// Where early panes have said it all, no on-time pane repeats it; the figures draw
// none either. Who waits for one asks for it.
func TestFigure13WithEveryOnTimePane(t *testing.T) {
	always := func(in scores) scores {
		return transforms.CombinePerKey(transforms.Window(in, model.WindowingStrategy{
			Windows: windowing.Fixed{Size: 2 * time.Minute},
			Trigger: triggers.AfterWatermark{
				Early: triggers.Repeatedly{Trigger: triggers.AfterProcessingTime{Align: time.Minute}},
				Late:  triggers.Always{},
			},
			Lateness: time.Hour,
			Panes:    model.Accumulating,
			OnTime:   model.FireAlways,
		}), transforms.Sum)
	}
	wantPanes(t, live, inputs, always, `
		12:06:00  12:00 - 12:02   5  on-time
		12:06:00  12:02 - 12:04   7  early
		12:07:00  12:02 - 12:04  14  early
		12:07:00  12:04 - 12:06   3  early
		12:07:30  12:02 - 12:04  22  on-time
		12:07:40  12:04 - 12:06   3  on-time
		12:08:00  12:06 - 12:08   3  early
		12:08:20  12:00 - 12:02  14  late
		12:09:00  12:06 - 12:08  12  early
		12:09:20  12:06 - 12:08  12  on-time`)
}
