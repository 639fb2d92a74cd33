package engine

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/state"
	"github.com/millrace/millrace/windowing"
)

// Values that expire one after another are not looked for one after another, each
// time among all.
func TestManyValuesExpireInFewLooks(t *testing.T) {
	const values = 4000
	for name, expiry := range map[string]func(time.Duration) state.Option{"event": state.ExpireAfterEventTime, "processing": state.ExpireAfterProcessingTime} {
		t.Run(name, func(t *testing.T) {
			bag := state.NewBag[int]("bag", expiry(ticks(values)))
			k := newKeyedTest(t, global(), []state.Cell{bag}, func(k *keyedTest[int], s state.Scope) KeyedCalls[string, int] {
				return KeyedCalls[string, int]{Process: func(m *model.Meta, e *KeyedElement[string, int]) error {
					bag.Add(s, e.Value)
					return nil
				}}
			})
			clock, advance := state.EventTime, k.Advance
			if name == "processing" {
				clock, advance = state.ProcessingTime, k.AdvanceProcessingTime
			}
			for i := range values {
				advance(model.Timestamp(i))
				k.element("k", model.Timestamp(i), model.GlobalWindow, i)
			}
			looks := 0
			var gone model.Timestamp
			for k.keys.Len() > 0 {
				looks++
				gone = k.due[clock].next()
				advance(gone)
			}
			if most := model.Timestamp(2*values + values/8); k.err() != nil || looks > 12 || gone > most {
				t.Errorf("%d looks until %d, %v; want at most 12, until %d", looks, gone, k.err(), most)
			}
		})
	}
}

// What has expired is not what a window that expires is told of.
func TestWhatHasExpiredIsGoneWithItsWindow(t *testing.T) {
	bag := state.NewBag[int]("bag", state.ExpireAfterEventTime(ticks(80)))
	k := newKeyedTest(t, model.WindowingStrategy{Windows: windowing.Fixed{Size: ticks(100)}}, []state.Cell{bag}, func(k *keyedTest[int], s state.Scope) KeyedCalls[string, int] {
		return KeyedCalls[string, int]{
			Process: func(m *model.Meta, e *KeyedElement[string, int]) error {
				bag.Add(s, e.Value)
				return nil
			},
			OnExpiry: func(m *model.Meta, f *KeyedFiring) error {
				k.log = append(k.log, fmt.Sprint(FiringKey[string](f), slices.Collect(bag.All(s))))
				return nil
			},
		}
	})
	w := model.Window{End: 100}
	for key, second := range map[string]model.Timestamp{"a": 19, "b": 20, "c": 21} {
		k.element(key, 14, w, 1) // expires at 94, and is looked at again at 104
		k.element(key, second, w, 2)
	}
	k.Advance(100)
	if got, want := k.said(), []string{"c[2]"}; !slices.Equal(got, want) || k.err() != nil {
		t.Errorf("%q, want %q, %v", got, want, k.err())
	}
}

// What a late element writes lasts from the watermark on.
func TestExpiryCountsFromTheWatermarkForLateElements(t *testing.T) {
	value := state.NewValue[int]("value", state.ExpireAfterEventTime(ticks(10)))
	k := newKeyedTest(t, global(), []state.Cell{value}, func(k *keyedTest[int], s state.Scope) KeyedCalls[string, int] {
		return KeyedCalls[string, int]{Process: func(m *model.Meta, e *KeyedElement[string, int]) error {
			value.Set(s, e.Value)
			return nil
		}}
	})
	k.Advance(20)
	k.element("k", 5, model.GlobalWindow, 1)
	for _, step := range []struct {
		watermark model.Timestamp
		keys      int
	}{{29, 1}, {30, 0}} {
		if k.Advance(step.watermark); k.keys.Len() != step.keys || k.err() != nil {
			t.Errorf("at %d: %d keys, %v", step.watermark, k.keys.Len(), k.err())
		}
	}
}

// The last timer that can be set fires before its window expires; a later one is an
// error, in Process and in OnTimer alike.
func TestTimersAtTheExpiryOfTheirWindow(t *testing.T) {
	for name, tt := range map[string]struct {
		element, timer model.Timestamp // what they set the timer to; 0 is nothing
		fails          bool
	}{
		"the last":           {element: 104},
		"too late":           {element: 105, fails: true},
		"the last, by timer": {element: 50, timer: 104},
		"too late, by timer": {element: 50, timer: 105, fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			timer := state.NewEventTimer("timer")
			k := newKeyedTest(t, model.WindowingStrategy{Windows: windowing.Fixed{Size: ticks(100)}, Lateness: ticks(5)}, []state.Cell{timer}, func(k *keyedTest[int], s state.Scope) KeyedCalls[string, int] {
				return KeyedCalls[string, int]{
					Process: func(*model.Meta, *KeyedElement[string, int]) error {
						timer.Set(s, tt.element)
						return nil
					},
					OnTimer: func(m *model.Meta, f *KeyedFiring) error {
						k.log = append(k.log, fmt.Sprintf("%d, emits at %d", f.At, m.Timestamp))
						if tt.timer > 0 && f.At < tt.timer {
							timer.Set(s, tt.timer)
						}
						return nil
					},
					OnExpiry: func(*model.Meta, *KeyedFiring) error {
						k.log = append(k.log, "something is left")
						return nil
					},
				}
			})
			k.element("k", 10, model.Window{End: 100}, 0)
			k.Advance(model.MaxTimestamp)
			if failed := k.err() != nil; failed != tt.fails {
				t.Fatalf("%v", k.err())
			}
			if said := k.said(); !tt.fails && said[len(said)-1] != "104, emits at 99" {
				t.Errorf("%q", said)
			}
		})
	}
}

// When the input has ended, a window without an end has its expiry behind its last
// element and its last timer.
func TestExpiryAfterTheInput(t *testing.T) {
	for name, tt := range map[string]struct{ element, first, second, want model.Timestamp }{
		"an element is last":   {element: 70, first: 20, second: 30, want: 71},
		"a timer is last":      {element: 10, first: 20, second: 30, want: 31},
		"the fired one is":     {element: 10, first: 20, second: 5, want: 21},
		"before the epoch":     {element: -5, first: -9, second: -4, want: -3},
		"an element, and gone": {element: 70, first: 69, second: 3, want: 71},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := state.NewEventTimer("a"), state.NewEventTimer("b")
			k := newKeyedTest(t, global(), []state.Cell{a, b}, func(k *keyedTest[int], s state.Scope) KeyedCalls[string, int] {
				return KeyedCalls[string, int]{
					Process: func(*model.Meta, *KeyedElement[string, int]) error {
						a.Set(s, tt.first)
						b.Set(s, tt.second)
						if e := state.Expiry(s); e != model.EndOfGlobalWindow {
							t.Errorf("it expires at %d before the input has ended", e)
						}
						return nil
					},
					OnTimer: func(*model.Meta, *KeyedFiring) error {
						if e := state.Expiry(s); e != tt.want {
							t.Errorf("it expires at %d, want %d", e, tt.want)
						}
						return nil
					},
				}
			})
			k.element("k", tt.element, model.GlobalWindow, 0)
			k.Advance(model.MaxTimestamp)
			if k.err() != nil {
				t.Error(k.err())
			}
		})
	}
}

// What is kept of the global window goes when the input ends.
func TestWhatIsLeftWhenTheInputEnds(t *testing.T) {
	value := state.NewValue[int]("value")
	k := newKeyedTest(t, global(), []state.Cell{value}, func(k *keyedTest[int], s state.Scope) KeyedCalls[string, int] {
		return KeyedCalls[string, int]{
			Process: func(_ *model.Meta, e *KeyedElement[string, int]) error {
				value.Set(s, e.Value)
				return nil
			},
			OnExpiry: func(m *model.Meta, f *KeyedFiring) error {
				k.log = append(k.log, fmt.Sprintf("%s%d at %v", FiringKey[string](f), value.Get(s), m.Timestamp == model.GlobalWindow.MaxTimestamp()))
				value.Set(s, 0) // goes, too
				return nil
			},
		}
	})
	k.element("b", 1, model.GlobalWindow, 1)
	k.element("a", 2, model.GlobalWindow, 2)
	k.Advance(model.EndOfGlobalWindow - 1)
	if k.keys.Len() != 2 {
		t.Errorf("%d keys before the end", k.keys.Len())
	}
	k.Advance(model.MaxTimestamp)
	got := k.said()
	slices.Sort(got)
	if want := []string{"a2 at true", "b1 at true"}; !slices.Equal(got, want) || k.keys.Len() != 0 || k.err() != nil {
		t.Errorf("%q, want %q; %d keys, %v", got, want, k.keys.Len(), k.err())
	}
}

// What expires in a window is looked for in the one that it became part of.
func TestMergedWindowsLetGoOfWhatExpires(t *testing.T) {
	kept, brief := state.NewBag[int]("kept"), state.NewBag[int]("brief", state.ExpireAfterEventTime(ticks(20)))
	k := newKeyedTest(t, model.WindowingStrategy{Windows: windowing.Sessions{Gap: ticks(10)}, Lateness: ticks(100)}, []state.Cell{kept, brief}, func(k *keyedTest[state.Bag[int]], s state.Scope) KeyedCalls[string, state.Bag[int]] {
		return KeyedCalls[string, state.Bag[int]]{Process: func(m *model.Meta, e *KeyedElement[string, state.Bag[int]]) error {
			e.Value.Add(s, 1)
			return nil
		}}
	})
	add := func(at model.Timestamp, to state.Bag[int]) {
		k.element("k", at, model.Window{Start: at, End: at + 10}, to)
	}
	add(0, kept)
	add(15, brief)
	add(8, kept) // connects them
	for _, at := range []model.Timestamp{34, 35} {
		k.Advance(at)
		if k.err() != nil || k.open != 1 {
			t.Fatalf("%d windows, %v", k.open, k.err())
		}
		slots := k.byKey[0].open()[0].slots()
		if there := slots[1] != nil; there != (at < 35) || slots[0] == nil {
			t.Errorf("at %d, is it there: %v", at, there)
		}
	}
}
