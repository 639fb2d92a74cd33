package checkpoint

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/sink"
	"github.com/millrace/millrace/model/source"
)

// Format is the format of manifests that this version writes, and the newest that
// it reads.
const Format = 2

// A Manifest says what a checkpoint is of, and lists its files. [Store.Commit] sets
// Format, KeyGroups and Files.
type Manifest struct {
	Format int
	// ID numbers the checkpoints of a directory upwards.
	ID uint64
	// Savepoint is the name of a checkpoint that is kept until somebody removes it;
	// "" for those that make room for newer ones.
	Savepoint string
	Created   time.Time
	// Transforms are those of the pipeline. The package does not look into them.
	Transforms []Transform
	KeyGroups  int
	Cells      []Cell
	Stages     []Stage
	Sources    []Source
	Sinks      []Sink
	// Finished says that the pipeline was done.
	Finished bool
	Files    []File
}

// A Transform is what was known of a transform.
type Transform struct {
	Name, Kind string
	// Windows are those that a grouping is done in.
	Windows string
	// Site is the line that made it.
	Site string
	// Description is what a source reads, or a sink writes to; "" if that is not known.
	Description string
}

// A Cell is a declaration of cells whose keys begin with ID. Schemas are those that
// its values may have, oldest first; the package does not look into them.
type Cell struct {
	ID      uint32
	Name    string
	Schemas []string
}

// A Stage is how far a stage was.
type Stage struct {
	Name                string
	Watermark, Out, Now model.Timestamp
}

// A Source is what a source still has to read.
type Source struct {
	Name   string
	Splits []source.Split
}

// A Sink is what a sink has prepared, and will commit once the checkpoint is durable.
type Sink struct {
	Name     string
	Prepared []sink.Committable
}

// A File is a file of the checkpoint. Sum is the SHA-256 of those that are not
// tables: tables have checksums of their own, by the block.
type File struct {
	Name string
	Size int64
	Sum  string
}

// An encodedManifest is how a Manifest is written. It is apart from the types of
// other packages, so that a change of theirs is not one of the format.
type encodedManifest struct {
	Format     int                `json:"format"`
	ID         uint64             `json:"id"`
	Savepoint  string             `json:"savepoint,omitempty"`
	Created    time.Time          `json:"created"`
	KeyGroups  int                `json:"keyGroups"`
	Finished   bool               `json:"finished,omitempty"`
	Transforms []encodedTransform `json:"transforms"`
	Stages     []encodedStage     `json:"stages"`
	Sources    []encodedSource    `json:"sources"`
	Sinks      []encodedSink      `json:"sinks"`
	Cells      []encodedCell      `json:"cells"`
	Files      []encodedFile      `json:"files"`
}

type encodedTransform struct {
	Name    text `json:"name"`
	Kind    text `json:"kind"`
	Windows text `json:"windows,omitempty"`
	Site    text `json:"site,omitempty"`

	Description text `json:"description,omitempty"`
}

type encodedCell struct {
	ID      uint32 `json:"id"`
	Name    text   `json:"name"`
	Schemas []text `json:"schemas"`
}

type encodedStage struct {
	Name      text            `json:"name"`
	Watermark model.Timestamp `json:"watermark"`
	Out       model.Timestamp `json:"out"`
	Now       model.Timestamp `json:"now"`
}

type encodedSource struct {
	Name   text           `json:"name"`
	Splits []encodedSplit `json:"splits"`
}

type encodedSplit struct {
	ID       text   `json:"id"`
	Position []byte `json:"position"`
	Size     int64  `json:"size"`
}

type encodedSink struct {
	Name     text              `json:"name"`
	Prepared []encodedPrepared `json:"prepared"`
}

type encodedPrepared struct {
	Index   int    `json:"index"`
	Of      int    `json:"of"`
	Resumed bool   `json:"resumed,omitempty"`
	Data    []byte `json:"data"`
}

type encodedFile struct {
	Name string `json:"name"`
	Size int64  `json:"size"`
	Sum  string `json:"sum,omitempty"`
}

// text is a string of any bytes, as a name of a file may be: one that is not UTF-8
// is written as its bytes.
type text string

type textBytes struct {
	Bytes []byte `json:"bytes"`
}

func (t text) MarshalJSON() ([]byte, error) {
	if utf8.ValidString(string(t)) {
		return json.Marshal(string(t))
	}
	return json.Marshal(textBytes{[]byte(t)})
}

func (t *text) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '{' {
		var raw textBytes
		err := json.Unmarshal(b, &raw)
		*t = text(raw.Bytes)
		return err
	}
	return json.Unmarshal(b, (*string)(t))
}

// each maps a slice, nil to nil.
func each[A, B any](in []A, f func(A) B) []B {
	if in == nil {
		return nil
	}
	out := make([]B, len(in))
	for i, a := range in {
		out[i] = f(a)
	}
	return out
}

// encode is m as it is written: JSON, with the sum of all that is before it at its
// end.
func (m *Manifest) encode() ([]byte, error) {
	b, err := json.MarshalIndent(encodedManifest{
		Format: m.Format, ID: m.ID, Savepoint: m.Savepoint, Created: m.Created, KeyGroups: m.KeyGroups, Finished: m.Finished,
		Transforms: each(m.Transforms, func(t Transform) encodedTransform {
			return encodedTransform{text(t.Name), text(t.Kind), text(t.Windows), text(t.Site), text(t.Description)}
		}),
		Stages: each(m.Stages, func(s Stage) encodedStage { return encodedStage{text(s.Name), s.Watermark, s.Out, s.Now} }),
		Sources: each(m.Sources, func(s Source) encodedSource {
			return encodedSource{text(s.Name), each(s.Splits, func(s source.Split) encodedSplit {
				return encodedSplit{text(s.ID), s.Position, s.Size}
			})}
		}),
		Sinks: each(m.Sinks, func(s Sink) encodedSink {
			return encodedSink{text(s.Name), each(s.Prepared, func(c sink.Committable) encodedPrepared {
				return encodedPrepared{c.Shard.Index, c.Shard.Of, c.Shard.Resumed, c.Data}
			})}
		}),
		Cells: each(m.Cells, func(c Cell) encodedCell {
			return encodedCell{c.ID, text(c.Name), each(c.Schemas, func(s string) text { return text(s) })}
		}),
		Files: each(m.Files, func(f File) encodedFile { return encodedFile(f) }),
	}, "", "  ")
	if err != nil {
		return nil, err
	}
	b = bytes.TrimSuffix(b, []byte("\n}"))
	return append(b, seal(b)...), nil
}

// seal is how a manifest ends that begins with body.
func seal(body []byte) string {
	return ",\n  \"sha256\": \"" + sum(body) + "\"\n}\n"
}

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

var sealLen = len(seal(nil))

// sealOf is the checksum at the end of an encoded manifest.
func sealOf(b []byte) string {
	return string(b[len(b)-len("\"\n}\n")-hex.EncodedLen(sha256.Size) : len(b)-len("\"\n}\n")])
}

// decode is the manifest that b holds. That of another format is an
// [ErrNewer].
func decode(b []byte) (*Manifest, error) {
	if len(b) < sealLen {
		return nil, fmt.Errorf("its manifest is cut short: %d bytes", len(b))
	}
	body, end := b[:len(b)-sealLen], b[len(b)-sealLen:]
	if string(end) != seal(body) {
		return nil, errors.New("its manifest is damaged: its checksum does not hold")
	}
	var head struct{ Format int }
	if err := json.Unmarshal(b, &head); err != nil {
		return nil, fmt.Errorf("its manifest is damaged: %w", err)
	}
	if head.Format < Format {
		return nil, fmt.Errorf("%w: it has format %d, and this one reads format %d", ErrOlder, head.Format, Format)
	}
	if head.Format > Format {
		return nil, fmt.Errorf("%w: it has format %d, and this one reads formats up to %d", ErrNewer, head.Format, Format)
	}
	var e encodedManifest
	if err := json.Unmarshal(b, &e); err != nil {
		return nil, fmt.Errorf("its manifest is damaged: %w", err)
	}
	return &Manifest{
		Format: e.Format, ID: e.ID, Savepoint: e.Savepoint, Created: e.Created, KeyGroups: e.KeyGroups, Finished: e.Finished,
		Transforms: each(e.Transforms, func(t encodedTransform) Transform {
			return Transform{string(t.Name), string(t.Kind), string(t.Windows), string(t.Site), string(t.Description)}
		}),
		Stages: each(e.Stages, func(s encodedStage) Stage { return Stage{string(s.Name), s.Watermark, s.Out, s.Now} }),
		Sources: each(e.Sources, func(s encodedSource) Source {
			return Source{string(s.Name), each(s.Splits, func(s encodedSplit) source.Split {
				return source.Split{ID: string(s.ID), Position: s.Position, Size: s.Size}
			})}
		}),
		Sinks: each(e.Sinks, func(s encodedSink) Sink {
			return Sink{string(s.Name), each(s.Prepared, func(c encodedPrepared) sink.Committable {
				return sink.Committable{Shard: sink.Shard{Index: c.Index, Of: c.Of, Resumed: c.Resumed}, Data: c.Data}
			})}
		}),
		Cells: each(e.Cells, func(c encodedCell) Cell {
			return Cell{c.ID, string(c.Name), each(c.Schemas, func(s text) string { return string(s) })}
		}),
		Files: each(e.Files, func(f encodedFile) File { return File(f) }),
	}, nil
}
