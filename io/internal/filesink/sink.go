package filesink

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/millrace/millrace/io/compression"
	"github.com/millrace/millrace/io/internal/stored"
	"github.com/millrace/millrace/model/sink"
)

// Options say what files are made.
type Options struct {
	Suffix      string
	Shards      int
	Compression compression.Format
	Overwrite   bool
}

// An Encoder appends the encoding of an element to dst.
type Encoder[T any] func(dst []byte, v *T) ([]byte, error)

// A Sink puts what encoders make of elements in files. It is immutable.
type Sink[T any] struct {
	// Name begins error messages: "textio".
	Name    string
	Path    string
	Options Options
	// Format says how elements are written, and "" that it is as lines.
	Format string
	// Header is what each file begins with.
	Header []byte
	// Encoder makes the encoder of one writer.
	Encoder func() Encoder[T]
	// Err is what is wrong with the sink that made this one.
	Err error
}

func (s *Sink[T]) Validate() error {
	o := s.Options
	var errs []error
	if s.Err != nil {
		errs = append(errs, s.Err)
	}
	if base := filepath.Base(s.Path); s.Path == "" || !plain(base) || os.IsPathSeparator(s.Path[len(s.Path)-1]) {
		errs = append(errs, fmt.Errorf("the path %q of the files to write does not end in a name", s.Path))
	} else if strings.HasPrefix(base, ".") {
		errs = append(errs, fmt.Errorf("the path %q of the files to write has a hidden name; those are taken for files that are not complete", s.Path))
	}
	if strings.ContainsAny(o.Suffix, "/\x00"+string(os.PathSeparator)) {
		errs = append(errs, fmt.Errorf("the suffix %q cannot be part of a file name", o.Suffix))
	}
	if o.Shards < 0 || o.Shards > maxShards {
		errs = append(errs, fmt.Errorf("%d shards: it takes between 1 and %d, or 0 to leave the number to the runner", o.Shards, maxShards))
	}
	if !o.Compression.Valid() {
		errs = append(errs, fmt.Errorf("%v is no compression; take one of package compression", o.Compression))
	}
	if name := compression.ForeignName(s.String()); name != "" && o.Compression == compression.Auto {
		errs = append(errs, fmt.Errorf("%s is named like %s data, which cannot be written; gzip (.gz) and zstd (.zst) can: change the name, or set Compression", s, name))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("%s: %w", s.Name, err)
	}
	return nil
}

const maxShards = 99_999

func (s *Sink[T]) String() string { return s.Path + s.Options.Suffix }

// Target implements [sink.Exclusive]: the path of the files, as far as it is known
// without looking at the disk.
func (s *Sink[T]) Target() string {
	if s.Path == "" {
		return ""
	}
	path, err := filepath.Abs(s.Path)
	if err != nil {
		path = filepath.Clean(s.Path)
	}
	return path + s.Options.Suffix
}

// Describe implements [sink.Described]: where the files are, and of what kind.
func (s *Sink[T]) Describe() string {
	if s.Path == "" {
		return ""
	}
	path, err := filepath.Abs(s.Path)
	if err != nil {
		path = filepath.Clean(s.Path)
	}
	switch s.Options.Shards {
	case 0:
		path += "-*" + s.Options.Suffix
	case 1:
		path += s.Options.Suffix
	default:
		path += fmt.Sprintf("-*-of-%05d%s", s.Options.Shards, s.Options.Suffix)
	}
	if c := s.compression(); c != compression.None {
		path += ", " + c.String()
	}
	if s.Format != "" {
		path += ", " + s.Format
	}
	return path
}

// Shards implements [sink.Sharded].
func (s *Sink[T]) Shards() int { return s.Options.Shards }

func (s *Sink[T]) Open(_ context.Context, shard sink.Shard) (sink.Writer[T], error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	w, err := s.open(shard)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.Name, err)
	}
	return w, nil
}

func (s *Sink[T]) open(shard sink.Shard) (*writer[T], error) {
	of := s.Options.Shards
	if of == 0 {
		of = shard.Of
	}
	if shard.Index < 0 || shard.Index >= shard.Of || shard.Of > of {
		return nil, fmt.Errorf("the runner opened writer %d of %d for the %d shards of %s; it must open no more than sink.Sharded says", shard.Index, shard.Of, of, s)
	}
	names := s.Options.names(s.Path)
	if err := makeDir(names.dir); err != nil {
		return nil, err
	}
	found, err := names.list()
	if err != nil {
		return nil, err
	}
	w := &writer[T]{name: s.Name, names: names}
	for i := shard.Index; i < of; i += shard.Of {
		f := &shardFile[T]{sink: s, names: names, shard: i, of: of, encode: s.Encoder(), owner: shard.Owner}
		if shard.Resumed {
			f.part = max(int(shard.FirstPrepare), names.nextPart(i, of, found))
		}
		w.shards = append(w.shards, f)
	}
	if !shard.Resumed {
		w.replaced, err = s.inTheWay(names, found)
	}
	if shard.Index > 0 {
		w.replaced = nil // the first writer sees to it
	}
	return w, err
}

// inTheWay is the output of an earlier run, which is to be replaced.
func (s *Sink[T]) inTheWay(names names, found []output) (list []replaced, err error) {
	for _, o := range found {
		if o.hidden {
			continue
		}
		if !s.Options.Overwrite {
			return nil, fmt.Errorf("%s is there already; remove it, write somewhere else, or set Overwrite to replace it", names.path(o.name))
		}
		info, err := os.Stat(names.path(o.name))
		if err != nil {
			return nil, err
		}
		list = append(list, replaced{stored.Path(o.name), info.Size(), info.ModTime().UnixNano()})
	}
	return list, nil
}

func (s *Sink[T]) compression() compression.Format {
	if s.Options.Compression == compression.Auto {
		return compression.OfName(s.String())
	}
	return s.Options.Compression
}
