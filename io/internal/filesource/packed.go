package filesource

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// trailing is the error for stored bytes that follow what is compressed and are no
// part of it. They begin at byte at.
type trailing struct{ at int64 }

func (e *trailing) Error() string { return fmt.Sprintf("trailing data from byte %d on", e.at) }

// members is the content of gzip members, one after the other. It differs from a
// [gzip.Reader] in what may come behind the last: zeros, as tapes and blocks leave
// them, and as gunzip has it.
type members struct {
	stored *storedBytes
	in     *bufio.Reader
	z      *gzip.Reader
	err    error // of next
}

func newMembers(stored *storedBytes) (*members, error) {
	in := bufio.NewReaderSize(stored, 64<<10)
	z, err := gzip.NewReader(in)
	if err != nil {
		return nil, err
	}
	z.Multistream(false)
	return &members{stored: stored, in: in, z: z}, nil
}

func (m *members) Read(p []byte) (int, error) {
	for m.err == nil {
		n, err := m.z.Read(p)
		if err == io.EOF {
			m.err = m.next()
			err = nil
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
	return 0, m.err
}

// next moves to the next member. The error is io.EOF if there is none.
func (m *members) next() error {
	at := m.stored.at - int64(m.in.Buffered())
	magic := []byte{0x1f, 0x8b, 0x08}
	head, err := m.in.Peek(len(magic))
	switch {
	case len(head) == 0:
		return err
	case err != nil && err != io.EOF:
		return err
	case bytes.Equal(head, magic):
		if err := m.z.Reset(m.in); err != nil {
			return noEOF(err)
		}
		m.z.Multistream(false)
		return nil
	case bytes.HasPrefix(magic, head):
		return io.ErrUnexpectedEOF
	}
	for {
		c, err := m.in.ReadByte()
		if err != nil {
			return err
		}
		if c != 0 {
			return &trailing{at}
		}
	}
}

func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// framesEnd walks over the Zstandard frames of a file of so many bytes. If they end
// where something else begins, it is at end, and ok is true.
func framesEnd(stored io.ReaderAt, size int64) (end int64, ok bool) {
	for at := int64(0); at < size; {
		head := make([]byte, min(size-at, zstd.HeaderMaxSize))
		if _, err := stored.ReadAt(head, at); err != nil {
			return 0, false
		}
		if !beginsFrame(head) {
			return at, at > 0
		}
		var h zstd.Header
		if h.Decode(head) != nil {
			return 0, false
		}
		at += int64(h.HeaderSize)
		if h.Skippable {
			at += int64(h.SkippableSize)
			continue
		}
		var whole bool
		if at, whole = blocksEnd(stored, at); !whole {
			return 0, false
		}
		if h.HasCheckSum {
			at += 4
		}
	}
	return 0, false
}

// beginsFrame reports whether head is the beginning of a frame, as far as it goes.
func beginsFrame(head []byte) bool {
	magic, skippable := []byte{0x28, 0xb5, 0x2f, 0xfd}, []byte{0x2a, 0x4d, 0x18}
	n := min(len(head), len(magic))
	return bytes.Equal(head[:n], magic[:n]) || head[0]&0xf0 == 0x50 && bytes.Equal(head[1:n], skippable[:n-1])
}

// blocksEnd is where the blocks that begin at at end, if they do.
func blocksEnd(stored io.ReaderAt, at int64) (end int64, whole bool) {
	for {
		var header [4]byte
		if _, err := stored.ReadAt(header[:3], at); err != nil {
			return 0, false
		}
		n := binary.LittleEndian.Uint32(header[:])
		size := int64(n >> 3)
		if n>>1&3 == 1 { // a byte to be repeated
			size = 1
		}
		at += 3 + size
		if n&1 != 0 {
			return at, true
		}
	}
}
