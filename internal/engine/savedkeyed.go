package engine

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/millrace/millrace/internal/engine/cells"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/state"
)

// How the cells and timers of a DoFn are saved.

// savedKeyedWindow is a keyedWindow. Its slots are encoded by their cells.
type savedKeyedWindow struct {
	Window  model.Window
	Slots   [][]byte // nil where a cell is empty
	Timers  [2][]savedTimer
	Latest  model.Timestamp
	Horizon model.Timestamp
	Wake    [2]model.Timestamp
	Expires [2]model.Timestamp
}

type savedTimer struct {
	Cell       int
	Tag        string
	At, Output model.Timestamp
	Fixed      bool
	Holds      bool
}

func (g *keyedOp) form() (cells.Form, error) {
	value, err := cells.ValueOf(reflect.TypeFor[[]savedKeyedWindow]())
	return keyedForm{g, value}, err
}

func packKeyed(l *state.Layout, ks *keyedWindows) ([]savedKeyedWindow, error) {
	open := ks.open()
	out := make([]savedKeyedWindow, len(open))
	for i, w := range open {
		r := w.look()
		s := savedKeyedWindow{Window: w.window, Latest: w.latest, Horizon: r.horizon, Wake: w.wake, Expires: r.expires}
		for j, slot := range w.slots() {
			var b []byte
			if slot != nil {
				var err error
				if b, err = l.Specs[j].Append([]byte{}, slot); err != nil {
					return nil, err
				}
			}
			s.Slots = append(s.Slots, b)
		}
		for c := range r.timers {
			for _, t := range r.timers[c].items {
				s.Timers[c] = append(s.Timers[c], savedTimer{t.cell, t.tag, t.at, t.output, t.fixed, t.hold != 0})
			}
		}
		out[i] = s
	}
	return out, nil
}

// unpack opens the windows of key k that were saved.
func (g *keyedOp) unpack(from *keyedCells, saved []savedKeyedWindow, k cells.Entry) error {
	ks := &g.byKey[k]
	for i := range saved {
		s := &saved[i]
		w := g.newWindow(s.Window)
		w.latest, w.wake, w.stored = s.Latest, s.Wake, true
		ks.replace(ks.len(), ks.len(), w)
		if s.Horizon != never {
			g.rest(w).horizon = s.Horizon
		}
		for c, at := range s.Expires {
			g.expireAt(w, c, at)
		}
		if len(s.Slots) > 0 && len(s.Slots) != len(from.cells) {
			return fmt.Errorf("it has %d cells, and its schema %d", len(s.Slots), len(from.cells))
		}
		slots := w.slots()
		for j, b := range s.Slots {
			to := &from.cells[j]
			if b == nil || to.spec == nil {
				continue
			}
			slot, rest, err := to.spec.Decode(b)
			if err == nil && len(rest) > 0 {
				err = errors.New("bytes are left over")
			}
			if err != nil {
				return err
			}
			slots[to.index] = slot
		}
		for c := range s.Timers {
			for _, t := range s.Timers[c] {
				if t.Cell < 0 || t.Cell >= len(from.timers) {
					return fmt.Errorf("it has timer %d, and its schema %d timers", t.Cell, len(from.timers))
				}
				cell := from.timers[t.Cell]
				if cell < 0 {
					continue
				}
				set := timer{cell: cell, tag: t.Tag, at: t.At, output: t.Output, fixed: t.Fixed}
				if t.Holds {
					set.hold = 1 // until restored numbers it
				}
				g.rest(w).timers[c].set(set)
			}
		}
	}
	return nil
}

// restored queues what was loaded.
func (g *keyedOp) restored(watermark, now model.Timestamp) {
	g.watermark, g.now = watermark, now
	g.ending = watermark >= g.strategy.Expiry(model.GlobalWindow)
	g.keys.Each(func(k cells.Entry) bool {
		g.PageIn(k)
		return true
	})
}

// PageIn implements [cells.Pager].
func (g *keyedOp) PageIn(k cells.Entry) {
	for _, w := range g.byKey[k].open() {
		g.open++
		timers := &w.look().timers
		for c := range w.wake {
			if w.wake[c] < never {
				w.entry[c] = g.due[c].add(w.wake[c], k, w.window)
			}
			for i := range timers[c].items {
				t := &timers[c].items[i]
				if t.hold == 0 {
					continue
				}
				h := &g.holds
				h.seq++
				h.live++
				t.hold = h.seq
				h.push(keyedHold{wakeup{t.output, k, w.window}, c, t.cell, t.tag, h.seq})
			}
		}
	}
}
