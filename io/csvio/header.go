package csvio

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/millrace/millrace/io/internal/filesource"
)

// header returns the names of the columns of the file that p is at the beginning
// of, and moves past them and what is before them. They are a copy. The error is io.EOF if the file, or the
// split of it, ends before.
func (p *parser) header() ([]string, error) {
	for range p.skip {
		if err := p.skipLine(); err != nil {
			return nil, err
		}
	}
	if p.columns != nil {
		return p.columns, nil
	}
	nulls := p.nulls
	p.nulls = nil
	err := p.next()
	p.nulls = nulls
	switch {
	case err == io.EOF:
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("the header: %w", err)
	}
	if bytes.HasPrefix(p.record, []byte{0xff, 0xfe}) || bytes.HasPrefix(p.record, []byte{0xfe, 0xff}) {
		return nil, fmt.Errorf("%s is UTF-16, by its first bytes; convert it to UTF-8", p.in.File.Path)
	}
	names := make([]string, len(p.fields))
	for i, field := range p.fields {
		names[i] = string(field)
	}
	return names, nil
}

// headerOf reads the header of f, and returns where the rows begin. The error is
// io.EOF if there is none.
func (d dialect) headerOf(ctx context.Context, f filesource.File) (names []string, rows int64, err error) {
	if d.columns != nil && d.skip == 0 {
		return d.columns, 0, nil
	}
	in, err := filesource.Peek(ctx, f, d.limit)
	if err != nil {
		return nil, 0, err
	}
	defer in.Close()
	p := parser{dialect: d, in: in}
	names, err = p.header()
	return names, in.Offset(), err
}

// check finds out whether every file can be read as rows of s, so that a run
// does not come upon one that cannot be when most are done. Files without a header
// have no rows; if that goes for all, it is taken for a mistake.
func (d dialect) check(ctx context.Context, s *schema, files []filesource.File) error {
	if d.columns != nil {
		_, err := s.match(d.columns)
		return err
	}
	empty := 0
	for _, f := range files {
		if err := ctx.Err(); err != nil {
			return err
		}
		names, _, err := d.headerOf(ctx, f)
		if err == io.EOF {
			empty++
			continue
		}
		if err != nil {
			return err
		}
		if _, err := s.match(names); err != nil {
			return fmt.Errorf("%s: %w", f.Path, err)
		}
	}
	if empty == 0 || empty < len(files) || d.allowEmpty {
		return nil
	}
	const advice = "name the columns in Options.Columns, or set AllowNoFiles if that is no mistake"
	if empty == 1 {
		return fmt.Errorf("%s has no header: it has no line that is not empty or a comment; %s", files[0].Path, advice)
	}
	return errors.New("none of the " + count(empty, "file") + ", such as " + files[0].Path + ", has a header: they have no line that is not empty or a comment; " + advice)
}
