package engine

import (
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/coder"
)

// How the cells of groupings are saved: as plain structs, whose coders are those of
// their fields.

// coderOf is the encoding of a type that has a coder.
func coderOf[S any]() (Encoding[S], error) {
	c, err := coder.For[S]()
	if err != nil {
		return nil, err
	}
	return plain[S]{c}, nil
}

// savedAs encodes an S by what pack makes of it.
type savedAs[S, P any] struct {
	coder  Encoding[P]
	pack   func(*S) (P, error)
	unpack func(P, *S) error
}

func newSavedAs[S, P any](pack func(*S) (P, error), unpack func(P, *S) error) (savedAs[S, P], error) {
	c, err := coderOf[P]()
	return savedAs[S, P]{c, pack, unpack}, err
}

func (e savedAs[S, P]) Append(dst []byte, s *S) ([]byte, error) {
	p, err := e.pack(s)
	if err != nil {
		return dst, err
	}
	return e.coder.Append(dst, &p)
}

func (e savedAs[S, P]) Decode(src []byte, s *S) ([]byte, error) {
	var p P
	rest, err := e.coder.Decode(src, &p)
	if err != nil {
		return rest, err
	}
	return rest, e.unpack(p, s)
}

// savedClosed is a closedCell.
type savedClosed[A any] struct {
	Acc   A
	Live  bool
	Panes int64
}

func closedEncoding[A any]() (Encoding[closedCell[A]], error) {
	e, err := newSavedAs(
		func(c *closedCell[A]) (savedClosed[A], error) { return savedClosed[A]{c.acc, c.live, c.panes}, nil },
		func(s savedClosed[A], c *closedCell[A]) error {
			*c = closedCell[A]{acc: s.Acc, live: s.Live, panes: s.Panes}
			return nil
		})
	return e, err
}

// savedWindow is an openWindow.
type savedWindow[A any] struct {
	Window              model.Window
	Acc                 A
	Live                bool
	Net, Fresh          int64
	OnTime              bool
	Panes, Settled      int64
	Closed              bool
	Cells               []model.TriggerCell
	Said                []savedPane
	At                  model.Timestamp
	Wake, WakeNow, Held model.Timestamp
	Next                model.Timestamp
}

// savedPane is a pane that may have to be taken back.
type savedPane struct {
	Meta model.Meta
	What []byte
}

// encoding is that of a key's windows.
func (g *paned[K, A]) encoding() (Encoding[keyWindows[A]], error) {
	read, _, err := g.acc.said.from(nil)
	if g.strategy.Panes != model.Retracting {
		read = nil // no pane is taken back, and what panes say need not have a coder
	} else if err != nil {
		return nil, err
	}
	unpack := func(saved []savedWindow[A], ks *keyWindows[A]) error { return g.unpack(saved, ks, read) }
	e, err := newSavedAs(g.pack, unpack)
	if err != nil || read == nil {
		return e, err
	}
	said, err := g.acc.said.schema()
	return panedEncoding[K, A]{e, g, said}, err
}

func (g *paned[K, A]) pack(ks *keyWindows[A]) ([]savedWindow[A], error) {
	out := make([]savedWindow[A], len(ks.open))
	for i, o := range ks.open {
		out[i] = savedWindow[A]{
			Window: o.window, Acc: o.acc, Live: o.live, Net: o.net, Fresh: o.fresh, OnTime: o.onTime,
			Panes: o.panes, Settled: o.settled, Closed: o.closed, Cells: o.cells, At: o.at,
			Wake: o.wake, WakeNow: o.wakeNow, Held: o.held, Next: o.next,
		}
		for _, s := range o.said {
			what, err := g.acc.said.append(nil, s.what)
			if err != nil {
				return nil, err
			}
			out[i].Said = append(out[i].Said, savedPane{s.meta, what})
		}
	}
	return out, nil
}

// unpack makes ks what was saved; read reads what panes said.
func (g *paned[K, A]) unpack(saved []savedWindow[A], ks *keyWindows[A], read func([]byte) (any, error)) error {
	*ks = keyWindows[A]{}
	for _, s := range saved {
		o := &openWindow[A]{
			window: s.Window, acc: s.Acc, live: s.Live, net: s.Net, fresh: s.Fresh, onTime: s.OnTime,
			panes: s.Panes, settled: s.Settled, closed: s.Closed, cells: s.Cells, at: s.At,
			wake: s.Wake, wakeNow: s.WakeNow, held: s.Held, queuedHold: never, next: s.Next,
		}
		for len(o.cells) < g.tree.Size() {
			o.cells = append(o.cells, model.TriggerCell{})
		}
		for _, p := range s.Said {
			what, err := read(p.What)
			if err != nil {
				return err
			}
			o.said = append(o.said, said{p.Meta, what})
		}
		ks.open = append(ks.open, o)
		ks.bounds = append(ks.bounds, o.window)
	}
	return nil
}

// restored queues what was loaded, at the watermark and the time of the checkpoint.
func (g *paned[K, A]) restored(watermark, now model.Timestamp) {
	g.watermark, g.now = watermark, now
	g.keys.Each(func(hash uint64, k K, ks *keyWindows[A]) bool {
		g.pageIn(hash, k, ks)
		return true
	})
}

// pageIn queues what was read of a key.
func (g *paned[K, A]) pageIn(hash uint64, k K, ks *keyWindows[A]) {
	for _, o := range ks.open {
		if o.wake < never {
			g.due.push(wakeup[K]{o.wake, hash, k, o.window})
		}
		if o.wakeNow < never {
			g.dueNow.push(wakeup[K]{o.wakeNow, hash, k, o.window})
		}
		g.queueHold(hash, k, o)
	}
}

// restored queues what was loaded, at the watermark of the checkpoint.
func (g *aligned[K, A]) restored(watermark model.Timestamp) {
	g.watermark = watermark
	eachWindow(g.pending, g.schedule)
	eachWindow(g.closed, func(w model.Window) { g.expiring.add(g.strategy.Expiry(w), w) })
}

func (g *grouping[K, A]) restored(watermark, now model.Timestamp) {
	if g.alignedOp != nil {
		g.alignedOp.restored(watermark)
		return
	}
	g.panedOp.restored(watermark, now)
}
