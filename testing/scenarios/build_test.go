package scenarios_test

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/testing/streamtest"
	"github.com/millrace/millrace/transforms"
)

// A text is what travels between groupings: a key, and a value printed.
type text = model.KV[string, string]

// A part is a grouping of a pipeline, and what it emits and drops.
type part struct {
	label string // in front of what it does
	panes *streamtest.Captured[text]
	drops *streamtest.Captured[model.LateElement[text]] // nil if nobody asked
	out   model.PCollection[text]
	// dropped is what it dropped, if anybody asked.
	dropped model.PCollection[text]
}

// build builds the pipeline of s. Late says whether groupings are asked for what
// they drop, without which they may fold elements before the exchange.
func (s *scenario) build(p *model.Pipeline, late bool) (parts []part) {
	in := s.play(p)
	first, second := s.groupings[0], s.groupings[len(s.groupings)-1]
	all := func() model.PCollection[text] { return transforms.Flatten(in...) }
	switch {
	case first.joins():
		parts = append(parts, first.build("", late, in...))
	case second.joins():
		left, right := first.build("left ", late, in[0]), first.build("right ", late, in[1])
		return append(parts, left, right, second.build("then ", late, second.keyed(left.out), second.keyed(right.out)))
	case second.keys == "dropped":
		parts = append(parts, first.build("", asked, all()))
		return append(parts, second.build("then ", late, parts[0].dropped))
	default:
		parts = append(parts, first.build("", late, all()))
	}
	if len(s.groupings) > 1 {
		parts = append(parts, second.build("then ", late, second.keyed(parts[0].out)))
	}
	return parts
}

// play is the story's inputs.
func (s *scenario) play(p *model.Pipeline) (all []model.PCollection[text]) {
	script := streamtest.NewScript(p)
	inputs := map[string]*streamtest.Stream[text]{}
	for _, name := range s.inputs() {
		inputs[name] = streamtest.Input[text](script, cmp.Or(name, "input"))
		if s.bounded {
			inputs[name].Bounded()
		}
	}
	ended := false
	for _, st := range s.steps {
		in := inputs[st.input]
		switch {
		case st.verb == "add":
			in.Add(st.at, st.elements...)
		case st.verb == "advance":
			script.Elapse(st.elapse)
		case st.verb == "watermark" && st.input == "":
			script.Watermark(st.at)
		case st.verb == "watermark":
			in.Watermark(st.at)
		case st.input == "":
			script.End()
			ended = true
		default:
			in.End()
		}
	}
	if !ended {
		script.End()
	}
	for _, name := range s.inputs() {
		all = append(all, inputs[name].Collection())
	}
	return all
}

// keyed puts what a grouping emits under the keys of the next.
func (g grouping) keyed(in model.PCollection[text]) model.PCollection[text] {
	return transforms.Map(in, func(kv text) text {
		switch g.keys {
		case "together":
			kv.Key = ""
		case "by-value":
			kv.Key, kv.Value = kv.Value, kv.Key
		}
		return kv
	})
}

// build groups in, of which a join has two.
func (g grouping) build(label string, late bool, in ...model.PCollection[text]) part {
	if g.strategy.Windows != nil {
		for i := range in {
			in[i] = transforms.Window(in[i], g.strategy)
		}
	}
	p := part{label: label}
	switch g.transform {
	case "sum":
		group(&p, late, func(opts ...model.Option) model.PCollection[model.KV[string, int]] {
			return transforms.CombinePerKey(numbers(in[0]), transforms.Sum[int], opts...)
		}, numbered)
	case "max":
		group(&p, late, func(opts ...model.Option) model.PCollection[model.KV[string, int]] {
			return transforms.CombinePerKey(numbers(in[0]), transforms.Max[int], opts...)
		}, numbered)
	case "count":
		group(&p, late, func(opts ...model.Option) model.PCollection[model.KV[string, int64]] {
			return transforms.CombinePerKey(in[0], transforms.Counting[string], opts...)
		}, itself)
	case "group":
		group(&p, late, func(opts ...model.Option) model.PCollection[text] {
			return transforms.Map(transforms.GroupByKey(in[0], opts...), func(kv model.KV[string, iter.Seq[string]]) text {
				return model.KVOf(kv.Key, sorted(slices.Collect(kv.Value)))
			})
		}, itself)
	default:
		group(&p, late, func(opts ...model.Option) model.PCollection[text] { return g.join(in[0], in[1], opts) }, itself)
	}
	p.panes = streamtest.Capture(p.out)
	return p
}

// group makes p of a grouping of elements D, and of what it emits. As is what one
// of its elements was before.
func group[D any, V any](p *part, late bool, grouping func(...model.Option) model.PCollection[model.KV[string, V]], as func(D) text) {
	var dropped model.LateData[D]
	var opts []model.Option
	if late {
		opts = append(opts, dropped.To())
	}
	p.out = transforms.Map(grouping(opts...), func(kv model.KV[string, V]) text { return model.KVOf(kv.Key, fmt.Sprint(kv.Value)) })
	if late {
		drops := transforms.Map(dropped.Collection(), func(l model.LateElement[D]) model.LateElement[text] {
			return model.LateElement[text]{Value: as(l.Value), Timestamp: l.Timestamp, Window: l.Window, Watermark: l.Watermark, Reason: l.Reason, Retraction: l.Retraction}
		})
		p.drops = streamtest.Capture(drops)
		p.dropped = transforms.Map(drops, func(l model.LateElement[text]) text { return l.Value })
	}
}

func itself(kv text) text { return kv }

func numbered(kv model.KV[string, int]) text { return model.KVOf(kv.Key, strconv.Itoa(kv.Value)) }

func numbers(in model.PCollection[text]) model.PCollection[model.KV[string, int]] {
	return transforms.Map(in, func(kv text) model.KV[string, int] {
		n, err := strconv.Atoi(kv.Value)
		if err != nil {
			panic(err)
		}
		return model.KVOf(kv.Key, n)
	})
}

func (g grouping) join(a, b model.PCollection[text], opts []model.Option) model.PCollection[text] {
	switch g.transform {
	case "join":
		return transforms.Join(a, b, func(k, a, b string) text { return model.KVOf(k, a+"+"+b) }, opts...)
	case "left-join":
		return transforms.LeftJoin(a, b, func(k, a, b string, found bool) text {
			if !found {
				b = "nothing"
			}
			return model.KVOf(k, a+"+"+b)
		}, opts...)
	case "cogroup":
		return transforms.CoGroup(a, b, func(k string, a, b []string, emit func(text)) {
			emit(model.KVOf(k, cmp.Or(sorted(slices.Clone(a)), "nothing")+" | "+cmp.Or(sorted(slices.Clone(b)), "nothing")))
		}, opts...)
	}
	panic(fmt.Sprintf("there is no transform %q", g.transform))
}

func sorted(values []string) string {
	slices.Sort(values)
	return strings.Join(values, " ")
}
