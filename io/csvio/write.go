package csvio

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/millrace/millrace/io/internal/filesink"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/sink"
	"github.com/millrace/millrace/transforms"
)

// Write writes each row as a record of files named after path, as [Sink]
// describes.
func Write[T any](c model.PCollection[T], path string, opts WriteOptions, more ...model.Option) {
	transforms.Write(c, Sink[T](path, opts), more...)
}

// Sink writes rows, each as a record that ends in "\n", in files with a header.
// The files are named, and appear, as
// [github.com/millrace/millrace/io/textio.Sink] describes.
//
// A cell is quoted where it has to be, or begins with a blank or "#". An empty
// row of a single column is written as "", in quotes, since an empty line would be
// passed over: if the column is a pointer to text, nil is read as a pointer to
// the empty text.
func Sink[T any](path string, opts WriteOptions) sink.Sink[T] {
	s, err := schemaOf(reflect.TypeFor[T]())
	if err == nil {
		err = s.writable()
	}
	comma, commaErr := commaOf(opts.Comma)
	out := &filesink.Sink[T]{
		Name: "csvio", Path: path, Format: dialect{comma: comma}.String(), Err: errors.Join(err, commaErr),
		Options: filesink.Options{Suffix: opts.Suffix, Shards: opts.Shards, Compression: opts.Compression, Overwrite: opts.Overwrite},
	}
	if out.Err != nil {
		return out
	}
	if opts.NoHeader {
		out.Format += ", no header"
	} else {
		out.Header = s.header(comma)
	}
	out.Encoder = func() filesink.Encoder[T] { return newEncoder[T](s, comma) }
	return out
}

func (s *schema) header(comma byte) []byte {
	var line []byte
	for i, f := range s.fields {
		if i > 0 {
			line = append(line, comma)
		}
		from := len(line)
		line = quoteFrom(append(line, f.name...), from, comma)
	}
	return append(line, '\n')
}

// newEncoder makes an encoder of rows, bound to the fields of a variable that
// each goes through.
func newEncoder[T any](s *schema, comma byte) filesink.Encoder[T] {
	row := new(T)
	v := reflect.ValueOf(row).Elem()
	cells := make([]outCell, len(s.fields))
	for i, f := range s.fields {
		cells[i] = outCell{f.path, f.codec.text, f.codec.pointer, f.codec.get(v.FieldByIndex(f.index))}
	}
	return func(dst []byte, from *T) ([]byte, error) {
		*row = *from
		start := len(dst)
		for i := range cells {
			if i > 0 {
				dst = append(dst, comma)
			}
			var err error
			if dst, err = cells[i].append(dst, comma); err != nil {
				return dst, err
			}
		}
		if len(dst) == start {
			dst = append(dst, `""`...)
		}
		return append(dst, '\n'), nil
	}
}

// An outCell is a field of the row that goes into a column.
type outCell struct {
	path          string
	text, pointer bool
	get           appender
}

func (c *outCell) append(dst []byte, comma byte) ([]byte, error) {
	from := len(dst)
	dst, present, err := c.get(dst)
	switch {
	case err != nil:
		return dst, fmt.Errorf("%s has no text: %w", c.path, err)
	case !c.text:
		return dst, nil
	case len(dst) == from && c.pointer && present:
		return append(dst, `""`...), nil // an empty text, and not nil
	}
	return quoteFrom(dst, from, comma), nil
}

// quoteFrom puts dst[from:] in quotes if it has to be.
func quoteFrom(dst []byte, from int, comma byte) []byte {
	if !needsQuotes(dst[from:], comma) {
		return dst
	}
	n := len(dst) - from
	extra := 2 + bytes.Count(dst[from:], []byte{'"'})
	dst = slices.Grow(dst, extra)[:len(dst)+extra]
	cell := dst[from:]
	to := len(cell) - 1
	cell[to] = '"'
	for i := n - 1; i >= 0; i-- { // backwards, since to is always ahead of i
		c := cell[i]
		to--
		cell[to] = c
		if c == '"' {
			to--
			cell[to] = c
		}
	}
	cell[0] = '"'
	return dst
}

func needsQuotes(cell []byte, comma byte) bool {
	if len(cell) == 0 {
		return false
	}
	// A byte order mark at the beginning of a file would be taken for one.
	if c := cell[0]; c == ' ' || c == '\t' || c == '#' || c == 0xef {
		return true
	}
	for _, c := range cell {
		if c == comma || c == '"' || c == '\n' || c == '\r' {
			return true
		}
	}
	return false
}
