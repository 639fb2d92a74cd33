package filesink

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"

	"github.com/millrace/millrace/io/internal/stored"
	"github.com/millrace/millrace/model/sink"
)

const committableVersion = 1

// A committable is what one Prepare made. Names are within the folder of the
// sink.
type committable struct {
	Version int            `json:"v"`
	Files   []preparedFile `json:"files,omitempty"`
	// Replaced is the output of an earlier run that is to go.
	Replaced []replaced `json:"replaced,omitempty"`
}

// A preparedFile is a file with a hidden name that is to get another.
type preparedFile struct {
	Temporary stored.Path `json:"temporary"`
	Final     stored.Path `json:"final"`
	// Size and Checksum (CRC-32C) are of the file as stored.
	Size     int64  `json:"size"`
	Checksum uint32 `json:"crc32c"`
}

// A replaced file is removed only while it is the one that was found.
type replaced struct {
	Name     stored.Path `json:"name"`
	Size     int64       `json:"size"`
	Modified int64       `json:"modified"` // nanoseconds since the epoch
}

func (c committable) encode() []byte {
	c.Version = committableVersion
	return stored.Encode(c)
}

func decodeCommittable(b []byte, n names) (c committable, err error) {
	if err := stored.Decode("committable", b, committableVersion, &c); err != nil {
		return committable{}, err
	}
	if err := c.validate(n); err != nil {
		return committable{}, stored.Damaged("committable", b, err)
	}
	return c, nil
}

// validate checks that committing c touches the sink's own files only.
func (c committable) validate(n names) error {
	for _, r := range c.Replaced {
		if o, ok := n.parse(string(r.Name)); !ok || o.hidden {
			return fmt.Errorf("it would remove %q, which is no output of this sink (was its path or suffix changed?)", r.Name)
		}
	}
	for _, f := range c.Files {
		temporary, ok := n.parse(string(f.Temporary))
		final, also := n.parse(string(f.Final))
		if !ok || !also || !temporary.hidden || final.hidden || temporary.shard != final.shard || temporary.part != final.part {
			return fmt.Errorf("it would rename %q to %q, which this sink does not (was its path, suffix or number of shards changed?)", f.Temporary, f.Final)
		}
	}
	return nil
}

// Commit gives what was prepared its final names.
func (s *Sink[T]) Commit(_ context.Context, prepared []sink.Committable) error {
	if err := s.commit(prepared); err != nil {
		return fmt.Errorf("%s: committing %s: %w", s.Name, s, err)
	}
	return nil
}

func (s *Sink[T]) commit(prepared []sink.Committable) error {
	names, all, err := s.decode(prepared)
	if err != nil || len(all) == 0 {
		return err
	}
	final := map[stored.Path]bool{}
	for _, c := range all {
		for _, f := range c.Files {
			final[f.Final] = true
		}
	}
	for _, c := range all {
		for _, r := range c.Replaced {
			if final[r.Name] {
				continue // the rename replaces it
			}
			if err := r.remove(names); err != nil {
				return err
			}
		}
	}
	var gone sink.Gone
	for _, c := range all {
		for _, f := range c.Files {
			there, err := f.rename(names, s.Options.Overwrite)
			if err != nil {
				return err
			}
			if !there {
				gone.Things = append(gone.Things, names.path(string(f.Final)))
			}
		}
	}
	if err := syncDir(names.dir); err != nil {
		return err
	}
	if len(gone.Things) > 0 {
		return &gone
	}
	return nil
}

// Sweep implements [sink.Sweeper]: it removes the hidden files of the owner.
func (s *Sink[T]) Sweep(_ context.Context, owner string) (removed int, err error) {
	names := s.Options.names(s.Path)
	found, err := names.list()
	for _, o := range found {
		if err != nil || !o.hidden || o.owner != owner || owner == "" {
			continue
		}
		err = os.Remove(names.path(o.name))
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		removed++
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", s.Name, err)
	}
	return removed, err
}

// Abort removes what was prepared and not committed.
func (s *Sink[T]) Abort(_ context.Context, prepared []sink.Committable) error {
	names, all, err := s.decode(prepared)
	for _, c := range all {
		err = errors.Join(err, c.removeTemporary(names))
	}
	if err != nil {
		return fmt.Errorf("%s: removing what was prepared for %s: %w", s.Name, s, err)
	}
	return nil
}

func (c committable) removeTemporary(n names) error {
	var errs []error
	for _, f := range c.Files {
		if err := os.Remove(n.path(string(f.Temporary))); !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func (s *Sink[T]) decode(prepared []sink.Committable) (names, []committable, error) {
	if err := s.Validate(); err != nil {
		return names{}, nil, err
	}
	n := s.Options.names(s.Path)
	var all []committable
	for _, p := range prepared {
		if p.Data == nil {
			continue
		}
		c, err := decodeCommittable(p.Data, n)
		if err != nil {
			return n, nil, err
		}
		all = append(all, c)
	}
	return n, all, nil
}

func (r replaced) remove(n names) error {
	info, err := os.Stat(n.path(string(r.Name)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Size() != r.Size || info.ModTime().UnixNano() != r.Modified {
		return nil // another by now, and not ours to remove
	}
	return os.Remove(n.path(string(r.Name)))
}

// rename gives the file its final name, or finds that it has it. It returns false if the
// file has neither name.
func (f preparedFile) rename(n names, overwrite bool) (there bool, err error) {
	temporary, final := n.path(string(f.Temporary)), n.path(string(f.Final))
	info, err := os.Stat(temporary)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return f.committed(temporary, final)
	case err != nil:
		return false, err
	case info.Size() != f.Size:
		return false, fmt.Errorf("%s was prepared with %d bytes and has %d: it was changed by something else, or the disk lost some; go back to an earlier checkpoint", temporary, f.Size, info.Size())
	}
	if !overwrite {
		if _, err := os.Lstat(final); err == nil {
			return false, fmt.Errorf("%s has appeared since the run began; move it away and resume, and it will be replaced by %s", final, temporary)
		}
	}
	return true, os.Rename(temporary, final)
}

// committed checks that final is what was prepared as temporary, which is gone.
func (f preparedFile) committed(temporary, final string) (there bool, err error) {
	file, err := os.Open(final)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer file.Close()
	sum := crc32.New(castagnoli)
	size, err := io.Copy(sum, file)
	if err != nil {
		return false, err
	}
	if size != f.Size || sum.Sum32() != f.Checksum {
		return false, fmt.Errorf("%s was prepared and is gone, and %s has other content: %d bytes with checksum %08x instead of %d with %08x; restore it, or go back to an earlier checkpoint", temporary, final, size, sum.Sum32(), f.Size, f.Checksum)
	}
	return true, nil
}
