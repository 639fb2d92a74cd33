package cells

import (
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/coder"
)

// A Declaration says which cells an operator needs.
type Declaration struct {
	// Name is unique in the pipeline: that of the transform whose the cells are, and
	// theirs.
	Name string
	// Form says how they are saved. Its error is why they cannot be.
	Form func() (Form, error)
}

// A cell is what the tables of a declaration have in common.
type cell struct {
	*Durable
	name     string
	prefix   []byte
	windowed bool
	keys     *coder.Untyped
	form     Form
}

// open makes the cells of d that are declared so and have such keys, or nil if they
// cannot be saved.
func (d *Durable) open(decl Declaration, keys reflect.Type) *cell {
	by, err := coder.ForKeyType(keys)
	var form Form
	if err == nil {
		form, err = decl.Form()
	}
	if err != nil {
		d.unsaved(fmt.Errorf("%s cannot be saved: %w", decl.Name, err))
		return nil
	}
	id := d.id(decl.Name)
	d.ids = append(d.ids, id)
	return &cell{
		Durable: d, name: decl.Name, prefix: binary.BigEndian.AppendUint32(nil, id),
		keys: by, form: upgraded(d, decl.Name, by.Schema(), form),
	}
}

// keyType is the type of keys.
func keyType(keys Keys) reflect.Type { return reflect.TypeOf(keys.scratch()).Elem() }

// group appends what the keys of a window's key group begin with.
func (c *cell) group(dst []byte, w model.Window, group int) []byte {
	dst = append(dst, c.prefix...)
	if c.windowed {
		dst = binary.BigEndian.AppendUint64(dst, ordered(w.End))
		dst = binary.BigEndian.AppendUint64(dst, ordered(w.Start))
	}
	return binary.BigEndian.AppendUint16(dst, uint16(group))
}

// key appends the key of an entry to what to keeps.
func (c *cell) key(to *Changes, w model.Window, keys Keys, i Entry) (span, error) {
	start := len(to.bytes)
	to.bytes = c.group(to.bytes, w, KeyGroup(keys.slots().hashes[i], c.groups))
	var err error
	to.bytes, err = c.keys.Append(to.bytes, keys.Key(i))
	return span{start, len(to.bytes)}, err
}

// groupBytes is what a key group takes in a key.
const groupBytes = 2

// owns reports whether a saved key, behind the cell's id and the window, is in one of
// the task's key groups.
func (c *cell) owns(src []byte) (bool, error) {
	if len(src) < groupBytes {
		return false, fmt.Errorf("reading a key of %s: it has %d bytes", c.name, len(src))
	}
	g := int(binary.BigEndian.Uint16(src))
	return g >= c.lo && g < c.hi, nil
}

// scan reads a saved key, behind the cell's id and the window, into the scratch of
// keys. Own is false for key groups of other tasks.
func (c *cell) scan(src []byte, keys Keys) (hash uint64, own bool, err error) {
	if own, err = c.owns(src); err != nil || !own {
		return 0, false, err
	}
	hash, err = c.scanKey(src[groupBytes:], keys)
	return hash, true, err
}

// scanKey reads the encoding of a key.
func (c *cell) scanKey(src []byte, keys Keys) (hash uint64, err error) {
	k := keys.scratch()
	if err = whole(c.keys.Decode(src, k)); err != nil {
		return 0, fmt.Errorf("reading a key of %s: %w", c.name, err)
	}
	return c.keys.Hash(k), nil
}

// errLeft is what is wrong with bytes behind a value.
var errLeft = errors.New("bytes are left over")

// whole is the error of a decoding that must take all bytes.
func whole(rest []byte, err error) error {
	if err == nil && len(rest) > 0 {
		err = errLeft
	}
	return err
}

// ordered maps timestamps to numbers whose bytes sort alike.
func ordered(t model.Timestamp) uint64 { return uint64(t) ^ 1<<63 }

func unordered(b []byte) model.Timestamp { return model.Timestamp(binary.BigEndian.Uint64(b) ^ 1<<63) }
