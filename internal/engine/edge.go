package engine

import (
	"reflect"

	"github.com/millrace/millrace/internal/engine/cells"
	"github.com/millrace/millrace/model"
)

// The typed edge of a grouping: what is compiled anew for each type of keys,
// accumulators, parts and results. It places keys, folds parts into accumulators, and
// makes panes of them. All else is aligned's and paned's, which know entries only.

// It is made of plain functions, not of methods behind interfaces: of those, Go compiles
// two each.

// An accumulate is what a grouping does with keys and accumulators, to those who know
// neither type.
type accumulate struct {
	keys   cells.Keys  // an empty index, and
	accs   cells.Folds // an empty slab, to make others like it
	value  reflect.Type
	out    firer
	tables tables // of aligned
	said   saidForm
}

// folding is an accumulate, but for tables.
func folding[K comparable, A any](fold *cells.Fold[A], out firer) accumulate {
	return accumulate{
		keys:  new(cells.Index[K]),
		accs:  cells.NewSlab(fold),
		value: reflect.TypeFor[A](),
		out:   out,
		said:  saidForm{typ: out.says},
	}
}

// A firer emits panes. It may read an accumulator during the call only, unless what it
// emits is a copy.
type firer struct {
	// fire emits a pane of the key under k and the accumulator under a.
	fire func(m *model.Meta, keys cells.Keys, k cells.Entry, accs cells.Folds, a cells.Entry)
	// keep is fire for a pane that may have to be taken back: it returns what again needs
	// to say the same once more.
	keep  func(m *model.Meta, keys cells.Keys, k cells.Entry, accs cells.Folds, a cells.Entry) (said any)
	again func(m *model.Meta, said any)
	// says is the type of what keep returns a pointer to.
	says reflect.Type
}

// firing1 is the firer whose panes are one element: the key and the result.
func firing1[K comparable, A, O any](next Emit[model.KV[K, O]], result func(*A) O) firer {
	var out model.KV[K, O]
	fire := func(m *model.Meta, keys cells.Keys, k cells.Entry, accs cells.Folds, a cells.Entry) {
		out.Key, out.Value = *keys.(*cells.Index[K]).At(k), result(accs.(*cells.Slab[A]).At(a))
		next(m, &out)
	}
	return firer{
		fire: fire,
		keep: func(m *model.Meta, keys cells.Keys, k cells.Entry, accs cells.Folds, a cells.Entry) any {
			fire(m, keys, k, accs, a)
			kept := out
			return &kept
		},
		again: func(m *model.Meta, said any) { next(m, said.(*model.KV[K, O])) },
		says:  reflect.TypeFor[model.KV[K, O]](),
	}
}

// firingMany is the firer whose panes are what call emits.
func firingMany[K comparable, A, O any](op *Op, next Emit[O], call func(k K, acc *A, emit func(O))) firer {
	var meta *model.Meta
	var out O
	var kept *[]O // of a pane that may have to be taken back
	emit := func(o O) {
		out = o
		if kept != nil {
			*kept = append(*kept, o)
		}
		at := op.task.cursor
		next(meta, &out)
		op.task.cursor = at
	}
	fire := func(m *model.Meta, keys cells.Keys, k cells.Entry, accs cells.Folds, a cells.Entry) {
		meta = m
		call(*keys.(*cells.Index[K]).At(k), accs.(*cells.Slab[A]).At(a), emit)
	}
	return firer{
		fire: fire,
		keep: func(m *model.Meta, keys cells.Keys, k cells.Entry, accs cells.Folds, a cells.Entry) any {
			said := new([]O)
			kept = said
			fire(m, keys, k, accs, a)
			kept = nil
			return said
		},
		again: func(m *model.Meta, said any) {
			for i := range *said.(*[]O) {
				next(m, &(*said.(*[]O))[i])
			}
		},
		says: reflect.TypeFor[[]O](),
	}
}

// tables does with whole tables of keys and accumulators what would be slow one by one.
type tables struct {
	// merge folds all that is in from into into.
	merge func(into, from *cells.Table)
	// carry copies an entry's accumulator to where accs has that of the same key in to.
	carry func(to *cells.Table, accs cells.Folds, from *cells.Table, i cells.Entry) cells.Entry
}

func tablesOf[K comparable, A any](fold *cells.Fold[A]) tables {
	return tables{
		merge: func(into, from *cells.Table) {
			keys, accs := into.Keys.(*cells.Index[K]), into.Values.(*cells.Slab[A])
			fromKeys, fromAccs := from.Keys.(*cells.Index[K]), from.Values.(*cells.Slab[A])
			for i := range cells.Entry(from.Len()) { // no entry is removed from windows that keys share
				j, fresh := keys.Place(fromKeys.Hash(i), fromKeys.At(i))
				if !into.Came(j, fresh) {
					fold.Init(accs.At(j))
				}
				fold.Merge(accs.At(j), fromAccs.At(i))
			}
		},
		carry: func(to *cells.Table, accs cells.Folds, from *cells.Table, i cells.Entry) cells.Entry {
			keys := from.Keys.(*cells.Index[K])
			j, fresh := to.Keys.(*cells.Index[K]).Place(keys.Hash(i), keys.At(i))
			to.Came(j, fresh)
			*accs.(*cells.Slab[A]).At(j) = *from.Values.(*cells.Slab[A]).At(i)
			return j
		},
	}
}

// A port feeds the batches of one input to whichever operator groups.
type port struct {
	aligned func(*aligned, any)
	paned   func(*paned, any)
}

// portOf is the port that takes parts P of records into accumulators with add, and out of
// them with remove, which is nil where there are no retractions. What is dropped goes to
// late, if that is not nil.
func portOf[K comparable, A, P any](add, remove func(into *A, part *P), late lateOutlet[K, P]) port {
	return port{alignedRows(add, late), panedRows(add, remove, late)}
}

func alignedRows[K comparable, A, P any](add func(into *A, part *P), late lateOutlet[K, P]) func(*aligned, any) {
	var row *Record[K, P] // that is late
	lateRow := &lateRow{
		place: func(t *cells.Table) (i cells.Entry, known bool) {
			i, fresh := t.Keys.(*cells.Index[K]).Place(row.Hash, &row.Key)
			return i, t.Came(i, fresh)
		},
		fold: func(accs cells.Folds, i cells.Entry) { add(accs.(*cells.Slab[A]).At(i), &row.Part) },
		drop: func(w model.Window, watermark model.Timestamp) {
			if late != nil {
				late(row, w, watermark, model.WindowExpired)
			}
		},
	}
	return func(g *aligned, batch any) {
		rows := batch.(*Records[Record[K, P]]).Rows
		var last *cells.Table
		var keys *cells.Index[K]
		var accs *cells.Slab[A]
		for i := range rows {
			if g.op.Failed() {
				return
			}
			r := &rows[i]
			g.op.enterRow(r.Window, r)
			t := g.slot(r.Window, r.N)
			if t == nil {
				row, last = r, nil
				g.late(r.Window, r.N, lateRow)
				continue
			}
			if t != last {
				last, keys, accs = t, t.Keys.(*cells.Index[K]), t.Values.(*cells.Slab[A])
			}
			j, fresh := keys.Place(r.Hash, &r.Key)
			if !t.Came(j, fresh) {
				accs.Start(j)
			}
			add(accs.At(j), &r.Part)
		}
	}
}

func panedRows[K comparable, A, P any](add, remove func(into *A, part *P), late lateOutlet[K, P]) func(*paned, any) {
	return func(g *paned, batch any) {
		rows := batch.(*Records[Record[K, P]]).Rows
		keys, accs := g.keys.Keys.(*cells.Index[K]), g.accs.(*cells.Slab[A])
		for i := range rows {
			if g.op.Failed() {
				return
			}
			r := &rows[i]
			g.op.enterRow(r.Window, r)
			k, fresh := keys.Place(r.Hash, &r.Key)
			known := g.keys.Came(k, fresh)
			o, reason := g.take(r.Window, k, known, r.N, r.At)
			g.op.enterRow(r.Window, r) // again: a window that others merged into may have fired
			switch {
			case o == nil:
				if late != nil {
					late(r, g.asked, g.watermark, reason)
				}
				continue
			case r.N < 0:
				remove(accs.At(o.acc), &r.Part)
			default:
				add(accs.At(o.acc), &r.Part)
			}
			g.taken(k)
			g.relieve()
		}
	}
}

// enterRow notes a row for a panic in the fold.
func (o *Op) enterRow(w model.Window, r any) {
	m := &o.task.rowMeta
	m.Timestamp, m.Window = w.MaxTimestamp(), w
	o.Enter(m, r)
}
