package csvio

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"

	"github.com/millrace/millrace/io/internal/filesource"
)

// A decoder makes rows T of the records of one split. All of them go through
// one variable, to whose fields it is bound.
type decoder[T any] struct {
	parser parser
	row    *T
	cells  []cell
	width  int // how many fields a record has
}

// A cell is a column that goes into a field of the row.
type cell struct {
	column            int
	name              string
	optional, pointer bool
	set               setter
}

// newDecoder makes a decoder of in that leaves its rows in row.
func newDecoder[T any](ctx context.Context, s *schema, d dialect, in *filesource.Input, row *T) (*decoder[T], error) {
	dec := &decoder[T]{parser: parser{dialect: d, in: in}, row: row}
	var names []string
	rows, err := int64(0), io.EOF // where the rows begin
	if in.Fresh {
		names, err = dec.parser.header()
	}
	if err == io.EOF { // the header is in another split, if there is one
		names, rows, err = d.headerOf(ctx, in.File)
	}
	if err == io.EOF {
		return dec, dec.parser.skipTo(math.MaxInt64)
	}
	if err == nil {
		err = dec.parser.skipTo(rows)
	}
	if err != nil {
		return nil, err
	}
	columns, err := s.match(names)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", in.File.Path, err)
	}
	v := reflect.ValueOf(row).Elem()
	for i, f := range s.fields {
		if columns[i] >= 0 {
			dec.cells = append(dec.cells, cell{columns[i], names[columns[i]], f.optional, f.codec.pointer, f.codec.set(v.FieldByIndex(f.index))})
		}
	}
	dec.width = len(names)
	return dec, nil
}

// next leaves the next row in d.row. The error is io.EOF at the end, and a
// *RowError for a row that could not be read, after which the next is the one
// after it.
func (d *decoder[T]) next() error {
	var zero T
	*d.row = zero // a bad row is one, too
	if err := d.parser.next(); err != nil {
		return err
	}
	fields := d.parser.fields
	if len(fields) != d.width {
		return d.wrongWidth()
	}
	for i := range d.cells {
		c := &d.cells[i]
		field := fields[c.column]
		if len(field) == 0 && c.optional && (field == nil || !c.pointer) {
			continue
		}
		if err := c.set(field); err != nil {
			return d.wrongCell(c, field)
		}
	}
	return nil
}

func (d *decoder[T]) wrongWidth() error {
	n, at := len(d.parser.fields), len(d.parser.record)
	if n > d.width {
		at = d.parser.starts[d.width]
	}
	return d.parser.fault(at, "", fmt.Errorf("the record has %s and should have %d", count(n, "field"), d.width))
}

// wrongCell is the error for a cell that its setter refused. The setter is asked
// again with a copy, since its error may hold on to what it was given.
func (d *decoder[T]) wrongCell(c *cell, field []byte) error {
	err := c.set(bytes.Clone(field))
	var zero T
	*d.row = zero
	if err == nil {
		err = errors.New("the cell is refused at times, by an UnmarshalText that is not a function of the text")
	}
	return d.parser.fault(d.parser.starts[c.column], c.name, err)
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
