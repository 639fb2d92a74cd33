package checkpoint

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A Skipped is a checkpoint that is newer than the one that was recovered, and is
// not whole.
type Skipped struct {
	ID   uint64
	Path string
	Err  error
}

// A saved is a checkpoint in the directory.
type saved struct {
	id        uint64
	savepoint string
	dir       string // its name in checkpoints
	manifest  *Manifest
	sum       string // of the manifest
	broken    error
	ours      bool              // this Store made it, or went on from it, or its output is noted as committed
	tables    map[string]uint64 // their identities; nil: not known
	keeping   int               // by how many it is kept
}

var savepointName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)

func checkpointDir(id uint64, savepoint string) string {
	if savepoint != "" {
		return fmt.Sprintf("%012d-%s", id, savepoint)
	}
	return fmt.Sprintf("%012d", id)
}

// checkpoints lists the checkpoints, newest first, and what is left of those that
// were not finished or not quite removed.
func (d directory) checkpoints() (found []*saved, leftovers []string, err error) {
	names, err := d.fs.List(d.join(checkpointsName))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil, nil
	}
	for _, n := range names {
		if leftover(n) {
			leftovers = append(leftovers, n)
			continue
		}
		if strings.HasPrefix(n, lastPrefix) {
			continue
		}
		number, savepoint, _ := strings.Cut(n, "-")
		id, parseErr := strconv.ParseUint(number, 10, 64)
		if parseErr != nil || checkpointDir(id, savepoint) != n {
			continue // not ours
		}
		found = append(found, &saved{id: id, savepoint: savepoint, dir: n})
	}
	slices.SortFunc(found, func(a, b *saved) int { return -compareSaved(a, b) })
	slices.Sort(leftovers)
	return found, leftovers, err
}

func leftover(name string) bool {
	return strings.HasSuffix(name, tmpSuffix) || strings.HasSuffix(name, goneSuffix)
}

func compareSaved(a, b *saved) int {
	switch {
	case a.id < b.id:
		return -1
	case a.id > b.id:
		return 1
	}
	return strings.Compare(a.dir, b.dir)
}

// choose is the newest of the checkpoints that is whole, nil if there are none at
// all. Only what is certainly damaged is passed over: an error of the disk may be
// gone the next time, while results that are made again from an older checkpoint
// stay.
func (d directory) choose(found []*saved, keyGroups int, log *slog.Logger) (*saved, []Skipped, error) {
	var skipped []Skipped
	for _, s := range found {
		err := d.check(s)
		if err == nil && s.manifest.KeyGroups != keyGroups {
			err := fmt.Errorf("%w: its state is cut into %d key groups and the pipeline asks for %d; run it with %[2]d, as long as this state lives",
				ErrKeyGroups, s.manifest.KeyGroups, keyGroups)
			return nil, skipped, err
		}
		if err == nil {
			return s, skipped, nil
		}
		var damage damaged
		if !errors.As(err, &damage) {
			return nil, skipped, fmt.Errorf("checkpoint %d: %w", s.id, err)
		}
		s.broken = err
		skipped = append(skipped, Skipped{s.id, d.join(checkpointsName, s.dir), err})
		log.Warn("a checkpoint is not whole; looking for the one before", "checkpoint", s.id,
			"path", d.join(checkpointsName, s.dir), "reason", err)
	}
	if len(skipped) == 0 {
		return nil, nil, nil
	}
	var all []error
	for _, s := range skipped {
		all = append(all, fmt.Errorf("checkpoint %d: %w", s.ID, s.Err))
	}
	return nil, skipped, fmt.Errorf("%w; restore the directory from a copy, or name another one to start afresh:\n%w", ErrBroken, errors.Join(all...))
}

// damaged is what is wrong with a checkpoint, and will be so the next time.
type damaged struct{ error }

func (e damaged) Unwrap() error { return e.error }

// check reads the manifest of s and sees that what it lists is there.
func (d directory) check(s *saved) error {
	b, err := readFile(d.fs, d.join(checkpointsName, s.dir, manifestName))
	if errors.Is(err, os.ErrNotExist) {
		return damaged{fmt.Errorf("its %s is missing", manifestName)}
	}
	if err != nil {
		return err
	}
	m, err := decode(b)
	if errors.Is(err, ErrOlder) {
		return err
	}
	if errors.Is(err, ErrNewer) {
		return fmt.Errorf("%w; run the newer version", err)
	}
	if err != nil {
		return damaged{err}
	}
	if m.ID != s.id || m.Savepoint != s.savepoint {
		return damaged{fmt.Errorf("its manifest is that of checkpoint %s", checkpointDir(m.ID, m.Savepoint))}
	}
	for _, f := range m.Files {
		if err := d.checkFile(f, d.join(checkpointsName, s.dir, f.Name)); err != nil {
			return err
		}
	}
	s.manifest, s.sum = m, sealOf(b)
	return nil
}

func (d directory) checkFile(f File, path string) error {
	info, err := d.fs.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return damaged{fmt.Errorf("its file %s is missing", f.Name)}
	}
	if err != nil {
		return err
	}
	if info.Size() != f.Size {
		return damaged{fmt.Errorf("its file %s has %d bytes instead of %d", f.Name, info.Size(), f.Size)}
	}
	if f.Sum == "" {
		return nil
	}
	b, err := readFile(d.fs, path)
	if err != nil {
		return err
	}
	if sum(b) != f.Sum {
		return damaged{fmt.Errorf("its file %s is damaged: its checksum does not hold", f.Name)}
	}
	return nil
}

// files lists what is in a checkpoint that is being made.
func (d directory) files(dir string) ([]File, error) {
	names, err := d.fs.List(d.join(checkpointsName, dir))
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	var files []File
	for _, n := range names {
		path := d.join(checkpointsName, dir, n)
		info, err := d.fs.Stat(path)
		if err != nil {
			return nil, err
		}
		f := File{Name: n, Size: info.Size()}
		if !shared(n) {
			b, err := readFile(d.fs, path)
			if err != nil {
				return nil, err
			}
			f.Sum = sum(b)
		}
		files = append(files, f)
	}
	return files, nil
}

// shared reports whether a file is one that Pebble never changes, so that it may be
// linked.
func shared(name string) bool {
	return strings.HasSuffix(name, ".sst") || strings.HasSuffix(name, ".blob")
}
