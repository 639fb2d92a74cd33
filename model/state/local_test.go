package state_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/state"
)

func TestLocalHandsOutTimersInTheirOrder(t *testing.T) {
	b, a := state.NewEventTimer("b"), state.NewEventTimer("a")
	family := state.NewEventTimerFamily("family")
	soon, others := state.NewProcessingTimer("soon"), state.NewProcessingTimerFamily("others")
	l := state.NewLocal(b, a, family, soon, others)
	l.Advance(state.ProcessingTime, 100)
	a.Set(l, 10)
	b.Set(l, 20)
	b.SetWithOutput(l, 10, 5)
	family.Set(l, "y", 10)
	family.SetWithOutput(l, "x", 10, 7)
	family.Set(l, "z", 11)
	family.Set(l, "gone", 3)
	family.Clear(l, "gone")
	soon.SetAfter(l, time.Microsecond)
	soon.SetWithOutput(l, 105, 2)
	others.SetAfter(l, "a", 5*time.Microsecond)
	others.Set(l, "b", 104)
	others.SetWithOutput(l, "c", 106, 1)
	others.Clear(l, "a")
	told := func(timers []state.LocalTimer) (out []string) {
		for _, t := range timers {
			s := fmt.Sprintf("%s%s %d", t.Name, t.Tag, t.At)
			if t.HasOutput {
				s += fmt.Sprintf(" emits at %d", t.Output)
			}
			out = append(out, s)
		}
		return out
	}
	for _, tt := range []struct {
		what string
		got  []state.LocalTimer
		want []string
	}{
		{"due at 9", l.Advance(state.EventTime, 9), nil},
		{"due at 10", l.Advance(state.EventTime, 10), []string{"b 10 emits at 5", "a 10", "familyx 10 emits at 7", "familyy 10"}},
		{"due at 105", l.Advance(state.ProcessingTime, 105), []string{"othersb 104", "soon 105 emits at 2"}},
		{"left", l.Timers(), []string{"familyz 11", "othersc 106 emits at 1"}},
	} {
		if got := told(tt.got); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.what, got, tt.want)
		}
	}
	if state.Now(l) != 105 || state.Expiry(l) != model.EndOfGlobalWindow {
		t.Errorf("it is %v, and ends at %v", state.Now(l), state.Expiry(l))
	}
	a.Clear(l)
	soon.Clear(l)
	if err := l.Err(); err != nil {
		t.Error(err)
	}
}

func TestLocalForgetsWhatExpires(t *testing.T) {
	v := state.NewValue[int]("v", state.ExpireAfterEventTime(10*time.Microsecond))
	l := state.NewLocal(v)
	l.Advance(state.EventTime, 5)
	v.Set(l, 1)
	l.Advance(state.EventTime, 14)
	if _, ok := v.Lookup(l); !ok {
		t.Error("it is gone after 9µs")
	}
	l.Advance(state.EventTime, 15)
	if _, ok := v.Lookup(l); ok {
		t.Error("it is there after 10µs")
	}
}

func TestLocalTellsOfMistakesInItsCells(t *testing.T) {
	v := state.NewValue[int]("v")
	l := state.NewLocal(v, v)
	v.Set(l, 1)
	if l.Err() == nil || v.Get(l) != 0 {
		t.Errorf("%v, and %d is kept", l.Err(), v.Get(l))
	}
}

// A copy of a cell is the same cell.
func TestCopiesOfCells(t *testing.T) {
	type fn struct{ v state.Value[string] }
	d := fn{state.NewValue[string]("v")}
	l := state.NewLocal(d.v)
	other := d
	d.v.Set(l, "set")
	if got := other.v.Get(l); got != "set" {
		t.Errorf("the copy has %q", got)
	}
}
