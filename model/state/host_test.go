package state_test

import (
	"errors"
	"testing"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/state"
)

// A host keeps the cells of one key and window, and can write them out.
type host struct {
	*state.Frame
	layout *state.Layout
	slots  []state.Slot
	clocks [2]model.Timestamp
	wakes  [2]model.Timestamp // when it was asked to look again; 0 is not
}

func newHost(t interface{ Fatal(...any) }, cells ...state.Cell) *host {
	layout, err := state.Bind(nil, cells)
	if err != nil {
		t.Fatal(err)
	}
	h := &host{layout: layout, slots: make([]state.Slot, len(layout.Specs))}
	h.Frame = state.NewFrame(layout, h)
	h.Begin()
	return h
}

func (h *host) Slot(i int) state.Slot { return h.slots[i] }

func (h *host) Change(i int) state.Slot {
	if h.slots[i] == nil {
		h.slots[i] = h.layout.Specs[i].New()
	}
	return h.slots[i]
}

func (h *host) Drop(i int) {
	if h.slots[i] != nil && h.layout.Specs[i].Recycle(h.slots[i]) && !h.slots[i].Empty() && h.layout.Specs[i].Kind != state.KindValue {
		panic("a recycled slot holds something")
	}
	h.slots[i] = nil
}

func (h *host) Wake(c state.Clock, t model.Timestamp) {
	if h.wakes[c] == 0 || t < h.wakes[c] {
		h.wakes[c] = t
	}
}

func (h *host) Time(c state.Clock) model.Timestamp { return h.clocks[c] }
func (h *host) Expiry() model.Timestamp            { return model.EndOfGlobalWindow }

func (h *host) SetTimer(int, string, state.Setting) error { return errors.New("no timers here") }
func (h *host) ClearTimer(int, string)                    {}

// sweep lets go of what has expired, if it is time to.
func (h *host) sweep() {
	for c, at := range h.wakes {
		if at == 0 || at > h.clocks[c] {
			continue
		}
		h.wakes[c] = 0
		for i, spec := range h.layout.Specs {
			if h.slots[i] == nil || spec.TTL == 0 || int(spec.Clock) != c {
				continue
			}
			if next := spec.Expire(h.slots[i], h.clocks[c]); next <= model.MaxTimestamp {
				h.Wake(state.Clock(c), next)
			}
			if h.slots[i].Empty() {
				h.slots[i] = nil
			}
		}
	}
}

// evict writes all cells out and reads them back.
func (h *host) evict(t interface{ Fatalf(string, ...any) }) {
	for i, s := range h.slots {
		if s == nil {
			continue
		}
		spec := h.layout.Specs[i]
		b, err := spec.Append([]byte("x"), s)
		if err != nil {
			t.Fatalf("writing %s: %v", spec.Name, err)
		}
		back, rest, err := spec.Decode(append(b[1:], "rest"...))
		if err != nil || string(rest) != "rest" {
			t.Fatalf("reading %s: rest %q, %v", spec.Name, rest, err)
		}
		h.slots[i] = back
	}
}

func TestWhatIsCutShortIsNoCell(t *testing.T) {
	sum := state.NewCombining("sum", sums{}, state.ExpireAfterEventTime(hour))
	value := state.NewValue[string]("value", state.ExpireAfterEventTime(hour))
	bag := state.NewBag[string]("bag", state.ExpireAfterEventTime(hour))
	dict := state.NewMap[string, string]("map", state.ExpireAfterEventTime(hour))
	set := state.NewSet[string]("set", state.ExpireAfterEventTime(hour))
	multi := state.NewMultimap[string, string]("multimap", state.ExpireAfterEventTime(hour))
	list := state.NewOrderedList[string]("list", state.ExpireAfterEventTime(hour))
	h := newHost(t, sum, value, bag, dict, set, multi, list)
	sum.Add(h, 300)
	value.Set(h, "v")
	bag.Add(h, "b")
	dict.Put(h, "k", "v")
	set.Add(h, "s")
	multi.Add(h, "k", "v")
	list.Add(h, 7, "l")
	for i, spec := range h.layout.Specs {
		whole, err := spec.Append(nil, h.slots[i])
		if err != nil {
			t.Fatal(err)
		}
		for n := range whole {
			if _, _, err := spec.Decode(whole[:n]); err == nil {
				t.Errorf("the first %d of %d bytes of a %v are read as a whole one", n, len(whole), spec.Kind)
			}
		}
	}
	h.evict(t)
	if got := []any{sum.Get(h), value.Get(h), bag.Len(h), dict.Get(h, "k"), set.Has(h, "s"), multi.Has(h, "k"), list.Len(h)}; got[0] != 300 || got[1] != "v" || got[2] != 1 || got[3] != "v" || got[4] != true || got[5] != true || got[6] != 1 {
		t.Errorf("read back: %v", got)
	}
}
