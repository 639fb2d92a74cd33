package transforms_test

import (
	"fmt"
	"iter"
	"testing"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/testing/streamtest"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/triggers"
	"github.com/millrace/millrace/windowing"
)

func TestEachPaneReplacesASingleton(t *testing.T) {
	var p model.Pipeline
	words := streamtest.NewStream[string](&p).
		Add(0, "a"). // step 1: nothing has been said yet
		Add(0, "b").
		Add(0, "c"). // step 5
		Add(0, "d").
		End()
	limits := streamtest.NewStream[int](&p).
		Watermark(0).
		Add(0, 7).  // step 4
		Add(10, 8). // step 6
		End()
	out := beside(words, transforms.AsSingleton(transforms.Window(limits, updates(model.Discarding))))
	streamtest.WantPanes(t, out,
		streamtest.Unfired(model.GlobalWindow, "a sees 7", "b sees 7").AtStep(4),
		streamtest.Unfired(model.GlobalWindow, "c sees 7").AtStep(5),
		streamtest.Unfired(model.GlobalWindow, "d sees 8").AtStep(7))
}

// A table that is read anew now and then, whole.
func TestEachPaneReplacesAMapWhole(t *testing.T) {
	table := model.WindowingStrategy{
		Windows: windowing.Global{},
		Trigger: triggers.Repeatedly{Trigger: triggers.AfterProcessingTime{Delay: time.Minute}},
		Panes:   model.Discarding,
	}
	var p model.Pipeline
	words := streamtest.NewStream[string](&p).
		Add(0, "a").
		Watermark(0).
		Add(0, "b"). // step 5
		Add(0, "c").
		Add(0, "d"). // step 9
		End()
	rows := streamtest.NewStream[order](&p).
		Add(0, model.KVOf("ann", 1), model.KVOf("bob", 2)). // step 2
		Elapse(time.Minute).                                // step 4
		Add(0, model.KVOf("bob", 3)).                       // step 6
		Elapse(time.Minute).                                // step 8
		End()
	for _, tasks := range []int{1, 4} {
		side := streamtest.Capture(beside(words, transforms.AsMap(transforms.Window(rows, table))))
		streamtest.Run(t, &p, streamtest.Parallelism(tasks))
		side.WantPanes(t,
			streamtest.Unfired(model.GlobalWindow, "a sees map[ann:1 bob:2]").AtStep(4),
			streamtest.Unfired(model.GlobalWindow, "b sees map[ann:1 bob:2]").AtStep(5),
			streamtest.Unfired(model.GlobalWindow, "c sees map[ann:1 bob:2]").AtStep(7),
			streamtest.Unfired(model.GlobalWindow, "d sees map[bob:3]").AtStep(9))
	}
}

func TestAccumulatingPanesShowAllOfTheWindow(t *testing.T) {
	var p model.Pipeline
	words := streamtest.NewStream[string](&p).Watermark(0).Add(0, "a").Add(0, "b").Add(0, "c").End()
	notes := streamtest.NewStream[string](&p).Add(0, "x").Add(0, "y").End()
	out := beside(words, transforms.AsIterable(transforms.Window(notes, updates(model.Accumulating))))
	streamtest.WantPanes(t, out,
		streamtest.Unfired(model.GlobalWindow, "a sees x").AtStep(3),
		streamtest.Unfired(model.GlobalWindow, "b sees x y").AtStep(5),
		streamtest.Unfired(model.GlobalWindow, "c sees x y").AtStep(7))
}

// counts are the words so far, key by key, after each word.
func counts(words model.PCollection[string], s model.WindowingStrategy) model.PCollection[order] {
	return transforms.Map(transforms.Count(transforms.Window(words, s)), func(kv model.KV[string, int64]) order {
		return model.KVOf(kv.Key, int(kv.Value))
	})
}

func TestPaneOfAKeyReplacesTheOnesBefore(t *testing.T) {
	var p model.Pipeline
	main := streamtest.NewStream[string](&p).Watermark(0).Add(0, "1").Add(0, "2").Add(0, "3").End()
	words := streamtest.NewStream[string](&p).Add(0, "x").Add(0, "y", "x").End()
	for _, panes := range []model.PaneMode{model.Accumulating, model.Retracting} {
		c := counts(words, updates(panes))
		ofMap, ofMultimap := streamtest.Capture(beside(main, transforms.AsMap(c))), streamtest.Capture(beside(main, transforms.AsMultimap(c)))
		streamtest.Run(t, &p)
		ofMap.Want(t, "1 sees map[x:1]", "2 sees map[x:2 y:1]", "3 sees map[x:2 y:1]")
		ofMultimap.Want(t, "1 sees map[x:[1]]", "2 sees map[x:[2] y:[1]]", "3 sees map[x:[2] y:[1]]")
	}
}

func TestRetractionsTakeOutOfAnIterable(t *testing.T) {
	var p model.Pipeline
	main := streamtest.NewStream[string](&p).Watermark(0).Add(0, "1").Add(0, "2").End()
	words := streamtest.NewStream[string](&p).Add(0, "x").Add(0, "y", "x").End()
	texts := transforms.Map(counts(words, updates(model.Retracting)), order.String)
	streamtest.Want(t, beside(main, transforms.AsIterable(texts)), "1 sees x: 1", "2 sees x: 2 y: 1")
}

// A retraction that nothing replaces takes its element out alone.
func TestRetractionsWithoutReplacement(t *testing.T) {
	var p model.Pipeline
	main := streamtest.NewStream[string](&p).Watermark(0).Add(0, "1").Watermark(1).Watermark(2).Add(0, "3").End()
	words := streamtest.NewStream[string](&p).Add(0, "x").Add(0, "x").Watermark(1).End()
	once := transforms.Filter(counts(words, updates(model.Retracting)), func(o order) bool { return o.Value == 1 })
	captured := map[*streamtest.Captured[string]][]string{
		streamtest.Capture(beside(main, transforms.AsMap(once))):                                       {"1 sees map[x:1]", "3 sees map[]"},
		streamtest.Capture(beside(main, transforms.AsMultimap(once))):                                  {"1 sees map[x:[1]]", "3 sees map[]"},
		streamtest.Capture(beside(main, transforms.AsSingletonOr(transforms.Values(once), 9))):         {"1 sees 1", "3 sees 9"},
		streamtest.Capture(beside(main, transforms.AsIterable(transforms.Keys(once)))):                 {"1 sees x", "3 sees "},
		streamtest.Capture(beside(main, transforms.AsSingletonOr(anew(transforms.Values(once)), "9"))): {"1 sees 1", "3 sees 9"},
	}
	streamtest.Run(t, &p)
	for k, want := range captured {
		k.Want(t, want...)
	}
}

// anew cuts c into windows of its own, under a trigger.
func anew(c model.PCollection[int]) model.PCollection[string] {
	return transforms.Map(transforms.Window(c, updates(model.Retracting)), func(n int) string { return fmt.Sprint(n) })
}

func TestLateElementsOfTheSideInputJoinTheView(t *testing.T) {
	late := every(60)
	late.Lateness, late.Panes = time.Minute, model.Accumulating
	var p model.Pipeline
	words := streamtest.NewStream[string](&p).
		Add(10*sec, "a").
		Add(10*sec, "b"). // step 3
		Add(10*sec, "c"). // step 5
		Add(10*sec, "d"). // step 7
		Add(10*sec, "e"). // step 9
		Add(10*sec, "f").
		End()
	notes := streamtest.NewStream[string](&p).
		Add(10*sec, "on time").
		Watermark(60*sec). // step 4
		Add(20*sec, "late").
		Watermark(120*sec).
		Add(30*sec, "too late"). // step 10
		End()
	raw := streamtest.Capture(beside(transforms.Window(words, every(60)), transforms.AsIterable(transforms.Window(notes, late))))
	total := transforms.CombineGlobally(transforms.Window(notes, late), transforms.Counting)
	grouped := streamtest.Capture(beside(transforms.Window(words, every(60)), transforms.AsSingleton(total)))
	streamtest.Run(t, &p)
	raw.WantPanes(t,
		streamtest.Unfired(span(0, 60), "a sees on time", "b sees on time").AtStep(4),
		streamtest.Unfired(span(0, 60), "c sees on time").AtStep(5),
		streamtest.Unfired(span(0, 60), "d sees late on time").AtStep(7),
		streamtest.Unfired(span(0, 60), "e sees late on time").AtStep(9),
		streamtest.Unfired(span(0, 60), "f sees late on time").AtStep(11))
	raw.WantDropped(t, 1)
	grouped.Want(t, "a sees 1", "b sees 1", "c sees 1", "d sees 2", "e sees 2", "f sees 2")
	grouped.WantDropped(t, 1) // by the combine
}

// A trigger that knows nothing of the end of a window may have fired nothing yet
// when it comes.
func TestWindowUnderATriggerThatDoesNotFireAtItsEnd(t *testing.T) {
	pairs := every(60)
	pairs.Trigger, pairs.Panes = triggers.Repeatedly{Trigger: triggers.AfterCount{N: 2}}, model.Discarding
	pairs.Lateness = time.Minute
	var p model.Pipeline
	words := streamtest.NewStream[string](&p).
		Add(10*sec, "a").
		Add(70*sec, "b").
		Add(130*sec, "c").
		End()
	notes := streamtest.NewStream[string](&p).
		Add(10*sec, "x").        // step 2
		Add(70*sec, "y1", "y2"). // step 4
		Watermark(60*sec).       // step 6
		Add(135*sec, "z").       // step 8
		Watermark(120*sec).      // step 9: the first minute's lateness is over
		Watermark(180*sec).      // step 10
		Add(140*sec, "late").    // step 11
		End()
	out := beside(transforms.Window(words, every(60)), transforms.AsIterable(transforms.Window(notes, pairs)))
	streamtest.WantPanes(t, out,
		streamtest.Unfired(span(60, 120), "b sees y1 y2").AtStep(4),
		streamtest.Unfired(span(0, 60), "a sees x").AtStep(9),
		streamtest.Unfired(span(120, 180), "c sees late z").AtStep(11))
}

func TestEarlyPanesMakeAWindowReady(t *testing.T) {
	early := every(60)
	early.Trigger, early.Panes = triggers.AfterWatermark{Early: triggers.Repeatedly{Trigger: triggers.AfterCount{N: 1}}}, model.Accumulating
	var p model.Pipeline
	words := streamtest.NewStream[string](&p).
		Add(10*sec, "a").
		Add(70*sec, "b").
		Add(20*sec, "c").
		End()
	amounts := streamtest.NewStream[int](&p).
		Add(10*sec, 1).       // step 2
		Add(20*sec, 2).       // step 4
		Watermark(120 * sec). // step 6
		End()
	sum := transforms.CombineGlobally(transforms.Window(amounts, early), transforms.Sum)
	out := beside(transforms.Window(words, every(60)), transforms.AsSingletonOr(sum, 9))
	streamtest.WantPanes(t, out,
		streamtest.Unfired(span(0, 60), "a sees 1").AtStep(2),
		streamtest.Unfired(span(0, 60), "c sees 3").AtStep(5),
		streamtest.Unfired(span(60, 120), "b sees 9").AtStep(6))
}

func TestGroupsOfOnTimePanesAreSeenTogether(t *testing.T) {
	var p model.Pipeline
	words := streamtest.NewStream[string](&p).Add(0, "a").End()
	var amounts []order
	for i := range 5000 {
		amounts = append(amounts, model.KVOf(fmt.Sprint(i), i))
	}
	table := streamtest.NewStream[order](&p).Add(0, amounts...).Watermark(60 * sec).End()
	groups := transforms.GroupByKey(transforms.Window(table, every(60)))
	firsts := transforms.Map(groups, func(g model.KV[string, iter.Seq[int]]) order {
		for n := range g.Value {
			return model.KVOf(g.Key, n)
		}
		return order{}
	})
	out := transforms.MapWith(transforms.Window(words, every(60)), transforms.AsMap(firsts), func(_ string, m transforms.MapView[string, int]) int { return m.Len() })
	streamtest.Want(t, out, 5000)
}

func TestSideWindowsAreLetGo(t *testing.T) {
	mainWindows := every(60)
	mainWindows.Lateness, mainWindows.Panes = 30*time.Second, model.Discarding
	var p model.Pipeline
	words := streamtest.NewStream[string](&p).
		Add(10*sec, "on time").
		Watermark(60*sec).
		Add(10*sec, "late").
		Watermark(90*sec). // step 7
		Add(10*sec, "too late").
		Add(60*sec, "next").
		End()
	notes := streamtest.NewStream[string](&p).
		Add(10*sec, "x").
		Watermark(60 * sec). // step 4
		Watermark(60 * sec).
		Watermark(120 * sec).
		End()
	global := streamtest.Capture(beside(transforms.Window(words, mainWindows), transforms.AsIterable(transforms.Create(&p, "ever"))))
	var late model.LateData[string]
	out := streamtest.Capture(transforms.MapWith(transforms.Window(words, mainWindows), transforms.AsIterable(transforms.Window(notes, every(60))), func(w string, s []string) string {
		return w + " sees " + seen(s)
	}, late.To()))
	dropped := streamtest.Capture(transforms.Map(late.Collection(), func(e model.LateElement[string]) string {
		return fmt.Sprintf("%s: %v at %d s", e.Value, e.Reason, e.Watermark/sec)
	}))
	streamtest.Run(t, &p)
	out.Want(t, "on time sees x", "late sees x", "next sees ")
	out.WantDropped(t, 1)
	dropped.Want(t, "too late: window expired at 90 s")
	global.Want(t, "on time sees ever", "late sees ever", "too late sees ever", "next sees ever")
}

// What waits keeps what it waits for, however far the main input goes on.
func TestElementsThatWaitKeepTheirSideWindow(t *testing.T) {
	var p model.Pipeline
	words := streamtest.NewStream[string](&p).
		Add(10*sec, "a").
		Watermark(600*sec). // step 3
		Add(10*sec, "b").   // too late
		End()               // step 7
	notes := streamtest.NewStream[string](&p).
		Add(10*sec, "x").
		Watermark(0).
		Add(20*sec, "y").    // step 6
		Add(70*sec, "z").    // step 8: of use to nobody
		Watermark(60 * sec). // step 9
		End()
	out := streamtest.Capture(beside(transforms.Window(words, every(60)), transforms.AsIterable(transforms.Window(notes, every(60)))))
	streamtest.Run(t, &p)
	out.WantPanes(t, streamtest.Unfired(span(0, 60), "a sees x y").AtStep(9))
	out.WantDropped(t, 1)
}
