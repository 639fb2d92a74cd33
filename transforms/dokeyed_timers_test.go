package transforms_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/state"
	"github.com/millrace/millrace/testing/streamtest"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/windowing"
)

// rememberAll emits the orders that it is given.
type rememberAll struct{ all state.Bag[int] }

func (d rememberAll) Cells() []state.Cell { return []state.Cell{d.all} }

func (d rememberAll) Process(_ context.Context, e *keyedOrder, out transforms.Output[order]) error {
	d.all.Add(e, e.Value)
	out.Emit(buy(e.Key, e.Value))
	return nil
}

// told is what a firing says for itself.
func toldOf(f *firing) string {
	name := f.Timer
	if f.Tag != "" {
		name += "/" + f.Tag
	}
	return fmt.Sprintf("%s %s at %s, emits at %s", f.Key, name, at(f.At), at(f.Timestamp))
}

func sayFiring(f *firing, out lines) { out.Emit(toldOf(f)) }

// inTurn emits what comes out of a key's firings with its number.
func inTurn(count state.Value[int]) func(*firing, lines) {
	return func(f *firing, out lines) {
		count.Set(f, count.Get(f)+1)
		out.Emit(fmt.Sprintf("%d. %s", count.Get(f), toldOf(f)))
	}
}

func TestTimersFireInTheOrderOfTheirTimes(t *testing.T) {
	plays(t, func(p *model.Pipeline) model.PCollection[string] {
		count := state.NewValue[int]("count")
		b, a := state.NewEventTimer("b"), state.NewEventTimer("a")
		family := state.NewEventTimerFamily("family")
		return transforms.DoKeyed(orderScript(p).
			Add(1*second, buy("ann", 1)).
			Watermark(10*second). // just reached
			Watermark(30*second). // over several at once
			End(), timed{remembering{[]state.Cell{b, a, family, count}, func(e *keyedOrder, _ lines) {
			a.Set(e, 20*second)
			b.Set(e, 20*second)
			family.Set(e, "y", 20*second)
			family.Set(e, "x", 20*second)
			family.Set(e, "z", 15*second)
			family.Set(e, "first", 10*second)
			family.Set(e, "never", 29*second)
			family.Clear(e, "never")
			family.Set(e, "moved", 12*second)
			family.Set(e, "moved", 25*second)
			family.Set(e, "nearer", 50*second)
			family.Set(e, "nearer", 16*second)
		}}, inTurn(count)})
	},
		unfired(2, everything, "1. ann family/first at 10s, emits at 10s"),
		unfired(3, everything,
			"2. ann family/z at 15s, emits at 15s",
			"3. ann family/nearer at 16s, emits at 16s",
			"4. ann b at 20s, emits at 20s", // as Cells lists them
			"5. ann a at 20s, emits at 20s",
			"6. ann family/x at 20s, emits at 20s",
			"7. ann family/y at 20s, emits at 20s",
			"8. ann family/moved at 25s, emits at 25s"))
}

func TestTimerBehindTheWatermarkFiresAtOnce(t *testing.T) {
	plays(t, func(p *model.Pipeline) model.PCollection[string] {
		timer := state.NewEventTimer("timer")
		return transforms.DoKeyed(orderScript(p).
			Watermark(10*second).
			Add(5*second, buy("ann", 3)).  // before the element
			Add(5*second, buy("ann", 7)).  // between the element and the watermark
			Add(5*second, buy("ann", 10)). // at the watermark
			Add(5*second, buy("ann", 11)).
			Watermark(11*second).
			End(), timed{remembering{[]state.Cell{timer}, func(e *keyedOrder, out lines) {
			timer.Set(e, model.Timestamp(e.Value)*second)
			out.Emit("set")
		}}, sayFiring})
	},
		unfired(2, everything, "set", "ann timer at 3s, emits at 5s"),
		unfired(3, everything, "set", "ann timer at 7s, emits at 7s"),
		unfired(4, everything, "set", "ann timer at 10s, emits at 10s"),
		unfired(5, everything, "set"),
		unfired(6, everything, "ann timer at 11s, emits at 11s"))
}

// While the watermark jumps, timers that OnTimer sets come in their order, among
// those that were set before.
func TestTimersSetByTimersComeInOrder(t *testing.T) {
	plays(t, func(p *model.Pipeline) model.PCollection[string] {
		count := state.NewValue[int]("count")
		family := state.NewEventTimerFamily("t")
		say := inTurn(count)
		return transforms.DoKeyed(orderScript(p).
			Add(0, buy("ann", 1)).
			Watermark(100*second).
			End(), timed{remembering{[]state.Cell{count, family}, func(e *keyedOrder, _ lines) {
			family.Set(e, "a", 10*second)
			family.Set(e, "d", 40*second)
		}}, func(f *firing, out lines) {
			say(f, out)
			switch f.Tag {
			case "a":
				family.Set(f, "c", 30*second)
				family.Set(f, "behind", 5*second)
				family.Clear(f, "d")
			case "c":
				family.Set(f, "e", 30*second) // at its own time
			}
		}})
	}, unfired(2, everything,
		"1. ann t/a at 10s, emits at 10s",
		"2. ann t/behind at 5s, emits at 10s",
		"3. ann t/c at 30s, emits at 30s",
		"4. ann t/e at 30s, emits at 30s"))
}

func TestTimersBelongToTheirWindows(t *testing.T) {
	plays(t, func(p *model.Pipeline) model.PCollection[string] {
		timer := state.NewEventTimer("timer")
		return transforms.DoKeyed(byMinute(orderScript(p).
			Add(1*second, buy("ann", 50)).
			Add(61*second, buy("ann", 70)).
			Watermark(65*second).
			Watermark(75*second).
			End(), 20*time.Second), timed{remembering{[]state.Cell{timer}, func(e *keyedOrder, _ lines) {
			timer.Set(e, model.Timestamp(e.Value)*second)
		}}, func(f *firing, out lines) {
			sayFiring(f, out)
			if f.At == 50*second {
				timer.Set(f, 75*second) // in its allowed lateness
			}
		}})
	},
		unfired(3, firstMinute, "ann timer at 50s, emits at 50s"),
		unfired(4, firstMinute, "ann timer at 75s, emits at 59.999999s"),
		unfired(4, fromTo(60, 120), "ann timer at 70s, emits at 70s"))
}

// A looping timer of a window that ends loops until it does.
func TestLoopingTimerOfAWindow(t *testing.T) {
	plays(t, func(p *model.Pipeline) model.PCollection[string] {
		tick := state.NewEventTimer("tick")
		return transforms.DoKeyed(byMinute(orderScript(p).Add(5*second, buy("ann", 1)).End(), 0),
			timed{remembering{[]state.Cell{tick}, func(e *keyedOrder, _ lines) {
				tick.Set(e, 20*second)
			}}, func(f *firing, out lines) {
				out.Emit(at(f.At))
				if next := f.At.Add(15 * time.Second); next < state.Expiry(f) {
					tick.Set(f, next)
				}
			}})
	}, unfired(2, firstMinute, "20s", "35s", "50s"))
}

// One of the everything window loops, once the input has ended, as long as there is
// something of its key.
func TestLoopingTimerOfTheGlobalWindow(t *testing.T) {
	plays(t, func(p *model.Pipeline) model.PCollection[string] {
		tick, alarm := state.NewEventTimer("tick"), state.NewEventTimer("alarm")
		return transforms.DoKeyed(orderScript(p).
			Add(5*second, buy("ann", 1), buy("bob", 1), buy("cid", 2)).
			Add(50*second, buy("ann", 0)).
			Watermark(25*second).
			End(), timed{remembering{[]state.Cell{tick, alarm}, func(e *keyedOrder, _ lines) {
			if e.Value > 0 {
				tick.Set(e, 20*second)
			}
			if e.Value > 1 {
				alarm.Set(e, 45*second)
			}
		}}, func(f *firing, out lines) {
			out.Emit(fmt.Sprintf("%s %s %s", f.Key, f.Timer, at(f.At)))
			if next := f.At.Add(10 * time.Second); f.Timer == "tick" && next < state.Expiry(f) {
				tick.Set(f, next)
			}
		}})
	},
		unfired(3, everything, "ann tick 20s", "bob tick 20s", "cid tick 20s"),
		unfired(4, everything,
			"ann tick 30s", "ann tick 40s", "ann tick 50s", // its last element
			"bob tick 30s",                                   // the timer that was set
			"cid tick 30s", "cid tick 40s", "cid alarm 45s")) // its last timer
}

func TestProcessingTimers(t *testing.T) {
	plays(t, func(p *model.Pipeline) model.PCollection[string] {
		soon := state.NewProcessingTimer("soon")
		family := state.NewProcessingTimerFamily("family")
		return transforms.DoKeyed(byMinute(orderScript(p).
			Add(1*second, buy("ann", 1)).
			Elapse(4*time.Second).
			Elapse(1*time.Second).
			Watermark(30*second).
			Elapse(5*time.Second).
			Add(2*second, buy("ann", 2)). // moves the timer
			Elapse(5*time.Second).
			Watermark(60*second). // it never fires
			Elapse(5*time.Second).
			End(), 0), whole{timed{remembering{[]state.Cell{soon, family}, func(e *keyedOrder, _ lines) {
			soon.SetAfter(e, 10*time.Second)
			family.Set(e, "x", state.Now(e).Add(10*time.Second))
			if e.Value == 1 {
				family.SetAfter(e, "y", 5*time.Second)
				family.SetAfter(e, "now", 0)
				family.SetAfter(e, "no", time.Second)
				family.Clear(e, "no")
			} else {
				family.Clear(e, "x")
				soon.SetAfter(e, 20*time.Second)
			}
		}}, sayFiring}, func(f *firing, out lines) { out.Emit("expired " + f.Key) }})
	},
		unfired(1, firstMinute, "ann family/now at 0s, emits at 1s"),
		unfired(3, firstMinute, "ann family/y at 5s, emits at 1s"),
		unfired(5, firstMinute, "ann soon at 10s, emits at 30s", "ann family/x at 10s, emits at 30s"),
		unfired(8, firstMinute, "expired ann"))
}

// A timer with an output timestamp holds the watermark, and with it the windows
// behind.
func TestOutputTimestampHoldsTheWatermark(t *testing.T) {
	flush := state.NewEventTimer("flush")
	soon := state.NewProcessingTimer("soon")
	held := state.NewBag[int]("held")
	cells := []state.Cell{flush, soon, held}
	for name, tt := range map[string]struct {
		set  func(e *keyedOrder)
		want []streamtest.Pane[order]
	}{
		"no output timestamp": {
			func(e *keyedOrder) { flush.Set(e, 90*second) },
			[]streamtest.Pane[order]{streamtest.OnTime(fromTo(60, 120), buy("ann", 1)).AtStep(6)},
		},
		"event time": {
			func(e *keyedOrder) { flush.SetWithOutput(e, 90*second, e.Timestamp) },
			[]streamtest.Pane[order]{streamtest.OnTime(firstMinute, buy("ann", 1)).AtStep(5)},
		},
		"processing time": {
			func(e *keyedOrder) { soon.SetWithOutput(e, 5*second, e.Timestamp) },
			[]streamtest.Pane[order]{streamtest.OnTime(firstMinute, buy("ann", 1)).AtStep(4)},
		},
		"moved": {
			func(e *keyedOrder) {
				flush.SetWithOutput(e, 70*second, e.Timestamp)
				flush.SetWithOutput(e, 90*second, 61*second)
			},
			[]streamtest.Pane[order]{streamtest.OnTime(fromTo(60, 120), buy("ann", 1)).AtStep(6)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var p model.Pipeline
			batched := transforms.DoKeyed(orderScript(&p).
				Add(1*second, buy("ann", 1)).
				Watermark(60*second).
				Watermark(85*second).
				Elapse(5*time.Second).
				Watermark(95*second).
				End(), batching{cells, held, tt.set})
			// Of the whole, there is one hold.
			minutes := transforms.CombinePerKey(byMinute(batched, 0), transforms.Sum)
			streamtest.WantPanes(t, minutes, tt.want...)
		})
	}
}

// batching holds elements back until a timer fires.
type batching struct {
	cells []state.Cell
	held  state.Bag[int]
	set   func(*keyedOrder)
}

func (d batching) Cells() []state.Cell { return d.cells }

func (d batching) Process(_ context.Context, e *keyedOrder, _ transforms.Output[order]) error {
	d.held.Add(e, e.Value)
	d.set(e)
	return nil
}

func (d batching) OnTimer(_ context.Context, f *firing, out transforms.Output[order]) error {
	for v := range d.held.All(f) {
		out.Emit(buy(f.Key, v))
	}
	d.held.Clear(f)
	return nil
}

func (d batching) OnWindowExpiration(context.Context, *firing, transforms.Output[order]) error {
	return nil
}

// What came late for its window holds nothing back: it would be late behind, too.
func TestLateElementsDoNotHoldTheWatermark(t *testing.T) {
	var p model.Pipeline
	flush := state.NewEventTimer("flush")
	held := state.NewBag[int]("held")
	batched := transforms.DoKeyed(byMinute(orderScript(&p).
		Watermark(70*second).
		Add(2*second, buy("late", 250)).
		Add(71*second, buy("early", 100)).
		Watermark(119*second).
		Watermark(130*second). // that minute is over
		Watermark(255*second).
		End(), 200*time.Second), batching{[]state.Cell{flush, held}, held, func(e *keyedOrder) {
		flush.SetWithOutput(e, model.Timestamp(e.Value)*second, e.Timestamp)
	}})
	streamtest.WantPanes(t, transforms.CombinePerKey(batched, transforms.Sum),
		streamtest.OnTime(fromTo(60, 120), buy("early", 100)).AtStep(5),
		streamtest.Late(firstMinute, buy("late", 250)).AtStep(6))
}

// When the input has ended, what timers set fires as it would have before.
func TestTimersThatSetOthersAfterTheInput(t *testing.T) {
	for name, watermark := range map[string]model.Timestamp{"all at the end": 0, "the first before": 12 * second} {
		t.Run(name, func(t *testing.T) {
			var p model.Pipeline
			steps := state.NewEventTimerFamily("step")
			out := streamtest.Capture(transforms.DoKeyed(orderScript(&p).Add(0, buy("ann", 1)).Watermark(watermark).End(),
				timed{remembering{[]state.Cell{steps}, func(e *keyedOrder, _ lines) {
					steps.Set(e, "a", 10*second)
				}}, func(f *firing, out lines) {
					out.Emit(toldOf(f))
					if next := string(f.Tag[0] + 1); next < "e" {
						steps.Set(f, next, f.At.Add(10*time.Second))
					}
				}}))
			streamtest.Run(t, &p)
			out.Want(t, "ann step/a at 10s, emits at 10s", "ann step/b at 20s, emits at 20s", "ann step/c at 30s, emits at 30s", "ann step/d at 40s, emits at 40s")
		})
	}
}

// A hold that a timer clears, or hands on to the next, ends when the last is gone.
func TestHoldsEnd(t *testing.T) {
	plays(t, func(p *model.Pipeline) model.PCollection[string] {
		a, b := state.NewEventTimer("a"), state.NewEventTimer("b")
		held := transforms.DoKeyed(orderScript(p).
			Add(1*second, buy("ann", 1)).
			Watermark(20*second). // a fires, and hands over to b
			Watermark(30*second).
			Add(31*second, buy("ann", 2)). // clears b
			Watermark(31*second).
			End(), timed{remembering{[]state.Cell{a, b}, func(e *keyedOrder, out lines) {
			if e.Value == 1 {
				a.SetWithOutput(e, 15*second, e.Timestamp)
			} else {
				b.Clear(e)
			}
			out.Emit("word")
		}}, func(f *firing, _ lines) { b.SetWithOutput(f, 40*second, f.Timestamp) }})
		tens := transforms.Window(held, model.WindowingStrategy{Windows: windowing.Fixed{Size: 10 * time.Second}})
		return transforms.Map(transforms.Count(tens), func(c model.KV[string, int64]) string { return fmt.Sprint(c) })
	},
		streamtest.OnTime(fromTo(0, 10), "word: 1").AtStep(4),
		streamtest.OnTime(fromTo(30, 40), "word: 1").AtStep(6))
}
