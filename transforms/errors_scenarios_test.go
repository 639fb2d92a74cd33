package transforms_test

import (
	"context"
	"iter"
	"slices"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/sink"
	"github.com/millrace/millrace/model/source"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/triggers"
	"github.com/millrace/millrace/windowing"
)

type (
	element = transforms.Element[order]
	ints    = transforms.Output[int]
)

// do runs fn on each order.
func do(c orders, fn func(e element, out ints) error) model.PCollection[int] {
	return transforms.Do(c, transforms.DoFunc[order, int](func(_ context.Context, e element, out ints) error { return fn(e, out) }))
}

var returningErrors = map[string]func(orders){
	"TryMap": func(c orders) {
		transforms.TryMap(c, func(context.Context, order) (int, error) { return 0, errBroken })
	},
	"Do": func(c orders) { do(c, func(element, ints) error { return errBroken }) },
	"Do2": func(c orders) {
		transforms.Do2(c, func(context.Context, element, ints, ints) error { return errBroken })
	},
	"Do3": func(c orders) {
		transforms.Do3(c, func(context.Context, element, ints, ints, ints) error { return errBroken })
	},
	"ForEach": func(c orders) {
		transforms.ForEach(c, func(context.Context, element) error { return errBroken })
	},
	"Write":         func(c orders) { transforms.Write(c, faultySink{write: errBroken}) },
	"Write-open":    func(c orders) { transforms.Write(c, faultySink{open: errBroken}) },
	"Write-prepare": func(c orders) { transforms.Write(c, faultySink{prepare: errBroken}) },
	"Write-commit":  func(c orders) { transforms.Write(c, faultySink{commit: errBroken}) },
	"Read":          func(c orders) { transforms.Read(c.Pipeline(), faultySource{read: errBroken}) },
	"Read-open":     func(c orders) { transforms.Read(c.Pipeline(), faultySource{open: errBroken}) },
	"Open":          func(c orders) { transforms.Do(c, &faultyDo{open: errBroken}) },
	"Flush":         func(c orders) { transforms.Do(c, &faultyDo{flush: errBroken}) },
	"Close":         func(c orders) { transforms.Do(c, &faultyDo{close: errBroken}) },
}

var panicking = map[string]func(orders){
	"Map": func(c orders) { transforms.Map(c, func(order) int { broken(); return 0 }) },
	"TryMap": func(c orders) {
		transforms.TryMap(c, func(context.Context, order) (int, error) { broken(); return 0, nil })
	},
	"Filter":    func(c orders) { transforms.Filter(c, func(order) bool { broken(); return true }) },
	"FilterMap": func(c orders) { transforms.FilterMap(c, func(*order, *int) bool { broken(); return true }) },
	"FlatMap":   func(c orders) { transforms.FlatMap(c, func(order) iter.Seq[int] { broken(); return nil }) },
	"FlatMap-sequence": func(c orders) {
		transforms.FlatMap(c, func(order) iter.Seq[int] { return func(func(int) bool) { broken() } })
	},
	"KeyBy":          func(c orders) { transforms.KeyBy(c, func(order) int { broken(); return 0 }) },
	"WithTimestamps": func(c orders) { transforms.WithTimestamps(c, func(order) time.Time { broken(); return time.Time{} }) },
	"Partition":      func(c orders) { transforms.Partition(c, 2, func(order) int { broken(); return 0 }) },
	"Do":             func(c orders) { do(c, func(element, ints) error { broken(); return nil }) },
	"Do2": func(c orders) {
		transforms.Do2(c, func(context.Context, element, ints, ints) error { broken(); return nil })
	},
	"Do3": func(c orders) {
		transforms.Do3(c, func(context.Context, element, ints, ints, ints) error { broken(); return nil })
	},
	"ForEach": func(c orders) { transforms.ForEach(c, func(context.Context, element) error { broken(); return nil }) },
	"Reduce":  func(c orders) { transforms.Reduce(fromTwoSources(c), func(int, int) int { broken(); return 0 }) },
	"CombineGlobally": func(c orders) {
		transforms.CombineGlobally(transforms.Values(c), by(faultyCombiner{add: broken}))
	},
	"CombinePerKey-New":    func(c orders) { transforms.CombinePerKey(c, by(faultyCombiner{new: broken})) },
	"CombinePerKey-Add":    func(c orders) { transforms.CombinePerKey(c, by(faultyCombiner{add: broken})) },
	"CombinePerKey-Merge":  func(c orders) { transforms.CombinePerKey(fromTwoSources(c), by(faultyCombiner{merge: broken})) },
	"CombinePerKey-Result": func(c orders) { transforms.CombinePerKey(c, by(faultyCombiner{result: broken})) },
	"CombinePerKey-Merge-of-slices": func(c orders) {
		sliding := inWindows(aMinuteApart(c), windowing.Sliding{Size: 2 * time.Minute, Every: time.Minute})
		merged(transforms.CombinePerKey(sliding, by(faultyCombiner{merge: broken})))
	},
	"CombinePerKey-Merge-of-sessions": func(c orders) {
		bridged := transforms.Flatten(aMinuteApart(c), later(c, 30*time.Second)) // the last joins the others
		sessions := inWindows(bridged, windowing.Sessions{Gap: 40 * time.Second})
		merged(transforms.CombinePerKey(sessions, by(faultyCombiner{merge: broken})))
	},
	"CoGroup":       func(c orders) { transforms.CoGroup(c, c, func(string, []int, []int, func(int)) { broken() }) },
	"Join":          func(c orders) { transforms.Join(c, c, func(string, int, int) int { broken(); return 0 }) },
	"LeftJoin":      func(c orders) { transforms.LeftJoin(c, c, func(string, int, int, bool) int { broken(); return 0 }) },
	"AssignWindows": func(c orders) { transforms.GroupByKey(inWindows(c, faultyWindows{assign: broken})) },
	"AssignWindows-in-Do": func(c orders) {
		do(inWindows(c, faultyWindows{assign: broken}), func(element, ints) error { return nil })
	},
	"AssignElementWindows": func(c orders) { transforms.GroupByKey(inWindows(c, faultyElementWindows{})) },
	"MergeWindows":         func(c orders) { transforms.GroupByKey(inWindows(aMinuteApart(c), faultyWindows{merge: broken})) },
	"Trigger": func(c orders) {
		transforms.GroupByKey(transforms.Window(c, model.WindowingStrategy{
			Windows: windowing.Fixed{Size: time.Minute}, Trigger: faultyTrigger{}, Panes: model.Discarding,
		}))
	},
	"Write":         func(c orders) { transforms.Write(c, faultySink{onWrite: broken}) },
	"Write-open":    func(c orders) { transforms.Write(c, faultySink{onOpen: broken}) },
	"Write-prepare": func(c orders) { transforms.Write(c, faultySink{onPrepare: broken}) },
	"Read": func(c orders) {
		numbers := transforms.Read(c.Pipeline(), faultySource{afterwards: broken})
		transforms.Map(numbers, func(n int) int { return n })
	},
	"Open":  func(c orders) { transforms.Do(c, &faultyDo{onOpen: broken}) },
	"Flush": func(c orders) { transforms.Do(c, &faultyDo{onFlush: broken}) },
	"Close": func(c orders) { transforms.Do(c, &faultyDo{onClose: broken}) },
}

// merged has another transform behind c, which is not to be blamed.
func merged(c orders) { transforms.Map(c, func(o order) order { return o }, model.Name("behind")) }

// boom is a Map of that name, which panics.
func boom[T any](c model.PCollection[T]) {
	transforms.Map(c, func(T) int { broken(); return 0 }, model.Name("boom"))
}

var followedByAPanic = map[string]func(orders){
	"Create": func(c orders) { boom(c) },
	"Map":    func(c orders) { boom(transforms.Map(c, func(o order) order { return o })) },
	"TryMap": func(c orders) {
		boom(transforms.TryMap(c, func(_ context.Context, o order) (order, error) { return o, nil }))
	},
	"Filter":    func(c orders) { boom(transforms.Filter(c, func(order) bool { return true })) },
	"FilterMap": func(c orders) { boom(transforms.FilterMap(c, func(in, out *order) bool { *out = *in; return true })) },
	"FlatMap": func(c orders) {
		boom(transforms.FlatMap(c, func(o order) iter.Seq[order] { return slices.Values([]order{o}) }))
	},
	"Partition": func(c orders) { boom(transforms.Partition(c, 2, func(order) int { return 1 })[1]) },
	"Do":        func(c orders) { boom(do(c, func(e element, out ints) error { out.Emit(e.Value.Value); return nil })) },
	"Do-EmitAt": func(c orders) {
		boom(do(c, func(e element, out ints) error { out.EmitAt(e.Timestamp.Add(time.Second), e.Value.Value); return nil }))
	},
	"WithTimestamps": func(c orders) { boom(transforms.WithTimestamps(c, halfPast)) },
	"Window": func(c orders) {
		boom(transforms.Window(c, model.WindowingStrategy{Windows: windowing.Fixed{Size: time.Hour}}))
	},
	"Flatten":       func(c orders) { boom(transforms.Flatten(c, c)) },
	"Reshuffle":     func(c orders) { boom(transforms.Reshuffle(c)) },
	"GroupByKey":    func(c orders) { boom(transforms.GroupByKey(c)) },
	"CombinePerKey": func(c orders) { boom(transforms.CombinePerKey(c, transforms.Sum)) },
	"Join":          func(c orders) { boom(transforms.Join(c, c, func(_ string, a, b int) int { return a + b })) },
	"branch": func(c orders) {
		transforms.Map(c, func(order) int { return 1 })
		boom(c)
		transforms.Map(c, func(order) int { return 2 })
	},
}

var panickingAfterwards = map[string]func(orders){
	"FlatMap": func(c orders) {
		yielded := transforms.FlatMap(c, func(order) iter.Seq[int] {
			return func(yield func(int) bool) { yield(1); broken() }
		})
		transforms.Map(yielded, func(n int) int { return n })
	},
	"Do": func(c orders) {
		emitted := do(c, func(e element, out ints) error { out.Emit(1); broken(); return nil })
		transforms.Map(emitted, func(n int) int { return n })
	},
	"Do-EmitAt": func(c orders) {
		emitted := do(c, func(e element, out ints) error { out.EmitAt(e.Timestamp, 1); broken(); return nil })
		transforms.Map(emitted, func(n int) int { return n })
	},
	"CoGroup": func(c orders) {
		emitted := transforms.CoGroup(c, c, func(_ string, _, _ []int, emit func(int)) { emit(1); broken() })
		transforms.Map(emitted, func(n int) int { return n })
	},
}

var (
	_ sink.Sink[order]                 = faultySink{}
	_ source.Source[int]               = faultySource{}
	_ model.MergingWindowFn            = faultyWindows{}
	_ model.ElementWindowFn[order]     = faultyElementWindows{}
	_ model.Trigger                    = faultyTrigger{Default: triggers.Default{}}
	_ transforms.Opener                = &faultyDo{}
	_ transforms.Flusher               = &faultyDo{}
	_ transforms.Instancer[order, int] = &faultyDo{}
)
