package cells

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/millrace/millrace/model/coder"
)

// A Form says how what is kept of entries is saved.
type Form interface {
	// Append appends the encoding of what values keep of an entry.
	Append(dst []byte, values Values, i Entry) ([]byte, error)
	// Decode reads what Append appended, and returns what follows it.
	Decode(src []byte, values Values, i Entry) (rest []byte, err error)
	// Describe fills in the schema, but for the key's.
	Describe(s *Schema)
	// From returns what reads that was saved with the first schema; the others are those
	// that the cells had later. It notes in u what is read otherwise, and what is lost.
	From(history []*Schema, u *Upgrade) (Decoder, error)
}

// A Decoder is the Decode of a [Form].
type Decoder func(src []byte, values Values, i Entry) (rest []byte, err error)

// versioned is the form of cells that may have been saved with several schemas: each
// value begins with the number of its own.
//
// So a cell that was saved long ago is read like any other whenever it is asked for,
// and nothing need be read, or written, because of an upgrade: it is written in the
// present form when it next changes.
type versioned struct {
	Form
	version byte      // of what is written
	read    []Decoder // by version
}

// maxVersions is how many schemas a cell can have had.
const maxVersions = 250

func (e *versioned) Append(dst []byte, values Values, i Entry) ([]byte, error) {
	return e.Form.Append(append(dst, e.version), values, i)
}

func (e *versioned) Decode(src []byte, values Values, i Entry) ([]byte, error) {
	if len(src) == 0 || int(src[0]) >= len(e.read) {
		return nil, fmt.Errorf("it has no schema")
	}
	return e.read[src[0]](src[1:], values, i)
}

// newVersioned is the form of cells that were saved with the schemas stored, oldest
// first, and now are with current. It returns the schemas of which its versions are the
// numbers.
func newVersioned(form Form, current *Schema, stored []string, u *Upgrade) (*versioned, []string, error) {
	e := &versioned{Form: form}
	text := current.text()
	schemas := slices.Clone(stored)
	if n := len(stored); n == 0 || stored[n-1] != text {
		schemas = append(schemas, text)
	}
	if len(schemas) > maxVersions {
		return nil, nil, fmt.Errorf("it has had %d schemas; no more than %d can be told apart", len(schemas), maxVersions)
	}
	var history []*Schema
	for _, s := range stored {
		parsed, err := parseSchema(s)
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
		read, err := form.From(history[i:], u)
		if err != nil {
			return nil, nil, err
		}
		e.read = append(e.read, read)
	}
	e.version = byte(len(e.read))
	e.read = append(e.read, form.Decode)
	return e, schemas, nil
}

// upgraded is the form of a declaration, with all the schemas that its cells may have
// been saved with. Where they cannot be read, d's upgrades say so.
func upgraded(d *Durable, name string, keys *coder.Schema, form Form) Form {
	current := &Schema{Key: keys}
	form.Describe(current)
	u := Upgrade{Cell: name}
	var stored []string
	if d.stored != nil {
		stored = d.stored(name)
	}
	u.Fresh = len(stored) == 0
	e, schemas, err := newVersioned(form, current, stored, &u)
	u.Refused = err
	d.upgrades = append(d.upgrades, u)
	d.schemas = append(d.schemas, schemas)
	if err != nil {
		d.unsaved(fmt.Errorf("%s: %w", name, err))
		return form
	}
	return e
}

// A Value encodes values that are pointers, by their coder: the building block of forms.
type Value struct{ by *coder.Untyped }

// A ValueDecoder reads a value that was encoded with some schema.
type ValueDecoder func(src []byte, v any) (rest []byte, err error)

// ValueOf is the encoding of a type, given a pointer to it.
func ValueOf(t reflect.Type) (Value, error) {
	by, err := coder.ForType(t)
	return Value{by}, err
}

// Append appends the encoding of what v points to.
func (e Value) Append(dst []byte, v any) ([]byte, error) { return e.by.Append(dst, v) }

// Decode reads into what v points to.
func (e Value) Decode(src []byte, v any) (rest []byte, err error) { return e.by.Decode(src, v) }

// Schema is how values are encoded.
func (e Value) Schema() *coder.Schema { return e.by.Schema() }

// From returns what reads values that were encoded with the first of the schemas that
// part picks; the others came later. What is read otherwise is noted in u, behind what.
func (e Value) From(history []*Schema, part func(*Schema) *coder.Schema, u *Upgrade, what string) (ValueDecoder, error) {
	var schemas []*coder.Schema
	for _, h := range history {
		if s := part(h); s != nil {
			schemas = append(schemas, s)
		}
	}
	if len(schemas) == 0 {
		return e.Decode, nil
	}
	m, err := e.by.From(schemas[0], schemas[1:]...)
	if err != nil {
		return nil, err
	}
	for _, d := range m.Changes() {
		u.Note(&u.Changes, what+d.String())
	}
	return m.Decode, nil
}

// ValuePart is a schema's Value.
func ValuePart(s *Schema) *coder.Schema { return s.Value }

// FramePart is a schema's Frame.
func FramePart(s *Schema) *coder.Schema { return s.Frame }

// holder is Values of which each is to be had as a pointer.
type holder interface{ Value(i Entry) any }

// plain is the form of values that have a coder.
type plain struct{ Value }

// Plain is the form of a [Slab] of a type, or of task cells with pointers to it, that
// saves just the value.
func Plain(t reflect.Type) func() (Form, error) {
	return func() (Form, error) {
		e, err := ValueOf(t)
		if err != nil {
			return nil, err
		}
		return plain{e}, nil
	}
}

func (e plain) Append(dst []byte, values Values, i Entry) ([]byte, error) {
	return e.Value.Append(dst, values.(holder).Value(i))
}

func (e plain) Decode(src []byte, values Values, i Entry) ([]byte, error) {
	return e.Value.Decode(src, values.(holder).Value(i))
}

func (e plain) Describe(s *Schema) { s.Value = e.Schema() }

func (e plain) From(history []*Schema, u *Upgrade) (Decoder, error) {
	read, err := e.Value.From(history, ValuePart, u, "")
	if err != nil {
		return nil, err
	}
	return func(src []byte, values Values, i Entry) ([]byte, error) {
		return read(src, values.(holder).Value(i))
	}, nil
}

// Packed is the form of values that are saved as others, of type t. Pack returns a
// pointer to what v points to is saved as, and unpack reads it into what v points to.
func Packed(t reflect.Type, pack func(v any) (p any), unpack func(p, v any)) func() (Form, error) {
	return func() (Form, error) {
		e, err := ValueOf(t)
		if err != nil {
			return nil, err
		}
		return packed{e, t, pack, unpack}, nil
	}
}

type packed struct {
	Value
	typ    reflect.Type
	pack   func(v any) (p any)
	unpack func(p, v any)
}

func (e packed) Append(dst []byte, values Values, i Entry) ([]byte, error) {
	return e.Value.Append(dst, e.pack(values.(holder).Value(i)))
}

func (e packed) Decode(src []byte, values Values, i Entry) ([]byte, error) {
	return e.decode(src, values.(holder).Value(i), e.Value.Decode)
}

func (e packed) decode(src []byte, v any, read ValueDecoder) ([]byte, error) {
	p := reflect.New(e.typ).Interface()
	rest, err := read(src, p)
	if err == nil {
		e.unpack(p, v)
	}
	return rest, err
}

func (e packed) Describe(s *Schema) { s.Value = e.Schema() }

func (e packed) From(history []*Schema, u *Upgrade) (Decoder, error) {
	read, err := e.Value.From(history, ValuePart, u, "")
	if err != nil {
		return nil, err
	}
	return func(src []byte, values Values, i Entry) ([]byte, error) {
		return e.decode(src, values.(holder).Value(i), read)
	}, nil
}
