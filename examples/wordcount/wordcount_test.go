package wordcount_test

import (
	"testing"
	"time"

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
		Elapse(10*time.Second). // early pane
		Add(20*second, "or not to be").
		Watermark(60*second).  // on-time pane
		Add(30*second, "be").  // late, still allowed
		Watermark(360*second). // minute closes for good
		Add(40*second, "be").  // dropped
		End()

	counts := streamtest.Capture(wordcount.WordCount(lines))
	streamtest.Run(t, &p)
	counts.WantPanes(t,
		streamtest.Early(minute, word("to", 1), word("be", 1)),
		streamtest.OnTime(minute, word("to", 2), word("be", 2), word("or", 1), word("not", 1)),
		streamtest.Late(minute, word("be", 3)))
	counts.WantFinal(t, minute, word("to", 2), word("be", 3), word("or", 1), word("not", 1))
	counts.WantDropped(t, 1)
}

func TestRunningCountEvery10Seconds(t *testing.T) {
	var p model.Pipeline
	lines := streamtest.NewStream[string](&p).
		Add(10*second, "be").       // step 1
		Elapse(6*time.Second).      // step 2
		Add(11*second, "be").       // step 3
		Elapse(6*time.Second).      // step 4: ten seconds since the first
		Elapse(time.Hour).          // step 5: nothing to count
		Add(12*second, "be", "be"). // step 6
		Elapse(10 * time.Second).   // step 7
		End()                       // step 8: nothing since
	streamtest.WantPanes(t, wordcount.WordCount(lines),
		streamtest.Early(minute, word("be", 2)).AtStep(4),
		streamtest.Early(minute, word("be", 4)).AtStep(7))
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
