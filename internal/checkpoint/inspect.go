package checkpoint

import (
	"fmt"
	"log/slog"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// quietLog is for looking at directories of which Open will tell.
var quietLog = slog.New(slog.DiscardHandler)

// An Inspection is what [Open] would go on from.
type Inspection struct {
	// Manifest is that of the newest checkpoint that is whole; nil if there is none.
	Manifest *Manifest
	// Skipped are the newer ones that are not whole.
	Skipped []Skipped
	// SinksCommitted says that it was noted that the sinks have committed what they
	// prepared for it.
	SinksCommitted bool
}

// Inspect finds what [Open] would go on from, and takes and writes nothing: not even a
// lock, so that a process that has the directory may be ahead of it by the time it is
// looked at. The errors are those of Open.
func Inspect(fs vfs.FS, dir string, keyGroups int) (Inspection, error) {
	in, err := inspect(directory{fs, dir}, keyGroups)
	if err != nil {
		return Inspection{}, fmt.Errorf("state directory %s: %w", dir, err)
	}
	return in, nil
}

func inspect(d directory, keyGroups int) (in Inspection, err error) {
	used, err := d.inspect()
	if err != nil || !used {
		return in, err
	}
	found, _, err := d.checkpoints()
	if err != nil {
		return in, err
	}
	base, skipped, err := d.choose(found, keyGroups, quietLog)
	if err != nil {
		return in, err
	}
	in.Skipped = skipped
	if base != nil {
		in.Manifest = base.manifest
		in.SinksCommitted = d.committed(base)
	}
	return in, nil
}
