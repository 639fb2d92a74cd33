package engine

import (
	"context"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/plan"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/coder"
	"github.com/millrace/millrace/model/state"
	"github.com/millrace/millrace/windowing"
)

// A checkpoint writes what has changed since the last one, and not what was only looked
// at: for the watermark that it holds, for where it is in a queue, or on the way to others.
func TestALookIsNotWritten(t *testing.T) {
	sessions := model.WindowingStrategy{Windows: windowing.Sessions{Gap: time.Hour}, Timestamps: model.Earliest} // which holds the watermark
	for name, open := range map[string]func(*Op) Receiver{
		"combine": func(op *Op) Receiver { return summing().Receiver(op, [][]any{{dropping[model.KV[int, int]]()}}) },
		"DoKeyed": func(op *Op) Receiver { return reminding(t).Receiver(op, [][]any{{dropping[int]()}}) },
	} {
		t.Run(name, func(t *testing.T) {
			saved := &savedCells{entries: map[string][]byte{}}
			d := saved.open()
			node := &model.Node{Name: name, Class: model.Exchange, Outputs: make([]*model.Collection, 1)}
			windowing := &model.Windowing{Strategy: sessions}
			if name == "DoKeyed" { // whose timers do not merge
				windowing.Strategy.Windows = nil
			}
			node.Inputs = []*model.Collection{{Windowing: windowing}}
			op := &Op{Node: node, task: &Task{out: model.MinTimestamp, cfg: Config{Context: context.Background(), Of: 1, KeyGroups: 4, Store: d, Stage: &plan.Stage{Head: node}}}}
			r := open(op)
			const keys = 20_000
			send := func(k, n int) {
				for range n {
					r.Receive(0, rowOf(name, k))
					r.Hold()
				}
			}
			for k := range keys {
				send(k, 1)
			}
			if n := saved.save(t, d); n != keys || op.Failed() {
				t.Fatalf("the first checkpoint wrote %d entries, want %d: %v", n, keys, op.task.err)
			}
			send(7, 50_000)
			r.Advance(5)
			if n := saved.save(t, d); n != 1 || op.Failed() {
				t.Errorf("one key has changed, and %d were written: %v", n, op.task.err)
			}
		})
	}
}

func dropping[T any]() Emit[T] { return func(*model.Meta, *T) {} }

type adding struct{}

func (adding) New() int           { return 0 }
func (adding) Add(a, v int) int   { return a + v }
func (adding) Merge(a, b int) int { return a + b }
func (adding) Result(a int) int   { return a }

func summing() *CombineSpec[int, int, int, int] {
	return &CombineSpec[int, int, int, int]{Combiner: adding{}, Hash: hashInt}
}

// reminding is a DoFn that moves a timer of its key, which holds the watermark, with each
// element.
func reminding(t *testing.T) *KeyedSpec[int, int] {
	timer := state.NewEventTimer("timer")
	layout, err := state.Bind(nil, []state.Cell{timer})
	if err != nil {
		t.Fatal(err)
	}
	return &KeyedSpec[int, int]{Hash: hashInt, Layout: layout, Calls: func(_ *Op, _ [][]any, s state.Scope) KeyedCalls[int, int] {
		return KeyedCalls[int, int]{
			Process: func(m *model.Meta, e *KeyedElement[int, int]) error {
				timer.SetWithOutput(s, m.Timestamp.Add(time.Hour), m.Timestamp)
				return nil
			},
			OnTimer: func(*model.Meta, *KeyedFiring) error { return nil },
		}
	}}
}

var intKeys, _ = coder.ForKey[int]()

func hashInt(k *int) uint64 { return intKeys.Hash(k) }

// rowOf is a batch of one element of key k.
func rowOf(to string, k int) any {
	const at = 10
	hash := hashInt(&k)
	if to == "DoKeyed" {
		return &Records[KeyedElement[int, int]]{Rows: []KeyedElement[int, int]{{Hash: hash, Key: k, Meta: model.Meta{Timestamp: at, Window: model.GlobalWindow}}}}
	}
	return &Records[Record[int, int]]{Rows: []Record[int, int]{{Hash: hash, Key: k, Window: model.Window{Start: at, End: at + 3_600_000_000}, N: 1, At: at, Part: 1}}}
}
