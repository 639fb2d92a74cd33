package csvio

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/millrace/millrace/io/internal/filesource"
)

// A parser cuts the lines of an input into records, and those into fields.
//
// It is not encoding/csv, for the sake of three things besides speed: a record is
// bounded, a "\r\n" inside of quotes stays one, and a quote that is not closed
// costs one line and not the rest of the file.
type parser struct {
	dialect
	in *filesource.Input
	// record is the current one, without its line end. It and fields are valid
	// until the next.
	record []byte
	// fields are without their quotes; nil is an empty one that had none.
	fields [][]byte
	starts []int // where in record they start
	spans  []span
	// mended holds fields that had doubled quotes.
	mended []byte
}

// A span is where a field with quotes is, in the record or in mended.
type span struct {
	from, to       int
	quoted, mended bool
}

// next moves to the next record that is neither empty nor a comment. The error
// is io.EOF at the end, and a *RowError for a record that is no CSV, after which
// the next is the one after it.
func (p *parser) next() error {
	for {
		line, err := p.in.Line()
		if err != nil {
			return p.failed(err)
		}
		if len(line) == 0 || line[0] == p.comment && p.comment != 0 || p.trim && len(p.trimmed(line)) == 0 {
			continue
		}
		p.record = line
		if bytes.IndexByte(line, '"') < 0 {
			p.plain()
			return nil
		}
		return p.quoted()
	}
}

// skipTo passes over the lines that begin before offset.
func (p *parser) skipTo(offset int64) error {
	for p.in.Offset() < offset {
		if err := p.skipLine(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
	return nil
}

// skipLine passes over a line of any length.
func (p *parser) skipLine() error {
	_, err := p.in.Line()
	var long *filesource.TooLong
	if errors.As(err, &long) {
		return p.in.Discard()
	}
	return err
}

// failed is what next returns for an error of the input.
func (p *parser) failed(err error) error {
	var long *filesource.TooLong
	if !errors.As(err, &long) {
		return err
	}
	p.record = p.in.Raw()
	err = p.fault(0, "", fmt.Errorf("the line is longer than the limit of %d bytes; raise MaxRecordBytes if it is meant to be", long.Limit))
	if e := p.in.Discard(); e != nil {
		return e
	}
	return err
}

// plain cuts a record without quotes.
func (p *parser) plain() {
	fields, starts := p.fields[:0], p.starts[:0]
	record, from := p.record, 0
	for at, c := range record {
		if c == p.comma {
			fields, starts = append(fields, orNil(record[from:at])), append(starts, from)
			from = at + 1
		}
	}
	p.fields, p.starts = append(fields, orNil(record[from:])), append(starts, from)
	if p.trim || len(p.nulls) > 0 {
		for i, field := range p.fields {
			p.fields[i] = p.bare(field)
		}
	}
}

// bare is a field without quotes as the options have it.
func (p *parser) bare(field []byte) []byte {
	if p.trim {
		field = p.trimmed(field)
	}
	for _, word := range p.nulls {
		if string(field) == word {
			return nil
		}
	}
	return orNil(field)
}

func orNil(field []byte) []byte {
	if len(field) == 0 {
		return nil
	}
	return field
}

// quoted cuts a record with quotes, and takes more lines for it as its quotes
// demand.
func (p *parser) quoted() error {
	p.spans, p.starts, p.mended = p.spans[:0], p.starts[:0], p.mended[:0]
	for at := 0; ; at++ { // past the comma
		p.starts = append(p.starts, at)
		var err error
		if p.trim {
			if quote := p.pastBlanks(at); quote < len(p.record) && p.record[quote] == '"' {
				at = quote
			}
		}
		if at < len(p.record) && p.record[at] == '"' {
			at, err = p.quotedField(at)
		} else {
			at, err = p.bareField(at)
		}
		if err != nil {
			return err
		}
		if at == len(p.record) {
			break
		}
	}
	p.fields = p.fields[:0]
	habits := p.trim || len(p.nulls) > 0
	for _, s := range p.spans {
		from := p.record
		if s.mended {
			from = p.mended
		}
		field := from[s.from:s.to]
		if !s.quoted {
			field = orNil(field)
			if habits {
				field = p.bare(field)
			}
		}
		p.fields = append(p.fields, field)
	}
	return nil
}

// bareField takes the field without quotes at at, and returns where it ends.
func (p *parser) bareField(at int) (int, error) {
	field := p.record[at:]
	if i := bytes.IndexByte(field, p.comma); i >= 0 {
		field = field[:i]
	}
	if i := bytes.IndexByte(field, '"'); i >= 0 && !p.lazy {
		return 0, p.giveUp(at+i, "a quote in a field that does not begin with one; put the field in quotes, and double those in it")
	}
	p.spans = append(p.spans, span{from: at, to: at + len(field)})
	return at + len(field), nil
}

// quotedField takes the field whose opening quote is at at, and returns where it
// ends, past its closing quote and what blanks are dropped.
func (p *parser) quotedField(at int) (int, error) {
	mended := len(p.mended) // where the mended field starts, if it is one
	from := at + 1          // what comes after the last doubled quote
	for look := from; ; {
		i := bytes.IndexByte(p.record[look:], '"')
		if i < 0 {
			look = len(p.record)
			if err := p.moreLines(at); err != nil {
				return 0, err
			}
			continue
		}
		i += look
		if i+1 < len(p.record) && p.record[i+1] == '"' {
			p.mended = append(p.mended, p.record[from:i+1]...)
			from, look = i+2, i+2
			continue
		}
		end := i + 1
		if p.trim {
			end = p.pastBlanks(end)
		}
		if stray := end < len(p.record) && p.record[end] != p.comma; stray && p.lazy {
			look = i + 1
			continue
		} else if stray {
			return 0, p.strayText(at, i+1)
		}
		s := span{from: from, to: i, quoted: true}
		if len(p.mended) > mended {
			p.mended = append(p.mended, p.record[from:i]...)
			s = span{from: mended, to: len(p.mended), quoted: true, mended: true}
		}
		p.spans = append(p.spans, s)
		return end, nil
	}
}

// pastBlanks is where the blanks at at end.
func (p *parser) pastBlanks(at int) int {
	for at < len(p.record) && p.blank(p.record[at]) {
		at++
	}
	return at
}

// moreLines adds a line to the record, whose field at at has an open quote.
func (p *parser) moreLines(at int) error {
	if p.oneLine {
		return p.giveUp(at, "the quote is not closed on its line, as SingleLineRecords demands")
	}
	err := p.in.More()
	p.record = p.in.Raw() // the buffer may have moved, even in vain
	var long *filesource.TooLong
	switch {
	case err == io.EOF:
		return p.giveUp(at, "the quote is never closed")
	case errors.As(err, &long):
		return p.giveUp(at, fmt.Sprintf("the quote is not closed within the limit of %d bytes for a record", long.Limit))
	}
	return err
}

// strayText is the error for something at stray behind the closing quote of the
// field at at.
func (p *parser) strayText(at, stray int) error {
	lines := bytes.Count(p.record[at:stray], []byte{'\n'})
	if lines == 0 {
		return p.giveUp(stray, "text behind the closing quote of a field; double the quotes that are part of it")
	}
	return p.giveUp(at, fmt.Sprintf("the quote is not closed before its field ends, unless by the one %d lines further on, and that has text behind it", lines))
}

// giveUp is the error for a record whose quotes do not match at at. The lines
// after its first are read again.
func (p *parser) giveUp(at int, reason string) error {
	err := p.fault(at, "", errors.New(reason))
	p.in.Rewind()
	if bad, ok := err.(*RowError); ok {
		bad.Raw = bounded(p.in.Raw(), rawBytes)
	}
	return err
}

// fault is a *RowError for the place at in the current record, or an error of
// finding out which line that is.
func (p *parser) fault(at int, field string, cause error) error {
	line, err := p.in.LineNumber()
	if err != nil {
		return err
	}
	before := p.record[:at]
	return &RowError{
		File:   p.in.File.Path,
		Line:   line + bytes.Count(before, []byte{'\n'}),
		Column: at - bytes.LastIndexByte(before, '\n'),
		Field:  field,
		Raw:    bounded(p.record, rawBytes),
		Err:    cause,
	}
}
