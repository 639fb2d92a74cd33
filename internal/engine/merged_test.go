package engine

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/engine/cells"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/triggers"
	"github.com/millrace/millrace/windowing"
)

// What windows have said that merge into another, and what becomes of it.

// A merging is one task of a grouping by merging windows, whose elements are
// runes and all have one key.
type merging struct {
	*paned
	said []string // since it was last asked
}

func newMerging(s model.WindowingStrategy) *merging {
	m := &merging{}
	op := &Op{Node: &model.Node{Name: "group"}, task: &Task{cfg: Config{Context: context.Background(), Of: 1, KeyGroups: 1, Store: nil}}}
	emit := func(at *model.Meta, what string) {
		sign := "+"
		if at.Pane.Retraction {
			sign = "-"
		}
		last := ""
		if at.Pane.Last {
			last = " last"
		}
		m.said = append(m.said, fmt.Sprintf("%s[%d,%d) %s%s", sign, at.Window.Start, at.Window.End, what, last))
	}
	fold := &cells.Fold[string]{
		Init:  func(into *string) { *into = "" },
		Merge: func(into, from *string) { *into = sortedRunes(*into + *from) },
	}
	m.paned = newPaned(op, &model.Windowing{Strategy: s}, s.Trigger, folding[int](fold, sayer(emit)))
	return m
}

// sayer is a firer that says what the accumulator holds.
func sayer(say func(at *model.Meta, what string)) firer {
	fire := func(at *model.Meta, _ cells.Keys, _ cells.Entry, accs cells.Folds, a cells.Entry) {
		say(at, *accs.Value(a).(*string))
	}
	return firer{
		fire: fire,
		keep: func(at *model.Meta, keys cells.Keys, k cells.Entry, accs cells.Folds, a cells.Entry) any {
			fire(at, keys, k, accs, a)
			said := *accs.Value(a).(*string)
			return &said
		},
		again: func(at *model.Meta, said any) { say(at, *said.(*string)) },
		says:  reflect.TypeFor[string](),
	}
}

func sortedRunes(s string) string {
	runes := []rune(s)
	slices.Sort(runes)
	return string(runes)
}

// add adds an element, or takes it back if n is negative.
func (m *merging) add(what string, n int64, at model.Timestamp) {
	w := m.strategy.Windows.AssignWindows(nil, at)[0]
	key := 0
	k, fresh := m.keys.Keys.(*cells.Index[int]).Place(0, &key)
	o, _ := m.take(w, k, m.keys.Came(k, fresh), n, at)
	if o == nil {
		return
	}
	acc := m.accs.Value(o.acc).(*string)
	if n < 0 {
		*acc = strings.Replace(*acc, what, "", 1)
	} else {
		*acc = sortedRunes(*acc + what)
	}
	m.taken(k)
}

// wants asks for what was said since it last did, and for what the watermark
// is held at.
func (m *merging) wants(t *testing.T, when string, hold model.Timestamp, said ...string) {
	t.Helper()
	if !slices.Equal(m.said, said) || m.hold() != hold {
		t.Errorf("%s: it says %q and holds the watermark at %d; want %q and %d", when, m.said, m.hold(), said, hold)
	}
	m.said = nil
}

const ten = 10 * time.Microsecond

func earlySessions(lateness time.Duration, trigger model.Trigger) model.WindowingStrategy {
	return model.WindowingStrategy{Windows: windowing.Sessions{Gap: ten}, Lateness: lateness, Trigger: trigger, Panes: model.Retracting}
}

func pairs() model.Trigger { return triggers.Repeatedly{Trigger: triggers.AfterCount{N: 2}} }

const free = model.MaxTimestamp // nothing holds the watermark

func TestMergedWindowsAreTakenBackWithTheNextPane(t *testing.T) {
	m := newMerging(earlySessions(ten, pairs()))
	m.add("a", 1, 0)
	m.add("b", 1, 0)
	m.add("c", 1, 15)
	m.add("d", 1, 15)
	m.wants(t, "two sessions have said something", free, "+[0,10) ab", "+[15,25) cd")
	m.add("e", 1, 8)
	m.wants(t, "they are one that has nothing to say yet, and what they said expires at 20 and 35", 19)
	m.advance(19)
	m.wants(t, "time goes on", 19)
	m.add("f", 1, 20)
	m.wants(t, "the next pane takes back what it replaces", free, "-[0,10) ab", "-[15,25) cd", "+[0,30) abcdef")
}

func TestMergedWindowsAreTakenBackAtTheEndOfTheNew(t *testing.T) {
	m := newMerging(earlySessions(0, triggers.AfterWatermark{Early: triggers.AfterCount{N: 2}}))
	m.add("a", 1, 0)
	m.add("b", 1, 0)
	m.add("c", 1, 8)
	m.wants(t, "the session has grown since it said something", 9, "+[0,10) ab")
	m.advance(17)
	m.wants(t, "time goes on", 9)
	m.advance(18)
	m.wants(t, "the session ends", free, "-[0,10) ab", "+[0,18) abc last")
}

// The trigger fires but once. What is dropped afterwards changes the session all
// the same, and what it has said as another is said again as it expires.
func TestMergedWindowsWhoseTriggersHaveFinishedAreTakenBackAtExpiry(t *testing.T) {
	m := newMerging(earlySessions(ten, triggers.AfterCount{N: 1}))
	m.add("a", 1, 0)
	m.add("b", 1, 15)
	m.wants(t, "two sessions have said all that they will", free, "+[0,10) a last", "+[15,25) b last")
	m.add("c", 1, 8)
	m.wants(t, "an element is dropped, but merges them", 19)
	if m.op.Counts.Dropped != 1 {
		t.Errorf("%d elements were dropped, want 1", m.op.Counts.Dropped)
	}
	m.advance(34)
	m.wants(t, "time goes on", 19)
	m.advance(35)
	m.wants(t, "they expire as one", free, "-[0,10) a last", "-[15,25) b last", "+[0,25) ab last")
}

// What a dropped element makes grow expires when the window does that it became.
func TestWindowsThatADroppedElementMergedExpireInOrder(t *testing.T) {
	s := earlySessions(0, triggers.AfterCount{N: 1})
	s.Closing = model.FireAlways
	m := newMerging(s)
	for _, at := range []model.Timestamp{-30, -32, -5, -1} {
		m.add("a", 1, at)
	}
	m.advance(-20)
	m.wants(t, "the first session expires", -6+10, "+[-30,-20) a last", "+[-5,5) a last", "-[-30,-20) a last", "+[-32,-20) a last")
	m.advance(9)
	m.wants(t, "so does the second", free, "-[-5,5) a last", "+[-5,9) a last")
}

func TestMergedWindowsOfWhichNothingIsLeftAreTakenBack(t *testing.T) {
	m := newMerging(earlySessions(ten, pairs()))
	m.add("a", 1, 0)
	m.add("b", 1, 0)
	m.add("a", -1, 3)
	m.wants(t, "a retraction makes the session grow", 12, "+[0,10) ab")
	m.add("b", -1, 3)
	m.wants(t, "nothing is left of it", free, "-[0,10) ab")
	m.advance(23)
	m.wants(t, "it expires", free)
}

// rush are sessions that merge only where a key has three windows or more: merging
// changes windows that are not near the new one.
type rush struct{ model.WindowFn }

func (rush) MergeWindows(windows, into []model.Window) {
	copy(into, windows)
	if len(windows) > 2 {
		windowing.MergeOverlapping(windows, into)
	}
}

func TestWindowsThatMergeFarFromTheElementAreLookedAt(t *testing.T) {
	s := earlySessions(ten, triggers.AfterWatermark{Early: triggers.AfterCount{N: 1}, Late: triggers.AfterCount{N: 1}})
	s.Windows = rush{s.Windows}
	m := newMerging(s)
	m.add("a", 1, 0)
	m.add("b", 1, 5)
	m.wants(t, "two windows overlap", free, "+[0,10) a", "+[5,15) b")
	m.add("c", 1, 100)
	m.wants(t, "a third one merges them", 19, "+[100,110) c")
	m.advance(14)
	m.wants(t, "time goes on", 19)
	m.advance(15)
	m.wants(t, "they end as one", free, "-[0,10) a", "-[5,15) b", "+[0,15) ab")
}

// greedy are sessions that take ten more each time they merge.
type greedy struct{ model.WindowFn }

func (greedy) MergeWindows(windows, into []model.Window) {
	windowing.MergeOverlapping(windows, into)
	for i := range into {
		into[i].End += 10
	}
}

func (greedy) MergesOverlapping() {}

func TestAWindowThatIsMergedIntoItsNeighbourEndsTheRun(t *testing.T) {
	for _, other := range []model.Timestamp{24, -14} {
		s := earlySessions(ten, triggers.Default{})
		s.Windows = greedy{s.Windows}
		m := newMerging(s)
		m.add("a", 1, 0)
		m.add("b", 1, other)
		element := 'c'
		m.op.Enter(&m.op.task.rowMeta, &element)
		m.add("c", 1, 5)
		if err := m.op.task.err; (err != nil) != (other > 0) || err != nil && !strings.Contains(err.Error(), "leaves the windows [1970-01-01T00:00:00Z, 1970-01-01T00:00:00.000025Z) and [1970-01-01T00:00:00.000024Z,") {
			t.Errorf("beside a window at %d, it ended with %v", other, err)
		}
	}
}

// What a window holds the watermark at goes up with each element, here, and the
// least that is held stays. The queue of what is held must not grow with elements.
func TestHoldsAreQueuedByWindow(t *testing.T) {
	m := newMerging(earlySessions(ten, triggers.AfterWatermark{Early: triggers.AfterCount{N: 1 << 20}}))
	m.add("a", 1, 0)
	const far = 100
	for i := range model.Timestamp(1000) {
		m.add("b", 1, far+i)
		if at := m.hold(); at != 9 {
			t.Fatalf("the watermark is held at %d, want the end of the first session, 9", at)
		}
	}
	if n := len(m.holds.heap); n > 4 {
		t.Errorf("two windows have %d entries", n)
	}
	m.advance(10)
	m.wants(t, "the first session ends", far+999+9, "+[0,10) a last")
	m.advance(free)
	m.wants(t, "the input ends", free, "+[100,1109) "+strings.Repeat("b", 1000)+" last")
}
