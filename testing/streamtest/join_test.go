package streamtest_test

import (
	"testing"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/testing/streamtest"
	"github.com/millrace/millrace/transforms"
)

type title = model.KV[string, string]

var call = model.KVOf[string, string]

func TestJoinPairsWhatSharesAWindow(t *testing.T) {
	var p model.Pipeline
	payments := streamtest.NewStream[amount](&p).
		Add(10*second, pay("ann", 3), pay("bob", 1)).
		Add(70*second, pay("ann", 5)).
		End()
	titles := streamtest.NewStream[title](&p).
		Add(50*second, call("ann", "Dr"), call("cid", "Sir")).
		Add(110*second, call("ann", "Prof")).
		End()
	w := minutes(0, 0)
	joined := transforms.Join(transforms.Window(payments, w), transforms.Window(titles, w),
		func(who string, n int, title string) model.KV[string, int] { return pay(title+" "+who, n) })
	streamtest.WantPanes(t, joined,
		streamtest.OnTime(between(0, 60), pay("Dr ann", 3)),
		streamtest.OnTime(between(60, 120), pay("Prof ann", 5)))
}

func TestJoinWaitsForTheSlowerSide(t *testing.T) {
	var p model.Pipeline
	payments := streamtest.NewStream[amount](&p).
		Add(10*second, pay("ann", 3)). // step 1
		Watermark(60 * second).        // step 3
		Watermark(120 * second).       // step 5
		End()                          // step 7
	titles := streamtest.NewStream[title](&p).
		Watermark(30*second).              // step 2
		Add(40*second, call("ann", "Dr")). // step 4
		Watermark(60 * second).            // step 6
		End()                              // step 8
	w := minutes(0, 0)
	joined := transforms.Join(transforms.Window(payments, w), transforms.Window(titles, w),
		func(who string, n int, title string) model.KV[string, int] { return pay(title+" "+who, n) })
	streamtest.WantPanes(t, joined,
		streamtest.OnTime(between(0, 60), pay("Dr ann", 3)).AtStep(6))
}

func TestLeftJoinCorrectsItselfWhenTheOtherSideIsLate(t *testing.T) {
	var p model.Pipeline
	payments := streamtest.NewStream[amount](&p).
		Add(10*second, pay("ann", 3)).
		Watermark(60 * second).
		End()
	titles := streamtest.NewStream[title](&p).
		Watermark(60*second).
		Watermark(61*second).
		Add(40*second, call("ann", "Dr")).
		End()
	w := minutes(time.Hour, model.Accumulating)
	joined := transforms.LeftJoin(transforms.Window(payments, w), transforms.Window(titles, w),
		func(who string, n int, title string, found bool) model.KV[string, int] {
			if !found {
				title = "?"
			}
			return pay(title+" "+who, n)
		})
	payments2 := streamtest.Capture(joined)
	streamtest.Run(t, &p)
	payments2.WantPanes(t,
		streamtest.OnTime(between(0, 60), pay("? ann", 3)),
		streamtest.Late(between(0, 60), pay("Dr ann", 3)))
}

func TestCoGroupSeesKeysOfEitherSide(t *testing.T) {
	var p model.Pipeline
	payments := streamtest.NewStream[amount](&p).
		Add(10*second, pay("ann", 3), pay("bob", 1), pay("ann", 4)).
		End()
	titles := streamtest.NewStream[title](&p).
		Add(50*second, call("ann", "Dr"), call("cid", "Sir")).
		End()
	w := minutes(0, 0)
	sizes := transforms.CoGroup(transforms.Window(payments, w), transforms.Window(titles, w),
		func(who string, payments []int, titles []string, emit func(model.KV[string, [2]int])) {
			emit(model.KVOf(who, [2]int{len(payments), len(titles)}))
		})
	size := model.KVOf[string, [2]int]
	streamtest.WantPanes(t, sizes,
		streamtest.OnTime(between(0, 60), size("ann", [2]int{2, 1}), size("bob", [2]int{1, 0}), size("cid", [2]int{0, 1})))
}

func TestJoinOfSessionsMergesBothSides(t *testing.T) {
	var p model.Pipeline
	payments := streamtest.NewStream[amount](&p).
		Add(0, pay("ann", 3)).
		Add(16*second, pay("ann", 4)).
		End()
	titles := streamtest.NewStream[title](&p).
		Add(8*second, call("ann", "Dr")). // holds the two payments together
		End()
	w := sessions(10*time.Second, 0, 0)
	joined := transforms.Join(transforms.Window(payments, w), transforms.Window(titles, w),
		func(who string, n int, title string) model.KV[string, int] { return pay(title+" "+who, n) })
	streamtest.WantPanes(t, joined,
		streamtest.OnTime(between(0, 26), pay("Dr ann", 3), pay("Dr ann", 4)))
}
