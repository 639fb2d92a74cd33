package engine_test

import (
	"reflect"
	"testing"

	"github.com/millrace/millrace/internal/engine"
	"github.com/millrace/millrace/model"
)

// TestReferenceFindsPlantedBugs plants, one at a time, bugs that engines have had,
// and asks whether the comparison with the reference would have noticed.
func TestReferenceFindsPlantedBugs(t *testing.T) {
	const most = 3000
	for name, plant := range plantedBugs {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(most) {
				c := drawCase(seed + 1)
				if name == fastestSplit {
					w := model.MinTimestamp
					c.fastest = &w
				}
				if c.check(plant) != nil {
					t.Logf("found by case %d", seed+1)
					return
				}
			}
			t.Errorf("%d cases have not noticed", most)
		})
	}
}

const fastestSplit = "the watermark follows the fastest split"

var plantedBugs = map[string]tampering{
	"the watermark overtakes a batch": each(func(h *harness, to *lane, m engine.Message) {
		batch := m
		m.Batch = nil
		batch.Watermark, batch.End = model.MinTimestamp, false
		to.queue = append(to.queue, engine.Message{Channel: m.Channel, Port: m.Port, Watermark: m.Watermark}, batch)
		if m.End {
			to.queue = append(to.queue, engine.Message{Channel: m.Channel, Port: m.Port, Watermark: model.MinTimestamp, End: true})
		}
	}),
	"a batch is lost":      once(func(m *engine.Message) { m.Batch = nil }),
	"a watermark is early": each(func(_ *harness, to *lane, m engine.Message) { m.Watermark++; to.queue = append(to.queue, m) }),
	"the last batch is never flushed": each(func(_ *harness, to *lane, m engine.Message) {
		if m.End {
			m.Batch = nil
		}
		to.queue = append(to.queue, m)
	}),
	"watermarks wait for the end of the channel": each(func(_ *harness, to *lane, m engine.Message) {
		if m.Watermark < model.MaxTimestamp {
			m.Watermark = model.MinTimestamp
		}
		to.queue = append(to.queue, m)
	}),
	"a batch arrives twice": each(func(_ *harness, to *lane, m engine.Message) {
		if m.Batch != nil {
			to.queue = append(to.queue, engine.Message{Channel: m.Channel, Port: m.Port, Batch: copied(m.Batch), Watermark: model.MinTimestamp})
		}
		to.queue = append(to.queue, m)
	}),
	"a batch is reused while it is under way": each(func(h *harness, to *lane, m engine.Message) {
		for _, s := range h.pools {
			if m.Batch != nil {
				s.Put(m.Batch)
			}
		}
		to.queue = append(to.queue, m)
	}),
	"a key group belongs to two tasks":             wrongOwner,
	"two messages of a channel change places":      swapped,
	"the highest of the channels' watermarks wins": highest,
	fastestSplit: nil,
}

// each sends every message by way of f.
func each(f func(h *harness, to *lane, m engine.Message)) tampering {
	return func(h *harness) {
		h.tamper = func(to *lane, m engine.Message) { f(h, to, m) }
	}
}

// once changes the first message that has a batch.
func once(change func(*engine.Message)) tampering {
	return func(h *harness) {
		changed := false
		h.tamper = func(to *lane, m engine.Message) {
			if m.Batch != nil && !changed {
				changed = true
				change(&m)
			}
			to.queue = append(to.queue, m)
		}
	}
}

func copied(batch any) any {
	b := reflect.New(reflect.TypeOf(batch).Elem())
	rows := reflect.ValueOf(batch).Elem().FieldByName("Rows")
	b.Elem().FieldByName("Rows").Set(reflect.AppendSlice(reflect.MakeSlice(rows.Type(), 0, rows.Len()), rows))
	return b.Interface()
}

// wrongOwner sends every other batch to the next task.
func wrongOwner(h *harness) {
	turn := 0
	h.tamper = func(to *lane, m engine.Message) {
		if turn++; m.Batch != nil && turn%2 == 0 {
			next := (to.task + 1) % len(h.tasks[to.stage])
			other := h.lane(engine.Envelope{Stage: to.stage, Task: next, Message: m})
			other.queue = append(other.queue, engine.Message{Channel: m.Channel, Port: m.Port, Batch: m.Batch, Watermark: model.MinTimestamp})
			m.Batch = nil
		}
		to.queue = append(to.queue, m)
	}
}

// swapped holds the first message of each channel back until the second was sent.
func swapped(h *harness) {
	held := map[*lane]*engine.Message{}
	h.tamper = func(to *lane, m engine.Message) {
		first, seen := held[to]
		switch {
		case !seen && !m.End:
			held[to] = &m
			return
		case first != nil && m.End: // its end is the end
			to.queue = append(to.queue, *first)
			first = nil
		}
		to.queue = append(to.queue, m)
		if first != nil {
			first.Watermark = model.MinTimestamp
			to.queue = append(to.queue, *first)
		}
		held[to] = nil
	}
}

// highest tells all channels of a task of each one's watermark.
func highest(h *harness) {
	type address struct{ stage, task int }
	high := map[address]model.Timestamp{}
	h.tamper = func(to *lane, m engine.Message) {
		a := address{to.stage, to.task}
		if w, ok := high[a]; !ok || m.Watermark > w {
			high[a] = m.Watermark
		}
		m.Watermark = high[a]
		for _, l := range h.lanes {
			if l.stage == to.stage && l.task == to.task && l != to && !l.ended {
				l.queue = append(l.queue, engine.Message{Channel: l.channel, Watermark: high[a]})
			}
		}
		to.queue = append(to.queue, m)
	}
}
