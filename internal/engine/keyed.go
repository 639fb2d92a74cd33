package engine

import (
	"fmt"

	"github.com/millrace/millrace/internal/engine/cells"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/state"
)

// A KeyedSpec is the ExchangeSpec of a user's DoFn with state and timers.
type KeyedSpec[K comparable, V any] struct {
	Hash   func(*K) uint64
	Layout *state.Layout
	// Calls returns, for one task, what calls the user's code, which emits to outs
	// and reaches its cells through s.
	Calls func(op *Op, outs [][]any, s state.Scope) KeyedCalls[K, V]
}

// KeyedCalls call a user's DoFn. Pointers hold during the call only. M is where
// what is emitted stands.
type KeyedCalls[K comparable, V any] struct {
	Process func(m *model.Meta, e *KeyedElement[K, V]) error
	// OnTimer is nil where the DoFn has no timers.
	OnTimer func(m *model.Meta, f *KeyedFiring) error
	// OnExpiry is nil where the DoFn does not want to know.
	OnExpiry func(m *model.Meta, f *KeyedFiring) error
}

// A KeyedElement is an element on its way to, and at, the task that owns its key.
type KeyedElement[K comparable, V any] struct {
	_     incomparable
	Hash  uint64
	Key   K
	Meta  model.Meta // in its one window
	Value V
}

func (e *KeyedElement[K, V]) told() (key, part any) { return e.Key, model.KVOf(e.Key, e.Value) }

// A KeyedFiring is a timer that fires, or a window that expires.
type KeyedFiring struct {
	Timer  string // "" where the window expires
	Tag    string
	At     model.Timestamp
	keys   cells.Keys
	k      cells.Entry
	expiry bool
}

// FiringKey is the key of a KeyedFiring, which it must be of the type of.
func FiringKey[K comparable](f *KeyedFiring) K { return *f.keys.Key(f.k).(*K) }

// AnyKey is the key.
func (f KeyedFiring) AnyKey() any { return cells.KeyOf(f.keys, f.k) }

func (f KeyedFiring) String() string {
	switch {
	case f.expiry:
		return "the expiry of the window"
	case f.Tag != "":
		return fmt.Sprintf("the timer %q, tag %q, at %v", f.Timer, f.Tag, f.At)
	}
	return fmt.Sprintf("the timer %q at %v", f.Timer, f.At)
}

// Sender implements [ExchangeSpec]: an element goes over once for each of its
// windows, since state is kept by window.
func (s *KeyedSpec[K, V]) Sender(op *Op, port int) any {
	out := newOutlet[KeyedElement[K, V]](op, port)
	hash := s.Hash
	return Explode(op, op.Node.Inputs[port].Windowing, Emit[model.KV[K, V]](func(m *model.Meta, kv *model.KV[K, V]) {
		h := hash(&kv.Key)
		r := out.row(h)
		r.Hash, r.Key, r.Meta, r.Value = h, kv.Key, *m, kv.Value
	}))
}

// Receiver implements [ExchangeSpec].
func (s *KeyedSpec[K, V]) Receiver(op *Op, outs [][]any) Receiver {
	e := &keyedEdge[K, V]{g: newKeyedOp(op, s.Layout, new(cells.Index[K])), late: lateOut[K, V](op, outs)}
	calls := s.Calls(op, outs, e.g.frame)
	e.process, e.g.onTimer, e.g.onExpiry = calls.Process, calls.OnTimer, calls.OnExpiry
	e.g.rows = e
	flush := op.flush
	op.OnFlush(func() {
		if flush != nil {
			flush()
		}
		if err := e.g.frame.End(); err != nil { // of cells used in no call
			op.Fail(&model.Meta{}, nil, err)
		}
	})
	return e.g
}

// A keyedEdge is the typed side of a keyedOp: it takes the rows.
type keyedEdge[K comparable, V any] struct {
	g       *keyedOp
	process func(m *model.Meta, e *KeyedElement[K, V]) error
	late    lateOutlet[K, V]
}

func (e *keyedEdge[K, V]) receive(batch any) {
	g := e.g
	keys := g.keys.Keys.(*cells.Index[K])
	rows := batch.(*Records[KeyedElement[K, V]]).Rows
	for i := range rows {
		if g.op.Failed() {
			return
		}
		r := &rows[i]
		g.call.meta = r.Meta
		g.op.Enter(&g.call.meta, r)
		k, fresh := keys.Place(r.Hash, &r.Key)
		g.call.k = k
		g.keys.Came(k, fresh)
		w := g.take(&r.Meta)
		if g.op.Failed() { // its window was merged wrongly
			return
		}
		if w == nil {
			g.op.Counts.Dropped++
			if e.late != nil {
				e.late(&Record[K, V]{Key: r.Key, At: r.Meta.Timestamp, Part: r.Value}, r.Meta.Window, g.watermark, model.WindowExpired)
			}
			g.leave(k)
		} else {
			err := e.process(&g.call.meta, r)
			if misuse := g.frame.End(); err == nil {
				err = misuse
			}
			if err != nil {
				g.op.Fail(&g.call.meta, r, err)
				return
			}
			g.fire(w)
			g.settle(w)
		}
		g.relieve()
	}
}

func newKeyedOp(op *Op, layout *state.Layout, keys cells.Keys) *keyedOp {
	w := windowingOf(op.Node)
	g := &keyedOp{
		op:        op,
		layout:    layout,
		of:        w,
		strategy:  w.Strategy,
		watermark: model.MinTimestamp,
		now:       model.MinTimestamp,
		free:      make([][]state.Slot, len(layout.Specs)),
	}
	g.keys = cells.OpenPaged(op.store(), op.declare("cells", g.form), keys, g, g, keyedBytes)
	for _, spec := range layout.Specs {
		if spec.TTL > 0 {
			g.expiring[spec.Clock] = true
		}
	}
	if !w.Grouped {
		g.merging, _ = w.Strategy.Windows.(model.MergingWindowFn)
	}
	g.frame = state.NewFrame(layout, (*keyedAccess)(g))
	return g
}
