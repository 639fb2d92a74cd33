package direct_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
	"github.com/millrace/millrace/runners/direct"
	"github.com/millrace/millrace/transforms"
)

// A state directory that a pipeline left with two checkpoints is damaged in some way, and
// a run goes on from it, or is refused: with one error, and what it would have gone on
// from as it was.
//
//	damage          each line does something to the directory
//	----
//	the error, and what was written, with the names of scratch directories only
//
// The commands are
//
//	flip FILE [at=N]      flips a bit of byte N, or of that in the middle
//	cut FILE              leaves half of it
//	remove FILE
//	replace FILE a b      puts b for a
//	own                   has another process hold the directory
//	read-only             has every operation fail that would change something
//	other pipeline        runs another pipeline on it
//
// and FILE is a path in the directory, where N stands for the newest checkpoint, O for the
// older one, and TABLE for a table of state.
func TestDamagedStateDirectories(t *testing.T) {
	datadriven.RunTest(t, "testdata/damage", func(t *testing.T, d *datadriven.TestData) string {
		w := newWreck(t)
		other := false
		for line := range strings.Lines(d.Input) {
			words := strings.Fields(line)
			switch words[0] {
			case "flip", "cut", "remove", "replace":
				w.damage(t, words)
			case "own":
				lock, err := w.mem.Lock(path.Join(wreckDir, "LOCK"))
				if err != nil {
					t.Fatal(err)
				}
				defer lock.Close()
			case "read-only":
				w.disk.fail(syscall.EROFS)
			case "other":
				other = true
			default:
				d.Fatalf(t, "no command %q", words[0])
			}
		}
		before := w.dump(t)
		log := newLogged()
		r := direct.Runner{Parallelism: 2, Logger: log.Logger, Checkpoints: direct.Checkpoints{Dir: wreckDir}.On(w.disk)}
		// Whatever the strategy, nothing of this is tried twice.
		r.Restart = direct.FixedDelay{Attempts: 3}
		_, err := r.Run(t.Context(), tallied(&counter{n: 1000}, other))
		var out strings.Builder
		switch {
		case err == nil:
			fmt.Fprintf(&out, "it went on from checkpoint %s\n", going.FindStringSubmatch(log.lines.String())[1])
			for _, m := range passed.FindAllStringSubmatch(log.lines.String(), -1) {
				fmt.Fprintf(&out, "%s\n", stable(m[0]))
			}
			return out.String()
		case errors.As(err, new(*direct.RestartsError)) || log.count("the run failed") > 0:
			fmt.Fprintf(&out, "it was tried again: ")
		}
		fmt.Fprintf(&out, "%v\n", stable(err.Error()))
		out.WriteString(changes(before, w.dump(t)))
		return out.String()
	})
}

var (
	going  = regexp.MustCompile(`going on from a checkpoint.* checkpoint=(\d+)`)
	passed = regexp.MustCompile(`a checkpoint is not whole.*`)
	number = regexp.MustCompile(`\d{6}\.sst`)
	bytes  = regexp.MustCompile(`\d+ bytes instead of \d+`)
	line   = regexp.MustCompile(`_test\.go:\d+`)
	pebble = regexp.MustCompile(`pebble: .*;`)
)

// stable is text without what depends on how much was read, or on Pebble.
func stable(text string) string {
	text = number.ReplaceAllString(text, "NUMBER.sst")
	text = line.ReplaceAllString(text, "_test.go:LINE")
	text = pebble.ReplaceAllString(text, "[details];")
	return bytes.ReplaceAllString(text, "half the bytes")
}

const wreckDir = "/data/state"

// tallied counts numbers by their last digits; the other one says that it does so by the first.
func tallied(c *counter, other bool) *model.Pipeline {
	var p model.Pipeline
	by := "by the last digits"
	if other {
		by = "by the first digit"
	}
	keyed := transforms.KeyBy(transforms.Read(&p, source.Source[int](c), model.Name("Counter")), func(v int) int { return v % 100 })
	transforms.Write(transforms.Map(transforms.CombinePerKey(keyed, transforms.Counting, model.Name(by)), func(kv model.KV[int, int64]) int { return kv.Key }), &book{}, model.Name("Book"))
	return &p
}

// A wreck is a state directory with the checkpoints of a run that was stopped twice.
type wreck struct {
	mem  *vfs.MemFS
	disk *failingFS
}

func newWreck(t *testing.T) *wreck {
	t.Helper()
	mem := vfs.NewMem()
	for range 2 {
		stop, reads := make(chan struct{}), 0
		c := &counter{n: 1_000_000, onRead: func(context.Context, int) error {
			if reads++; reads == 1000 {
				close(stop)
			}
			return nil
		}}
		r := direct.Runner{Parallelism: 2, Logger: silent, Stop: stop, SourceBatch: 64, Checkpoints: direct.Checkpoints{Dir: wreckDir}.On(mem)}
		if _, err := r.Run(t.Context(), tallied(c, false)); !errors.Is(err, direct.ErrStopped) {
			t.Fatal(err)
		}
	}
	return &wreck{mem, &failingFS{FS: mem}}
}

// find is the path that name stands for.
func (w *wreck) find(t *testing.T, name string) string {
	t.Helper()
	list, err := w.mem.List(path.Join(wreckDir, "checkpoints"))
	list = slices.DeleteFunc(list, func(n string) bool { return strings.HasPrefix(n, "last-") })
	if err != nil || len(list) != 2 {
		t.Fatalf("there are the checkpoints %v: %v", list, err)
	}
	slices.Sort(list)
	switch words := strings.Split(name, "/"); words[0] {
	case "N":
		words[0] = path.Join("checkpoints", list[1])
		name = strings.Join(words, "/")
	case "O":
		words[0] = path.Join("checkpoints", list[0])
		name = strings.Join(words, "/")
	}
	if folder, ok := strings.CutSuffix(name, "/TABLE"); ok {
		files, err := w.mem.List(path.Join(wreckDir, folder))
		i := slices.IndexFunc(files, func(f string) bool { return strings.HasSuffix(f, ".sst") })
		if err != nil || i < 0 {
			t.Fatalf("no table among %v: %v", files, err)
		}
		name = path.Join(folder, files[i])
	}
	return path.Join(wreckDir, name)
}

func (w *wreck) damage(t *testing.T, words []string) {
	t.Helper()
	name := w.find(t, words[1])
	if words[0] == "remove" {
		if err := w.mem.Remove(name); err != nil {
			t.Fatal(err)
		}
		return
	}
	// What is linked elsewhere, too, is damaged there as well.
	b, err := w.mem.UnsafeGetFileDataBuffer(name)
	if err != nil {
		t.Fatal(err)
	}
	switch words[0] {
	case "flip":
		at := len(b) / 2
		if len(words) > 2 {
			if _, err := fmt.Sscanf(words[2], "at=%d", &at); err != nil {
				t.Fatal(err)
			}
		}
		b[at] ^= 4
	case "cut":
		write(t, w.mem, name, b[:len(b)/2])
	case "replace":
		write(t, w.mem, name, []byte(strings.Replace(string(b), words[2], words[3], 1)))
	}
}

func write(t *testing.T, fs vfs.FS, name string, b []byte) {
	t.Helper()
	f, err := fs.Create(name, vfs.WriteCategoryUnspecified)
	if err == nil {
		_, err = f.Write(slices.Clone(b))
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// dump is all that is in the directory, by name.
func (w *wreck) dump(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	var walk func(string)
	walk = func(p string) {
		names, err := w.mem.List(p)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range names {
			at := path.Join(p, n)
			info, err := w.mem.Stat(at)
			if err != nil {
				t.Fatal(err)
			}
			if info.IsDir() {
				walk(at)
				continue
			}
			f, err := w.mem.Open(at)
			if err != nil {
				t.Fatal(err)
			}
			b, err := io.ReadAll(f)
			if err := errors.Join(err, f.Close()); err != nil {
				t.Fatal(err)
			}
			all[strings.TrimPrefix(at, wreckDir+"/")] = fmt.Sprintf("%x", sha256.Sum256(b))
		}
	}
	walk(wreckDir)
	return all
}

// changes says what differs: which scratch directories, and which files of all else.
func changes(before, after map[string]string) string {
	changed := map[string]bool{}
	for _, m := range []map[string]string{before, after} {
		for name := range m {
			if before[name] != after[name] {
				if folder, _, in := strings.Cut(name, "/"); in && folder != "checkpoints" {
					name = folder + "/"
				}
				changed[name] = true
			}
		}
	}
	if len(changed) == 0 {
		return "nothing was written\n"
	}
	var names []string
	for name := range changed {
		names = append(names, name)
	}
	slices.Sort(names)
	return "written: " + strings.Join(names, ", ") + "\n"
}
