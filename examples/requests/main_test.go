package main

import (
	"testing"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/testing/streamtest"
)

func TestALateRequestCorrectsItsMinute(t *testing.T) {
	noon := time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)
	at := func(d time.Duration) model.Timestamp { return model.TimestampOf(noon.Add(d)) }
	minute := model.Window{Start: at(0), End: at(time.Minute)}
	count := model.KVOf[string, int64]

	var p model.Pipeline
	lines := streamtest.NewStream[string](&p).
		Add(at(10*time.Second), "12:00:10 200 /").
		Add(at(20*time.Second), "12:00:20 404 /old").
		Watermark(at(time.Minute)). // the minute is over
		Add(at(30*time.Second), "12:00:30 200 /slow").
		Watermark(at(2*time.Hour)). // and now nobody waits for it any more
		Add(at(40*time.Second), "12:00:40 200 /lost").
		End()

	counts := streamtest.Capture(PerMinute(lines))
	streamtest.Run(t, &p)
	counts.WantPanes(t,
		streamtest.OnTime(minute, count("200", 1), count("404", 1)),
		streamtest.Late(minute, count("200", 2)))
	counts.WantDropped(t, 1)
}
