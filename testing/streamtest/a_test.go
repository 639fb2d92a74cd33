package streamtest_test

import (
	"testing"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/testing/streamtest"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/windowing"
)

const second model.Timestamp = 1_000_000

func TestLateElementFiresAtItsOwnStep(t *testing.T) {
	var p model.Pipeline
	words := streamtest.NewStream[string](&p).
		Add(10*second, "a", "b", "a").
		Watermark(60*second).
		Add(50*second, "a").
		Add(55*second, "b").
		Watermark(360*second).
		Add(1*second, "b").
		End()
	counts := transforms.Count(transforms.Window(words, model.WindowingStrategy{Windows: windowing.Fixed{Size: time.Minute}, Lateness: 5 * time.Minute, Panes: model.Accumulating}))
	minute := model.Window{Start: 0, End: 60 * second}
	count := model.KVOf[string, int64]
	streamtest.WantPanes(t, counts,
		streamtest.OnTime(minute, count("a", 2), count("b", 1)).AtStep(2),
		streamtest.Late(minute, count("a", 3)).AtStep(3),
		streamtest.Late(minute, count("b", 2)).AtStep(4),
		streamtest.Late(minute, count("b", 3)).AtStep(4),
	)
}
