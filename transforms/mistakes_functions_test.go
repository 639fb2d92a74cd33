package transforms_test

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
	"github.com/millrace/millrace/transforms"
)

// Functions, sources, sinks and numbers that will not do.

func ones(p *model.Pipeline) model.PCollection[int] { return transforms.Create(p, 1) }

func pairs(p *model.Pipeline) keyed { return transforms.Create(p, model.KVOf("a", 1)) }

// Nothing, of each type that a verb takes.
var (
	noFunction  func(int) int
	noPredicate func(int) bool
	noDoFn      transforms.DoFn[int, int]
	noDoFunc    transforms.DoFunc[int, int]
	noSource    source.Source[int]
)

func sinceEpoch(n int) model.Timestamp { return model.Timestamp(n) * second }

var errWrong = errors.New("its path is empty")

type wrongSource struct{ faultySource }

func (wrongSource) Validate() error { return errWrong }

type wrongSink struct{ faultySink }

func (wrongSink) Validate() error { return errWrong }

var functionMistakes = map[string]func(*model.Pipeline){
	"Map":       func(p *model.Pipeline) { used(transforms.Map(ones(p), noFunction)) },
	"Map named": func(p *model.Pipeline) { used(transforms.Map(ones(p), noFunction, model.Name("double"))) },
	"TryMap": func(p *model.Pipeline) {
		used(transforms.TryMap(ones(p), (func(context.Context, int) (int, error))(nil)))
	},
	"Filter":         func(p *model.Pipeline) { used(transforms.Filter(ones(p), noPredicate)) },
	"FilterMap":      func(p *model.Pipeline) { used(transforms.FilterMap(ones(p), (func(*int, *int) bool)(nil))) },
	"FlatMap":        func(p *model.Pipeline) { used(transforms.FlatMap[int, int](ones(p), nil)) },
	"KeyBy":          func(p *model.Pipeline) { used(transforms.KeyBy(ones(p), noFunction)) },
	"WithTimestamps": func(p *model.Pipeline) { used(transforms.WithTimestamps(ones(p), (func(int) time.Time)(nil))) },
	"Partition":      func(p *model.Pipeline) { used(transforms.Partition(ones(p), 2, noFunction)[1]) },
	"Partition in none": func(p *model.Pipeline) {
		transforms.Partition(ones(p), 0, func(int) int { return 0 })
	},
	"Partition in less than none": func(p *model.Pipeline) { transforms.Partition(ones(p), -1, noFunction) },
	"Do":                          func(p *model.Pipeline) { used(transforms.Do(ones(p), noDoFn)) },
	"Do of a DoFunc":              func(p *model.Pipeline) { used(transforms.Do(ones(p), noDoFunc)) },
	"Do2": func(p *model.Pipeline) {
		a, b := transforms.Do2[int, int, int](ones(p), nil)
		used(a)
		used(b)
	},
	"Do3": func(p *model.Pipeline) {
		a, b, c := transforms.Do3[int, int, int, int](ones(p), nil)
		used(a)
		used(b)
		used(c)
	},
	"ForEach": func(p *model.Pipeline) { transforms.ForEach(ones(p), nil) },
	"Reduce":  func(p *model.Pipeline) { used(transforms.Reduce(pairs(p), nil)) },
	"CombinePerKey": func(p *model.Pipeline) {
		used(transforms.CombinePerKey[string, int, int, int](pairs(p), nil))
	},
	"CombinePerKey by nothing": func(p *model.Pipeline) {
		used(transforms.CombinePerKey(pairs(p), func() transforms.Combiner[int, int, int] { return nil }))
	},
	"CombineGlobally": func(p *model.Pipeline) { used(transforms.CombineGlobally[int, int, int](ones(p), nil)) },
	"Top of none":     func(p *model.Pipeline) { used(transforms.CombinePerKey(pairs(p), transforms.Top(0, cmp.Compare[int]))) },
	"Top of none globally": func(p *model.Pipeline) {
		used(transforms.CombineGlobally(ones(p), transforms.Top(-2, cmp.Compare[int])))
	},
	"Top by nothing": func(p *model.Pipeline) { used(transforms.CombinePerKey(pairs(p), transforms.Top[int](0, nil))) },
	"CoGroup": func(p *model.Pipeline) {
		used(transforms.CoGroup(pairs(p), pairs(p), (func(string, []int, []int, func(int)))(nil)))
	},
	"Join": func(p *model.Pipeline) { used(transforms.Join(pairs(p), pairs(p), (func(string, int, int) int)(nil))) },
	"LeftJoin": func(p *model.Pipeline) {
		used(transforms.LeftJoin(pairs(p), pairs(p), (func(string, int, int, bool) int)(nil)))
	},
	"Read":                     func(p *model.Pipeline) { used(transforms.Read(p, noSource)) },
	"Read from a wrong source": func(p *model.Pipeline) { used(transforms.Read(p, wrongSource{})) },
	"Read without a function for time": func(p *model.Pipeline) {
		used(transforms.Read(p, source.WithEventTime(faultySource{}, nil, source.Monotonic())))
	},
	"Read with event time from nothing": func(p *model.Pipeline) {
		used(transforms.Read(p, source.WithEventTime(noSource, sinceEpoch, source.Monotonic())))
	},
	"Write":                 func(p *model.Pipeline) { transforms.Write(ones(p), nil) },
	"Write to a wrong sink": func(p *model.Pipeline) { transforms.Write(pairs(p), wrongSink{}) },
}
