package textio

import (
	"context"

	"github.com/millrace/millrace/io/compression"
	"github.com/millrace/millrace/io/internal/filesource"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
	"github.com/millrace/millrace/transforms"
)

// Options say how files are read. The zero Options suit most.
type Options struct {
	// Compression is how the files are compressed. Auto tells by the first bytes
	// of each, and fails where they contradict its name.
	Compression compression.Format
	// AllowNoFiles makes a pattern that matches no file an empty input. Otherwise
	// it is an error.
	AllowNoFiles bool
	// MaxLineBytes is the longest line that is accepted, its "\n" not counted; a
	// longer one is an error. It bounds the memory of a reader. 0 means 16 MiB.
	MaxLineBytes int
	// MinSplitBytes is the least that a piece of a file is worth being read by a
	// reader of its own. 0 means 1 MiB.
	MinSplitBytes int64
}

func (o Options) files() filesource.Options {
	return filesource.Options{
		Compression: o.Compression, AllowNoFiles: o.AllowNoFiles,
		MaxLineBytes: o.MaxLineBytes, MinSplitBytes: o.MinSplitBytes,
	}
}

// Read reads the lines of the files that match pattern, as [Source] describes.
func Read(p *model.Pipeline, pattern string, opts Options, more ...model.Option) model.PCollection[string] {
	return transforms.Read(p, Source(pattern, opts), more...)
}

// ReadLines is [Read] with the file and the offset of each line.
func ReadLines(p *model.Pipeline, pattern string, opts Options, more ...model.Option) model.PCollection[Line] {
	return transforms.Read(p, LineSource(pattern, opts), more...)
}

// A Line is a line with where it comes from.
type Line struct {
	Text string
	// File is the path by which the file was found.
	File string
	// Offset is where the line starts, in bytes of content: for a compressed file,
	// after decompression.
	Offset int64
}

// Source is the lines of the files that match pattern.
//
// In the pattern, "*", "?" and "[a-z]" match within one name, as in
// [path/filepath.Match], and "**" matches any number of folders. A leading dot
// must be matched by a dot.
//
// Plain files are cut into pieces that are read at the same time. A compressed
// file is one piece, and resuming in it costs decompressing again what was read
// of it. Lines have no event time; [source.WithEventTime] gives them one.
//
// Each line is a string of its own, one allocation.
func Source(pattern string, opts Options) source.Source[string] {
	return &filesource.Source[string]{
		Name: "textio", Pattern: pattern, Options: opts.files(),
		Decoder: func(_ context.Context, in *filesource.Input) (filesource.Decoder[string], error) {
			var text string // one for all, since emit is given its address
			return func(max int, emit func(*string, model.Timestamp)) error {
				for range max {
					line, err := in.Line()
					if err != nil {
						return err
					}
					text = string(line)
					emit(&text, model.MinTimestamp)
				}
				return nil
			}, nil
		},
	}
}

// LineSource is [Source] with the file and the offset of each line.
func LineSource(pattern string, opts Options) source.Source[Line] {
	return &filesource.Source[Line]{
		Name: "textio", Pattern: pattern, Options: opts.files(),
		Decoder: func(_ context.Context, in *filesource.Input) (filesource.Decoder[Line], error) {
			var l Line
			return func(max int, emit func(*Line, model.Timestamp)) error {
				for range max {
					line, err := in.Line()
					if err != nil {
						return err
					}
					l = Line{string(line), in.File.Path, in.Start()}
					emit(&l, model.MinTimestamp)
				}
				return nil
			}, nil
		},
	}
}
