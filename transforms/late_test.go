package transforms_test

import (
	"testing"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/testing/streamtest"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/triggers"
	"github.com/millrace/millrace/windowing"
)

const second = model.Timestamp(1_000_000)

type sale = model.KV[string, int]

// lateSales is the stream of the tests below: one sale on time, one late but
// allowed, and one too late.
func lateSales(p *model.Pipeline) model.PCollection[sale] {
	return streamtest.NewStream[sale](p).
		Add(10*second, model.KVOf("tea", 1)).
		Watermark(60*second).
		Add(20*second, model.KVOf("tea", 2)).
		Watermark(90*second).
		Add(30*second, model.KVOf("tea", 3)).
		End()
}

var minutely = model.WindowingStrategy{
	Windows:  windowing.Fixed{Size: time.Minute},
	Lateness: 30 * time.Second,
	Panes:    model.Accumulating,
}

func TestLateDataHasWhatWasDroppedAndWhy(t *testing.T) {
	tooLate := model.LateElement[sale]{
		Value:     model.KVOf("tea", 3),
		Timestamp: 30 * second,
		Window:    model.Window{Start: 0, End: 60 * second},
		Watermark: 90 * second,
		Reason:    model.WindowExpired,
	}
	t.Run("of a combine", func(t *testing.T) {
		var p model.Pipeline
		var late model.LateData[sale]
		sums := transforms.CombinePerKey(transforms.Window(lateSales(&p), minutely), transforms.Sum, late.To())
		gotSums, gotLate := streamtest.Capture(sums), streamtest.Capture(late.Collection())
		streamtest.Run(t, &p)
		gotSums.Want(t, model.KVOf("tea", 1), model.KVOf("tea", 3))
		gotLate.Want(t, tooLate)
	})
	t.Run("of a join, side by side", func(t *testing.T) {
		var p model.Pipeline
		var late model.LateData[sale]
		sales := transforms.Window(lateSales(&p), minutely)
		names := transforms.Map(sales, func(s sale) model.KV[string, string] { return model.KVOf(s.Key, "Tea") })
		joined := transforms.Join(sales, names, func(_ string, n int, _ string) int { return n }, late.To())
		_ = joined
		got := streamtest.Capture(late.Collection())
		streamtest.Run(t, &p)
		got.Want(t, tooLate)
	})
	t.Run("of a trigger that finished", func(t *testing.T) {
		var p model.Pipeline
		var late model.LateData[sale]
		once := minutely
		once.Trigger, once.MayFinish = triggers.AfterCount{N: 1}, true
		groups := transforms.GroupByKey(transforms.Window(lateSales(&p), once), late.To())
		_ = groups
		second := tooLate
		second.Value, second.Timestamp, second.Watermark, second.Reason = model.KVOf("tea", 2), 20*1_000_000, 60*1_000_000, model.TriggerFinished
		got := streamtest.Capture(late.Collection())
		streamtest.Run(t, &p)
		got.Want(t, second, tooLate)
	})
}

// Verbs that are made of others take a LateData of their own elements.
func TestLateDataOfVerbsThatAreMadeOfOthers(t *testing.T) {
	for name, build := range map[string]func(words model.PCollection[string], late model.Option){
		"Count": func(c model.PCollection[string], late model.Option) { transforms.Count(c, late) },
		"Distinct": func(c model.PCollection[string], late model.Option) {
			transforms.Distinct(c, model.Name("Words"), late)
		},
		"CombineGlobally": func(c model.PCollection[string], late model.Option) {
			transforms.CombineGlobally(c, transforms.Counting, late)
		},
	} {
		t.Run(name, func(t *testing.T) {
			var p model.Pipeline
			var late model.LateData[string]
			words := transforms.Keys(transforms.Window(lateSales(&p), minutely))
			build(words, late.To())
			got := streamtest.Capture(late.Collection())
			streamtest.Run(t, &p)
			got.Want(t, model.LateElement[string]{
				Value:     "tea",
				Timestamp: 30 * second,
				Window:    model.Window{Start: 0, End: 60 * second},
				Watermark: 90 * second,
				Reason:    model.WindowExpired,
			})
		})
	}
}

func TestLateDataCanBeGroupedAgain(t *testing.T) {
	var p model.Pipeline
	var late model.LateData[sale]
	transforms.GroupByKey(transforms.Window(lateSales(&p), minutely), late.To())
	values := transforms.Map(late.Collection(), func(l model.LateElement[sale]) int { return l.Value.Value })
	perHour := transforms.Window(values, model.WindowingStrategy{Windows: windowing.Fixed{Size: time.Hour}})
	got := streamtest.Capture(transforms.CombineGlobally(perHour, transforms.Sum[int]))
	streamtest.Run(t, &p)
	got.Want(t, 3)
}
