package wordcount_test

import (
	"testing"

	"github.com/millrace/millrace/examples/wordcount"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/testing/streamtest"
)

const second model.Timestamp = 1_000_000

var (
	minute = model.Window{Start: 0, End: 60 * second}
	next   = model.Window{Start: 60 * second, End: 120 * second}
	word   = model.KVOf[string, int64]
)

func TestWordCount(t *testing.T) {
	var p model.Pipeline
	lines := streamtest.NewStream[string](&p).
		Add(10*second, "To be").
		Add(20*second, "or not to be").
		Watermark(60*second).  // on-time pane
		Add(30*second, "be").  // late, still allowed
		Watermark(360*second). // minute closes for good
		Add(40*second, "be").  // dropped
		End()

	counts := streamtest.Capture(wordcount.WordCount(lines))
	streamtest.Run(t, &p)
	counts.WantPanes(t,
		streamtest.OnTime(minute, word("to", 2), word("be", 2), word("or", 1), word("not", 1)),
		streamtest.Late(minute, word("be", 3)))
	counts.WantDropped(t, 1)
}

func TestEachMinuteIsCountedByItself(t *testing.T) {
	var p model.Pipeline
	lines := streamtest.NewStream[string](&p).
		Add(59*second, "the mill").
		Add(60*second, "the race").
		End()
	streamtest.WantPanes(t, wordcount.WordCount(lines),
		streamtest.OnTime(minute, word("the", 1), word("mill", 1)),
		streamtest.OnTime(next, word("the", 1), word("race", 1)))
}

func TestLineWithoutWordsCountsNothing(t *testing.T) {
	var p model.Pipeline
	lines := streamtest.NewStream[string](&p).Add(0, "", " \t").End()
	streamtest.WantEmpty(t, wordcount.WordCount(lines))
}
