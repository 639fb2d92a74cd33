package transforms_test

import (
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/testing/streamtest"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/triggers"
	"github.com/millrace/millrace/windowing"
)

// Windows that will not do, and transforms that do not fit together.

type strategy = model.WindowingStrategy

// endless is an unbounded collection.
func endless(p *model.Pipeline) keyed { return streamtest.NewStream[model.KV[string, int]](p).End() }

const (
	day  = 24 * time.Hour
	once = model.PaneMode(9)
)

var windowMistakes = map[string]func(*model.Pipeline){
	"none":  func(p *model.Pipeline) { used(transforms.Window(pairs(p), strategy{})) },
	"fixed": func(p *model.Pipeline) { used(transforms.Window(pairs(p), strategy{Windows: windowing.Fixed{}})) },
	"fixed by offset": func(p *model.Pipeline) {
		used(transforms.Window(pairs(p), strategy{Windows: windowing.Fixed{Size: day, Offset: day}}))
	},
	"sliding": func(p *model.Pipeline) {
		used(transforms.Window(pairs(p), strategy{Windows: windowing.Sliding{Size: day}}))
	},
	"sessions": func(p *model.Pipeline) {
		used(transforms.Window(pairs(p), strategy{Windows: windowing.Sessions{Gap: -1}}))
	},
	"lateness": func(p *model.Pipeline) {
		used(transforms.Window(pairs(p), strategy{Windows: minutes, Lateness: -day, Panes: model.Discarding}))
	},
	"panes for lateness": func(p *model.Pipeline) { used(transforms.Window(pairs(p), strategy{Windows: minutes, Lateness: day})) },
	"panes for a trigger": func(p *model.Pipeline) {
		used(transforms.Window(pairs(p), strategy{Windows: minutes, Trigger: triggers.Default{}}))
	},
	"panes": func(p *model.Pipeline) { used(transforms.Window(pairs(p), strategy{Windows: minutes, Panes: once})) },
	"trigger": func(p *model.Pipeline) {
		used(transforms.Window(pairs(p), strategy{Windows: minutes, Trigger: triggers.AfterAll{triggers.AfterCount{}, nil}, Panes: model.Discarding}))
	},
	"trigger that finishes": func(p *model.Pipeline) {
		used(transforms.Window(pairs(p), strategy{Windows: minutes, Trigger: triggers.AfterCount{N: 1}, Panes: model.Discarding}))
	},
	"everything": func(p *model.Pipeline) {
		used(transforms.Window(pairs(p), strategy{Windows: windowing.Sessions{}, Trigger: triggers.AfterCount{}, Lateness: -day}))
	},
	"of other elements": func(p *model.Pipeline) { used(transforms.Window(pairs(p), strategy{Windows: trips{}})) },
	"Window named": func(p *model.Pipeline) {
		used(transforms.Window(ones(p), strategy{}, model.Name("daily")))
	},
	"Flatten of different": func(p *model.Pipeline) {
		used(transforms.Flatten(transforms.Window(pairs(p), strategy{Windows: minutes}), transforms.Window(pairs(p), strategy{Windows: sliding})))
	},
	"Flatten of some and none": func(p *model.Pipeline) {
		daily := transforms.Window(pairs(p), strategy{Windows: windowing.Fixed{Size: day}})
		used(transforms.Flatten(pairs(p), daily))
	},
	"Flatten of different panes": func(p *model.Pipeline) {
		discarding := transforms.Window(pairs(p), strategy{Windows: minutes, Lateness: day, Panes: model.Discarding})
		accumulating := transforms.Window(pairs(p), strategy{Windows: minutes, Lateness: day, Panes: model.Accumulating})
		used(transforms.Flatten(discarding, accumulating))
	},
	"Join of different": func(p *model.Pipeline) {
		soon := transforms.Window(pairs(p), strategy{Windows: minutes})
		late := transforms.Window(pairs(p), strategy{Windows: minutes, Lateness: day, Panes: model.Discarding})
		used(transforms.Join(soon, late, func(string, int, int) int { return 0 }))
	},
	"GroupByKey without end":      func(p *model.Pipeline) { used(transforms.GroupByKey(endless(p))) },
	"CombinePerKey without end":   func(p *model.Pipeline) { used(transforms.CombinePerKey(endless(p), transforms.Sum)) },
	"CombineGlobally without end": func(p *model.Pipeline) { used(transforms.CombineGlobally(endless(p), transforms.Counting)) },
	"Count without end":           func(p *model.Pipeline) { used(transforms.Count(endless(p))) },
	"Join without end": func(p *model.Pipeline) {
		used(transforms.Join(endless(p), pairs(p), func(string, int, int) int { return 0 }))
	},
	"Global without end": func(p *model.Pipeline) {
		all := transforms.Window(endless(p), strategy{Windows: windowing.Global{}, Trigger: triggers.Default{}, Panes: model.Discarding})
		used(transforms.GroupByKey(all))
	},
	"retractions into panes without": func(p *model.Pipeline) {
		corrected := summed(transforms.Window(pairs(p), strategy{Windows: minutes, Lateness: day, Panes: model.Retracting}))
		daily := transforms.Window(corrected, strategy{Windows: windowing.Fixed{Size: day}})
		used(transforms.CombineGlobally(daily, transforms.Counting))
	},
}

var graphMistakes = map[string]func(*model.Pipeline){
	"name twice": func(p *model.Pipeline) {
		transforms.Map(ones(p), double, model.Name("total"))
		used(transforms.Map(ones(p), double, model.Name("total")))
	},
	"name of a composite": func(p *model.Pipeline) {
		transforms.Map(ones(p), double, model.Name("total"))
		transforms.Count(ones(p), model.Name("total"))
	},
	"name inside a composite twice": func(p *model.Pipeline) {
		used(transforms.Composite("sums", ones(p), func(c model.PCollection[int]) model.PCollection[int] {
			transforms.Map(c, double, model.Name("total"))
			return transforms.Map(c, double, model.Name("total"))
		}))
	},
	"Composite without a name": func(p *model.Pipeline) {
		transforms.Composite("", ones(p), func(c model.PCollection[int]) model.PCollection[int] { return c })
	},
	"Flatten of two pipelines": func(p *model.Pipeline) {
		var q model.Pipeline
		used(transforms.Flatten(ones(p), ones(&q)))
	},
	"Join of two pipelines": func(p *model.Pipeline) {
		var q model.Pipeline
		used(transforms.Join(pairs(p), pairs(&q), func(string, int, int) int { return 0 }))
	},
	"Join of two pipelines the second of which is run": func(p *model.Pipeline) {
		var q model.Pipeline
		used(transforms.Join(pairs(&q), pairs(p), func(string, int, int) int { return 0 }))
	},
	"Join of a mistake": func(p *model.Pipeline) {
		wrong := transforms.Filter(pairs(p), nil)
		used(transforms.Join(pairs(p), wrong, func(string, int, int) int { return 0 }))
	},
	"LateData of what drops nothing": func(p *model.Pipeline) {
		var late model.LateData[int]
		used(transforms.Map(ones(p), double, late.To()))
	},
	"LateData of two": func(p *model.Pipeline) {
		var late model.LateData[model.KV[string, int]]
		transforms.GroupByKey(pairs(p), late.To())
		used(transforms.GroupByKey(pairs(p), late.To()))
	},
	"LateData of other elements": func(p *model.Pipeline) {
		var late model.LateData[int]
		used(transforms.GroupByKey(pairs(p), late.To()))
	},
	"LateData of other elements than are counted": func(p *model.Pipeline) {
		var late model.LateData[model.KV[string, struct{}]]
		used(transforms.Count(pairs(p), late.To()))
		used(late.Collection())
	},
	"LateData of another's": func(p *model.Pipeline) {
		var late model.LateData[int]
		transforms.Distinct(ones(p), late.To())
		used(transforms.CombineGlobally(ones(p), transforms.Sum[int], late.To()))
	},
	"LateData of a mistake within": func(p *model.Pipeline) {
		var late model.LateData[int]
		used(transforms.CombineGlobally[int, int, int](ones(p), nil, late.To()))
		used(late.Collection())
	},
	"LateData of a mistake": func(p *model.Pipeline) {
		var late model.LateData[model.KV[float64, int]]
		used(transforms.GroupByKey(keyedBy[float64](p), late.To()))
		used(late.Collection())
	},
}

func double(n int) int { return 2 * n }
