package filesink

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/millrace/millrace/io/compression"
	"github.com/millrace/millrace/io/internal/stored"
	"github.com/millrace/millrace/model"
)

const bufferBytes = 64 << 10

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// A writer is a [sink.Writer] of one or more shards, which take turns.
type writer[T any] struct {
	name   string // of the sink
	names  names
	shards []*shardFile[T]
	next   int // which shard's turn it is
	// replaced are the files to remove at the first Commit.
	replaced []replaced
	err      error // what broke the writer
}

func (w *writer[T]) Write(_ context.Context, v *T, _ *model.Meta) error {
	if w.err != nil {
		return w.err
	}
	f := w.shards[w.next]
	if w.next++; w.next == len(w.shards) {
		w.next = 0
	}
	if err := f.write(v); err != nil {
		w.err = w.wrap(f, err)
	}
	return w.err
}

func (w *writer[T]) wrap(f *shardFile[T], err error) error {
	return fmt.Errorf("%s: writing %s: %w", w.name, w.names.path(f.final()), err)
}

func (w *writer[T]) Prepare(context.Context) ([]byte, error) {
	c := committable{Replaced: w.replaced}
	for _, f := range w.shards {
		if w.err != nil {
			break
		}
		p, err := f.prepare()
		if err != nil {
			w.err = w.wrap(f, err)
		} else if p != (preparedFile{}) {
			c.Files = append(c.Files, p)
		}
	}
	if w.err == nil && len(c.Files)+len(c.Replaced) == 0 {
		return nil, nil
	}
	if w.err == nil {
		if err := syncDir(w.names.dir); err != nil {
			w.err = fmt.Errorf("%s: %w", w.name, err)
		}
	}
	if w.err != nil { // nobody will hear of these
		return nil, errors.Join(w.err, c.removeTemporary(w.names))
	}
	w.replaced = nil
	return c.encode(), nil
}

func (w *writer[T]) Close() error {
	var errs []error
	for _, f := range w.shards {
		if f.out != nil {
			errs = append(errs, f.out.discard())
			f.out = nil
		}
	}
	if w.err == nil {
		w.err = fmt.Errorf("%s: the writer was closed", w.name)
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("%s: removing what was not prepared: %w", w.name, err)
	}
	return nil
}

// A shardFile writes the parts of one shard.
type shardFile[T any] struct {
	sink      *Sink[T]
	names     names
	shard, of int
	encode    Encoder[T]
	owner     string
	buf       []byte // encoded and not written
	out       *part  // nil between a prepare and the next write
	part      int    // number of the part that out is, or will be
}

func (f *shardFile[T]) final() string { return f.names.final(f.shard, f.of, f.part) }

func (f *shardFile[T]) begin() (err error) {
	f.out, err = create(f.names, temporary(f.final(), f.owner), f.sink.compression())
	f.buf = append(f.buf[:0], f.sink.Header...)
	return err
}

func (f *shardFile[T]) write(v *T) (err error) {
	if f.out == nil {
		if err := f.begin(); err != nil {
			return err
		}
	}
	if f.buf, err = f.encode(f.buf, v); err != nil {
		return err
	}
	if len(f.buf) >= bufferBytes {
		return f.flush()
	}
	return nil
}

func (f *shardFile[T]) flush() error {
	_, err := f.out.content.Write(f.buf)
	f.buf = f.buf[:0]
	return err
}

// prepare ends the part; what it returns is zero if there is none.
func (f *shardFile[T]) prepare() (preparedFile, error) {
	// Where the number of files was asked for, each is made, if only with a header.
	if f.out == nil && f.part == 0 && f.sink.Options.Shards > 0 {
		if err := f.begin(); err != nil {
			return preparedFile{}, err
		}
	}
	if f.out == nil {
		return preparedFile{}, nil
	}
	if err := f.flush(); err != nil {
		return preparedFile{}, err
	}
	if err := f.out.finish(); err != nil {
		return preparedFile{}, err
	}
	p := preparedFile{stored.Path(f.out.name), stored.Path(f.final()), f.out.stored.size, f.out.stored.sum}
	f.out = nil
	f.part++
	return p, nil
}

// A part is a file that is being written.
type part struct {
	name, path string
	content    io.Writer
	compressor io.Closer // nil if there is none
	stored     checksummed
}

func create(n names, name string, format compression.Format) (*part, error) {
	f, err := os.OpenFile(n.path(name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return nil, err
	}
	p := &part{name: name, path: n.path(name), stored: checksummed{file: f}}
	switch format {
	case compression.Gzip:
		z := gzip.NewWriter(&p.stored)
		p.content, p.compressor = z, z
	case compression.Zstd:
		z, err := zstd.NewWriter(&p.stored, zstd.WithEncoderConcurrency(1), zstd.WithZeroFrames(true))
		if err != nil {
			return nil, errors.Join(err, p.discard())
		}
		p.content, p.compressor = z, z
	default:
		p.content = &p.stored
	}
	return p, nil
}

// finish makes the part durable under its hidden name.
func (p *part) finish() error {
	if p.compressor != nil {
		if err := p.compressor.Close(); err != nil {
			return err
		}
	}
	if err := p.stored.file.Sync(); err != nil {
		return err
	}
	return p.stored.file.Close()
}

// discard removes the part.
func (p *part) discard() error {
	p.stored.file.Close() // what it holds is not wanted
	err := os.Remove(p.path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// A checksummed file knows what was written to it.
type checksummed struct {
	file *os.File
	size int64
	sum  uint32
}

func (c *checksummed) Write(b []byte) (int, error) {
	n, err := c.file.Write(b)
	c.size += int64(n)
	c.sum = crc32.Update(c.sum, castagnoli, b[:n])
	return n, err
}

// makeDir makes dir and those above it, durably.
func makeDir(dir string) error {
	var made []string
	for d := dir; ; d = filepath.Dir(d) {
		if _, err := os.Stat(d); !errors.Is(err, fs.ErrNotExist) || d == filepath.Dir(d) {
			break
		}
		made = append(made, d)
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	for _, d := range made {
		if err := syncDir(filepath.Dir(d)); err != nil {
			return err
		}
	}
	return nil
}

// syncDir makes the names in dir durable, where the system has a way to.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
