package coder

import (
	"slices"
	"strings"
	"unsafe"
)

// A Migration decodes values of T that were encoded under other schemas than that of
// T. It is made by [Coder.From]; it is immutable and safe for concurrent use.
type Migration[T any] struct{ of *UntypedMigration }

// Changes lists in what T differs from what was stored; nothing if it does not.
func (m *Migration[T]) Changes() []Difference { return m.of.changes }

// From returns a decoder of what was encoded with the schema stored. Fields that T
// has not are skipped, those that only T has are zero, and numbers are widened. A struct
// that has none of the fields that were stored is another type. That, or any
// other difference, is a [*MigrationError], before anything is decoded.
//
// Later are the schemas that values of T had in between, oldest first: what one of them
// lacks is gone, even if T has it again. So it makes no difference whether values were
// written anew each time.
//
// A coder of keys reads its own schema only: with any other, equal keys might become
// different ones, or different ones equal.
func (c *Coder[T]) From(stored *Schema, later ...*Schema) (*Migration[T], error) {
	m, err := c.of.From(stored, later...)
	if err != nil {
		return nil, err
	}
	return &Migration[T]{m}, nil
}

// Decode is [Coder.Decode] of what was stored.
func (m *Migration[T]) Decode(src []byte, v *T) (rest []byte, err error) {
	return m.of.decode(src, unsafe.Pointer(v))
}

// A MigrationError lists the differences that keep a type from being read as
// another.
type MigrationError struct {
	Key     bool // the type is that of keys
	Refused []Difference
}

// Error has one line for each difference.
func (e *MigrationError) Error() string {
	lines := make([]string, len(e.Refused))
	for i, d := range e.Refused {
		switch {
		case e.Key:
			lines[i] = d.String() + "; the type of a key must stay as it is"
		case d.Kind == FieldRemoved:
			lines[i] = d.String() + "; two keys of the map might become one"
		default:
			lines[i] = d.String()
		}
	}
	return strings.Join(lines, "\n")
}

// refused picks the differences that no migration bridges.
func refused(changes []Difference) error {
	var bad []Difference
	for _, d := range changes {
		inKey := strings.Contains(d.Path, "[key]")
		if d.Kind == Narrowed || d.Kind == Incompatible || d.Kind == FieldRemoved && inKey {
			bad = append(bad, d)
		}
	}
	if bad == nil {
		return nil
	}
	return &MigrationError{Refused: bad}
}

// migrate compiles the decoder.
func migrate(stored *Schema, later []*Schema, r request) (decodeFunc, []Difference, error) {
	c, err := codecOf(r)
	if err != nil {
		return nil, nil, err
	}
	from := prune(stored, later)
	changes := Compare(from, &Schema{root: c.node})
	if r.mode == asKey && len(changes) > 0 {
		return nil, changes, &MigrationError{Key: true, Refused: changes}
	}
	last := stored
	if len(later) > 0 {
		last = later[len(later)-1]
	}
	apart := comparison{seen: map[compared]bool{}, apart: true}
	apart.compare("", rootOf(last), c.node)
	if err := refused(apart.found); err != nil {
		return nil, changes, err
	}
	if err := refused(changes); err != nil {
		return nil, changes, err
	}
	b := migrator{reads: map[migration]*decodeFunc{}, skips: map[*node]*skipFunc{}, leasts: map[*node]int{}}
	dec := b.reader(from.root, r.typ, r.mode, "")
	if b.refused != nil {
		return nil, changes, &MigrationError{Refused: b.refused}
	}
	return dec, changes, nil
}

// prune is stored without what one of the later schemas lacks. As the bytes are still
// there, such a field is kept, and marked.
func prune(stored *Schema, later []*Schema) *Schema {
	n := rootOf(stored)
	for _, l := range later {
		p := pruning{made: map[[2]*node]*node{}}
		n = p.prune(n, rootOf(l))
	}
	return &Schema{root: n}
}

type pruning struct{ made map[[2]*node]*node }

func (p pruning) prune(n, later *node) *node {
	if n == nil || later == nil || n.kind != later.kind {
		return n
	}
	pair := [2]*node{n, later}
	if done, ok := p.made[pair]; ok {
		return done
	}
	out := new(node)
	*out = *n
	p.made[pair] = out
	out.key, out.elem = p.prune(n.key, later.key), p.prune(n.elem, later.elem)
	out.fields = slices.Clone(n.fields)
	for i := range out.fields {
		f := &out.fields[i]
		at := slices.IndexFunc(later.fields, func(l nodeField) bool { return l.name == f.name && !l.gone })
		if at < 0 {
			f.gone = true
			continue
		}
		f.node = p.prune(f.node, later.fields[at].node)
	}
	return out
}
