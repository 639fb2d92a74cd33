package filesource

import (
	"bytes"
	"fmt"
	"io"
	"math"
)

// A Cursor walks over content line by line. A line ends in "\n" or "\r\n", or
// where the content does.
//
// Its buffer grows to the longest line, and at most to a little over the limit.
type Cursor struct {
	in  io.Reader
	buf []byte
	// buf[start:pos] is the current record with its line end, buf[pos:end] was
	// read and not looked at.
	start, pos, end int
	// first is where the first line of the current record ends, past its line end.
	first int
	// base is the offset of buf[0] in the content.
	base int64
	// stop is where lines stop being ours: one that starts at stop or later.
	stop  int64
	limit int
	// lines counts the line ends that were passed.
	lines int64
	eof   bool
}

const bufferBytes = 256 << 10

// TooLong is the error for a line, or a record of lines, beyond the limit.
type TooLong struct{ Limit int }

func (e *TooLong) Error() string {
	return fmt.Sprintf("it is longer than the limit of %d bytes; raise the limit if it is meant to be", e.Limit)
}

// newCursor returns a cursor over in, whose first byte is at offset, with a
// buffer that begins with so many bytes.
func newCursor(in io.Reader, offset, stop, buffer int64, limit int) *Cursor {
	limit = min(limit, math.MaxInt-1) // there is room for one more
	room := max(min(buffer, int64(limit)+1), int64(len(byteOrderMark)))
	return &Cursor{in: in, buf: make([]byte, room), base: offset, stop: stop, limit: limit}
}

// Line moves to the next line and returns it without its end. It is valid until
// the next call. At the end of the split the error is io.EOF. After a *TooLong,
// Raw is the beginning of the line, and Discard moves past the rest.
func (c *Cursor) Line() ([]byte, error) {
	c.start = c.pos
	if c.base+int64(c.start) >= c.stop {
		return nil, io.EOF
	}
	if i := bytes.IndexByte(c.buf[c.pos:c.end], '\n'); i >= 0 && i <= c.limit {
		c.pos += i + 1
		c.lines++
		c.first = c.pos
		return chomp(c.buf[c.start : c.pos-1]), nil
	}
	if err := c.advance(); err != nil {
		return nil, err
	}
	c.first = c.pos
	return c.Raw(), nil
}

// More adds a line to the current record, which is Raw. What Line or Raw
// returned before is valid no longer, even if there is an error: io.EOF at the end
// of the content, a *TooLong beyond the limit. After either, Rewind leads on.
func (c *Cursor) More() error { return c.advance() }

// Rewind goes back to the end of the first line of the current record, so that
// the next Line is the one after it.
func (c *Cursor) Rewind() {
	c.lines -= int64(bytes.Count(c.buf[c.first:c.pos], []byte{'\n'}))
	c.pos = c.first
}

// Raw is the current record without its last line end. It is valid until the
// next call of Line, More or Discard.
func (c *Cursor) Raw() []byte {
	raw := c.buf[c.start:c.pos]
	if n := len(raw); n > 0 && raw[n-1] == '\n' {
		raw = raw[:n-1]
	}
	return chomp(raw)
}

// Start is the offset of the current record.
func (c *Cursor) Start() int64 { return c.base + int64(c.start) }

// Offset is where the next line starts.
func (c *Cursor) Offset() int64 { return c.base + int64(c.pos) }

// advance moves pos past the next line end, reading as needed.
func (c *Cursor) advance() error {
	for seen := c.pos; ; {
		if i := bytes.IndexByte(c.buf[seen:c.end], '\n'); i >= 0 && seen+i-c.start <= c.limit {
			c.pos = seen + i + 1
			c.lines++
			return nil
		}
		if c.end-c.start > c.limit {
			c.pos = max(c.pos, c.start+c.limit)
			return &TooLong{c.limit}
		}
		if c.eof {
			if c.pos == c.end {
				return io.EOF
			}
			c.pos = c.end
			return nil
		}
		seen = c.end
		moved := c.start
		if err := c.fill(); err != nil {
			return err
		}
		seen -= moved - c.start
	}
}

// fill reads more, keeping the current record.
func (c *Cursor) fill() error {
	if c.end == len(c.buf) {
		c.makeRoom()
	}
	for tries := 0; tries < 100; tries++ {
		n, err := c.in.Read(c.buf[c.end:])
		c.end += n
		if err == io.EOF {
			c.eof = true
			return nil
		}
		if err != nil {
			return err
		}
		if n > 0 {
			return nil
		}
	}
	return io.ErrNoProgress
}

// makeRoom moves the current record to the front of the buffer, which doubles
// if that gains less than half of it, up to what the limit needs.
func (c *Cursor) makeRoom() {
	to := c.buf
	if size := min(2*len(c.buf), c.limit+1); c.start < len(c.buf)/2 && size > len(c.buf) {
		to = make([]byte, size)
	}
	c.end = copy(to, c.buf[c.start:c.end])
	c.base += int64(c.start)
	c.pos -= c.start
	c.first -= c.start
	c.start = 0
	c.buf = to
}

// Discard moves past the next line end, keeping nothing of what is before it.
func (c *Cursor) Discard() error {
	for {
		if i := bytes.IndexByte(c.buf[c.pos:c.end], '\n'); i >= 0 {
			c.pos += i + 1
			c.lines++
			return nil
		}
		c.base += int64(c.end)
		c.start, c.pos, c.end, c.first = 0, 0, 0, 0
		if c.eof {
			return nil
		}
		if err := c.fill(); err != nil {
			return err
		}
	}
}

func chomp(line []byte) []byte {
	if n := len(line); n > 0 && line[n-1] == '\r' {
		return line[:n-1]
	}
	return line
}
