package shipping

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/millrace/millrace/internal/checkpoint"
	"github.com/millrace/millrace/objectstore"
)

// A Shipped is a checkpoint in a bucket, that was whole when it was found.
type Shipped struct {
	prefix
	list *listed
	name string
	// Manifest is that of the checkpoint.
	Manifest *checkpoint.Manifest
	// SinksCommitted is as in [checkpoint.Inspection].
	SinksCommitted bool
}

// ParseURL parts the URL of a bucket from the checkpoint that its fragment names, by its
// number or its name as a savepoint: s3://bucket/flights#before-v2.
func ParseURL(url string) (bucket, which string) {
	bucket, which, _ = strings.Cut(url, "#")
	return bucket, which
}

// Find finds the newest checkpoint that is whole, or of those that which names. Passed,
// which may be nil, are those that were found and have turned out not to be whole.
func Find(ctx context.Context, b objectstore.Bucket, url, which string, keyGroups int, passed map[string]error, log *slog.Logger) (*Shipped, error) {
	s, err := find(ctx, prefix{b, url}, which, keyGroups, passed, log)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", url, err)
	}
	return s, nil
}

func find(ctx context.Context, p prefix, which string, keyGroups int, passed map[string]error, log *slog.Logger) (*Shipped, error) {
	id, err := p.identity(ctx)
	if err != nil {
		return nil, err
	}
	names, err := p.lists(ctx)
	if err != nil {
		return nil, err
	}
	sizes, err := p.objects(ctx)
	if err != nil {
		return nil, err
	}
	var broken []error
	for _, name := range names {
		if !wanted(name, which) {
			continue
		}
		err := passed[name]
		if err == nil {
			var s *Shipped
			s, err = p.open(ctx, name, sizes)
			if err == nil && s.list.ID != id {
				err = damaged{errors.New("it is of another state directory, and was copied there")}
			}
			if err == nil && s.Manifest.KeyGroups != keyGroups {
				return nil, fmt.Errorf("checkpoint %d: %w: its state is cut into %d and the pipeline asks for %d", s.Manifest.ID, checkpoint.ErrKeyGroups, s.Manifest.KeyGroups, keyGroups)
			}
			if err == nil {
				return s, nil
			}
			var damage damaged
			if !errors.As(err, &damage) {
				return nil, err
			}
			log.Warn("a shipped checkpoint is not whole; looking for the one before", "in", p.url, "checkpoint", name, "reason", err)
		}
		broken = append(broken, fmt.Errorf("%s: %w", name, err))
	}
	switch {
	case broken != nil:
		return nil, fmt.Errorf("%w:\n%w", checkpoint.ErrBroken, errors.Join(broken...))
	case which != "":
		return nil, fmt.Errorf("there is no checkpoint %s", which)
	case id == "":
		return nil, errors.New("there is nothing")
	}
	return nil, errors.New("there is no checkpoint yet")
}

// wanted reports whether a checkpoint is of those that which names.
func wanted(name, which string) bool {
	m := checkpointPattern.FindStringSubmatch(name)
	if which == "" || which == m[3] {
		return true
	}
	n, err := strconv.ParseUint(which, 10, 64)
	return err == nil && n == number(m[2])
}

// open reads what is known of a checkpoint without its tables.
func (p prefix) open(ctx context.Context, name string, sizes map[string]int64) (*Shipped, error) {
	l, err := p.list(ctx, name)
	if err != nil {
		return nil, err
	}
	if err := l.whole(sizes); err != nil {
		return nil, err
	}
	s := &Shipped{prefix: p, list: l, name: name, SinksCommitted: l.Committed}
	r, err := s.file(ctx, checkpoint.ManifestName)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(r)
	if err = errors.Join(err, r.Close()); err != nil {
		return nil, err
	}
	s.Manifest, err = checkpoint.Decode(b)
	switch {
	case errors.Is(err, checkpoint.ErrNewer):
		return nil, fmt.Errorf("%s: %w; run the newer version", name, err)
	case errors.Is(err, checkpoint.ErrOlder):
		return nil, fmt.Errorf("%s: %w", name, err)
	case err != nil:
		return nil, damaged{err}
	case s.Manifest.ID != l.Checkpoint || s.Manifest.Savepoint != l.Savepoint:
		return nil, damaged{fmt.Errorf("its manifest is that of checkpoint %s", checkpoint.DirOf(s.Manifest))}
	}
	return s, nil
}

// file reads one of the files of s; what does not end well was not whole.
func (s *Shipped) file(ctx context.Context, name string) (io.ReadCloser, error) {
	for _, f := range s.list.Files {
		if f.Name != name {
			continue
		}
		r, err := s.Open(ctx, f.Object)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, damaged{fmt.Errorf("its file %s is missing, %s", name, f.Object)}
		}
		if err != nil {
			return nil, err
		}
		return struct {
			io.Reader
			io.Closer
		}{summed(r, name, f.Size, f.Sum), r}, nil
	}
	return nil, damaged{fmt.Errorf("its file %s is not in the list", name)}
}

// Name tells s from others in the bucket.
func (s *Shipped) Name() string { return s.name }

// CopyTo makes dir a state directory with that checkpoint alone, and with notes. All that
// is copied is checked; [Damaged] tells what is wrong with the checkpoint from other
// errors.
func (s *Shipped) CopyTo(ctx context.Context, fs vfs.FS, dir string, notes map[string][]byte) error {
	open := func(name string) (io.ReadCloser, error) { return s.file(ctx, name) }
	err := checkpoint.Transfer{Manifest: s.Manifest, SinksCommitted: s.SinksCommitted, Notes: notes, Open: open}.CopyTo(fs, dir)
	if err != nil {
		return fmt.Errorf("%s: %s: %w", s.url, s.name, err)
	}
	return nil
}

// Damaged reports whether err says that a checkpoint is not whole, which another may be.
func Damaged(err error) bool {
	var damage damaged
	return errors.As(err, &damage)
}

// A Listed is a checkpoint in a bucket.
type Listed struct {
	Name       string
	Checkpoint uint64
	Savepoint  string
	Created    time.Time
	Finished   bool
	Bytes      int64
	Err        error // why it is not whole
}

// List lists the checkpoints in a bucket, newest first.
func List(ctx context.Context, b objectstore.Bucket, url string) (all []Listed, err error) {
	p := prefix{b, url}
	defer func() {
		if err != nil {
			err = fmt.Errorf("%s: %w", url, err)
		}
	}()
	id, err := p.identity(ctx)
	if err == nil && id == "" {
		err = errors.New("there is nothing")
	}
	if err != nil {
		return nil, err
	}
	names, err := p.lists(ctx)
	if err != nil {
		return nil, err
	}
	sizes, err := p.objects(ctx)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		l, err := p.list(ctx, name)
		if err == nil {
			err = l.whole(sizes)
		}
		if err != nil && !Damaged(err) {
			return nil, err
		}
		one := Listed{Name: strings.TrimPrefix(name, checkpointsPrefix), Err: err}
		if l != nil {
			one.Checkpoint, one.Savepoint, one.Created, one.Finished = l.Checkpoint, l.Savepoint, l.Created, l.Finished
			for _, f := range l.Files {
				one.Bytes += f.Size
			}
		}
		all = append(all, one)
	}
	return all, nil
}

// Identity tells the checkpoints of one line from those of others: "" is none yet.
func Identity(ctx context.Context, b objectstore.Bucket, url string) (string, error) {
	id, err := prefix{b, url}.identity(ctx)
	if err != nil {
		return "", fmt.Errorf("%s: %w", url, err)
	}
	return id, nil
}

// Copy makes a prefix that has nothing yet hold that checkpoint alone.
func Copy(ctx context.Context, b objectstore.Bucket, url string, k *checkpoint.Kept, committed bool, o Options) error {
	s := NewShipper(b, url, o)
	err := s.vacant(ctx)
	if err == nil {
		err = s.claimFor(ctx, &noNotes{})
	}
	if err != nil {
		return s.wrap("copying to it", err)
	}
	_, err = s.Ship(ctx, k, committed)
	return err
}

// vacant is why there is no room for a checkpoint. What a Copy left that did not come to
// its list is no checkpoint.
func (p prefix) vacant(ctx context.Context) error {
	id, err := p.identity(ctx)
	if err != nil || id == "" {
		return err
	}
	names, err := p.lists(ctx)
	if err != nil {
		return err
	}
	if len(names) > 0 {
		return fmt.Errorf("it has checkpoints already, such as %s; name another prefix", names[0])
	}
	return errors.New("it belongs to a pipeline, or to a copy that was not finished; name another prefix, or remove what is there")
}

// noNotes are those of nobody.
type noNotes struct{ content []byte }

func (n *noNotes) Note(string) ([]byte, error)            { return n.content, nil }
func (n *noNotes) SetNote(_ string, content []byte) error { n.content = content; return nil }
