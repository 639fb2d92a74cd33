package csvio

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/millrace/millrace/io/internal/filesource"
)

// header returns the names of the columns of the file that p is at the beginning
// of, and moves past them. They are a copy.
func (p *parser) header() ([]string, error) {
	if p.columns != nil {
		return p.columns, nil
	}
	switch err := p.next(); {
	case err == io.EOF:
		return nil, fmt.Errorf("%s has no header: it has no line that is not empty or a comment; leave it out of the pattern, or name the columns in Options.Columns", p.in.File.Path)
	case err != nil:
		return nil, fmt.Errorf("the header: %w", err)
	}
	if bytes.HasPrefix(p.record, []byte{0xff, 0xfe}) || bytes.HasPrefix(p.record, []byte{0xfe, 0xff}) {
		return nil, fmt.Errorf("%s is UTF-16, by its first bytes; convert it to UTF-8", p.in.File.Path)
	}
	names := make([]string, len(p.fields))
	for i, field := range p.fields {
		names[i] = string(field)
		if j := slices.Index(names[:i], names[i]); j >= 0 && names[i] != "" {
			return nil, p.fault(p.starts[i], names[i], fmt.Errorf("the header has this name for its columns %d and %d; rename one", j+1, i+1))
		}
	}
	return names, nil
}

// headerOf reads the header of f.
func (d dialect) headerOf(ctx context.Context, f filesource.File) ([]string, error) {
	if d.columns != nil {
		return d.columns, nil
	}
	in, err := filesource.Peek(ctx, f, d.limit)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	p := parser{dialect: d, in: in}
	return p.header()
}

// check finds out whether every file can be read as rows of s, so that a run
// does not come upon one that cannot be when most are done.
func (d dialect) check(ctx context.Context, s *schema, files []filesource.File) error {
	if d.columns != nil {
		_, err := s.match(d.columns)
		return err
	}
	var first []string
	for _, f := range files {
		if err := ctx.Err(); err != nil {
			return err
		}
		names, err := d.headerOf(ctx, f)
		if err != nil {
			return err
		}
		if _, err := s.match(names); err != nil {
			return fmt.Errorf("%s: %w", f.Path, err)
		}
		if first == nil {
			first = names
		}
		if err := sameColumns(first, names); err != nil {
			return fmt.Errorf("%s and %s have different headers: %w; read them with a pattern for each", files[0].Path, f.Path, err)
		}
	}
	return nil
}

// sameColumns compares headers, whose columns may come in another order.
func sameColumns(a, b []string) error {
	missing := func(from, of []string) error {
		for _, name := range of {
			if !slices.Contains(from, name) {
				return fmt.Errorf("one has the column %q and the other has not", name)
			}
		}
		return nil
	}
	if err := errors.Join(missing(b, a), missing(a, b)); err != nil {
		return err
	}
	if len(a) != len(b) { // in columns without a name
		return fmt.Errorf("one has %d columns and the other %d", len(a), len(b))
	}
	return nil
}
