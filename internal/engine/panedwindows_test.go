package engine

import (
	"reflect"
	"slices"
	"testing"
	"time"
	"unsafe"

	"pgregory.net/rapid"

	"github.com/millrace/millrace/internal/engine/cells"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/triggers"
	"github.com/millrace/millrace/windowing"
)

// The windows of a chunk take 8 KiB, of which Go has 8 bytes, and next to nothing is left
// over.
func TestAChunkOfWindowsFillsItsRoom(t *testing.T) {
	if size := unsafe.Sizeof(windowArray{}) + 8; size > 8192 || size <= 8192-unsafe.Sizeof(openWindow{}) {
		t.Errorf("a chunk takes %d bytes of 8192, each window %d", size, unsafe.Sizeof(openWindow{}))
	}
}

func TestAWakeupHasNoGaps(t *testing.T) {
	if size := unsafe.Sizeof(queuedWakeup{}); size != 32 {
		t.Errorf("a queued wakeup takes %d bytes, want 32", size)
	}
}

// manyWindows is the open windows of some keys, and what they should be.
type manyWindows struct {
	paneWindows
	accs *cells.Slab[int]
	want [4][]wantWindow
	made int
}

// A wantWindow has a number of its own in whatever it may keep.
type wantWindow struct {
	model.Window
	mark  int
	extra bool
}

func newManyWindows(size int, extra bool) *manyWindows {
	m := &manyWindows{accs: cells.NewSlab[int](nil)}
	m.accs.New(0)
	m.paneWindows = paneWindows{
		byKey: make([]keyWindows, len(m.want)), lists: make([]windowList, 1), nothing: new(windowExtra),
		cells: size, shared: make([]model.TriggerCell, max(size, 1)), extra: extra,
	}
	*m.nothing = noExtra
	return m
}

// add opens w for k, if it is not open, and marks it.
func (m *manyWindows) add(t *rapid.T, k cells.Entry, w model.Window) {
	i, found := m.search(k, w)
	at, want := slices.BinarySearchFunc(m.want[k], w, func(a wantWindow, b model.Window) int { return byStart(a.Window, b) })
	if i != at || found != want {
		t.Fatalf("%v is at %d, %t; want %d, %t", w, i, found, at, want)
	}
	if found {
		return
	}
	o := m.newWindow(w, m.accs)
	if v := *m.accs.At(o.acc); v != 0 || o.seen() || o.live || o.net != 0 || len(o.said) > 0 {
		t.Fatalf("a new window is %+v with %d", *o, v)
	}
	m.made++
	*m.accs.At(o.acc) = m.made
	if cells := m.remembered(o); m.cells > 0 {
		if slices.ContainsFunc(cells, func(c model.TriggerCell) bool { return c != model.TriggerCell{} }) {
			t.Fatalf("a new window's trigger remembers %v", cells)
		}
		cells[0].Count, cells[len(cells)-1].At = int64(m.made), model.Timestamp(m.made)
	}
	m.insert(k, i, o)
	m.want[k] = slices.Insert(m.want[k], i, wantWindow{w, m.made, m.extra})
	if m.extra {
		m.say(k, i)
	}
}

// say has k's i'th window have an extra of its own.
func (m *manyWindows) say(k cells.Entry, i int) {
	o := m.of(k, i)
	m.ownExtra(o)
	w := &m.want[k][i]
	w.extra = true
	o.net, o.said = int64(w.mark), append(o.said[:0], said{what: w.mark})
}

// merge has k's windows from lo up to hi be one, as long as all of them.
func (m *manyWindows) merge(k cells.Entry, lo, hi int) {
	into := m.of(k, lo)
	for i := lo + 1; i < hi; i++ {
		o := m.of(k, i)
		into.window = into.window.Span(o.window)
		m.release(o, m.accs)
	}
	m.want[k][lo].Window = into.window
	m.want[k] = slices.Delete(m.want[k], lo+1, hi)
	m.replace(k, lo, hi, []*openWindow{into})
}

func (m *manyWindows) check(t *rapid.T) {
	open := 0
	for k := range m.want {
		k := cells.Entry(k)
		if got := m.open(k); len(got) != len(m.want[k]) {
			t.Fatalf("key %d has windows %v, want %v", k, got, m.want[k])
		}
		if many := len(m.want[k]) > 1; many != (m.byKey[k].list != 0) {
			t.Fatalf("key %d has a list: %t; it has %d windows", k, !many, len(m.want[k]))
		}
		for i, w := range m.want[k] {
			open++
			o := m.of(k, i)
			if l := m.byKey[k].list; o.window != w.Window || l != 0 && m.lists[l].bounds[i] != w.Window || *m.accs.At(o.acc) != w.mark {
				t.Fatalf("window %d of key %d is %v with %d, want %v", i, k, o.window, *m.accs.At(o.acc), w)
			}
			if cells := m.remembered(o); m.cells > 0 && (cells[0].Count != int64(w.mark) || cells[len(cells)-1].At != model.Timestamp(w.mark)) {
				t.Fatalf("the trigger of window %d of key %d remembers %v, want %d", i, k, cells, w.mark)
			}
			if own := o.windowExtra != m.nothing; own != w.extra || own && (o.net != int64(w.mark) || o.said[0].what != w.mark) {
				t.Fatalf("window %d of key %d has %+v, want %v", i, k, *o.windowExtra, w)
			}
		}
	}
	for i, c := range m.chunks {
		if (c.windows == nil) != (c.open == 0) {
			t.Fatalf("chunk %d has %d open windows, and room: %t", i, c.open, c.windows != nil)
		}
		open -= c.open
	}
	if open != 0 || !reflect.DeepEqual(*m.nothing, noExtra) {
		t.Fatalf("%d windows are in no chunk, and those of no extra share %+v", open, *m.nothing)
	}
}

// Each window keeps what is its own, however windows come, merge and go.
func TestOpenWindowsKeepWhatIsTheirs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newManyWindows(rapid.IntRange(0, 2).Draw(t, "cells"), rapid.Bool().Draw(t, "extra"))
		key := rapid.Custom(func(t *rapid.T) cells.Entry { return cells.Entry(rapid.IntRange(0, len(m.want)-1).Draw(t, "key")) })
		t.Repeat(map[string]func(*rapid.T){
			"open": func(t *rapid.T) { m.add(t, key.Draw(t, "of"), drawWindow(t)) },
			"open many": func(t *rapid.T) {
				k := key.Draw(t, "of")
				for i := range rapid.IntRange(1, 2*windowsPerChunk).Draw(t, "windows") {
					m.add(t, k, windowAt(20*i))
				}
			},
			"say": func(t *rapid.T) {
				k := key.Draw(t, "of")
				for i := range m.want[k] {
					m.say(k, i)
				}
			},
			"merge": func(t *rapid.T) {
				if k := key.Draw(t, "of"); len(m.want[k]) > 1 {
					lo := rapid.IntRange(0, len(m.want[k])-2).Draw(t, "lo")
					m.merge(k, lo, rapid.IntRange(lo+2, len(m.want[k])).Draw(t, "hi"))
				}
			},
			"let go": func(t *rapid.T) {
				if k := key.Draw(t, "of"); len(m.want[k]) > 0 {
					i := rapid.IntRange(0, len(m.want[k])-1).Draw(t, "i")
					m.release(m.of(k, i), m.accs)
					m.forget(k, i)
					m.want[k] = slices.Delete(m.want[k], i, i+1)
				}
			},
			"let go of a key": func(t *rapid.T) {
				k := key.Draw(t, "of")
				m.forgetKey(k, m.accs)
				m.want[k] = nil
			},
			"": m.check,
		})
	})
}

// What windows share that have nothing of their own stays as it is, whatever becomes of
// them under the default trigger.
func TestWhatWindowsShareDoesNotChange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := model.WindowingStrategy{
			Windows:  windowing.Sessions{Gap: ten},
			Lateness: time.Duration(rapid.IntRange(0, 2).Draw(t, "lateness")) * ten,
			Trigger:  triggers.Default{},
			Panes:    rapid.SampledFrom([]model.PaneMode{model.Discarding, model.Accumulating}).Draw(t, "panes"),
			OnTime:   rapid.SampledFrom([]model.PaneBehavior{model.IfNotEmpty, model.FireAlways}).Draw(t, "on time"),
			Closing:  rapid.SampledFrom([]model.PaneBehavior{model.IfNotEmpty, model.FireAlways}).Draw(t, "closing"),
		}
		m := newMerging(s)
		t.Repeat(map[string]func(*rapid.T){
			"add":     func(t *rapid.T) { m.add("a", 1, model.Timestamp(rapid.IntRange(0, 99).Draw(t, "at"))) },
			"advance": func(t *rapid.T) { m.advance(max(m.watermark, 0) + model.Timestamp(rapid.IntRange(0, 9).Draw(t, "by"))) },
			"": func(t *rapid.T) {
				if !reflect.DeepEqual(*m.windows.nothing, noExtra) {
					t.Fatalf("it is %+v", *m.windows.nothing)
				}
			},
		})
	})
}
