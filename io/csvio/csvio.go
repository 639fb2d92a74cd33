// Package csvio reads and writes files of comma-separated values as rows of a Go
// struct.
//
// It is a connector, and stands on what it shares with package textio: how files
// are found, unpacked, cut, resumed and committed is the same there. What it adds is the
// grammar of RFC 4180, and the way between a record and a struct, which is
// worked out once per type and file and involves no reflection per row.
//
// Its invariants: a row is either read whole or reported as a [RowError], with
// the place in the file, and reading goes on with the record after it; and what
// [Write] writes, [Read] reads as the same values.
//
// # Structs
//
// Each exported field is a column. Its name is that of the field, whatever the
// case, or the one in its tag, to the letter:
//
//	type Order struct {
//		ID     string
//		Amount int       `csv:"amount_cents"`
//		Placed time.Time `csv:"placed_at,layout=2006-01-02 15:04:05"`
//		Coupon *string   `csv:"coupon,optional"`
//		Notes  string    `csv:"-"` // no column
//	}
//
// A field is a string, a bool, a number, a [time.Time], a [time.Duration], has
// UnmarshalText and MarshalText, or is a pointer to one of those. The fields of an
// embedded struct are columns, too.
//
// An empty cell is an error but for text, and for pointers, which become nil. A
// pointer to text is nil for an empty cell without quotes, and points to the empty
// text for one in quotes. The option "optional" says that the column may be
// missing, and that an empty cell leaves the field zero; a zero time is no event time
// (see [Options.EventTime]).
//
// # Times
//
// Times are RFC 3339 unless the option "layout", which comes last, says otherwise: it
// is a layout of [time.Parse], or one of "unix", "unixms" and "unixus", for whole
// seconds, milliseconds and microseconds since the epoch. A layout that would not
// read what it writes is a mistake: one of another language, such as "%Y-%m-%d", an
// hour of 12 without its half of the day, or the abbreviation of a zone (MST)
// without an offset (-0700), since what zone it means depends on the machine.
//
// What is read does not depend on the time zone of the machine. Without a zone in the
// layout, times are UTC: they are read as such, and converted before they are
// written. A time whose zone has an offset that the layout has no place for, such as
// one with seconds in RFC 3339, or a name that cannot be read again, is converted to
// UTC, too. What is finer than the
// layout, such as fractions of a second, is not written. A leap second is read as the
// second after it.
//
// # Records
//
// Fields may be quoted, and then hold commas, line ends and doubled quotes. Line
// ends are "\n" or "\r\n", those inside of quotes are kept as they are. Lines that
// are empty are skipped. Every record has as many fields as the header has.
//
// Files of other habits are read with [Options]: other separators, comments, lines
// before the header, words for an empty cell, quotes in the middle of fields, and
// blanks around them.
//
// A record that is no CSV, because its quotes do not match, ends with its first
// line: reading goes on with the line after it.
package csvio
