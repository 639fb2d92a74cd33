// Command functions has one of each verb that TestFunctions counts the functions of.
// Every verb has types of its own, whose fields are named after it: so does the name of
// each function that Go compiles for them. What their sources need is counted by itself.
package main

import (
	"context"
	"iter"

	"github.com/millrace/millrace"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/state"
	"github.com/millrace/millrace/transforms"
)

func main() {
	millrace.Main(func(p *model.Pipeline) error {
		source(p)
		sourcesOfTwo(p)
		plain(p)
		grouping(p)
		stateful(p)
		joined(p)
		beside(p)
		return nil
	})
}

type (
	SourceKey   struct{ SourceK string }
	SourceValue struct{ SourceV int64 }
)

func source(p *model.Pipeline) {
	transforms.Create(p, model.KVOf(SourceKey{}, SourceValue{}))
}

type (
	TwoSourcesKey   struct{ TwoSourcesK string }
	TwoSourcesLeft  struct{ TwoSourcesL int64 }
	TwoSourcesRight struct{ TwoSourcesR int32 }
)

func sourcesOfTwo(p *model.Pipeline) {
	transforms.Create(p, model.KVOf(TwoSourcesKey{}, TwoSourcesLeft{}))
	transforms.Create(p, model.KVOf(TwoSourcesKey{}, TwoSourcesRight{}))
}

type (
	PlainKey   struct{ PlainK string }
	PlainValue struct{ PlainV int64 }
	PlainTo    struct{ PlainT int32 }
)

func plain(p *model.Pipeline) {
	rows := transforms.Create(p, model.KVOf(PlainKey{}, PlainValue{}))
	transforms.Map(rows, func(kv model.KV[PlainKey, PlainValue]) PlainTo { return PlainTo{int32(kv.Value.PlainV)} })
}

type (
	ReduceKey   struct{ ReduceK string }
	ReduceValue struct{ ReduceV int64 }

	GroupKey   struct{ GroupK string }
	GroupValue struct{ GroupV int64 }
)

func grouping(p *model.Pipeline) {
	reduced := transforms.Create(p, model.KVOf(ReduceKey{}, ReduceValue{}))
	transforms.Reduce(reduced, func(a, b ReduceValue) ReduceValue { return ReduceValue{a.ReduceV + b.ReduceV} })

	grouped := transforms.Create(p, model.KVOf(GroupKey{}, GroupValue{}))
	transforms.ForEach(transforms.GroupByKey(grouped), func(context.Context, transforms.Element[model.KV[GroupKey, iter.Seq[GroupValue]]]) error {
		return nil
	})
}

type (
	DoKeyedKey   struct{ DoKeyedK string }
	DoKeyedValue struct{ DoKeyedV int64 }
	DoKeyedOut   struct{ DoKeyedO int32 }
)

type counting struct{ count state.Value[int] }

func (c counting) Cells() []state.Cell { return []state.Cell{c.count} }

func (c counting) Process(_ context.Context, e *transforms.Keyed[DoKeyedKey, DoKeyedValue], out transforms.Output[DoKeyedOut]) error {
	c.count.Set(e, c.count.Get(e)+1)
	out.Emit(DoKeyedOut{})
	return nil
}

func stateful(p *model.Pipeline) {
	rows := transforms.Create(p, model.KVOf(DoKeyedKey{}, DoKeyedValue{}))
	transforms.DoKeyed(rows, counting{state.NewValue[int]("count")})
}

type (
	JoinKey   struct{ JoinK string }
	JoinLeft  struct{ JoinL int64 }
	JoinRight struct{ JoinR int32 }
	JoinTo    struct{ JoinT int16 }
)

func joined(p *model.Pipeline) {
	left := transforms.Create(p, model.KVOf(JoinKey{}, JoinLeft{}))
	right := transforms.Create(p, model.KVOf(JoinKey{}, JoinRight{}))
	transforms.Join(left, right, func(JoinKey, JoinLeft, JoinRight) JoinTo { return JoinTo{} })
}

type (
	MapWithKey   struct{ MapWithK string }
	MapWithValue struct{ MapWithV int64 }
	MapWithSide  struct{ MapWithS int32 }
	MapWithTo    struct{ MapWithT int16 }
)

func beside(p *model.Pipeline) {
	rows := transforms.Create(p, model.KVOf(MapWithKey{}, MapWithValue{}))
	names := transforms.Create(p, model.KVOf(MapWithKey{}, MapWithSide{}))
	transforms.MapWith(rows, transforms.AsMap(names),
		func(kv model.KV[MapWithKey, MapWithValue], names transforms.MapView[MapWithKey, MapWithSide]) MapWithTo {
			side, _ := names.Get(kv.Key)
			return MapWithTo{int16(side.MapWithS)}
		})
}
