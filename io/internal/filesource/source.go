package filesource

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/millrace/millrace/io/compression"
	"github.com/millrace/millrace/io/internal/stored"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
)

// Options say how files are found, cut and read.
type Options struct {
	Compression   compression.Format
	AllowNoFiles  bool
	MaxLineBytes  int   // 0 means DefaultMaxLineBytes
	MinSplitBytes int64 // 0 means DefaultMinSplitBytes
	// Whole says that files are not to be cut.
	Whole bool
}

const (
	DefaultMaxLineBytes  = 16 << 20
	DefaultMinSplitBytes = 1 << 20
	// leastSplitBytes keeps the byte order mark and the first byte of content in
	// one split, the first.
	leastSplitBytes = 16
)

// A Decoder makes elements of the lines of one split. It is called with max and
// emit as the Read of [source.Reader] is, and returns io.EOF at the end of the
// split. Between calls, the cursor stands where the next element starts.
type Decoder[T any] func(max int, emit func(*T, model.Timestamp)) error

// A Source is a source of what decoders make of files. It is immutable.
type Source[T any] struct {
	// Name begins error messages: "textio".
	Name    string
	Pattern string
	Options Options
	// Format says what elements are made of the files, and "" that it is lines.
	Format string
	// Check, if set, looks at all files before any is read.
	Check func(context.Context, []File) error
	// Decoder makes the decoder of a split that was opened.
	Decoder func(context.Context, *Input) (Decoder[T], error)
	// Err is what is wrong with the source that made this one.
	Err error
}

func (s *Source[T]) Validate() error {
	var errs []error
	if s.Err != nil {
		errs = append(errs, s.Err)
	}
	if s.Pattern == "" {
		errs = append(errs, errors.New("the pattern of the files to read is empty"))
	}
	if !s.Options.Compression.Valid() {
		errs = append(errs, fmt.Errorf("%v is no compression; take one of package compression", s.Options.Compression))
	}
	if s.Options.MaxLineBytes < 0 || s.Options.MinSplitBytes < 0 {
		errs = append(errs, errors.New("a limit in bytes is negative; 0 means the default"))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("%s: %w", s.Name, err)
	}
	return nil
}

func (s *Source[T]) String() string { return s.Pattern }

// Describe implements [source.Described].
func (s *Source[T]) Describe() string { return describe(s.Pattern, s.Options.Compression, s.Format) }

// Moves implements [source.Movable].
func (s *Source[T]) Moves() bool { return true }

// Moved implements [source.Movable].
func (s *Source[T]) Moved(split source.Split) (source.Split, error) {
	split, err := movedTo(s.Pattern, split)
	if err != nil {
		err = fmt.Errorf("%s: %w", s.Name, err)
	}
	return split, err
}

func (s *Source[T]) Bounded() bool { return true }

func (s *Source[T]) Splits(ctx context.Context, hint int) ([]source.Split, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	files, err := s.files(ctx)
	if err == nil && s.Check != nil {
		err = s.Check(ctx, files)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.Name, err)
	}
	var total int64
	for _, f := range files {
		total += f.Size
	}
	share := max(s.minSplit(), total/int64(max(hint, 1)))
	var splits []source.Split
	for _, f := range files {
		splits = append(splits, s.cut(f, share)...)
	}
	return splits, nil
}

func (s *Source[T]) files(ctx context.Context) ([]File, error) {
	paths, err := Expand(s.Pattern)
	if err != nil {
		return nil, err
	}
	if len(paths) == 0 && !s.Options.AllowNoFiles {
		if _, err := os.Lstat(s.Pattern); err == nil {
			return nil, fmt.Errorf("no file matches %q, but one has this very name; escape its special characters with a backslash", s.Pattern)
		}
		return nil, fmt.Errorf("no file matches %q; correct the pattern, or set AllowNoFiles if that is no mistake", s.Pattern)
	}
	files := make([]File, len(paths))
	for i, path := range paths {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if files[i], err = Examine(path, s.Options.Compression); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// cut cuts f into about equal ranges of at least share bytes.
func (s *Source[T]) cut(f File, share int64) []source.Split {
	if f.Size == 0 {
		return nil
	}
	n := int64(1)
	if f.Format == compression.None && !s.Options.Whole {
		n = max(f.Size/share, 1)
	}
	splits := make([]source.Split, n)
	for i := range n {
		// Without multiplying the size, which could overflow.
		from, to := f.Size/n*i+f.Size%n*i/n, f.Size/n*(i+1)+f.Size%n*(i+1)/n
		p := f.all()
		p.Start, p.End, p.Offset = from, to, from
		if from > 0 {
			p.Line = unknownLine
		}
		splits[i] = source.Split{ID: f.Path, Position: p.encode(), Size: to - from}
		if n > 1 {
			splits[i].ID = rangeID(p.Path, from, to)
		}
	}
	return splits
}

// rangeID is the ID of the split that is a part of a file. Of all that a file is cut
// into, before it is read and while it is, no two begin at the same place.
func rangeID(path stored.Path, from, to int64) string {
	return fmt.Sprintf("%s[%d:%d]", path, from, to)
}

func (s *Source[T]) minSplit() int64 {
	if s.Options.MinSplitBytes == 0 {
		return DefaultMinSplitBytes
	}
	return max(s.Options.MinSplitBytes, leastSplitBytes)
}

func (s *Source[T]) maxLine() int {
	if s.Options.MaxLineBytes == 0 {
		return DefaultMaxLineBytes
	}
	return s.Options.MaxLineBytes
}

func (s *Source[T]) Open(ctx context.Context, split source.Split) (source.Reader[T], error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	r, err := s.open(ctx, split)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.Name, err)
	}
	return r, nil
}

func (s *Source[T]) open(ctx context.Context, split source.Split) (*reader[T], error) {
	p, err := decodePosition(split.Position)
	if err != nil {
		return nil, err
	}
	in, err := openInput(ctx, p, s.maxLine(), bufferBytes)
	if err != nil {
		return nil, err
	}
	decode, err := s.Decoder(ctx, in)
	if err != nil {
		in.Close()
		return nil, err
	}
	return &reader[T]{source: s, id: split.ID, in: in, decode: decode}, nil
}
