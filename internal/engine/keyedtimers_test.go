package engine

import (
	"cmp"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/millrace/millrace/internal/engine/cells"
	"github.com/millrace/millrace/internal/engine/cells/cellstest"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/state"
	"github.com/millrace/millrace/windowing"
)

// An order is something to do with a timer.
type order struct {
	clear  bool
	cell   int // of the family's timers, those with a tag
	tag    string
	at     model.Timestamp // after the time of the call, or before it
	output model.Timestamp // after the timestamp of the call; -1 is none
}

// clockwork is the same timers twice: those of an operator, and a sorted list of
// what should happen.
type clockwork struct {
	*rapid.T
	k        *keyedTest[[]order]
	operator func(*cells.Durable) *keyedTest[[]order]
	pages    *cellstest.State // of the operator's cells; nil if they are all in memory
	timers   [4]func(s state.Scope, tag string, at, output model.Timestamp, clear bool)
	byTag    [][]order // what is done as a timer fires, by the length of its tag
	strategy model.WindowingStrategy

	watermark, now model.Timestamp
	sent           model.Timestamp // the watermark behind
	windows        []*expectedWindow
	want           []string
}

type expectedWindow struct {
	key     string
	window  model.Window
	pending []expectedTimer
}

type expectedTimer struct {
	processing  bool
	cell        int
	tag         string
	at, output  model.Timestamp
	floor, hold bool
}

const (
	event1 = iota
	event2
	family
	soon
)

var timerNames = [...]string{"event 1", "event 2", "family", "soon"}

func newClockwork(t *rapid.T) *clockwork {
	c := &clockwork{T: t, watermark: model.MinTimestamp, now: model.MinTimestamp, sent: model.MinTimestamp}
	c.strategy = model.WindowingStrategy{Windows: windowing.Fixed{Size: ticks(40)}, Lateness: ticks(model.Timestamp(rapid.IntRange(0, 15).Draw(t, "lateness")))}
	a, b := state.NewEventTimer(timerNames[event1]), state.NewEventTimer(timerNames[event2])
	f, p := state.NewEventTimerFamily(timerNames[family]), state.NewProcessingTimer(timerNames[soon])
	c.timers = [4]func(state.Scope, string, model.Timestamp, model.Timestamp, bool){
		event1: func(s state.Scope, _ string, at, output model.Timestamp, clear bool) { turn(s, a, at, output, clear) },
		event2: func(s state.Scope, _ string, at, output model.Timestamp, clear bool) { turn(s, b, at, output, clear) },
		family: func(s state.Scope, tag string, at, output model.Timestamp, clear bool) {
			switch {
			case clear:
				f.Clear(s, tag)
			case output < 0:
				f.Set(s, tag, at)
			default:
				f.SetWithOutput(s, tag, at, output)
			}
		},
		soon: func(s state.Scope, _ string, at, output model.Timestamp, clear bool) { turn(s, p, at, output, clear) },
	}
	for range 3 {
		c.byTag = append(c.byTag, drawOrders(t, 2))
	}
	calls := func(k *keyedTest[[]order], s state.Scope) KeyedCalls[string, []order] {
		obey := func(m *model.Meta, now, clock model.Timestamp, orders []order) {
			for _, o := range orders {
				at, output := c.times(o, now, clock, m)
				if o.clear || o.cell == soon || at < state.Expiry(s) {
					c.timers[o.cell](s, o.tag, at, output, o.clear)
				}
			}
		}
		log := func(m *model.Meta, f *KeyedFiring) {
			k.log = append(k.log, fmt.Sprintf("%s %d: %s%s at %d, emits at %d", FiringKey[string](f), m.Window.Start, f.Timer, f.Tag, f.At, m.Timestamp))
		}
		return KeyedCalls[string, []order]{
			Process: func(m *model.Meta, e *KeyedElement[string, []order]) error {
				obey(m, m.Timestamp, k.now, e.Value)
				return nil
			},
			OnTimer: func(m *model.Meta, f *KeyedFiring) error {
				log(m, f)
				obey(m, f.At, f.At, c.reaction(f.Timer, f.Tag))
				return nil
			},
			OnExpiry: func(m *model.Meta, f *KeyedFiring) error {
				log(m, f)
				return nil
			},
		}
	}
	c.operator = func(s *cells.Durable) *keyedTest[[]order] {
		return newKeyedTestIn(s, t, c.strategy, []state.Cell{a, b, f, p}, calls)
	}
	c.k = c.operator(nil)
	return c
}

func turn(s state.Scope, t interface {
	Set(state.Scope, model.Timestamp)
	SetWithOutput(s state.Scope, at, output model.Timestamp)
	Clear(state.Scope)
}, at, output model.Timestamp, clear bool) {
	switch {
	case clear:
		t.Clear(s)
	case output < 0:
		t.Set(s, at)
	default:
		t.SetWithOutput(s, at, output)
	}
}

// times are what o means in a call at those times.
func (c *clockwork) times(o order, now, clock model.Timestamp, m *model.Meta) (at, output model.Timestamp) {
	at = now + o.at
	if o.cell == soon {
		at = clock + o.at
	}
	output = o.output
	if output >= 0 {
		output = min(m.Timestamp+output, max(m.Window.MaxTimestamp(), m.Timestamp))
	}
	return at, output
}

// reaction is what is done as a timer fires: little, and only by some, so that it
// comes to an end.
func (c *clockwork) reaction(timer, tag string) []order {
	if timer == timerNames[family] {
		return c.byTag[len(tag)%3]
	}
	return nil
}

func drawOrders(t *rapid.T, most int) (out []order) {
	for range rapid.IntRange(0, most).Draw(t, "orders") {
		o := order{
			clear:  rapid.IntRange(0, 4).Draw(t, "clear") == 0,
			cell:   rapid.IntRange(0, 3).Draw(t, "timer"),
			at:     model.Timestamp(rapid.IntRange(-2, 30).Draw(t, "at")),
			output: model.Timestamp(rapid.IntRange(-10, 20).Draw(t, "output")),
		}
		if o.cell == family {
			o.tag = "tttttttttttttttttttt"[:rapid.IntRange(0, 12).Draw(t, "tag")]
			o.at = max(o.at, 1) // or it would set itself for ever
		}
		out = append(out, o)
	}
	return out
}

// The rest is what should happen.

func (c *clockwork) find(key string, w model.Window) *expectedWindow {
	for _, e := range c.windows {
		if e.key == key && e.window == w {
			return e
		}
	}
	e := &expectedWindow{key: key, window: w}
	c.windows = append(c.windows, e)
	return e
}

// obey does in e what the orders of a call say.
func (c *clockwork) obey(e *expectedWindow, m *model.Meta, now, clock model.Timestamp, orders []order) {
	for _, o := range orders {
		at, output := c.times(o, now, clock, m)
		if !o.clear && o.cell != soon && at >= c.strategy.Expiry(e.window) {
			continue
		}
		e.pending = slices.DeleteFunc(e.pending, func(t expectedTimer) bool { return t.cell == o.cell && t.tag == o.tag })
		if o.clear {
			continue
		}
		t := expectedTimer{processing: o.cell == soon, cell: o.cell, tag: o.tag, at: at, output: output}
		switch {
		case output >= 0:
			t.hold = (t.processing || output < at) && e.window.End > c.sent
		case t.processing:
			t.output, t.floor = m.Timestamp, true
		default:
			t.output = max(min(at, e.window.MaxTimestamp()), m.Timestamp)
		}
		e.pending = append(e.pending, t)
	}
	slices.SortFunc(e.pending, func(a, b expectedTimer) int {
		return cmp.Or(cmp.Compare(btoi(a.processing), btoi(b.processing)), cmp.Compare(a.at, b.at), cmp.Compare(a.cell, b.cell), cmp.Compare(a.tag, b.tag))
	})
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// fire fires what is due in e.
func (c *clockwork) fire(e *expectedWindow) {
	for {
		i := slices.IndexFunc(e.pending, func(t expectedTimer) bool {
			return !t.processing && t.at <= c.watermark || t.processing && t.at <= c.now
		})
		if i < 0 {
			return
		}
		t := e.pending[i]
		e.pending = slices.Delete(e.pending, i, i+1)
		m := &model.Meta{Timestamp: t.output, Window: e.window}
		if t.floor {
			m.Timestamp = max(t.output, min(c.watermark, e.window.MaxTimestamp()))
		}
		c.want = append(c.want, fmt.Sprintf("%s %d: %s%s at %d, emits at %d", e.key, e.window.Start, timerNames[t.cell], t.tag, t.at, m.Timestamp))
		c.obey(e, m, t.at, t.at, c.reaction(timerNames[t.cell], t.tag))
	}
}

// advance goes from one due time to the next, up to t.
func (c *clockwork) advance(t model.Timestamp) {
	for {
		var next *expectedWindow
		var at model.Timestamp
		for _, e := range c.windows {
			due := c.strategy.Expiry(e.window)
			for _, p := range e.pending {
				if !p.processing {
					due = min(due, p.at)
				}
			}
			if due <= t && len(e.pending) > 0 && (next == nil || due < at || due == at && e.window.Compare(next.window) < 0) {
				next, at = e, due
			}
		}
		if next == nil {
			c.watermark = max(c.watermark, t)
			return
		}
		c.watermark = max(c.watermark, at)
		c.fire(next)
		if expiry := c.strategy.Expiry(next.window); expiry <= c.watermark {
			if len(next.pending) > 0 {
				c.want = append(c.want, fmt.Sprintf("%s %d:  at %d, emits at %d", next.key, next.window.Start, expiry, next.window.MaxTimestamp()))
			}
			next.pending = nil
		}
	}
}

func (c *clockwork) advanceProcessingTime(t model.Timestamp) {
	for {
		var next *expectedWindow
		var at model.Timestamp
		for _, e := range c.windows {
			for _, p := range e.pending {
				if p.processing && p.at <= t && (next == nil || p.at < at || p.at == at && e.window.Compare(next.window) < 0) {
					next, at = e, p.at
				}
			}
		}
		if next == nil {
			c.now = max(c.now, t)
			return
		}
		c.now = max(c.now, at)
		c.fire(next)
	}
}

// hold is what the timers hold the watermark at, and how many do.
func (c *clockwork) hold() (hold model.Timestamp, timers int) {
	hold = model.MaxTimestamp
	for _, e := range c.windows {
		for _, t := range e.pending {
			if t.hold {
				hold = min(hold, t.output)
				timers++
			}
		}
	}
	return hold, timers
}

// byKey orders logs by key, which keep their own order.
func byKey(log []string) []string {
	slices.SortStableFunc(log, func(a, b string) int { return cmp.Compare(a[:1], b[:1]) })
	return log
}

func TestTimersFireAsASortedListSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := newClockwork(t)
		t.Repeat(c.actions("a", "b"))
	})
}

// actions are what may happen to a few keys, and a look at what has come of it.
func (c *clockwork) actions(keys ...string) map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"element": func(t *rapid.T) {
			key := rapid.SampledFrom(keys).Draw(t, "key")
			at := model.Timestamp(rapid.IntRange(0, 100).Draw(t, "timestamp"))
			if c.watermark > model.MinTimestamp {
				at += max(c.watermark-20, 0)
			}
			m := &model.Meta{Timestamp: at, Window: model.Window{Start: at / 40 * 40, End: at/40*40 + 40}}
			orders := drawOrders(t, 4)
			c.k.element(key, at, m.Window, orders)
			if c.strategy.Expiry(m.Window) > c.watermark {
				e := c.find(key, m.Window)
				c.obey(e, m, at, c.now, orders)
				c.fire(e)
			}
		},
		"watermark": func(t *rapid.T) {
			to := max(c.watermark, 0) + model.Timestamp(rapid.IntRange(0, 60).Draw(t, "by"))
			c.k.Advance(to)
			c.advance(to)
		},
		"time": func(t *rapid.T) {
			to := max(c.now, 0) + model.Timestamp(rapid.IntRange(0, 20).Draw(t, "by"))
			c.k.AdvanceProcessingTime(to)
			c.advanceProcessingTime(to)
		},
		"": func(t *rapid.T) {
			if err := c.k.err(); err != nil {
				t.Fatal(err)
			}
			got, want := byKey(c.k.said()), byKey(c.want)
			c.want = nil
			if !slices.Equal(got, want) {
				t.Fatalf("fired:\n%q, want\n%q", got, want)
			}
			hold, timers := c.hold()
			if got := c.k.Hold(); got != hold || c.pages == nil && c.k.holds.live != timers {
				t.Fatalf("the watermark is held at %d by %d timers, want %d by %d", got, c.k.holds.live, hold, timers)
			}
			c.sent = max(c.sent, min(c.watermark, hold))
			c.k.op.task.out = c.sent
			c.windows = slices.DeleteFunc(c.windows, func(e *expectedWindow) bool { return len(e.pending) == 0 })
			if c.pages == nil && c.k.open != len(c.windows) {
				t.Fatalf("%d windows are open, want %d", c.k.open, len(c.windows))
			}
		},
	}
}

// The heap of one key's timers hands them out in order, whatever was set, moved
// and cleared before.
func TestTimerHeapIsASortedSlice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var h timerHeap
		var m []timer
		for i := range rapid.IntRange(0, 30).Draw(t, "at first") {
			n := timer{tag: fmt.Sprint(i), at: model.Timestamp(rapid.IntRange(0, 50).Draw(t, "at"))}
			h.set(n)
			m = append(m, n)
		}
		inOrder := func() {
			slices.SortFunc(m, func(a, b timer) int {
				return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.cell, b.cell), cmp.Compare(a.tag, b.tag))
			})
		}
		inOrder()
		t.Repeat(map[string]func(*rapid.T){
			"set": func(t *rapid.T) {
				n := timer{cell: rapid.IntRange(0, 1).Draw(t, "cell"), tag: fmt.Sprint(rapid.IntRange(0, 20).Draw(t, "tag")), at: model.Timestamp(rapid.IntRange(0, 50).Draw(t, "at"))}
				if i := h.find(n.cell, n.tag); i >= 0 {
					h.remove(i)
				}
				h.set(n)
				m = slices.DeleteFunc(m, func(o timer) bool { return o.cell == n.cell && o.tag == n.tag })
				m = append(m, n)
				inOrder()
			},
			"due": func(t *rapid.T) {
				now := model.Timestamp(rapid.IntRange(0, 30).Draw(t, "now"))
				got, ok := h.due(now)
				if want := len(m) > 0 && m[0].at <= now; ok != want || ok && got != m[0] {
					t.Fatalf("%v %v, want %v", got, ok, m)
				}
				if ok {
					m = m[1:]
				}
			},
			"clear": func(t *rapid.T) {
				if len(m) == 0 {
					return
				}
				i := rapid.IntRange(0, len(m)-1).Draw(t, "which")
				h.remove(h.find(m[i].cell, m[i].tag))
				m = slices.Delete(m, i, i+1)
			},
			"": func(t *rapid.T) {
				if len(h.items) != len(m) || len(m) > 0 && (h.first() != m[0].at || h.last() != m[len(m)-1].at) {
					t.Fatalf("%v, want %v", h.items, m)
				}
				for i := range h.items {
					if parent := (i - 1) / 2; i > 0 && h.items[i].before(&h.items[parent]) {
						t.Fatalf("%v comes before the one above it, %v", h.items[i], h.items[parent])
					}
					if at := h.find(h.items[i].cell, h.items[i].tag); at != i {
						t.Fatalf("%v is found at %d, and is at %d", h.items[i], at, i)
					}
				}
			},
		})
	})
}
