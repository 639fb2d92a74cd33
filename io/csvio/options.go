package csvio

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/millrace/millrace/io/compression"
	"github.com/millrace/millrace/io/internal/filesource"
	"github.com/millrace/millrace/model"
)

// Options say how files of rows T are read. The zero Options suit files with a
// header and commas.
type Options[T any] struct {
	// Columns are the names of the columns in files that have no header.
	Columns []string
	// Comma separates fields; 0 means ','. It must be ASCII.
	Comma rune
	// Comment, if not 0, begins lines that are skipped. It must be ASCII.
	Comment rune
	// SkipLines is how many lines at the beginning of each file are passed over, before
	// the header if there is one. Lines that are empty count, and quotes mean nothing.
	SkipLines int
	// Null are words that stand for an empty cell, such as "NULL", "NA" and `\N`. In
	// quotes they are text. In a header they are names.
	Null []string
	// LazyQuotes takes a quote that is not where one belongs for a part of its field:
	// one in a field that does not begin with one, and one in a field with quotes that
	// has neither a comma nor a line end behind it. Otherwise that is a bad row.
	LazyQuotes bool
	// TrimSpace drops blanks and tabs, unless they are the Comma, at both ends of a
	// field without quotes, and around the quotes of one with. Lines of nothing else
	// are skipped.
	TrimSpace bool
	// SingleLineRecords says that no field holds a line end. Then big files are cut
	// and read by several readers at the same time. Otherwise each file is one
	// piece, since a line end in the middle of a file cannot be told from one
	// inside of quotes. A record with a line end in a field is then a bad row.
	SingleLineRecords bool
	// EventTime is the event time of a row; rows have none without it. A row for which
	// it is [model.MinTimestamp], or that of the zero [time.Time], as an empty optional
	// column leaves it, has none: it is not late, see [Source].
	EventTime func(T) model.Timestamp
	// OutOfOrderness is how far behind the latest event time of its split a row may
	// be; see [source.BoundedOutOfOrderness]. Bad rows have no part in it.
	OutOfOrderness time.Duration
	// Compression is how the files are compressed. Auto tells by the first bytes
	// of each, and fails where they contradict its name.
	Compression compression.Format
	// AllowNoFiles makes a pattern that matches no file, or only files without a
	// header, an empty input. Otherwise it is an error.
	AllowNoFiles bool
	// MaxRecordBytes is the longest record that is accepted; a longer one is a bad
	// row. It bounds the memory of a reader. 0 means 16 MiB.
	MaxRecordBytes int
	// MinSplitBytes is the least that a piece of a file is worth being read by a
	// reader of its own. 0 means 1 MiB.
	MinSplitBytes int64
}

// WriteOptions say what files are written. The zero WriteOptions suit most.
type WriteOptions struct {
	// Comma separates fields; 0 means ','. It must be ASCII.
	Comma rune
	// NoHeader leaves out the line with the names of the columns.
	NoHeader bool
	// Suffix is what the names of the files end in, such as ".csv". There is none by
	// default.
	Suffix string
	// Shards is the number of files that are written at the same time. With 1 the name
	// of the file is the path and Suffix; with 0 the runner chooses how many.
	Shards int
	// Compression is how the files are compressed; Auto goes by their names.
	Compression compression.Format
	// Overwrite replaces the output of an earlier run when the first of the new one
	// is committed. Otherwise output that is there already is an error.
	Overwrite bool
}

func (o Options[T]) files() filesource.Options {
	return filesource.Options{
		Compression: o.Compression, AllowNoFiles: o.AllowNoFiles,
		MaxLineBytes: o.MaxRecordBytes, MinSplitBytes: o.MinSplitBytes,
		Whole: !o.SingleLineRecords,
	}
}

// A dialect is the part of the options that is grammar.
type dialect struct {
	comma   byte
	comment byte // 0 is none
	oneLine bool
	columns []string // nil if they are in a header
	limit   int
	skip    int      // lines before all
	nulls   []string // words for an empty cell
	lazy    bool     // quotes may be anywhere
	trim    bool     // blanks around fields are dropped
	// allowEmpty says that there may be no file with a header.
	allowEmpty bool
}

func (o Options[T]) dialect() (dialect, error) {
	comma, err := commaOf(o.Comma)
	d := dialect{
		comma: comma, comment: byte(o.Comment), oneLine: o.SingleLineRecords, columns: o.Columns,
		limit: o.MaxRecordBytes, allowEmpty: o.AllowNoFiles,
		skip: o.SkipLines, nulls: o.Null, lazy: o.LazyQuotes, trim: o.TrimSpace,
	}
	if d.limit == 0 {
		d.limit = filesource.DefaultMaxLineBytes
	}
	errs := []error{err}
	if o.Comment != 0 && (!separates(o.Comment) || o.Comment == rune(comma)) {
		errs = append(errs, fmt.Errorf("%q cannot begin a comment; take an ASCII character that is no letter, digit or quote, and not the comma", o.Comment))
	}
	if o.EventTime == nil && o.OutOfOrderness != 0 {
		errs = append(errs, errors.New("OutOfOrderness is set and EventTime is not; set EventTime, too"))
	}
	if o.SkipLines < 0 {
		errs = append(errs, fmt.Errorf("SkipLines is %d; it is a number of lines, and 0 skips none", o.SkipLines))
	}
	for _, word := range o.Null {
		if strings.ContainsAny(word, "\"\r\n"+string(rune(comma))) || word == "" || o.TrimSpace && len(d.trimmed([]byte(word))) < len(word) {
			errs = append(errs, fmt.Errorf("%q in Null is never the whole of a cell without quotes; take it out, or correct it (a cell of nothing is empty without it)", word))
		}
	}
	return d, errors.Join(errs...)
}

// String is what makes other rows of the same file.
func (d dialect) String() string {
	text := "csv"
	add := func(is bool, format string, args ...any) {
		if is {
			text += ", " + fmt.Sprintf(format, args...)
		}
	}
	add(d.comma != ',', "comma %q", d.comma)
	add(d.comment != 0, "comment %q", d.comment)
	add(d.columns != nil, "columns %q", d.columns)
	add(d.skip != 0, "%d lines skipped", d.skip)
	add(len(d.nulls) > 0, "null %q", d.nulls)
	add(d.lazy, "lazy quotes")
	add(d.trim, "trimmed")
	add(d.oneLine, "single-line records")
	return text
}

// trimmed is field without the blanks around it.
func (d dialect) trimmed(field []byte) []byte {
	for len(field) > 0 && d.blank(field[0]) {
		field = field[1:]
	}
	for len(field) > 0 && d.blank(field[len(field)-1]) {
		field = field[:len(field)-1]
	}
	return field
}

func (d dialect) blank(c byte) bool { return (c == ' ' || c == '\t') && c != d.comma }

func commaOf(comma rune) (byte, error) {
	if comma == 0 {
		return ',', nil
	}
	if !separates(comma) {
		return 0, fmt.Errorf("%q cannot separate fields; take an ASCII character that is no letter, digit or quote, nor part of a number", comma)
	}
	return byte(comma), nil
}

// separates reports whether c is apart from what cells hold without quotes.
func separates(c rune) bool {
	return c == '\t' || c >= ' ' && c <= '~' && !strings.ContainsRune(`"+-.`, c) &&
		(c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z')
}
