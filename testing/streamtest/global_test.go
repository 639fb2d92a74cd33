package streamtest_test

import (
	"strings"
	"testing"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/testing/streamtest"
	"github.com/millrace/millrace/transforms"
)

func TestGlobalWindowOfABoundedStreamFiresAtItsEnd(t *testing.T) {
	var p model.Pipeline
	words := streamtest.NewStream[string](&p).
		Bounded().
		Add(10*second, "a").
		Watermark(3600*second).
		Add(20*second, "a"). // nothing is ever late for it
		End()
	streamtest.WantPanes(t, transforms.Count(words),
		streamtest.OnTime(model.GlobalWindow, of("a", 2)).First().Last().AtStep(4))
}

func TestGlobalWindowOfAnUnboundedStreamIsAMistake(t *testing.T) {
	var p model.Pipeline
	words := streamtest.NewStream[string](&p).Add(10*second, "a").End()
	transforms.Count(words)
	if err := p.Err(); err == nil || !strings.Contains(err.Error(), "would never emit") {
		t.Errorf("got %v", err)
	}
}

func TestGlobalWindowEndsBeforeTime(t *testing.T) {
	var p model.Pipeline
	words := streamtest.NewStream[string](&p).
		Bounded().
		Add(model.GlobalWindow.MaxTimestamp(), "a").
		Watermark(model.EndOfGlobalWindow).
		Add(0, "late").
		End()
	counts := streamtest.Capture(transforms.Count(words))
	streamtest.Run(t, &p)
	counts.WantPanes(t, streamtest.OnTime(model.GlobalWindow, of("a", 1)).AtStep(2))
	counts.WantDropped(t, 1)
}
