package engine

import (
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"

	"github.com/millrace/millrace/internal/engine/cells"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/coder"
)

// How the cells of groupings are saved: what the engine keeps as plain structs, whose
// coders are those of their fields, and each accumulator beside by its own.

// store keeps the cells of the op's task; nil is in memory only.
func (o *Op) store() *cells.Durable { return o.task.cfg.Store }

// declare declares cells of the op's transform.
func (o *Op) declare(cell string, form func() (cells.Form, error)) cells.Declaration {
	return cells.Declaration{Name: o.cellName(cell), Form: form}
}

// cellName is the name of cells of the op's transform. It does not depend on the stage
// that the transform is fused into, unless it is fused into several.
func (o *Op) cellName(cell string) string {
	name := o.Node.Name + "/" + cell
	if s := o.task.cfg.Stage; o.Node.Class == model.Fused && s.Copies[o.Node].Of > 1 {
		name += " behind " + s.Head.Name
	}
	return name
}

// framed is what a form has that saves a struct of the engine's beside each accumulator.
type framed struct{ value, frame cells.Value }

func newFramed(acc, frame reflect.Type) (framed, error) {
	value, err := cells.ValueOf(acc)
	f, ferr := cells.ValueOf(frame)
	return framed{value, f}, errors.Join(err, ferr)
}

// Describe implements [cells.Form].
func (f framed) Describe(s *cells.Schema) { s.Value, s.Frame = f.value.Schema(), f.frame.Schema() }

// framedReading is what reads a framed value.
type framedReading struct{ value, frame cells.ValueDecoder }

func (f framed) present() framedReading { return framedReading{f.value.Decode, f.frame.Decode} }

func (f framed) from(history []*cells.Schema, u *cells.Upgrade) (r framedReading, err error) {
	if r.value, err = f.value.From(history, cells.ValuePart, u, ""); err == nil {
		r.frame, err = f.frame.From(history, cells.FramePart, u, "")
	}
	return r, err
}

// closedForm is the form of closedValues.
func closedForm(acc reflect.Type) func() (cells.Form, error) {
	return func() (cells.Form, error) {
		f, err := newFramed(acc, reflect.TypeFor[closedPanes]())
		if err != nil {
			return nil, err
		}
		return closedSaved{f}, nil
	}
}

type closedSaved struct{ framed }

func (f closedSaved) Append(dst []byte, values cells.Values, i cells.Entry) ([]byte, error) {
	c := values.(*closedValues)
	dst, err := f.frame.Append(dst, &c.panes[i])
	if err != nil || !c.panes[i].Live {
		return dst, err
	}
	return f.value.Append(dst, c.accs.Value(i))
}

func (f closedSaved) Decode(src []byte, values cells.Values, i cells.Entry) ([]byte, error) {
	return f.present().closed(src, values, i)
}

func (f closedSaved) From(history []*cells.Schema, u *cells.Upgrade) (cells.Decoder, error) {
	r, err := f.from(history, u)
	return r.closed, err
}

func (r framedReading) closed(src []byte, values cells.Values, i cells.Entry) ([]byte, error) {
	c := values.(*closedValues)
	src, err := r.frame(src, &c.panes[i])
	if err != nil || !c.panes[i].Live {
		return src, err
	}
	return r.value(src, c.accs.Value(i))
}

// restored queues what was loaded, at the watermark of the checkpoint.
func (g *aligned) restored(watermark model.Timestamp) {
	g.watermark = watermark
	g.pending.EachSaved(g.schedule)
	g.closed.EachSaved(func(w model.Window) { g.expiring.add(g.strategy.Expiry(w), w) })
}

// savedWindow is an openWindow, without its accumulator.
type savedWindow struct {
	Window              model.Window
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

// panedForm is that of a key's windows: their number, and each with its accumulator, if
// that holds something.
type panedForm struct {
	framed
	g    *paned
	said cells.Value // of panes that may have to be taken back
	read readSaid    // nil: there are none
}

// form is that of a key's windows.
func (g *paned) form() (cells.Form, error) {
	framed, err := newFramed(g.acc.value, reflect.TypeFor[savedWindow]())
	if err != nil {
		return nil, err
	}
	f := panedForm{framed: framed, g: g}
	if g.strategy.Panes != model.Retracting {
		return f, nil // no pane is taken back, and what panes say need not have a coder
	}
	if f.said, err = cells.ValueOf(g.acc.said.typ); err != nil {
		return nil, err
	}
	f.read = g.acc.said.reader(f.said.Decode)
	return f, nil
}

func (f panedForm) Describe(s *cells.Schema) {
	f.framed.Describe(s)
	if f.read != nil {
		s.Said = f.said.Schema()
	}
}

func (f panedForm) Append(dst []byte, _ cells.Values, k cells.Entry) ([]byte, error) {
	open := f.g.windows.open(k)
	dst = binary.AppendUvarint(dst, uint64(len(open)))
	for _, n := range open {
		o := f.g.windows.at(n)
		w := savedWindow{
			Window: o.window, Live: o.live, Net: o.net, Fresh: o.fresh, OnTime: o.onTime,
			Panes: o.panes, Settled: o.settled, Closed: o.closed, Cells: f.g.windows.remembered(o), At: o.at,
			Wake: o.wake, WakeNow: o.wakeNow, Held: o.held, Next: o.next,
		}
		for _, s := range o.said {
			what, err := f.said.Append(nil, f.g.acc.said.packed(s.what))
			if err != nil {
				return dst, err
			}
			w.Said = append(w.Said, savedPane{s.meta, what})
		}
		var err error
		if dst, err = f.frame.Append(dst, &w); err == nil && o.live {
			dst, err = f.value.Append(dst, f.g.accs.Value(o.acc))
		}
		if err != nil {
			return dst, err
		}
	}
	return dst, nil
}

func (f panedForm) Decode(src []byte, _ cells.Values, k cells.Entry) ([]byte, error) {
	return f.decode(src, k, f.present(), f.read)
}

func (f panedForm) From(history []*cells.Schema, u *cells.Upgrade) (cells.Decoder, error) {
	r, err := f.from(history, u)
	if err != nil {
		return nil, err
	}
	said := f.read
	if said != nil {
		read, err := f.said.From(history, func(s *cells.Schema) *coder.Schema { return s.Said }, u, "what a pane said: ")
		if err != nil {
			return nil, fmt.Errorf("what a pane said: %w", err)
		}
		said = f.g.acc.said.reader(read)
	}
	return func(src []byte, _ cells.Values, k cells.Entry) ([]byte, error) { return f.decode(src, k, r, said) }, nil
}

func (f panedForm) decode(src []byte, k cells.Entry, r framedReading, said readSaid) ([]byte, error) {
	n, size := binary.Uvarint(src)
	if size <= 0 {
		return src, errors.New("it says not how many windows it has")
	}
	src = src[size:]
	for i := range n {
		var w savedWindow
		var err error
		if src, err = r.frame(src, &w); err != nil {
			return src, err
		}
		o := f.g.windows.newWindow(w.Window, f.g.accs)
		f.g.windows.insert(k, int(i), o)
		if w.Live {
			if src, err = r.value(src, f.g.accs.Value(o.acc)); err != nil {
				return src, err
			}
		}
		if err = f.unpack(&w, o, said); err != nil {
			return src, err
		}
	}
	return src, nil
}

// unpack makes o what was saved.
func (f panedForm) unpack(w *savedWindow, o *openWindow, read readSaid) error {
	o.live, o.fresh, o.onTime, o.closed = w.Live, w.Fresh, w.OnTime, w.Closed
	o.wake, o.next = w.Wake, w.Next
	if w.Panes > 0 {
		f.g.windows.ownExtra(o)
		o.panes, o.settled = w.Panes, w.Settled
	}
	if f.g.windows.extra {
		o.net, o.wakeNow, o.held = w.Net, w.WakeNow, w.Held
		if w.Fresh > 0 {
			o.at = w.At
		}
	}
	copy(f.g.windows.remembered(o), w.Cells)
	for _, p := range w.Said {
		what, err := read(p.What)
		if err != nil {
			return err
		}
		o.said = append(o.said, said{p.Meta, what})
	}
	return nil
}

// restored queues what was loaded, at the watermark and the time of the checkpoint.
func (g *paned) restored(watermark, now model.Timestamp) {
	g.watermark, g.now = watermark, now
	g.keys.Each(func(k cells.Entry) bool {
		g.PageIn(k)
		return true
	})
}

// A saidForm says how panes are saved that may have to be taken back.
type saidForm struct {
	// typ is what is saved: what a firer's keep returned, unless pack and unpack turn that
	// into a pointer to a typ and back.
	typ          reflect.Type
	pack, unpack func(any) any
}

func (f saidForm) packed(said any) any {
	if f.pack == nil {
		return said
	}
	return f.pack(said)
}

// A readSaid reads what a pane said.
type readSaid func(src []byte) (said any, err error)

func (f saidForm) reader(decode cells.ValueDecoder) readSaid {
	return func(src []byte) (any, error) {
		saved := reflect.New(f.typ).Interface()
		rest, err := decode(src, saved)
		if err == nil && len(rest) > 0 {
			err = fmt.Errorf("%d bytes are left over", len(rest))
		}
		if err != nil || f.unpack == nil {
			return saved, err
		}
		return f.unpack(saved), nil
	}
}
