package plan_test

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/sink"
	"github.com/millrace/millrace/model/state"
	"github.com/millrace/millrace/testing/streamtest"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/triggers"
	"github.com/millrace/millrace/windowing"
)

type (
	strings_ = model.PCollection[string]
	counts   = model.PCollection[model.KV[string, int64]]
	strategy = model.WindowingStrategy
)

var (
	daily   = strategy{Windows: windowing.Fixed{Size: 24 * time.Hour}}
	hourly  = strategy{Windows: windowing.Fixed{Size: time.Hour}}
	sliding = strategy{Windows: windowing.Sliding{Size: time.Hour, Every: 10 * time.Minute}}
	visits  = strategy{Windows: windowing.Sessions{Gap: 30 * time.Minute}}
)

func lines(p *model.Pipeline) strings_ { return transforms.Create(p, "to be", "or not") }

func clicks(p *model.Pipeline) strings_ {
	return streamtest.NewStream[string](p, model.Name("clicks")).End()
}

// A bucket is a sink that makes so many objects, or as many as it likes.
type bucket[T any] struct {
	sink.Sink[T]
	name   string
	shards int
}

func (b bucket[T]) String() string { return b.name }
func (b bucket[T]) Shards() int    { return b.shards }

func write[T any](c model.PCollection[T], shards int) {
	transforms.Write(c, bucket[T]{name: "gs://results", shards: shards})
}

func isLong(s string) bool { return len(s) > 4 }

// initial is a composite.
func initial(words strings_) strings_ {
	return transforms.Composite("initial", words, func(words strings_) strings_ {
		return transforms.Distinct(transforms.Map(words, func(w string) string { return w[:1] }))
	})
}

func total(c counts) model.PCollection[int64] {
	return transforms.CombineGlobally(transforms.Values(c), transforms.Sum)
}

var pipelines = map[string]func(*model.Pipeline){
	"nothing": func(p *model.Pipeline) {},

	"linear": func(p *model.Pipeline) {
		words := transforms.FlatMap(lines(p), strings.FieldsSeq)
		long := transforms.Filter(words, isLong)
		write(transforms.Map(long, strings.ToUpper, model.Name("shout")), 0)
	},

	"word-count": func(p *model.Pipeline) {
		write(transforms.Count(transforms.FlatMap(lines(p), strings.FieldsSeq)), 0)
	},

	// One collection goes two ways.
	"branch": func(p *model.Pipeline) {
		words := transforms.FlatMap(lines(p), strings.FieldsSeq)
		write(transforms.Filter(words, isLong, model.Name("long")), 0)
		write(transforms.Count(words), 0)
	},

	// Two ways that meet again, in the same stage and at a grouping.
	"diamond": func(p *model.Pipeline) {
		all := lines(p)
		up, down := transforms.Map(all, strings.ToUpper, model.Name("up")), transforms.Map(all, strings.ToLower, model.Name("down"))
		write(transforms.Count(transforms.Flatten(up, down)), 0)
	},

	"diamond-of-groupings": func(p *model.Pipeline) {
		words := lines(p)
		frequent := transforms.Count(words)
		byLength := transforms.Count(transforms.Map(words, func(w string) string { return fmt.Sprint(len(w)) }), model.Name("by length"))
		write(transforms.Join(frequent, byLength, func(_ string, a, b int64) int64 { return a + b }), 0)
	},

	// What follows the Flatten is in the stages of both sources.
	"two-sources": func(p *model.Pipeline) {
		both := transforms.Flatten(lines(p), lines(p))
		write(transforms.Count(transforms.Filter(both, isLong)), 0)
	},

	"chained": func(p *model.Pipeline) {
		daily := transforms.Window(clicks(p), daily)
		write(total(transforms.Count(daily)), 0)
	},

	"join": func(p *model.Pipeline) {
		names := transforms.KeyBy(transforms.Window(clicks(p), hourly), strings.ToLower)
		orders := transforms.KeyBy(transforms.Window(clicks2(p), hourly), strings.ToUpper)
		write(transforms.Join(names, orders, func(k, a, b string) string { return k + a + b }), 0)
	},

	"self-join": func(p *model.Pipeline) {
		words := transforms.KeyBy(lines(p), strings.ToLower)
		write(transforms.Join(words, words, func(k, a, b string) string { return k + a + b }), 0)
	},

	"join-of-grouped-and-not": func(p *model.Pipeline) {
		words := transforms.KeyBy(transforms.Window(clicks(p), hourly), strings.ToLower)
		latest := transforms.Reduce(words, func(_, b string) string { return b })
		write(transforms.Join(words, latest, func(k, a, b string) string { return k + a + b }), 0)
	},

	"sliding": func(p *model.Pipeline) {
		write(transforms.Count(transforms.Window(clicks(p), sliding)), 0)
	},

	"sliding-groups": func(p *model.Pipeline) {
		groups := transforms.GroupByKey(transforms.KeyBy(transforms.Window(clicks(p), sliding), strings.ToLower))
		write(transforms.Map(groups, func(g model.KV[string, iter.Seq[string]]) []string { return slices.Collect(g.Value) }), 0)
	},

	// A Do sees each window of its own, so the count behind it has no slices.
	"sliding-behind-do": func(p *model.Pipeline) {
		seen := transforms.Do(transforms.Window(clicks(p), sliding), transforms.DoFunc[string, string](
			func(_ context.Context, e transforms.Element[string], out transforms.Output[string]) error { return nil }))
		write(transforms.Count(seen), 0)
	},

	"sessions": func(p *model.Pipeline) {
		write(transforms.Count(transforms.Window(clicks(p), visits)), 0)
	},

	"triggered": func(p *model.Pipeline) {
		s := daily
		s.Trigger = triggers.AfterWatermark{
			Early: triggers.Repeatedly{Trigger: triggers.AfterCount{N: 100}},
			Late:  triggers.Repeatedly{Trigger: triggers.AfterCount{N: 1}},
		}
		s.Lateness, s.Panes = time.Hour, model.Accumulating
		write(transforms.Count(transforms.Window(clicks(p), s)), 0)
	},

	"windowed-again": func(p *model.Pipeline) {
		perHour := transforms.Count(transforms.Window(clicks(p), hourly))
		perDay := transforms.Window(total(perHour), daily, model.Name("per day"))
		write(transforms.CombineGlobally(perDay, transforms.Max), 0)
	},

	"shards": func(p *model.Pipeline) { write(lines(p), 3) },

	"reshuffled": func(p *model.Pipeline) {
		write(transforms.Map(transforms.Reshuffle(lines(p)), strings.ToUpper), 0)
	},

	"partition": func(p *model.Pipeline) {
		parts := transforms.Partition(lines(p), 3, func(s string) int { return len(s) % 3 })
		write(parts[0], 0)
		write(transforms.Count(parts[1]), 0)
		// Nothing reads the third.
	},

	"outputs": func(p *model.Pipeline) {
		lengths, bad := transforms.Do2(lines(p), func(_ context.Context, e transforms.Element[string], lengths transforms.Output[int], bad transforms.Output[error]) error {
			return nil
		}, model.Name("parse"))
		write(lengths, 0)
		transforms.ForEach(bad, func(context.Context, transforms.Element[error]) error { return nil }, model.Name("log"))
	},

	"composites": func(p *model.Pipeline) {
		words := transforms.FlatMap(lines(p), strings.FieldsSeq)
		write(initial(words), 0)
		write(initial(words), 0)
	},

	"types": func(p *model.Pipeline) {
		type order struct{ ID int }
		orders := transforms.Create(p, order{1})
		byTime := transforms.KeyBy(orders, func(o order) [2]model.Timestamp { return [2]model.Timestamp{} })
		groups := transforms.GroupByKey(byTime)
		transforms.Map(groups, func(model.KV[[2]model.Timestamp, iter.Seq[order]]) map[string]*transforms.Element[order] { return nil })
	},

	// A DoFn's state is told with the stage that keeps it.
	"keyed-state": func(p *model.Pipeline) {
		byHour := transforms.KeyBy(transforms.Window(clicks(p), hourly), strings.ToLower)
		write(transforms.DoKeyed(byHour, firsts{
			state.NewValue[string]("first", state.ExpireAfterEventTime(time.Minute)), state.NewEventTimerFamily("reminders"),
		}), 0)
	},

	"deep": func(p *model.Pipeline) {
		c := lines(p)
		for range 500 {
			c = transforms.Map(c, strings.ToUpper)
		}
		write(c, 0)
	},

	"mistaken": func(p *model.Pipeline) { transforms.Filter(lines(p), nil) },
}

// firsts passes the first of each key.
type firsts struct {
	first     state.Value[string]
	reminders state.EventTimerFamily
}

func (f firsts) Cells() []state.Cell { return []state.Cell{f.first, f.reminders} }

func (f firsts) Process(_ context.Context, e *transforms.Keyed[string, string], out transforms.Output[string]) error {
	return nil
}

func (f firsts) OnTimer(context.Context, *transforms.Firing[string], transforms.Output[string]) error {
	return nil
}

func clicks2(p *model.Pipeline) strings_ {
	return streamtest.NewStream[string](p, model.Name("orders")).End()
}
