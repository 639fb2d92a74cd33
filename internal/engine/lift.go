package engine

import (
	"github.com/millrace/millrace/internal/engine/cells"
	"github.com/millrace/millrace/model"
)

// A lift folds the elements of a combine before the exchange: one accumulator
// per key and window (or slice) goes over, however many elements there were.
//
// It changes no result. What it holds back is on time: an accumulator goes out
// before the watermark reaches the end of its window. An element whose window the
// watermark has already reached, and which may thus be late, goes out at once and
// alone, so that late panes and drops are those of single elements.
type lift[K comparable, V, A any] struct {
	op     *Op
	out    *outlet[Record[K, A]]
	assign *assigner
	hash   func(*K) uint64
	by     folder[V, A]

	open    []*liftWindow[K, A] // in order of opening
	current *liftWindow[K, A]
	held    int
	free    []*liftWindow[K, A]
}

// A folder is what a lift needs of a [Combiner].
type folder[V, A any] interface {
	New() A
	Add(A, V) A
}

type liftWindow[K comparable, A any] struct {
	window model.Window
	keys   cells.Index[K]
	folded []lifted[A] // by entry
}

type lifted[A any] struct {
	_   incomparable
	n   int64
	acc A
}

// liftLimit bounds the accumulators that a lift holds back.
const liftLimit = 1 << 16

func (l *lift[K, V, A]) take(m *model.Meta, kv *model.KV[K, V]) {
	l.op.Enter(m, kv)
	if w, ok := l.assign.one(m); ok {
		l.fold(w, kv)
		return
	}
	ws, err := l.assign.assign(l.op, m)
	if err != nil {
		l.op.Fail(m, *kv, err)
		return
	}
	for _, w := range ws {
		l.fold(w, kv)
	}
}

func (l *lift[K, V, A]) fold(w model.Window, kv *model.KV[K, V]) {
	hash := l.hash(&kv.Key)
	if w.End <= l.op.task.out {
		r := l.out.row(hash)
		*r = Record[K, A]{Hash: hash, Key: kv.Key, Window: w, N: 1, Part: l.by.Add(l.by.New(), kv.Value)}
		return
	}
	c := l.current
	if c == nil || c.window != w {
		c = l.switchTo(w)
	}
	i, fresh := c.keys.Place(hash, &kv.Key)
	if fresh {
		l.held++
		c.folded = append(c.folded, lifted[A]{acc: l.by.New()})
	}
	v := &c.folded[i]
	v.n++
	v.acc = l.by.Add(v.acc, kv.Value)
	if l.held >= liftLimit {
		l.release(model.MaxTimestamp)
	}
}

func (l *lift[K, V, A]) switchTo(w model.Window) *liftWindow[K, A] {
	for _, o := range l.open {
		if o.window == w {
			l.current = o
			return o
		}
	}
	if len(l.open) >= liftWindows {
		l.release(model.MaxTimestamp)
	}
	var o *liftWindow[K, A]
	if n := len(l.free); n > 0 {
		o, l.free = l.free[n-1], l.free[:n-1]
	} else {
		o = &liftWindow[K, A]{}
	}
	o.window = w
	l.open = append(l.open, o)
	l.current = o
	return o
}

// liftWindows bounds the windows that a lift holds open, and with it the search
// for the one that an element belongs to.
const liftWindows = 64

// release sends the windows that end at or before watermark.
func (l *lift[K, V, A]) release(watermark model.Timestamp) {
	kept := l.open[:0]
	for _, o := range l.open {
		if o.window.End > watermark {
			kept = append(kept, o)
			continue
		}
		for i := range o.folded {
			hash, v := o.keys.Hash(cells.Entry(i)), &o.folded[i]
			*l.out.row(hash) = Record[K, A]{Hash: hash, Key: *o.keys.At(cells.Entry(i)), Window: o.window, N: v.n, Part: v.acc}
		}
		l.held -= len(o.folded)
		clear(o.folded)
		o.folded = o.folded[:0]
		if !o.keys.Clear() {
			o.folded = nil
		}
		l.free = append(l.free, o)
	}
	clear(l.open[len(kept):])
	l.open = kept
	l.current = nil
}

// A direct sender hands each element over as it is.
type direct[K comparable, V any] struct {
	op     *Op
	out    *outlet[Record[K, V]]
	assign *assigner
	hash   func(*K) uint64
}

func (d *direct[K, V]) take(m *model.Meta, kv *model.KV[K, V]) {
	hash := d.hash(&kv.Key)
	n := int64(1)
	if m.Pane.Retraction {
		n = -1
	}
	if w, ok := d.assign.one(m); ok {
		*d.out.row(hash) = Record[K, V]{Hash: hash, Key: kv.Key, Window: w, N: n, At: m.Timestamp, Part: kv.Value}
		return
	}
	d.op.Enter(m, kv)
	ws, err := d.assign.assign(d.op, m)
	if err != nil {
		d.op.Fail(m, *kv, err)
		return
	}
	for _, w := range ws {
		*d.out.row(hash) = Record[K, V]{Hash: hash, Key: kv.Key, Window: w, N: n, At: m.Timestamp, Part: kv.Value}
	}
}
