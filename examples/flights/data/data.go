// Package data holds the flights that left New York in 2013, and those that
// were meant to, as a compressed table of 336,776 rows.
//
// Its columns are scheduled (RFC 3339, UTC), origin, dest, carrier, flight and
// delay (minutes after the schedule at which the flight left, negative if
// early, empty if it never left). The rows are in order of actual departure;
// the flights that never left come last. The README tells where the table
// comes from and how it was made.
package data

import (
	"bufio"
	"bytes"
	"compress/gzip"
	_ "embed" // for flights.csv.gz
	"io"
	"os"
)

//go:embed flights.csv.gz
var compressed []byte

// Compressed returns a copy of the embedded table, a gzip file.
func Compressed() []byte { return bytes.Clone(compressed) }

// Open returns the text of the table in the named file, which is decompressed
// if it is a gzip file. With no name it is that of the embedded table.
func Open(name string) (io.ReadCloser, error) {
	if name == "" {
		return gzip.NewReader(bytes.NewReader(compressed))
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	br := bufio.NewReader(f)
	if magic, _ := br.Peek(2); !bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		return file{br, f}, nil
	}
	zr, err := gzip.NewReader(br)
	if err != nil {
		f.Close()
		return nil, err
	}
	return file{zr, f}, nil
}

// file reads from the one and closes the other.
type file struct {
	io.Reader
	io.Closer
}
