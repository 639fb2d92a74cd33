package textio

import (
	"fmt"
	"strings"

	"github.com/millrace/millrace/io/compression"
	"github.com/millrace/millrace/io/internal/filesink"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/sink"
	"github.com/millrace/millrace/transforms"
)

// WriteOptions say what files are written. The zero WriteOptions suit most.
type WriteOptions struct {
	// Suffix is what the names of the files end in, such as ".txt". There is none by
	// default.
	Suffix string
	// Shards is the number of files that are written at the same time. With 1 the name
	// of the file is the path and Suffix; with 0 the runner chooses how many.
	Shards int
	// Compression is how the files are compressed; Auto goes by their names.
	Compression compression.Format
	// Overwrite replaces the output of an earlier run when the first of the new one
	// is committed. Otherwise output that is there already is an error.
	Overwrite bool
}

func (o WriteOptions) files() filesink.Options {
	return filesink.Options{Suffix: o.Suffix, Shards: o.Shards, Compression: o.Compression, Overwrite: o.Overwrite}
}

// Write writes each string as a line of files named after path, as [Sink]
// describes.
func Write(c model.PCollection[string], path string, opts WriteOptions, more ...model.Option) {
	transforms.Write(c, Sink(path, opts), more...)
}

// Sink puts each string in a line of its own, in the files
//
//	<path>-00000-of-00004<suffix>
//
// and so on for each shard, or in <path><suffix> if Shards is 1. The folder is
// made if it is not there.
//
// A file appears, complete, when the runner commits it. In a run with
// checkpoints that is after each checkpoint with new lines, and from the second
// file of a shard on, names go on with a number: <path>-00000-of-00004-part-00001.
// With a number of Shards each file is made, empty if need be, at the first
// checkpoint; without it only files with lines are.
//
// A line cannot hold a "\n", which is an error. A "\r" at its end is written, and
// dropped by [Source] as part of the line's end.
func Sink(path string, opts WriteOptions) sink.Sink[string] {
	return &filesink.Sink[string]{
		Name: "textio", Path: path, Options: opts.files(),
		Encoder: func() filesink.Encoder[string] { return appendLine },
	}
}

func appendLine(dst []byte, v *string) ([]byte, error) {
	line := *v
	if i := strings.IndexByte(line, '\n'); i >= 0 {
		return dst, fmt.Errorf("the line %.40q has a line break at byte %d and would be read as two; split it before it is written", line, i)
	}
	return append(append(dst, line...), '\n'), nil
}
