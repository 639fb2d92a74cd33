package filesource

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/zstd"

	"github.com/millrace/millrace/io/compression"
)

// maxWindow is how much memory a Zstandard frame may ask for: what the zstd
// command, too, allows unasked.
const maxWindow = 128 << 20

// A stream is the content of a file from some offset on.
type stream struct {
	file    File
	stored  storedBytes
	content io.Reader
	release func() // lets the decoder go
}

// open opens the content of f. Compressed files are opened at their beginning,
// whatever offset is; skip goes on from there.
func (f File) open(offset int64) (*stream, error) {
	file, written, err := f.reopen()
	if err != nil {
		return nil, err
	}
	s := &stream{file: f, stored: storedBytes{file: file, size: f.Size, check: func() error { return f.unchanged(file, written) }}, release: func() {}}
	switch f.Format {
	case compression.Gzip:
		z, err := newMembers(&s.stored)
		if err != nil {
			file.Close()
			return nil, s.broken(err)
		}
		s.content = z
	case compression.Zstd:
		// One decoder and no goroutine: what reads in parallel are the splits.
		z, err := zstd.NewReader(bufio.NewReaderSize(&s.stored, 64<<10),
			zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			file.Close()
			return nil, s.broken(err)
		}
		s.content, s.release = z, z.Close
	default:
		s.stored.at = offset
		s.content = &s.stored
	}
	return s, nil
}

// skip reads and drops the next n bytes of content, with buf for space.
func (s *stream) skip(ctx context.Context, n int64, buf []byte) error {
	for done := int64(0); done < n; {
		if err := ctx.Err(); err != nil {
			return err
		}
		k, err := s.Read(buf[:min(int64(len(buf)), n-done)])
		done += int64(k)
		if err == io.EOF && done < n {
			return fmt.Errorf("%s holds %d bytes of content and the position is at %d: the file has changed; put the old one back, or start without the checkpoint", s.file.Path, done, n)
		}
		if err != nil && err != io.EOF {
			return err
		}
	}
	return nil
}

func (s *stream) Read(p []byte) (int, error) {
	n, err := s.content.Read(p)
	if err != nil && err != io.EOF {
		err = s.broken(err)
	}
	return n, err
}

// broken says where the stored bytes stopped making sense.
func (s *stream) broken(err error) error {
	if s.file.Format == compression.None || s.stored.err != nil {
		return err
	}
	if s.file.Format == compression.Zstd {
		if end, ok := framesEnd(s.stored.file, s.file.Size); ok {
			err = &trailing{end}
		}
	}
	var behind *trailing
	if errors.As(err, &behind) {
		return fmt.Errorf("%s has trailing data: the %d bytes from byte %d on are no %v data; cut them off, or fetch or write the file again", s.file.Path, s.file.Size-behind.at, behind.at, s.file.Format)
	}
	at := fmt.Sprintf("near byte %d of %d", s.stored.at, s.file.Size)
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), err == io.EOF:
		return fmt.Errorf("%s is truncated: its %v data stops in the middle, at byte %d; fetch or write the file again", s.file.Path, s.file.Format, s.file.Size)
	case errors.Is(err, zstd.ErrWindowSizeExceeded):
		return fmt.Errorf("%s: %w %s: it asks for a window of more than %d MiB; compress it without --ultra or --long", s.file.Path, err, at, maxWindow>>20)
	}
	return fmt.Errorf("%s is damaged: its %v data makes no sense %s: %w; fetch or write the file again", s.file.Path, s.file.Format, at, err)
}

func (s *stream) close() error {
	s.release()
	return s.stored.file.Close()
}

// storedBytes reads a file from byte at to byte size, and knows how far it is.
type storedBytes struct {
	file     *os.File
	at, size int64
	err      error
	// check, if set, has the last word before the end. A line that is not finished
	// may be one that is being written.
	check func() error
}

func (b *storedBytes) Read(p []byte) (int, error) {
	if b.at >= b.size {
		if b.check != nil && b.err == nil {
			b.err = b.check()
		}
		if b.err != nil {
			return 0, b.err
		}
		return 0, io.EOF
	}
	n, err := b.file.ReadAt(p[:min(int64(len(p)), b.size-b.at)], b.at)
	b.at += int64(n)
	if n > 0 {
		return n, nil
	}
	if err == io.EOF {
		err = fmt.Errorf("%s became shorter while it was read: %d bytes were expected, and nothing is left at byte %d; files must not change during a run", b.file.Name(), b.size, b.at)
	}
	b.err = err
	return 0, err
}
