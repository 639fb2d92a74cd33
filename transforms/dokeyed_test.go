package transforms_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/state"
	"github.com/millrace/millrace/testing/streamtest"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/windowing"
)

func TestStateIsByKeyAndWindow(t *testing.T) {
	plays(t, func(p *model.Pipeline) model.PCollection[string] {
		count := state.NewValue[int]("count")
		return transforms.DoKeyed(byMinute(orderScript(p).
			Add(1*second, buy("ann", 1), buy("bob", 1)).
			Add(2*second, buy("ann", 1)).
			Add(61*second, buy("ann", 1)).
			Add(3*second, buy("ann", 1)).
			End(), 0), remembering{[]state.Cell{count}, func(e *keyedOrder, out lines) {
			count.Set(e, count.Get(e)+1)
			out.Emit(fmt.Sprintf("%s %d", e.Key, count.Get(e)))
		}})
	},
		unfired(1, firstMinute, "ann 1", "bob 1"),
		unfired(2, firstMinute, "ann 2"),
		unfired(3, fromTo(60, 120), "ann 1"),
		unfired(4, firstMinute, "ann 3"))
}

// What is emitted has the element's timestamp, window and pane.
func TestDoKeyedEmitsWhereTheElementStands(t *testing.T) {
	var p model.Pipeline
	sums := transforms.CombinePerKey(byMinute(orderScript(&p).Add(5*second, buy("ann", 1)).Watermark(60*second).End(), 0), transforms.Sum)
	out := streamtest.Capture(transforms.DoKeyed(sums, remembering{process: func(e *keyedOrder, out lines) {
		out.Emit("now")
		out.EmitAt(e.Timestamp+second, "later")
	}}))
	streamtest.Run(t, &p)
	out.WantPanes(t, streamtest.OnTime(firstMinute, "now", "later"))
	for _, e := range out.Elements() {
		want := firstMinute.MaxTimestamp()
		if e.Value == "later" {
			want += second
		}
		if e.Timestamp != want || e.Pane.Timing != model.OnTime {
			t.Errorf("%v", e)
		}
	}
}

// Every kind of cell, in one DoFn, over windows that overlap.
func TestEveryKindOfCell(t *testing.T) {
	plays(t, func(p *model.Pipeline) model.PCollection[string] {
		value := state.NewValue[int]("last")
		bag := state.NewBag[int]("all")
		dict := state.NewMap[string, int]("by parity")
		set := state.NewSet[int]("distinct")
		multi := state.NewMultimap[bool, int]("odd or not")
		list := state.NewOrderedList[int]("in order")
		mean := state.NewCombining("mean", transforms.Mean[int]())
		return transforms.DoKeyed(inWindows(orderScript(p).
			Add(9*second, buy("ann", 4), buy("ann", 3)).
			Add(1*second, buy("ann", 4)).
			Watermark(30*second).
			End(), windowing.Sliding{Size: 20 * time.Second, Every: 10 * time.Second}),
			closing{remembering{[]state.Cell{value, bag, dict, set, multi, list, mean}, func(e *keyedOrder, _ lines) {
				value.Set(e, e.Value)
				bag.Add(e, e.Value)
				parity := []string{"even", "odd"}[e.Value%2]
				dict.Put(e, parity, dict.Get(e, parity)+1)
				set.Add(e, e.Value)
				multi.Add(e, e.Value%2 == 1, e.Value)
				list.Add(e, e.Timestamp, e.Value)
				mean.Add(e, e.Value)
			}}, func(f *firing, out lines) {
				var ordered []int
				for _, v := range list.All(f) {
					ordered = append(ordered, v)
				}
				out.Emit(fmt.Sprint(len(slices.Collect(bag.All(f))), dict.Get(f, "even"), dict.Len(f), set.Len(f), len(slices.Collect(multi.Values(f, false))), ordered[0], list.Len(f), mean.Get(f) > 3.6))
			}})
	},
		unfired(3, fromTo(-10, 10), "3 2 2 2 2 4 3 true"),
		unfired(3, fromTo(0, 20), "3 2 2 2 2 4 3 true"))
}

func TestStateGoesWithItsWindow(t *testing.T) {
	var late model.LateData[order]
	var p model.Pipeline
	count := state.NewValue[int]("count")
	counted := transforms.DoKeyed(byMinute(orderScript(&p).
		Add(1*second, buy("ann", 1)).
		Watermark(60*second).
		Add(2*second, buy("ann", 2)).   // late
		Watermark(69*second).           // the window is still there
		Add(3*second, buy("ann", 3)).   // late
		Watermark(70*second).           // now it expires
		Add(4*second, buy("ann", 4)).   // dropped
		Add(61*second, buy("ann", 10)). // of the next window
		End(), 10*time.Second), closing{remembering{[]state.Cell{count}, func(e *keyedOrder, _ lines) {
		count.Set(e, count.Get(e)+e.Value)
	}}, func(f *firing, out lines) {
		out.Emit(fmt.Sprintf("%s %d, expires at %s, emits at %s", f.Key, count.Get(f), at(f.At), at(f.Timestamp+1)))
	}}, late.To())
	out, drops := streamtest.Capture(counted), streamtest.CaptureDropped(late.Collection())
	streamtest.Run(t, &p)
	out.WantPanes(t,
		unfired(6, firstMinute, "ann 6, expires at 70s, emits at 60s"),
		unfired(9, fromTo(60, 120), "ann 10, expires at 130s, emits at 120s"))
	out.WantDropped(t, 1)
	drops.WantDropped(t, streamtest.Expired(firstMinute, buy("ann", 4)))
}

// OnWindowExpiration hears of keys that have something left.
func TestExpiryOfAKeyWithoutStateIsNoNews(t *testing.T) {
	plays(t, func(p *model.Pipeline) model.PCollection[string] {
		count := state.NewValue[int]("count")
		timer := state.NewEventTimer("timer")
		return transforms.DoKeyed(orderScript(p).
			Add(1*second, buy("none", 0), buy("cleared", 1), buy("kept", 2), buy("timer", 3)).
			End(), whole{timed{remembering{[]state.Cell{count, timer}, func(e *keyedOrder, out lines) {
			if e.Value > 0 {
				count.Set(e, e.Value)
			}
			if e.Value == 1 {
				count.Clear(e)
			}
		}}, func(*firing, lines) {}}, func(f *firing, out lines) {
			out.Emit(f.Key)
		}})
	}, unfired(2, everything, "kept", "timer"))
}

func TestExpiryByEventTime(t *testing.T) {
	plays(t, func(p *model.Pipeline) model.PCollection[string] {
		seen := state.NewValue[int]("seen", state.ExpireAfterEventTime(10*time.Second))
		return transforms.DoKeyed(orderScript(p).
			Add(0, buy("ann", 1)).
			Add(9*second, buy("ann", 2)).  // the first is there
			Add(20*second, buy("ann", 3)). // for this one it is not, though the watermark is far behind
			Add(19*second, buy("ann", 4)). // this one sees what came before
			Watermark(40*second).
			Add(21*second, buy("ann", 5)). // late: the watermark's time counts
			Add(21*second, buy("ann", 6)).
			End(), remembering{[]state.Cell{seen}, func(e *keyedOrder, out lines) {
			out.Emit(fmt.Sprintf("%d after %d", e.Value, seen.Get(e)))
			seen.Set(e, e.Value)
		}})
	},
		unfired(1, everything, "1 after 0"),
		unfired(2, everything, "2 after 1"),
		unfired(3, everything, "3 after 0"),
		unfired(4, everything, "4 after 3"),
		unfired(6, everything, "5 after 0"),
		unfired(7, everything, "6 after 5"))
}

func TestExpiryByProcessingTime(t *testing.T) {
	plays(t, func(p *model.Pipeline) model.PCollection[string] {
		seen := state.NewSet[int]("seen", state.ExpireAfterProcessingTime(10*time.Second))
		return transforms.DoKeyed(orderScript(p).
			Add(0, buy("ann", 1)).
			Elapse(5*time.Second).
			Add(0, buy("ann", 2)).
			Elapse(5*time.Second).
			Add(0, buy("ann", 3)).
			Watermark(1000*second). // takes no notice
			Add(0, buy("ann", 4)).
			End(), remembering{[]state.Cell{seen}, func(e *keyedOrder, out lines) {
			out.Emit(fmt.Sprintf("%d after %v", e.Value, slices.Collect(seen.All(e))))
			seen.Add(e, e.Value)
		}})
	},
		unfired(1, everything, "1 after []"),
		unfired(3, everything, "2 after [1]"),
		unfired(5, everything, "3 after [2]"),
		unfired(7, everything, "4 after [2 3]"))
}

func TestSessionsTakeTheirStateWithThem(t *testing.T) {
	plays(t, func(p *model.Pipeline) model.PCollection[string] {
		bag := state.NewBag[int]("values")
		total := state.NewCombining("total", transforms.Sum[int]())
		sessions := inWindows(orderScript(p).
			Add(0, buy("ann", 1)).
			Add(15*second, buy("ann", 2), buy("bob", 7)).
			Add(8*second, buy("ann", 3)). // connects the two
			Watermark(30*second).
			Add(40*second, buy("ann", 4)).
			End(), windowing.Sessions{Gap: 10 * time.Second})
		return transforms.DoKeyed(sessions, closing{remembering{[]state.Cell{bag, total}, func(e *keyedOrder, out lines) {
			bag.Add(e, e.Value)
			total.Add(e, e.Value)
			if e.Value == 3 {
				out.Emit(fmt.Sprintf("so far %d", total.Get(e)))
			}
		}}, func(f *firing, out lines) {
			out.Emit(fmt.Sprintf("%s %v", f.Key, slices.Collect(bag.All(f))))
		}})
	},
		unfired(3, fromTo(0, 25), "so far 6"),
		unfired(4, fromTo(0, 25), "ann [1 2 3]"),
		unfired(4, fromTo(15, 25), "bob [7]"),
		unfired(6, fromTo(40, 50), "ann [4]"))
}

// Behind DoKeyed, windows that merge still do.
func TestSessionsMergeBehindDoKeyed(t *testing.T) {
	var p model.Pipeline
	sessions := inWindows(orderScript(&p).Add(0, buy("ann", 1)).Add(15*second, buy("ann", 2)).Add(8*second, buy("ann", 3)).End(), windowing.Sessions{Gap: 10 * time.Second})
	all := state.NewBag[int]("all")
	passed := transforms.DoKeyed(sessions, rememberAll{all})
	streamtest.WantPanes(t, transforms.CombinePerKey(passed, transforms.Sum), streamtest.OnTime(fromTo(0, 25), buy("ann", 6)))
}

// Two inputs of a DoKeyed's state, flattened, are one input.
func TestKeysComeTogetherFromSeveralSources(t *testing.T) {
	var p model.Pipeline
	a := orderScript(&p).Add(0, buy("ann", 1)).End()
	b := orderScript(&p).Add(0, buy("ann", 2)).End()
	total := state.NewCombining("total", transforms.Sum[int]())
	out := transforms.DoKeyed(transforms.Flatten(a, b), closing{remembering{[]state.Cell{total}, func(e *keyedOrder, _ lines) { total.Add(e, e.Value) }}, func(f *firing, out lines) {
		out.Emit(fmt.Sprint(f.Key, total.Get(f)))
	}})
	streamtest.Want(t, out, "ann3")
}
