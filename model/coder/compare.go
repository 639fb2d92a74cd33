package coder

import (
	"fmt"
	"slices"
)

// A DifferenceKind says what a difference means for data already stored.
type DifferenceKind uint8

const (
	// FieldAdded: the stored data has no such field.
	FieldAdded DifferenceKind = iota + 1
	// FieldRemoved: the stored data has a field for which there is no place.
	FieldRemoved
	// FieldMoved: a struct's fields come in another order.
	FieldMoved
	// Widened: a number of the same family (signed, unsigned, float, complex)
	// has become larger, or an unsigned one has become signed and larger; it can
	// take all stored values.
	Widened
	// Narrowed: a number has become one that cannot take all stored values.
	Narrowed
	// Incompatible: nothing can be said for the stored values.
	Incompatible
)

func (k DifferenceKind) String() string {
	switch k {
	case FieldAdded:
		return "field added"
	case FieldRemoved:
		return "field removed"
	case FieldMoved:
		return "field moved"
	case Widened:
		return "widened"
	case Narrowed:
		return "narrowed"
	case Incompatible:
		return "incompatible"
	default:
		return fmt.Sprintf("DifferenceKind(%d)", uint8(k))
	}
}

// A Difference is one place in which two schemas differ.
type Difference struct {
	Path    string // as in Items[].Price; empty for the type itself
	Kind    DifferenceKind
	Stored  string // type, empty for a field added
	Current string // type, empty for a field removed
}

func (d Difference) String() string {
	path := d.Path
	if path == "" {
		path = "the type itself"
	}
	switch d.Kind {
	case FieldAdded:
		return fmt.Sprintf("%s: field added (%s)", path, d.Current)
	case FieldRemoved:
		return fmt.Sprintf("%s: field removed (%s)", path, d.Stored)
	case FieldMoved:
		return fmt.Sprintf("%s: field moved", path)
	default:
		return fmt.Sprintf("%s: %s, from %s to %s", path, d.Kind, d.Stored, d.Current)
	}
}

// Compare lists in what the current schema differs from a stored one. If there
// is nothing, the current coder reads the stored data; else it must not be asked
// to. Where all differences are fields added, removed or moved and numbers widened,
// [Coder.From] gives a decoder that does.
func Compare(stored, current *Schema) []Difference {
	c := comparison{seen: map[compared]bool{}}
	c.compare("", rootOf(stored), rootOf(current))
	return c.found
}

func rootOf(s *Schema) *node {
	if s == nil || s.root == nil {
		return &node{}
	}
	return s.root
}

func same(a, b *node) bool {
	c := comparison{seen: map[compared]bool{}}
	c.compare("", a, b)
	return len(c.found) == 0
}

// A comparison walks two schemas in step. A pair of types met again is taken to
// be equal there: if it isn't, that is told already.
type comparison struct {
	seen  map[compared]bool
	inKey bool // of a map
	// apart has structs without a common field be told as other types.
	apart bool
	found []Difference
}

type compared struct {
	stored, current *node
	inKey           bool
}

func (c *comparison) compare(path string, stored, current *node) {
	if pair := (compared{stored, current, c.inKey}); stored.composite() {
		if c.seen[pair] {
			return
		}
		c.seen[pair] = true
	}
	if stored.kind != current.kind || stored.name != current.name || stored.length != current.length || stored.kind == kindNone {
		c.differ(path, change(stored.kind, current.kind), stored, current)
		return
	}
	switch stored.kind {
	case kindStruct:
		c.compareFields(path, stored, current)
	case kindPointer:
		c.compare(path, stored.elem, current.elem)
	case kindSlice, kindArray:
		c.compare(path+"[]", stored.elem, current.elem)
	case kindMap:
		outer := c.inKey
		c.inKey = true
		c.compare(path+"[key]", stored.key, current.key)
		c.inKey = outer
		c.compare(path+"[value]", stored.elem, current.elem)
	}
}

func (n *node) composite() bool { return n.elem != nil || n.kind == kindStruct }

func (c *comparison) compareFields(path string, stored, current *node) {
	places := make(map[string]int, len(stored.fields))
	for i, f := range stored.fields {
		if !f.gone {
			places[f.name] = i
		}
	}
	if c.apart && len(places) > 0 && len(current.fields) > 0 && !slices.ContainsFunc(current.fields, func(f nodeField) bool {
		_, ok := places[f.name]
		return ok
	}) {
		c.differ(path, Incompatible, stored, current)
		return
	}
	last := -1
	kept := make(map[string]bool, len(current.fields))
	for _, f := range current.fields {
		place := joinPath(path, f.name)
		i, ok := places[f.name]
		if !ok {
			c.found = append(c.found, Difference{Path: place, Kind: FieldAdded, Current: mention(f.node)})
			continue
		}
		kept[f.name] = true
		if i < last {
			c.differ(place, FieldMoved, stored.fields[i].node, f.node)
		}
		last = max(last, i)
		c.compare(place, stored.fields[i].node, f.node)
	}
	for _, f := range stored.fields {
		if !kept[f.name] && !f.gone {
			c.found = append(c.found, Difference{Path: joinPath(path, f.name), Kind: FieldRemoved, Stored: mention(f.node)})
		}
	}
}

func (c *comparison) differ(path string, k DifferenceKind, stored, current *node) {
	c.found = append(c.found, Difference{Path: path, Kind: k, Stored: mention(stored), Current: mention(current)})
}

// mention names a type in an error, where two of one name are told apart by the
// path.
func mention(n *node) string {
	switch {
	case n.label != "":
		return n.label
	case n.kind == kindNone:
		return "nothing"
	}
	return nodeText(n, mention)
}

// A number's family and its width decide what becomes of it in another.
type number struct {
	family kind // the narrowest kind of the family
	bits   int
}

var numbers = map[kind]number{
	kindInt8:       {kindInt8, 8},
	kindInt16:      {kindInt8, 16},
	kindInt32:      {kindInt8, 32},
	kindInt64:      {kindInt8, 64},
	kindUint8:      {kindUint8, 8},
	kindUint16:     {kindUint8, 16},
	kindUint32:     {kindUint8, 32},
	kindUint64:     {kindUint8, 64},
	kindFloat32:    {kindFloat32, 32},
	kindFloat64:    {kindFloat32, 64},
	kindComplex64:  {kindComplex64, 64},
	kindComplex128: {kindComplex64, 128},
}

// change says what a change from one kind of type to another one means.
func change(stored, current kind) DifferenceKind {
	s, isNumber := numbers[stored]
	c, isToo := numbers[current]
	integers := (s.family == kindInt8 || s.family == kindUint8) && (c.family == kindInt8 || c.family == kindUint8)
	switch {
	case !isNumber || !isToo || s.family != c.family && !integers:
		return Incompatible
	case c.bits > s.bits && (s.family == c.family || s.family == kindUint8):
		return Widened
	default:
		return Narrowed
	}
}
