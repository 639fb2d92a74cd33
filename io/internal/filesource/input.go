package filesource

import (
	"bytes"
	"context"
	"io"
	"math"
	"os"

	"github.com/millrace/millrace/io/compression"
)

var byteOrderMark = []byte("\ufeff")

// An Input is a split that was opened: a cursor over its lines. Its position is
// where the cursor stands.
type Input struct {
	*Cursor
	File File
	// Fresh says that the cursor stands at the first line of the file.
	Fresh    bool
	stream   *stream
	position position // as it was opened
}

// Peek opens f for a look at its first lines.
func Peek(ctx context.Context, f File, maxLine int) (*Input, error) {
	const buffer = 4 << 10 // that of a reader would be a waste
	return openInput(ctx, f.all(), maxLine, buffer)
}

// openInput opens the split at p with a buffer of at most so many bytes, unless
// lines are longer.
func openInput(ctx context.Context, p position, maxLine int, buffer int64) (*Input, error) {
	file, err := p.file()
	if err != nil {
		return nil, err
	}
	cut := p.Offset == p.Start && p.Start > 0 // where the first line starts is not known yet
	from, stop, left := p.Offset, p.End, p.Size-p.Offset
	if cut {
		from--
	}
	if file.Format != compression.None {
		stop, left = math.MaxInt64, buffer
	}
	s, err := file.open(from)
	if err != nil {
		return nil, err
	}
	in := &Input{
		Cursor: newCursor(s, from, stop, min(left+1, buffer), maxLine),
		File:   file, Fresh: p.Offset == 0, stream: s, position: p,
	}
	if file.Format != compression.None {
		err = s.skip(ctx, p.Offset, in.buf)
	}
	switch {
	case err != nil:
	case cut:
		err = in.Discard()
		in.lines, in.position.Line = 0, unknownLine
	case in.Fresh:
		err = in.skipMark()
	}
	if err != nil {
		in.Close()
		return nil, err
	}
	in.position.Offset = in.Offset()
	return in, nil
}

// skipMark moves past a byte order mark.
func (in *Input) skipMark() error {
	for in.end < len(byteOrderMark) && !in.eof {
		if err := in.fill(); err != nil {
			return err
		}
	}
	if bytes.HasPrefix(in.buf[:in.end], byteOrderMark) {
		in.pos = len(byteOrderMark)
	}
	return nil
}

// LineNumber is the number, from 1, of the line in which the current record
// starts. In a split that does not begin the file, the first call counts what
// comes before, which costs a pass over it.
func (in *Input) LineNumber() (int, error) {
	if in.position.Line == unknownLine {
		n, err := in.File.countLines(in.position.Offset)
		if err != nil {
			return 0, err
		}
		in.position.Line = n
	}
	inside := bytes.Count(in.buf[in.start:in.pos], []byte{'\n'})
	return int(in.position.Line+in.lines) - inside + 1, nil
}

// countLines counts the line ends before offset in a file that is not compressed.
func (f File) countLines(offset int64) (int64, error) {
	file, err := os.Open(f.Path)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	in := &storedBytes{file: file, size: offset}
	buf := make([]byte, bufferBytes)
	for n := int64(0); ; {
		k, err := in.Read(buf)
		n += int64(bytes.Count(buf[:k], []byte{'\n'}))
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return 0, err
		}
	}
}

// now is the position of what was not read yet.
func (in *Input) now() position {
	p := in.position
	p.Offset = in.Offset()
	if p.Line != unknownLine {
		p.Line += in.lines
	}
	return p
}

// cut gives away what is left of the split behind about the given fraction of it,
// if both parts are at least so long, and returns the position of what was given
// away.
func (in *Input) cut(fraction float64, least int64) (position, bool) {
	p := &in.position
	left := p.End - in.Offset()
	if in.File.Format != compression.None || left <= 0 {
		return position{}, false
	}
	at := max(in.Offset()+int64(float64(left)*fraction), p.Start+least)
	if at > p.End-least {
		return position{}, false
	}
	residual := in.File.all()
	residual.Start, residual.Offset, residual.End, residual.Line = at, at, p.End, unknownLine
	p.End, in.stop = at, at
	return residual, true
}

// progress is how many bytes of the split as stored were read, and of how many.
func (in *Input) progress() (done, total int64) {
	p := in.position
	if in.File.Format == compression.None {
		return min(in.Offset(), p.End) - p.Start, p.End - p.Start
	}
	return in.stream.stored.at, p.Size
}

func (in *Input) Close() error { return in.stream.close() }
