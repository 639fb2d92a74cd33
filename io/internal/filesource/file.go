package filesource

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/millrace/millrace/io/compression"
)

// A File is a file as it was when its splits were made. A position holds it, so
// that resuming in a file that is another by now is noticed.
type File struct {
	Path string
	// Size is the number of bytes as stored.
	Size int64
	// Head and Tail are the CRC-32C of the first and the last sampleBytes: what has
	// changed there is told for certain.
	Head, Tail uint32
	// Modified is when the file was last written to, in nanoseconds since 1970; 0 if that
	// is not known. It stands for the bytes in between, which would have to be read again
	// to be compared. A copy has another; the error says how it gets the old one.
	Modified int64
	// Format is how the content is stored; never Auto.
	Format compression.Format
}

const sampleBytes = 4096

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Examine looks at the file at path, whose compression is as given or, if Auto,
// as its bytes say.
func Examine(path string, as compression.Format) (File, error) {
	f, err := os.Open(path)
	if err != nil {
		return File{}, err
	}
	defer f.Close()
	return examine(f, as)
}

func examine(f *os.File, as compression.Format) (File, error) {
	info, err := f.Stat()
	if err != nil {
		return File{}, err
	}
	file := File{Path: f.Name(), Size: info.Size(), Modified: info.ModTime().UnixNano(), Format: as}
	head := make([]byte, min(file.Size, sampleBytes))
	if err := readAt(f, head, 0); err != nil {
		return File{}, err
	}
	tail := make([]byte, len(head))
	if err := readAt(f, tail, file.Size-int64(len(tail))); err != nil {
		return File{}, err
	}
	file.Head, file.Tail = crc32.Checksum(head, castagnoli), crc32.Checksum(tail, castagnoli)
	if as == compression.None {
		return file, nil
	}
	stored, named := compression.OfHead(head), compression.OfName(file.Path)
	if as == compression.Auto {
		if err := foreign(file.Path, head, stored); err != nil {
			return File{}, err
		}
	}
	switch {
	case as != compression.Auto && stored != as:
		return File{}, fmt.Errorf("%s does not begin like %v data; leave the compression to compression.Auto, or say what the file is", file.Path, as)
	case as == compression.Auto && stored == compression.None && named != compression.None && file.Size == 0:
		return File{}, fmt.Errorf("%s is empty, and even %v data of nothing has a header: the file is truncated; write it again", file.Path, named)
	case as == compression.Auto && stored == compression.None && named != compression.None:
		return File{}, fmt.Errorf("%s is named like %v data and does not begin like it; if it is plain text, say so with compression.None", file.Path, named)
	}
	file.Format = stored
	return file, nil
}

// foreign is the error for a file that is compressed in a way that is not read, or
// is an archive. The name counts where the bytes tell nothing, and for archives in a
// file that is compressed.
func foreign(path string, head []byte, stored compression.Format) error {
	const readable = "plain text, gzip and zstd can be read"
	if name := compression.ForeignHead(head); name != "" && stored == compression.None {
		return fmt.Errorf("%s is %s data, by its first bytes; %s: unpack it, or compress it anew; if it is plain text, say so with compression.None", path, name, readable)
	}
	name := compression.ForeignName(path)
	if name == "" || stored != compression.None && name != "tar" {
		return nil
	}
	return fmt.Errorf("%s is named like %s data; %s: unpack it, or compress it anew; if it is %v in truth, say so with compression.%s", path, name, readable, is(stored), constant(stored))
}

func is(f compression.Format) string {
	if f == compression.None {
		return "plain text"
	}
	return f.String() + " data of text"
}

// constant is the name of f in Go.
func constant(f compression.Format) string {
	s := f.String()
	return strings.ToUpper(s[:1]) + s[1:]
}

func readAt(f *os.File, p []byte, at int64) error {
	if len(p) == 0 {
		return nil
	}
	_, err := f.ReadAt(p, at)
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("%s became shorter while it was looked at; files must be complete before they are read", f.Name())
	}
	return err
}

// reopen opens the file at f.Path and checks that it still is f. It also returns when
// the file was last written to.
func (f File) reopen() (*os.File, time.Time, error) {
	file, err := os.Open(f.Path)
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%w: it was there when its reading was planned, and is not read to its end; put it back, or start without the checkpoint", err)
	}
	if err != nil {
		return nil, time.Time{}, err
	}
	info, err := file.Stat()
	if err == nil {
		var now File
		if now, err = examine(file, f.Format); err == nil {
			err = f.same(now)
		}
	}
	if err != nil {
		file.Close()
		return nil, time.Time{}, err
	}
	return file, info.ModTime(), nil
}

// unchanged checks that what was opened when it was last written to at that time is
// still f, at the end of its reading. The path may lead to another file by now.
func (f File) unchanged(file *os.File, written time.Time) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if info.Size() != f.Size {
		return f.same(File{Size: info.Size()})
	}
	now, err := examine(file, compression.None)
	if err == nil {
		now.Modified = f.Modified // a change since the opening is told below
		err = f.same(now)
	}
	if err == nil && !info.ModTime().Equal(written) {
		err = fmt.Errorf("%s was written to while it was read, by the time of its last change; %s", f.Path, advice)
	}
	return err
}

const advice = "files must not change between the start of a run and its end; put the old file back, or start without the checkpoint"

func (f File) same(now File) error {
	switch {
	case f.Size != now.Size:
		return fmt.Errorf("%s has changed: it had %d bytes when its reading was planned and has %d now; %s", f.Path, f.Size, now.Size, advice)
	case f.Head != now.Head:
		return fmt.Errorf("%s has changed: its first bytes are others than when its reading was planned; %s", f.Path, advice)
	case f.Tail != now.Tail:
		return fmt.Errorf("%s has changed: its last bytes are others than when its reading was planned; %s", f.Path, advice)
	case f.Size > 2*sampleBytes && !sameTime(f.Modified, now.Modified): // else the samples are all of it
		return fmt.Errorf("%s has changed: it was last written to at %s when its reading was planned, and at %s since, at the same size; %s; if its content is the old one, as that of a copy, give it back its time: touch -d %s '%s'",
			f.Path, stamp(f.Modified), stamp(now.Modified), advice, stamp(f.Modified), strings.ReplaceAll(f.Path, "'", `'\''`))
	}
	return nil
}

// sameTime reports whether a and b, in nanoseconds, are the same time of a file, or one
// is not known. Many archives and file systems keep whole seconds only.
func sameTime(a, b int64) bool {
	const second = int64(time.Second)
	whole := a%second == 0 || b%second == 0
	return a == b || a == 0 || b == 0 || whole && time.Unix(0, a).Unix() == time.Unix(0, b).Unix()
}

func stamp(nanoseconds int64) string {
	return time.Unix(0, nanoseconds).UTC().Format(time.RFC3339Nano)
}
