package streamtest_test

import (
	"testing"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/testing/streamtest"
	"github.com/millrace/millrace/transforms"
)

type amount = model.KV[string, int]

var pay = model.KVOf[string, int]

func TestGroupByKeyAccumulates(t *testing.T) {
	var p model.Pipeline
	payments := streamtest.NewStream[amount](&p).
		Add(10*second, pay("ann", 3), pay("bob", 1), pay("ann", 2)).
		Watermark(60*second).
		Add(20*second, pay("ann", 1)).
		End()
	list := model.KVOf[string, []int]
	streamtest.WantPanes(t, collected(transforms.Window(payments, minutes(time.Hour, model.Accumulating))),
		streamtest.OnTime(between(0, 60), list("ann", []int{2, 3}), list("bob", []int{1})),
		streamtest.Late(between(0, 60), list("ann", []int{1, 2, 3})))
}

func TestGroupByKeyDiscards(t *testing.T) {
	var p model.Pipeline
	payments := streamtest.NewStream[amount](&p).
		Add(10*second, pay("ann", 3), pay("ann", 2)).
		Watermark(60*second).
		Add(20*second, pay("ann", 1)).
		End()
	list := model.KVOf[string, []int]
	streamtest.WantPanes(t, collected(transforms.Window(payments, minutes(time.Hour, model.Discarding))),
		streamtest.OnTime(between(0, 60), list("ann", []int{2, 3})),
		streamtest.Late(between(0, 60), list("ann", []int{1})))
}

// The default trigger folds before the exchange, and keeps windows for all keys
// together. In disguise it does neither, and must come to the same.
func TestFoldingBeforeTheExchangeChangesNoPane(t *testing.T) {
	for name, s := range map[string]model.WindowingStrategy{
		"fixed":      minutes(40*time.Second, model.Accumulating),
		"discarding": minutes(40*time.Second, model.Discarding),
		"sliding":    sliding(time.Minute, 30*time.Second, 40*time.Second),
	} {
		t.Run(name, func(t *testing.T) {
			var p model.Pipeline
			payments := streamtest.NewStream[amount](&p).
				Add(10*second, pay("ann", 3), pay("bob", 1), pay("ann", 2)).
				Watermark(60*second).
				Add(40*second, pay("ann", 4)).
				Add(20*second, pay("cid", 1)).
				Add(70*second, pay("ann", 5)).
				Watermark(100*second).
				Add(40*second, pay("ann", 7)).
				End()
			folded := sums(payments, s)
			s.Trigger = perKey{}
			unfolded := sums(payments, s)
			streamtest.Run(t, &p)
			unfolded.WantPanes(t, folded.Panes()...)
			folded.WantDropped(t, 1)
			unfolded.WantDropped(t, 1)
		})
	}
}

func sums(c model.PCollection[amount], s model.WindowingStrategy) *streamtest.Captured[amount] {
	return streamtest.Capture(transforms.CombinePerKey(transforms.Window(c, s), transforms.Sum))
}
