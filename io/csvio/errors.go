package csvio

import (
	"fmt"
	"unicode/utf8"
)

// rawBytes is how much of a record an error holds.
const rawBytes = 1024

// A RowError is a row that could not be read.
type RowError struct {
	// File is the path by which the file was found.
	File string
	// Line and Column are where in it the trouble is, from 1; columns count bytes.
	Line, Column int
	// Field is the name of the column, or "" if it is the record as a whole.
	Field string
	// Raw is the record as it stands in the file, or its first 1024 bytes. It is a
	// line if the record is no CSV.
	Raw string
	// Err is what is wrong.
	Err error
}

func (e *RowError) Error() string {
	if e.Field == "" {
		return fmt.Sprintf("%s:%d:%d: %v", e.File, e.Line, e.Column, e.Err)
	}
	return fmt.Sprintf("%s:%d:%d: column %q: %v", e.File, e.Line, e.Column, e.Field, e.Err)
}

func (e *RowError) Unwrap() error { return e.Err }

// A BadRow is a [RowError] as an element: what [ReadWithDeadLetters] sets aside.
type BadRow struct {
	File         string
	Line, Column int
	Field        string
	Raw          string
	Reason       string
}

func (e *RowError) badRow() BadRow {
	return BadRow{e.File, e.Line, e.Column, e.Field, e.Raw, e.Err.Error()}
}

// bounded is at most the first limit bytes of b, cut between characters.
func bounded(b []byte, limit int) string {
	if len(b) <= limit {
		return string(b)
	}
	for cut := limit; cut > limit-utf8.UTFMax; cut-- {
		if utf8.RuneStart(b[cut]) {
			return string(b[:cut])
		}
	}
	return string(b[:limit])
}

// quoteCell quotes a cell for a message.
func quoteCell(cell []byte) string {
	const limit = 60
	if len(cell) > limit {
		return fmt.Sprintf("%q...", bounded(cell, limit))
	}
	return fmt.Sprintf("%q", cell)
}
