package transforms_test

import (
	"context"
	"errors"
	"iter"
	"regexp"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/runners/direct"
	"github.com/millrace/millrace/testing/streamtest"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/triggers"
	"github.com/millrace/millrace/windowing"
)

// helper is a line of a function that scenarios share.
var helper = regexp.MustCompile(`LINE-\d+`)

// TestSideErrors builds pipelines with mistakes about side inputs, and runs others
// that go wrong, and prints what they say, as [TestMistakes] and [TestErrors] do.
//
//	mistake SCENARIO  is found while the pipeline is built
//	error SCENARIO    ends the run
//	panic SCENARIO    is one of a user's function
func TestSideErrors(t *testing.T) {
	datadriven.RunTest(t, "testdata/side", func(t *testing.T, d *datadriven.TestData) string {
		name := words(d)[len(d.Cmd)+1:]
		switch build := sideScenarios[d.Cmd][name]; {
		case build == nil:
			d.Fatalf(t, "no such scenario")
			return ""
		case d.Cmd == "mistake":
			return helper.ReplaceAllString(mistakes(t, build), "HELPER")
		default:
			var p model.Pipeline
			build(&p)
			if d.Cmd == "panic" {
				return failure(t, &p)
			}
			_, err := direct.Runner{Parallelism: 1}.Run(context.Background(), &p)
			if err == nil {
				return "ok"
			}
			return helper.ReplaceAllString(relative(err.Error(), build), "HELPER")
		}
	})
}

var sideScenarios = map[string]map[string]func(*model.Pipeline){"mistake": sideMistakes, "error": sideErrors, "panic": sidePanics}

// inMinutes is c in windows of a minute.
func inMinutes[T any](c model.PCollection[T]) model.PCollection[T] {
	return transforms.Window(c, every(60))
}

func withMap(c model.PCollection[int], side transforms.Side[transforms.MapView[string, int]]) {
	used(transforms.MapWith(c, side, func(n int, _ transforms.MapView[string, int]) int { return n }))
}

func withAny[S any](c model.PCollection[int], side transforms.Side[S], opts ...model.Option) {
	used(transforms.MapWith(c, side, func(n int, _ S) int { return n }, opts...))
}

var sideMistakes = map[string]func(*model.Pipeline){
	"DoWith": func(p *model.Pipeline) {
		used(transforms.DoWith[int, int, int](ones(p), transforms.AsSingleton(ones(p)), nil))
	},
	"MapWith": func(p *model.Pipeline) {
		used(transforms.MapWith[int, int, int](ones(p), transforms.AsSingleton(ones(p)), nil))
	},
	"FilterWith": func(p *model.Pipeline) { used(transforms.FilterWith(ones(p), transforms.AsSingleton(ones(p)), nil)) },
	"zero":       func(p *model.Pipeline) { withMap(ones(p), transforms.Side[transforms.MapView[string, int]]{}) },
	"Both of zero": func(p *model.Pipeline) {
		withAny(ones(p), transforms.Both(transforms.AsMap(pairs(p)), transforms.Side[int]{}))
	},
	"another pipeline": func(p *model.Pipeline) {
		var other model.Pipeline
		withMap(ones(p), transforms.AsMap(pairs(&other)))
	},
	"mistaken collection": func(p *model.Pipeline) {
		withMap(ones(p), transforms.AsMap(transforms.Filter(pairs(p), nil)))
	},
	"never ready": func(p *model.Pipeline) {
		side := transforms.AsMap(endless(p))
		withMap(ones(p), side)
	},
	"sessions": func(p *model.Pipeline) {
		side := transforms.Window(pairs(p), strategy{Windows: windowing.Sessions{Gap: time.Minute}})
		withMap(inMinutes(ones(p)), transforms.AsMap(side))
	},
	"merged sessions": func(p *model.Pipeline) {
		side := transforms.Window(pairs(p), strategy{Windows: windowing.Sessions{Gap: time.Minute}})
		withMap(inMinutes(ones(p)), transforms.AsMap(transforms.CombinePerKey(side, transforms.Sum)))
	},
	"windows beside global": func(p *model.Pipeline) {
		side := transforms.AsMap(inMinutes(pairs(p)))
		withMap(ones(p), side)
	},
	"windows by element": func(p *model.Pipeline) {
		side := transforms.Window(transforms.Create(p, trip{}), strategy{Windows: trips{}})
		withAny(inMinutes(ones(p)), transforms.AsIterable(side))
	},
	"iterable of panes": func(p *model.Pipeline) {
		late := strategy{Windows: windowing.Fixed{Size: time.Minute}, Lateness: time.Minute, Panes: model.Accumulating}
		sums := transforms.CombinePerKey(transforms.Window(pairs(p), late), transforms.Sum)
		withAny(inMinutes(ones(p)), transforms.AsIterable(sums))
	},
	"retractions beside updates": func(p *model.Pipeline) {
		sums := transforms.CombinePerKey(transforms.Window(pairs(p), updates(model.Retracting)), transforms.Sum)
		withMap(transforms.Values(sums), transforms.AsMap(transforms.Window(pairs(p), updates(model.Discarding))))
	},
	"key": func(p *model.Pipeline) {
		withAny(ones(p), transforms.AsMap(keyedBy[float64](p)))
	},
	"value": func(p *model.Pipeline) {
		withAny(ones(p), transforms.AsMultimap(valued[func()](p)))
	},
	"sequences": func(p *model.Pipeline) {
		withAny(ones(p), transforms.AsMap(transforms.GroupByKey(pairs(p))))
	},
	"main input of sequences": func(p *model.Pipeline) {
		groups := transforms.GroupByKey(pairs(p))
		used(transforms.FilterWith(groups, transforms.AsSingleton(ones(p)), func(model.KV[string, iter.Seq[int]], int) bool { return true }))
	},
	"LateData of the side input": func(p *model.Pipeline) {
		var late model.LateData[model.KV[string, int]]
		withAny(ones(p), transforms.AsMap(pairs(p)), late.To())
	},
	"retractions cut anew": func(p *model.Pipeline) {
		sums := transforms.CombinePerKey(transforms.Window(pairs(p), updates(model.Retracting)), transforms.Sum)
		withMap(ones(p), transforms.AsMap(transforms.Window(sums, updates(model.Discarding))))
	},
}

// needed is a view whose functions do not matter: it must be there.
func needed[S any](p *model.Pipeline, side transforms.Side[S]) {
	timed := transforms.WithTimestamps(ones(p), func(int) time.Time { return time.Unix(30, 0) })
	transforms.MapWith(inMinutes(timed), side, func(n int, _ S) int { return n })
}

var sideErrors = map[string]func(*model.Pipeline){
	"empty singleton": func(p *model.Pipeline) {
		needed(p, transforms.AsSingleton(inMinutes(transforms.Create[int](p))))
	},
	"singleton without a window": func(p *model.Pipeline) {
		side := transforms.Window(transforms.Create[int](p), strategy{Windows: windowing.Sliding{Size: time.Second, Every: time.Hour}})
		needed(p, transforms.AsSingleton(side))
	},
	"singleton of two": func(p *model.Pipeline) {
		needed(p, transforms.AsSingleton(transforms.Create(p, 1, 2)))
	},
	"singleton of two with a default": func(p *model.Pipeline) {
		needed(p, transforms.AsSingletonOr(transforms.Create(p, 1, 2), 3))
	},
	"singleton of panes that add up": func(p *model.Pipeline) {
		needed(p, transforms.AsSingleton(transforms.Window(transforms.Create(p, 1, 2), strategy{
			Windows: windowing.Global{}, Trigger: triggers.Repeatedly{Trigger: triggers.AfterCount{N: 2}}, Panes: model.Accumulating,
		})))
	},
	"map of two": func(p *model.Pipeline) {
		needed(p, transforms.AsMap(transforms.Create(p, model.KVOf("a", 1), model.KVOf("b", 2), model.KVOf("b", 3))))
	},
	"second of Both": func(p *model.Pipeline) {
		needed(p, transforms.Both(transforms.AsSingleton(ones(p)), transforms.AsSingleton(transforms.Create[int](p))))
	},
	"first of Both": func(p *model.Pipeline) {
		needed(p, transforms.Both(transforms.AsSingleton(transforms.Create[int](p)), transforms.AsSingleton(ones(p))))
	},
	"DoWith": func(p *model.Pipeline) {
		transforms.DoWith(ones(p), transforms.AsSingleton(ones(p)), func(context.Context, transforms.Element[int], int, ints) error {
			return errors.New("the wheel is broken")
		})
	},
	"EmitAt": func(p *model.Pipeline) {
		timed := transforms.WithTimestamps(ones(p), func(int) time.Time { return time.Unix(30, 0) })
		transforms.DoWith(timed, transforms.AsSingleton(ones(p)), func(_ context.Context, e transforms.Element[int], _ int, out ints) error {
			out.EmitAt(e.Timestamp-1, 1)
			return nil
		})
	},
	// Nobody asks for the window.
	"nobodys": func(p *model.Pipeline) {
		transforms.MapWith(transforms.Create[int](p), transforms.AsSingleton(transforms.Create(p, 1, 2)), func(n, _ int) int { return n })
	},
}

var sidePanics = map[string]func(*model.Pipeline){
	"DoWith": func(p *model.Pipeline) {
		transforms.DoWith(annsOrder(p), transforms.AsSingleton(ones(p)), func(context.Context, element, int, ints) error { broken(); return nil })
	},
	"DoWith of one that waits": func(p *model.Pipeline) {
		side := streamtest.NewStream[int](p).Bounded().Add(0, 1).End()
		transforms.DoWith(annsOrder(p), transforms.AsSingleton(side), func(context.Context, element, int, ints) error { broken(); return nil })
	},
	"DoWith afterwards": func(p *model.Pipeline) {
		emitted := transforms.DoWith(annsOrder(p), transforms.AsSingleton(ones(p)), func(_ context.Context, _ element, _ int, out ints) error {
			out.Emit(1)
			broken()
			return nil
		})
		transforms.Map(emitted, func(n int) int { return n })
	},
	"MapWith": func(p *model.Pipeline) {
		transforms.MapWith(annsOrder(p), transforms.AsSingleton(ones(p)), func(order, int) int { broken(); return 0 })
	},
	"FilterWith": func(p *model.Pipeline) {
		transforms.FilterWith(annsOrder(p), transforms.AsSingleton(ones(p)), func(order, int) bool { broken(); return true })
	},
	"downstream": func(p *model.Pipeline) {
		boom(transforms.FilterWith(annsOrder(p), transforms.AsSingleton(ones(p)), func(order, int) bool { return true }))
	},
	"windows of the main input": func(p *model.Pipeline) {
		side := transforms.AsSingleton(ones(p))
		transforms.FilterWith(inWindows(annsOrder(p), faultyWindows{assign: broken}), side, func(order, int) bool { return true })
	},
}
