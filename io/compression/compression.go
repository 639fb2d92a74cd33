// Package compression names the compressions that connectors of files read and
// write. It holds the names and how they are recognized; the connectors do the
// work. Its invariant: what a file is follows from its bytes wherever they tell,
// and from its name only where they do not.
//
// Other compressions, and archives, are recognized in order to be refused: see
// [ForeignHead] and [ForeignName].
package compression

import (
	"bytes"
	"fmt"
	"strings"
)

// A Format is a way of compressing a file.
type Format uint8

const (
	// Auto goes by the file: by its first bytes when it is read, by its name
	// (".gz", ".zst") when it is written. What is compressed otherwise, or is an
	// archive, by its bytes or its name, is an error.
	Auto Format = iota
	None
	// Gzip is one or more gzip members after each other (RFC 1952). Zeros behind the
	// last are passed over; anything else there is an error.
	Gzip
	// Zstd is one or more Zstandard frames after each other (RFC 8878). Anything else
	// behind them is an error.
	Zstd
)

var names = [...]string{"auto", "none", "gzip", "zstd"}

func (f Format) String() string {
	if int(f) < len(names) {
		return names[f]
	}
	return fmt.Sprintf("Format(%d)", uint8(f))
}

// Valid reports whether f is one of the formats of this package.
func (f Format) Valid() bool { return int(f) < len(names) }

// Parse is the format that String printed.
func Parse(name string) (Format, error) {
	for f, n := range names {
		if n == name {
			return Format(f), nil
		}
	}
	return Auto, fmt.Errorf("%q is no compression; known are auto, none, gzip and zstd", name)
}

// OfName is the format that a file of this name should have: Gzip, Zstd or None.
func OfName(name string) Format {
	switch {
	case strings.HasSuffix(name, ".gz"):
		return Gzip
	case strings.HasSuffix(name, ".zst"), strings.HasSuffix(name, ".zstd"):
		return Zstd
	}
	return None
}

// OfHead is the format that a file with these first bytes has, None if it is no
// compression known here. Four bytes are enough to tell.
func OfHead(head []byte) Format {
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b, 0x08}):
		return Gzip
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		return Zstd
	case len(head) >= 4 && head[0]&0xf0 == 0x50 && bytes.Equal(head[1:4], []byte{0x2a, 0x4d, 0x18}):
		return Zstd // a skippable frame comes first
	}
	return None
}
