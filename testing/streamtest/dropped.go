package streamtest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/millrace/millrace/model"
)

// A Drop is what a window would not take, and why. [Expired] and [Finished] make
// one. The elements are those that were grouped, for most groupings key and value.
type Drop[T any] struct {
	Window model.Window
	Reason model.DropReason
	Values []T // in any order
}

// Expired wants values to be dropped since the watermark had reached the end of w
// plus its allowed lateness.
func Expired[T any](w model.Window, values ...T) Drop[T] {
	return Drop[T]{w, model.WindowExpired, values}
}

// Finished wants values to be dropped since the trigger of w had finished.
func Finished[T any](w model.Window, values ...T) Drop[T] {
	return Drop[T]{w, model.TriggerFinished, values}
}

// WantDropped runs the pipeline of late, the collection of a model.LateData, and
// wants exactly these drops, in any order.
func WantDropped[T any](t testing.TB, late model.PCollection[model.LateElement[T]], want ...Drop[T]) {
	t.Helper()
	k := CaptureDropped(late)
	Run(t, late.Pipeline())
	k.WantDropped(t, want...)
}

// A CapturedDrops is what one grouping drops in a run, for assertions.
type CapturedDrops[T any] struct {
	*Captured[model.LateElement[T]]
}

// CaptureDropped keeps what comes out of late, the collection of a model.LateData,
// when the pipeline is [Run]. It compares as [Capture] does.
func CaptureDropped[T any](late model.PCollection[model.LateElement[T]], opts ...gocmp.Option) *CapturedDrops[T] {
	k := &CapturedDrops[T]{Capture(late, opts...)}
	k.text = func(l model.LateElement[T]) string {
		return fmt.Sprintf("%s of %s: %v %s, watermark %s", text(l.Value), clock(l.Timestamp), l.Reason, span(l.Window), clock(l.Watermark))
	}
	return k
}

// WantDropped wants the grouping to have dropped exactly what is wanted, in any
// order. How many it dropped in all, [Captured.WantDropped] of what it emits says.
func (k *CapturedDrops[T]) WantDropped(t testing.TB, want ...Drop[T]) {
	t.Helper()
	if !k.hasRun(t) {
		return
	}
	var got []Drop[T]
	for _, e := range k.fired {
		got = append(got, Drop[T]{e.Value.Window, e.Value.Reason, []T{e.Value.Value}})
	}
	want, got = gathered(want), gathered(got)
	same := slices.EqualFunc(want, got, func(a, b Drop[T]) bool {
		missing, extra, _ := pair(a.Values, b.Values, k.compare)
		return a.order(b) == 0 && len(missing)+len(extra) == 0
	})
	if !same {
		t.Error(k.explain(want, got))
	}
}

// gathered is drops with those of one window and reason as one, in order.
func gathered[T any](drops []Drop[T]) (out []Drop[T]) {
	for _, d := range drops {
		i, found := slices.BinarySearchFunc(out, d, Drop[T].order)
		switch {
		case len(d.Values) == 0:
		case found:
			out[i].Values = slices.Concat(out[i].Values, d.Values)
		default:
			out = slices.Insert(out, i, d)
		}
	}
	return out
}

func (d Drop[T]) order(o Drop[T]) int {
	return cmp.Or(d.Window.Compare(o.Window), cmp.Compare(d.Reason, o.Reason))
}

// explain tells how what was dropped differs from what was wanted.
func (k *CapturedDrops[T]) explain(want, got []Drop[T]) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s dropped other elements than wanted\n\n", k.name())
	k.writeStory(&b)
	pairs := make([]int, len(got))
	for i, d := range got {
		pairs[i] = slices.IndexFunc(want, func(w Drop[T]) bool { return w.order(d) == 0 })
	}
	if !writeTable(&b, "wanted", "dropped", besideBlocks(dropBlocks(want), dropBlocks(got), pairs)) {
		k.writeDiff(&b, "wanted", "dropped", want, got)
	}
	return b.String()
}

func dropBlocks[T any](drops []Drop[T]) (blocks []block) {
	for _, d := range drops {
		var values []string
		for _, v := range d.Values {
			values = append(values, text(v))
		}
		slices.Sort(values)
		blocks = append(blocks, block{title: fmt.Sprintf("%v %s", d.Reason, span(d.Window)), texts: values})
	}
	return blocks
}

// WantDropped wants the transforms that the collection comes from to have dropped
// n elements in all, as too late or without a window. An element is dropped once for each
// of its windows that takes it no more, and once if its WindowFn gave it none.
func (k *Captured[T]) WantDropped(t testing.TB, n int64) {
	t.Helper()
	if !k.hasRun(t) {
		return
	}
	drops, known := k.run.drops(k.collection.Collection(), k.node)
	if !known {
		t.Error("how much was dropped is not known of a run by RunBy; use the default runner")
		return
	}
	got := int64(0)
	for _, d := range drops {
		got += d.elements
	}
	if got != n {
		t.Error(k.explainDropped(n, got))
	}
}

// explainDropped tells what was dropped.
func (k *Captured[T]) explainDropped(want, got int64) string {
	var b strings.Builder
	fmt.Fprintf(&b, "the transforms before %s dropped %d as too late or without a window, and were wanted to drop %d\n", k.name(), got, want)
	b.WriteString("\n")
	k.writeStory(&b)
	k.writeDrops(&b)
	return b.String()
}

// A drop is what one transform dropped.
type drop struct {
	by         string
	elements   int64
	windowless bool // or too late
}

// drops are what the Capture n of c and the transforms before it dropped. It is false where
// that is not known.
func (o *outcome) drops(c *model.Collection, n *model.Node) (drops []drop, known bool) {
	if o.report == nil {
		return nil, false
	}
	before := map[string]bool{n.Name: true}
	var visit func(*model.Collection)
	visit = func(c *model.Collection) {
		if before[c.Producer.Name] {
			return
		}
		before[c.Producer.Name] = true
		for _, in := range c.Producer.Inputs {
			visit(in)
		}
	}
	visit(c)
	for _, g := range o.report.Groupings {
		if g.Dropped > 0 && before[g.Name] {
			drops = append(drops, drop{g.Name, g.Dropped, false})
		}
	}
	for _, w := range o.report.Windowless {
		if before[w.Name] {
			drops = append(drops, drop{w.Name, w.Elements, true})
		}
	}
	return drops, true
}

// writeDrops tells what was dropped, which may be what is missing.
func (k *Captured[T]) writeDrops(b *strings.Builder) {
	title := ""
	for _, d := range k.drops() {
		why := "dropped as too late"
		if d.windowless {
			why = "dropped without a window"
		}
		if why != title {
			fmt.Fprintf(b, "\n%s:\n", why)
			title = why
		}
		fmt.Fprintf(b, "  %d by %s\n", d.elements, d.by)
	}
}

// drops are what the transforms up to the Capture dropped, as far as that is
// known.
func (k *Captured[T]) drops() []drop {
	drops, _ := k.run.drops(k.collection.Collection(), k.node)
	return drops
}
