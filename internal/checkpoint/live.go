package checkpoint

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// live is the database that the next checkpoint is made of: the last one, and what
// has been ingested since.
type live struct {
	db  *pebble.DB
	log *slog.Logger
	// failed says that Pebble would have ended the process. Here the database is made
	// anew.
	failed      atomic.Bool
	compactions *compactions
	// same says that it holds what the checkpoint holds that it is from: nothing has
	// been ingested. Then Pebble has no manifest of its own yet, and would make a
	// checkpoint with an empty one.
	same bool
	// tables are the identities of those that were in a checkpoint.
	tables map[string]uint64
	// corrupt is the file that was last found damaged.
	corrupt atomic.Pointer[string]
}

// formatVersion is that of Pebble's files. A later one is taken on purpose only: it
// makes a directory that older versions of the module cannot read.
const formatVersion = pebble.FormatValueSeparation

const (
	// What is not in memory is read key by key: the package doc has the figures.
	blockSize  = 4 << 10
	filterBits = 10 // of a key
	// Pebble's manifest is copied into each checkpoint.
	maxPebbleManifest = 1 << 20
)

func pebbleOptions(fs vfs.FS, l *live, cacheBytes int64) *pebble.Options {
	o := &pebble.Options{
		FS:                  fs,
		DisableWAL:          true,
		FormatMajorVersion:  formatVersion,
		CacheSize:           cacheBytes,
		MemTableSize:        256 << 10, // nothing is written to it
		MaxManifestFileSize: maxPebbleManifest,
		Logger:              pebbleLog{l},
		EventListener: &pebble.EventListener{
			BackgroundError: func(err error) {
				if l.compactions.pause() {
					l.log.Warn("compacting state failed; it is tried again after the next checkpoint", "error", err)
				}
			},
			DataCorruption: func(i pebble.DataCorruptionInfo) {
				path := i.Path
				if l.corrupt.Swap(&path) == nil {
					l.log.Error("a file of the state is damaged", "file", path, "details", i.Details)
				}
			},
		},
	}
	o.Experimental.CompactionScheduler = l.compactions
	o.Levels[0].BlockSize = blockSize
	o.Levels[0].FilterPolicy = bloom.FilterPolicy(filterBits)
	o.EnsureDefaults()
	return o
}

// writerOptions are those of the tables that are ingested.
func writerOptions() sstable.WriterOptions {
	var o pebble.Options
	o.Levels[0].BlockSize = blockSize
	o.Levels[0].FilterPolicy = bloom.FilterPolicy(filterBits)
	o.EnsureDefaults()
	return o.MakeWriterOptions(0, formatVersion.MaxTableFormat())
}

// openLive makes the database from a checkpoint; nil is none.
func (d directory) openLive(from *saved, cacheBytes int64, log *slog.Logger) (*live, error) {
	path := d.join(liveName)
	if err := d.fs.RemoveAll(path); err != nil {
		return nil, err
	}
	if err := d.fs.MkdirAll(path, 0o755); err != nil {
		return nil, err
	}
	l := &live{log: log, compactions: newCompactions(), same: from != nil}
	scratch := newScratchFS(d.fs, path)
	o := pebbleOptions(scratch, l, cacheBytes)
	if from != nil {
		o.ErrorIfNotExists = true
		if err := d.take(from, directory{scratch, path}, false); err != nil {
			return nil, err
		}
	}
	var err error
	if l.db, err = pebble.Open(path, o); err != nil {
		return nil, fmt.Errorf("opening its database: %w", err)
	}
	return l, nil
}

// take has the files of a checkpoint in another directory, too.
func (d directory) take(from *saved, to directory, sync bool) error {
	for _, f := range from.manifest.Files {
		path := d.join(checkpointsName, from.dir, f.Name)
		if shared(f.Name) {
			if err := vfs.LinkOrCopy(d.fs, path, to.join(f.Name)); err != nil {
				return err
			}
			continue
		}
		b, err := readFile(d.fs, path)
		if err != nil {
			return err
		}
		if err := to.write(f.Name, b, sync); err != nil {
			return err
		}
	}
	return nil
}

// ingest takes in a table, which stays where it is.
func (l *live) ingest(fs vfs.FS, path string) error {
	link := path + ".ingest.sst"
	if err := fs.Remove(link); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := fs.Link(path, link); err != nil {
		return err
	}
	l.same = false
	return l.db.Ingest(context.Background(), []string{link})
}

// wrap says where err of the database is from.
func (l *live) wrap(err error) error {
	if path := l.corrupt.Load(); path != nil && pebble.IsCorruptionError(err) {
		detail, _, _ := strings.Cut(err.Error(), "\n") // the rest says the same again
		return fmt.Errorf("the file %s: %w: %s; restore the directory from a copy, or remove its newest checkpoint to go on from the one before, after which results since then come twice", *path, ErrDamaged, detail)
	}
	return err
}

// pebbleLog is what Pebble logs to.
type pebbleLog struct{ l *live }

func (p pebbleLog) Infof(format string, args ...any) {
	if p.l.log.Enabled(context.Background(), slog.LevelDebug) {
		p.l.log.Debug("pebble: " + fmt.Sprintf(format, args...))
	}
}

func (p pebbleLog) Errorf(format string, args ...any) {
	p.l.log.Warn("pebble: " + fmt.Sprintf(format, args...))
}

// Fatalf is called where Pebble does not know any more what it has written, which
// scratchFS should keep from happening.
func (p pebbleLog) Fatalf(format string, args ...any) {
	p.l.failed.Store(true)
	p.l.compactions.pause()
	p.l.log.Warn("the database of the state failed; it is made anew from the last checkpoint", "error", fmt.Sprintf(format, args...))
}
