package filesource

import (
	"errors"
	"fmt"

	"github.com/millrace/millrace/io/compression"
	"github.com/millrace/millrace/io/internal/stored"
)

// positionVersion is that of positions with the time of the file's last change. Those of
// version 1 have none.
const positionVersion = 2

// unknownLine is the Line of a position whose line number nobody has counted.
const unknownLine = -1

// A position is a split and where reading stands in it.
type position struct {
	Version int         `json:"v"`
	Path    stored.Path `json:"file"`
	Format  string      `json:"compression"`
	Size    int64       `json:"size"`
	Head    uint32      `json:"head"`
	Tail    uint32      `json:"tail"`
	// Start and End are the range of the file: lines that start in it are the
	// split's. For a compressed file they are 0 and Size.
	Start int64 `json:"start"`
	End   int64 `json:"end"`
	// Offset is where the next record starts, counted in bytes of content, that
	// is, after decompression.
	Offset int64 `json:"offset"`
	// Line is the number of line breaks before Offset, or unknownLine.
	Line int64 `json:"line"`
	// Modified is when the file was last written to, in nanoseconds since 1970; 0 if that
	// is not known.
	Modified int64 `json:"modified,omitempty"`
}

// all is the position before all of f.
func (f File) all() position {
	return position{Path: stored.Path(f.Path), Format: f.Format.String(), Size: f.Size, Head: f.Head, Tail: f.Tail, End: f.Size, Modified: f.Modified}
}

func (p position) file() (File, error) {
	format, err := compression.Parse(p.Format)
	return File{string(p.Path), p.Size, p.Head, p.Tail, p.Modified, format}, err
}

func (p position) encode() []byte {
	if p.Version = positionVersion; p.Modified == 0 {
		p.Version = 1
	}
	return stored.Encode(p)
}

func decodePosition(b []byte) (p position, err error) {
	if err := stored.Decode("position", b, positionVersion, &p); err != nil {
		return position{}, err
	}
	if err := p.validate(); err != nil {
		return position{}, stored.Damaged("position", b, err)
	}
	return p, nil
}

func (p position) validate() error {
	f, err := p.file()
	switch {
	case err != nil:
		return err
	case p.Path == "":
		return errors.New("it names no file")
	case f.Format == compression.Auto:
		return errors.New("the compression is not settled")
	case p.Start < 0 || p.End < p.Start || p.Size < p.End:
		return fmt.Errorf("bytes %d to %d are no range of a file of %d bytes", p.Start, p.End, p.Size)
	case f.Format != compression.None && (p.Start != 0 || p.End != p.Size):
		return fmt.Errorf("a compressed file is read as a whole, and the range is %d to %d of %d", p.Start, p.End, p.Size)
	case p.Offset < p.Start || f.Format == compression.None && p.Offset > p.Size:
		return fmt.Errorf("offset %d is outside of the range", p.Offset)
	case (p.Version < positionVersion) != (p.Modified == 0):
		return fmt.Errorf("%d nanoseconds are no time of a file in version %d", p.Modified, p.Version)
	case p.Line < unknownLine:
		return fmt.Errorf("%d is no count of lines", p.Line)
	}
	return nil
}
