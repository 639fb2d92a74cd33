package streamtest_test

import (
	"testing"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/testing/streamtest"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/triggers"
	"github.com/millrace/millrace/windowing"
)

const ms = model.Timestamp(1000)

// What came in time for its window is in time for the grouping behind, too, though an
// element of the pane was behind the watermark.
func TestOnTimeDataDoesNotBecomeLate(t *testing.T) {
	type pair = model.KV[string, int]
	inWindow := func(from, to model.Timestamp) model.Window { return model.Window{Start: from, End: to} }
	for _, tt := range []struct {
		name   string
		stamps model.TimestampCombiner
		adds   []model.Timestamp // one and two, then four, ..., each a value of its own
		stamp  model.Timestamp
	}{
		{"one behind the watermark, one not", model.Earliest, []model.Timestamp{2 * ms, 5 * ms}, 5 * ms},
		{"the other way round", model.Earliest, []model.Timestamp{5 * ms, 2 * ms}, 5 * ms},
		{"the latest of both", model.Latest, []model.Timestamp{5 * ms, 2 * ms}, 5 * ms},
		{"both behind the watermark", model.Earliest, []model.Timestamp{2 * ms, 3 * ms}, 10*ms - 1},
		{"both behind it, the latest", model.Latest, []model.Timestamp{2 * ms, 3 * ms}, 10*ms - 1},
		{"none behind it", model.Earliest, []model.Timestamp{6 * ms, 5 * ms}, 5 * ms},
		{"none behind it, the latest", model.Latest, []model.Timestamp{6 * ms, 5 * ms}, 6 * ms},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var p model.Pipeline
			s := streamtest.NewStream[pair](&p).Watermark(4 * ms)
			for i, at := range tt.adds {
				s.Add(at, pair{Key: "k", Value: 2 + 3*i})
			}
			in := s.Watermark(8 * ms).End()
			sums := transforms.CombinePerKey(transforms.Window(in, model.WindowingStrategy{
				Windows:    windowing.Fixed{Size: 10 * time.Millisecond},
				Trigger:    triggers.Repeatedly{Trigger: triggers.AfterCount{N: 2}},
				Panes:      model.Discarding,
				Timestamps: tt.stamps,
			}), transforms.Sum)
			behind := transforms.CombinePerKey(transforms.Window(sums, model.WindowingStrategy{
				Windows: windowing.Fixed{Size: 2 * time.Millisecond},
			}), transforms.Sum)
			first, second := streamtest.Capture(sums), streamtest.Capture(behind)
			streamtest.Run(t, &p)
			first.WantPanes(t, streamtest.Early(inWindow(0, 10*ms), pair{Key: "k", Value: 7}).Stamped(tt.stamp))
			start := tt.stamp / (2 * ms) * (2 * ms)
			second.WantPanes(t, streamtest.OnTime(inWindow(start, start+2*ms), pair{Key: "k", Value: 7}))
			second.WantDropped(t, 0)
		})
	}
}

// What is still to be said holds the watermark at the timestamp that it will have, also
// while its trigger waits for processing time.
func TestTheWatermarkWaitsForWhatIsToBeSaid(t *testing.T) {
	var p model.Pipeline
	in := streamtest.NewStream[model.KV[string, int]](&p).
		Watermark(4*ms).
		Add(2*ms, model.KVOf("a", 1)). // behind the watermark: it will be at the end of its window
		Add(5*ms, model.KVOf("b", 1)).
		Watermark(8 * ms).
		Elapse(time.Second).
		Watermark(9 * ms).
		End()
	sums := transforms.CombinePerKey(transforms.Window(in, model.WindowingStrategy{
		Windows:    windowing.Fixed{Size: 10 * time.Millisecond},
		Trigger:    triggers.Repeatedly{Trigger: triggers.AfterProcessingTime{Delay: time.Second}},
		Timestamps: model.Earliest,
		Panes:      model.Discarding,
	}), transforms.Sum)
	behind, panes := streamtest.CaptureWatermark(sums), streamtest.Capture(sums)
	streamtest.Run(t, &p)
	window := model.Window{Start: 0, End: 10 * ms}
	panes.WantPanes(t, streamtest.Early(window, model.KVOf("a", 1), model.KVOf("b", 1)).AtStep(5))
	for step, want := range map[int]model.Timestamp{1: 4 * ms, 2: 4 * ms, 3: 4 * ms, 4: 5 * ms, 5: 8 * ms, 6: 9 * ms} {
		behind.WantWatermark(t, step, want)
	}
}
