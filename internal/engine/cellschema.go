package engine

import (
	"fmt"
	"slices"

	"github.com/millrace/millrace/model/coder"
	"github.com/millrace/millrace/model/state"
)

// A cellSchema says how the cells of a declaration are saved. Its text is kept with
// them.
type cellSchema struct {
	Key, Value *coder.Schema
	// Said is what a grouping keeps of the panes that it may have to take back; or nil.
	Said *coder.Schema
	// Cells and Timers are those of a DoFn, in the order in which they are saved.
	Cells  []cellPart
	Timers []timerPart
}

type cellPart struct {
	Name, Kind string
	Expires    bool
	Types      []state.TypeSpec
}

type timerPart struct {
	Name, Clock string
	Family      bool
}

// A describer is an [Encoding] that says how it encodes.
type describer interface{ describe(*cellSchema) }

// A migrator is an Encoding that can read what was saved with another schema.
type migrator[S any] interface {
	// from reads what was saved with the first schema; the others are those that the
	// cells had later. It notes in u what is read otherwise, and what is lost.
	from(history []*cellSchema, u *Upgrade) (decoder[S], error)
}

type decoder[S any] func(src []byte, s *S) (rest []byte, err error)

// An Upgrade says what becomes of cells that were saved by another version of the
// pipeline.
type Upgrade struct {
	// Cell is the name of the declaration.
	Cell string
	// Fresh says that none were saved.
	Fresh bool
	// Changes are the fields that are read otherwise than they were saved, a line
	// each.
	Changes []string
	// Added and Dropped are cells and timers of a DoFn; what is in those that are
	// dropped is lost.
	Added, Dropped []string
	// Refused is why the cells cannot be read at all.
	Refused error
}

func (u *Upgrade) note(list *[]string, line string) {
	if !slices.Contains(*list, line) {
		*list = append(*list, line)
	}
}

// versioned is the encoding of cells that may have been saved with several schemas:
// each value begins with the number of its own.
//
// So a cell that was saved long ago is read like any other whenever it is asked for,
// and nothing need be read, or written, because of an upgrade: it is written in the
// present form when it next changes.
type versioned[S any] struct {
	current Encoding[S]
	version byte         // of what is written
	read    []decoder[S] // by version
}

// maxVersions is how many schemas a cell can have had.
const maxVersions = 250

func (e *versioned[S]) Append(dst []byte, s *S) ([]byte, error) {
	return e.current.Append(append(dst, e.version), s)
}

func (e *versioned[S]) Decode(src []byte, s *S) ([]byte, error) {
	if len(src) == 0 || int(src[0]) >= len(e.read) {
		return nil, fmt.Errorf("it has no schema")
	}
	return e.read[src[0]](src[1:], s)
}

// newVersioned is the encoding of cells that were saved with the schemas stored, oldest
// first, and now are with current. It returns the schemas of which its versions are the
// numbers.
func newVersioned[S any](values Encoding[S], current *cellSchema, stored []string, u *Upgrade) (*versioned[S], []string, error) {
	e := &versioned[S]{current: values}
	text := current.text()
	schemas := slices.Clone(stored)
	if n := len(stored); n == 0 || stored[n-1] != text {
		schemas = append(schemas, text)
	}
	if len(schemas) > maxVersions {
		return nil, nil, fmt.Errorf("it has had %d schemas; no more than %d can be told apart", len(schemas), maxVersions)
	}
	var history []*cellSchema
	for _, s := range stored {
		parsed, err := parseCellSchema(s)
		if err != nil {
			return nil, nil, err
		}
		history = append(history, parsed)
	}
	for i := range stored {
		if i == len(schemas)-1 { // the present one
			break
		}
		if diff := coder.Compare(history[i].Key, current.Key); len(diff) > 0 {
			return nil, nil, fmt.Errorf("key: %w", &coder.MigrationError{Key: true, Refused: diff})
		}
		read, err := values.(migrator[S]).from(history[i:], u)
		if err != nil {
			return nil, nil, err
		}
		e.read = append(e.read, read)
	}
	e.version = byte(len(e.read))
	e.read = append(e.read, values.Decode)
	return e, schemas, nil
}

// plain is the encoding of values that have a coder.
type plain[S any] struct{ *coder.Coder[S] }

func (e plain[S]) describe(s *cellSchema) { s.Value = e.Schema() }

func (e plain[S]) from(history []*cellSchema, u *Upgrade) (decoder[S], error) {
	var values []*coder.Schema
	for _, h := range history {
		values = append(values, h.Value)
	}
	m, err := e.From(values[0], values[1:]...)
	if err != nil {
		return nil, err
	}
	for _, d := range m.Changes() {
		u.note(&u.Changes, d.String())
	}
	return m.Decode, nil
}

func (e savedAs[S, P]) describe(s *cellSchema) { e.coder.(describer).describe(s) }

func (e savedAs[S, P]) from(history []*cellSchema, u *Upgrade) (decoder[S], error) {
	return e.fromBy(history, u, e.unpack)
}

// fromBy is from, with another function that unpacks.
func (e savedAs[S, P]) fromBy(history []*cellSchema, u *Upgrade, unpack func(P, *S) error) (decoder[S], error) {
	read, err := e.coder.(migrator[P]).from(history, u)
	if err != nil {
		return nil, err
	}
	return func(src []byte, s *S) ([]byte, error) {
		var p P
		rest, err := read(src, &p)
		if err != nil {
			return rest, err
		}
		return rest, unpack(p, s)
	}, nil
}

// upgraded is the encoding of a declaration's values, with all the schemas that they
// may have been saved with. Where they cannot be read, d's upgrades say so.
func upgraded[S any](d *Durable, name string, keys *coder.Schema, values Encoding[S]) Encoding[S] {
	current := &cellSchema{Key: keys}
	values.(describer).describe(current)
	u := Upgrade{Cell: name}
	var stored []string
	if d.stored != nil {
		stored = d.stored(name)
	}
	u.Fresh = len(stored) == 0
	e, schemas, err := newVersioned(values, current, stored, &u)
	u.Refused = err
	d.upgrades = append(d.upgrades, u)
	d.schemas = append(d.schemas, schemas)
	if err != nil {
		if d.err == nil {
			d.err = fmt.Errorf("%s: %w", name, err)
		}
		return values
	}
	return e
}
