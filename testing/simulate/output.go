package simulate

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/millrace/millrace/internal/drive"
	"github.com/millrace/millrace/internal/engine"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/coder"
	"github.com/millrace/millrace/model/sink"
)

// A Result is an element that a sink has committed.
type Result[T any] struct {
	Value     T
	Timestamp model.Timestamp
	Window    model.Window
	Pane      model.Pane
}

// An OutputOption says what of an [Output] must be as in an undisturbed run.
type OutputOption[T any] func(*committing[T])

// Output writes c to a sink in two phases, PCollection[T] -> nothing, on the disk of the
// simulation. What it has committed in the end is compared with that of an undisturbed
// run: every element with its timestamp and window, as often as it came, less its
// retractions. Elements must have a coder, and what has no order in them, such as the
// values of a group, be sorted.
//
// Without retractions, panes that come before the end of a window depend on when
// things happen: see [Latest] and [Reduce].
func Output[T any](c model.PCollection[T], opts ...OutputOption[T]) {
	s := &committing[T]{reduce: net[T]}
	for _, o := range opts {
		o(s)
	}
	var err error
	if s.coder, err = coder.For[Result[T]](); err != nil {
		err = fmt.Errorf("simulate.Output needs to encode its elements: %w", err)
	}
	n := c.Pipeline().Add(model.Definition{
		Kind: "Output", Class: model.Fused, Inputs: []model.Input{c}, Err: err,
		Spec: &outputSpec[T]{engine.WriteSpec[T]{Sink: s}, s},
	})
	if n != nil {
		s.name = n.Name
	}
}

// Latest compares the last pane of each window and key alone, where those before it
// depend on when things happen: of accumulating panes.
func Latest[T any](key func(T) string) OutputOption[T] {
	return Reduce(func(results []Result[T]) (lines []string) {
		latest := map[string]Result[T]{}
		for _, r := range results {
			k := fmt.Sprint(r.Window, " ", key(r.Value))
			if last, ok := latest[k]; !ok || last.Pane.Index < r.Pane.Index {
				latest[k] = r
			}
		}
		for k, r := range latest {
			lines = append(lines, fmt.Sprint(k, ": ", r.Value))
		}
		return lines
	})
}

// Reduce compares what f says of the results, which come in no particular order; nor
// does the order of its lines count. It is for outputs of which only part, or a sum, does not
// depend on when things happen.
func Reduce[T any](f func(results []Result[T]) []string) OutputOption[T] {
	return func(s *committing[T]) { s.reduce = f }
}

// net is each result as often as it came, less how often it was taken back.
func net[T any](results []Result[T]) (lines []string) {
	count := map[string]int{}
	for _, r := range results {
		n := 1
		if r.Pane.Retraction {
			n = -1
		}
		count[fmt.Sprintf("%v at %v in %v", r.Value, r.Timestamp, r.Window)] += n
	}
	for line, n := range count {
		for range n {
			lines = append(lines, line)
		}
		for range -n {
			lines = append(lines, "taken back, and never said: "+line)
		}
	}
	return lines
}

// An outputSpec is the spec of an Output, by which the simulation finds it.
type outputSpec[T any] struct {
	engine.WriteSpec[T]
	sink *committing[T]
}

// An output is what a simulation reads in the end.
type output interface {
	committed(fs vfs.FS) (name string, lines []string, err error)
}

func (s *outputSpec[T]) output() output { return s.sink }

// A committing sink keeps each thing that was prepared in a file, which Commit renames.
type committing[T any] struct {
	name   string
	coder  *coder.Coder[Result[T]]
	reduce func([]Result[T]) []string
}

const (
	outputsDir = "/outputs"
	prepared   = ".prepared" // is how the names of files end that are not committed
)

func (s *committing[T]) dir() string { return outputsDir + "/" + strings.ReplaceAll(s.name, "/", "_") }

// Open implements [sink.Sink].
func (s *committing[T]) Open(ctx context.Context, shard sink.Shard) (sink.Writer[T], error) {
	d := drive.From(ctx)
	if d == nil {
		return nil, errors.New("simulate.Output is written by simulate.Run only; leave it out of other pipelines")
	}
	err := d.FS().MkdirAll(s.dir(), 0o755)
	for _, dir := range []string{"/", outputsDir, s.dir()} {
		if err == nil {
			err = syncDir(d.FS(), dir)
		}
	}
	return &committer[T]{sink: s, fs: d.FS(), shard: shard}, err
}

// Commit implements [sink.Sink].
func (s *committing[T]) Commit(ctx context.Context, list []sink.Committable) error {
	fs := drive.From(ctx).FS()
	for _, c := range list {
		name := s.dir() + "/" + string(c.Data)
		err := fs.Rename(name+prepared, name)
		if err == nil {
			continue
		}
		if _, statErr := fs.Stat(name); statErr == nil {
			continue // by an earlier Commit
		}
		if errors.Is(err, os.ErrNotExist) {
			err = fmt.Errorf("%s is to be committed, and is neither prepared nor committed: %w", name, err)
		}
		return err
	}
	return syncDir(fs, s.dir())
}

// Abort implements [sink.Sink].
func (s *committing[T]) Abort(ctx context.Context, list []sink.Committable) error {
	fs := drive.From(ctx).FS()
	for _, c := range list {
		if err := fs.Remove(s.dir() + "/" + string(c.Data) + prepared); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// committed reads what was.
func (s *committing[T]) committed(fs vfs.FS) (name string, lines []string, err error) {
	files, err := fs.List(s.dir())
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return s.name, nil, err
	}
	var results []Result[T]
	for _, file := range files {
		if strings.HasSuffix(file, prepared) {
			continue
		}
		rest := read(fs, s.dir()+"/"+file)
		for len(rest) > 0 {
			n, w := binary.Uvarint(rest)
			if w <= 0 || uint64(len(rest)-w) < n {
				return s.name, nil, fmt.Errorf("the committed file %s of %s is cut short", file, s.name)
			}
			var r Result[T]
			if _, err := s.coder.Decode(rest[w:w+int(n)], &r); err != nil {
				return s.name, nil, err
			}
			results = append(results, r)
			rest = rest[w+int(n):]
		}
	}
	lines = s.reduce(results)
	slices.Sort(lines)
	return s.name, lines, nil
}

// A committer writes a shard.
type committer[T any] struct {
	sink  *committing[T]
	fs    vfs.FS
	shard sink.Shard
	buf   []byte
	one   []byte
}

// Write implements [sink.Writer].
func (w *committer[T]) Write(_ context.Context, v *T, m *model.Meta) (err error) {
	r := Result[T]{*v, m.Timestamp, m.Window, m.Pane}
	if w.one, err = w.sink.coder.Append(w.one[:0], &r); err != nil {
		return err
	}
	w.buf = append(binary.AppendUvarint(w.buf, uint64(len(w.one))), w.one...)
	return nil
}

// Prepare implements [sink.Writer].
func (w *committer[T]) Prepare(context.Context) ([]byte, error) {
	if len(w.buf) == 0 {
		return nil, nil
	}
	files, err := w.fs.List(w.sink.dir())
	if err != nil {
		return nil, err
	}
	name := fmt.Sprintf("%06d-%d", nextNumber(files), w.shard.Index)
	path := w.sink.dir() + "/" + name + prepared
	f, err := w.fs.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return nil, err
	}
	_, err = f.Write(slices.Clone(w.buf))
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = syncDir(w.fs, w.sink.dir())
	}
	if err != nil {
		return nil, err
	}
	w.buf = w.buf[:0]
	return []byte(name), nil
}

// nextNumber is one that none of the files has.
func nextNumber(files []string) (n int) {
	for _, f := range files {
		var i int
		if _, err := fmt.Sscanf(f, "%06d-", &i); err == nil {
			n = max(n, i+1)
		}
	}
	return n
}

// Close implements [sink.Writer].
func (w *committer[T]) Close() error { return nil }

func syncDir(fs vfs.FS, path string) error {
	f, err := fs.OpenDir(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
