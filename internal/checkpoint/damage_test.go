package checkpoint

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"path"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// withCheckpoints is a file system whose state directory has checkpoints 1 to n; the
// value of "key" is that of the checkpoint.
func withCheckpoints(t *testing.T, n int) *vfs.MemFS {
	t.Helper()
	fs := vfs.NewMem()
	s, err := openOn(fs)
	for i := 1; i <= n && err == nil; i++ {
		c := changes{puts: [][2]string{{"key", fmt.Sprint(i)}, {fmt.Sprint("only ", i), "x"}}}
		err = errors.Join(s.Apply(c), s.Commit(&Manifest{ID: uint64(i), Transforms: []Transform{{Name: "read"}}}))
	}
	if err == nil {
		err = s.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return fs
}

func pathOf(id int, name string) string {
	return path.Join(stateDir, checkpointsName, checkpointDir(uint64(id), ""), name)
}

// tableOf is the path of the newest table of a checkpoint.
func tableOf(t *testing.T, fs vfs.FS, id int) string {
	names, err := fs.List(pathOf(id, ""))
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	table := ""
	for _, n := range names {
		if shared(n) {
			table = n
		}
	}
	return pathOf(id, table)
}

func overwrite(t *testing.T, fs vfs.FS, name string, change func([]byte) []byte) {
	t.Helper()
	b, err := readFile(fs, name)
	if err != nil {
		t.Fatal(err)
	}
	d := directory{fs, path.Dir(name)}
	if err := d.write(path.Base(name), change(b), true); err != nil {
		t.Fatal(err)
	}
}

// flip flips a bit in the middle.
func flip(b []byte) []byte {
	b = slices.Clone(b)
	b[len(b)/2] ^= 4
	return b
}

// dump is all that is in a directory, but for files that only say who has it open.
func dump(t *testing.T, fs vfs.FS, dir string) string {
	var out strings.Builder
	var walk func(string)
	walk = func(p string) {
		names, err := fs.List(p)
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(names)
		for _, n := range names {
			at := path.Join(p, n)
			info, err := fs.Stat(at)
			if err != nil {
				t.Fatal(err)
			}
			if info.IsDir() {
				fmt.Fprintf(&out, "%s/\n", at)
				walk(at)
				continue
			}
			b, err := readFile(fs, at)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&out, "%s %s\n", at, sum(b))
		}
	}
	walk(dir)
	return out.String()
}

func TestADamagedCheckpointIsPassedOver(t *testing.T) {
	for _, test := range []struct {
		name, want string
		damage     func(fs vfs.FS)
	}{
		{"a flipped bit of its manifest", "its manifest is damaged: its checksum does not hold", func(fs vfs.FS) {
			overwrite(t, fs, pathOf(3, manifestName), flip)
		}},
		{"a manifest cut short", "its manifest is cut short: 9 bytes", func(fs vfs.FS) {
			overwrite(t, fs, pathOf(3, manifestName), func(b []byte) []byte { return b[:9] })
		}},
		{"no manifest", "its manifest.json is missing", func(fs vfs.FS) {
			_ = fs.Remove(pathOf(3, manifestName))
		}},
		{"the manifest of another", "its manifest is that of checkpoint 000000000002", func(fs vfs.FS) {
			_ = vfs.Copy(fs, pathOf(2, manifestName), pathOf(3, manifestName))
		}},
		{"a table that is missing", " is missing", func(fs vfs.FS) {
			_ = fs.Remove(tableOf(t, fs, 3))
		}},
		{"a table cut short", " bytes instead of ", func(fs vfs.FS) {
			overwrite(t, fs, tableOf(t, fs, 3), func(b []byte) []byte { return b[:len(b)/2] })
		}},
		{"a flipped bit of another file", "its file MANIFEST-000001 is damaged: its checksum does not hold", func(fs vfs.FS) {
			overwrite(t, fs, pathOf(3, "MANIFEST-000001"), flip)
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			fs := withCheckpoints(t, 3)
			test.damage(fs)
			var log bytes.Buffer
			s, err := Open(fs, stateDir, Options{KeyGroups: 8, Logger: slog.New(slog.NewTextHandler(&log, nil))})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			got, err := read(s)
			if err != nil || s.Recovered().ID != 2 || got["key"] != "2" || len(got) != 3 {
				t.Errorf("recovered %v of checkpoint %d: %v", got, s.Recovered().ID, err)
			}
			if sk := s.Skipped(); len(sk) != 1 || sk[0].ID != 3 || !strings.Contains(sk[0].Err.Error(), test.want) {
				t.Errorf("skipped %v, want because %q", sk, test.want)
			}
			if !strings.Contains(log.String(), "a checkpoint is not whole") || !strings.Contains(log.String(), "checkpoint=3") {
				t.Errorf("the log says nothing of it:\n%s", log.String())
			}
			if s.NextID() != 4 {
				t.Errorf("the next ID is %d, and 3 is taken", s.NextID())
			}
			// It makes room as others do.
			if err := errors.Join(s.Commit(&Manifest{ID: 4}), s.Commit(&Manifest{ID: 5})); err != nil {
				t.Fatal(err)
			}
			if names := listCheckpoints(fs); len(names) != 2 {
				t.Errorf("there are %v", names)
			}
		})
	}
}

func TestEveryFlippedByteOfAManifestIsNoticed(t *testing.T) {
	fs := withCheckpoints(t, 1)
	whole, err := readFile(fs, pathOf(1, manifestName))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := decode(whole); err != nil {
		t.Fatal(err)
	}
	for i := range whole {
		for bit := range 8 {
			b := slices.Clone(whole)
			b[i] ^= 1 << bit
			if _, err := decode(b); err == nil {
				t.Errorf("bit %d of byte %d flipped, and it reads", bit, i)
			}
		}
		if _, err := decode(whole[:i]); err == nil {
			t.Errorf("cut to %d bytes it reads", i)
		}
	}
}

// What Open refuses, it leaves as it is.
func TestWhatCannotBeOpenedIsLeftAsItIs(t *testing.T) {
	for _, test := range []struct {
		name   string
		is     error
		want   string
		damage func(fs vfs.FS)
	}{
		{"all are damaged", ErrBroken, "checkpoint 2: its manifest is damaged", func(fs vfs.FS) {
			overwrite(t, fs, pathOf(3, manifestName), flip)
			overwrite(t, fs, pathOf(2, manifestName), flip)
		}},
		{"the newest is by a newer version", ErrNewer, "checkpoint 3: a newer version has written it: it has format 3, and this one reads formats up to 2; run the newer version", func(fs vfs.FS) {
			overwrite(t, fs, pathOf(3, manifestName), func(b []byte) []byte {
				body := bytes.Replace(b[:len(b)-sealLen], []byte(`"format": 2`), []byte(`"format": 3`), 1)
				return append(body, seal(body)...)
			})
		}},
		{"its layout is by a newer version", ErrNewer, "layout 2", func(fs vfs.FS) {
			overwrite(t, fs, path.Join(stateDir, identityName), func(b []byte) []byte {
				return bytes.Replace(b, []byte("layout 1"), []byte("layout 2"), 1)
			})
		}},
		{"files of others", ErrForeign, "such as ID; name an empty directory", func(fs vfs.FS) {
			_ = fs.Remove(path.Join(stateDir, identityName))
		}},
		{"a damaged identity", ErrForeign, "its file MILLRACE is damaged", func(fs vfs.FS) {
			overwrite(t, fs, path.Join(stateDir, identityName), flip)
		}},
		{"other key groups", ErrKeyGroups, "cut into 16 key groups and the pipeline asks for 8; run it with 16", func(fs vfs.FS) {
			overwrite(t, fs, pathOf(3, manifestName), func(b []byte) []byte {
				body := bytes.Replace(b[:len(b)-sealLen], []byte(`"keyGroups": 8`), []byte(`"keyGroups": 16`), 1)
				return append(body, seal(body)...)
			})
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			fs := withCheckpoints(t, 3)
			test.damage(fs)
			before := dump(t, fs, stateDir)
			_, err := openOn(fs)
			if !errors.Is(err, test.is) || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), stateDir) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if after := dump(t, fs, stateDir); after != before {
				t.Errorf("it had\n%s\nand has\n%s", before, after)
			}
		})
	}
}

func TestAReadOnlyDiskIsAnError(t *testing.T) {
	for _, n := range []int{0, 3} {
		mem := withCheckpoints(t, n)
		d := newDisk(mem)
		d.before = func(op) error { return syscall.EROFS }
		if _, err := openOn(d); !errors.Is(err, syscall.EROFS) || errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), stateDir) {
			t.Errorf("got %v", err)
		}
	}
}

// An error of the disk is not damage: the next try may read what this one could not.
func TestACheckpointThatCannotBeReadIsNotPassedOver(t *testing.T) {
	mem := withCheckpoints(t, 3)
	for _, name := range []string{manifestName, "MANIFEST-000001"} {
		_, err := openOn(unreadable{mem, pathOf(3, name)})
		if !errors.Is(err, syscall.EIO) || !strings.Contains(err.Error(), "checkpoint 3") {
			t.Errorf("got %v", err)
		}
	}
}

type unreadable struct {
	vfs.FS
	path string
}

func (u unreadable) Open(name string, o ...vfs.OpenOption) (vfs.File, error) {
	if name == u.path {
		return nil, syscall.EIO
	}
	return u.FS.Open(name, o...)
}

func TestADamagedTableIsAnErrorThatNamesIt(t *testing.T) {
	fs := withCheckpoints(t, 3)
	table := tableOf(t, fs, 3)
	whole, err := readFile(fs, table)
	if err != nil {
		t.Fatal(err)
	}
	step := 1
	if testing.Short() {
		step = 5
	}
	noticed, flipped := 0, 0
	for i := 0; i < len(whole); i += step {
		flipped++
		// The links share what they hold.
		b, err := fs.UnsafeGetFileDataBuffer(table)
		if err != nil {
			t.Fatal(err)
		}
		b[i] ^= 0x10
		got, err := scanned(fs)
		b[i] ^= 0x10
		switch {
		case err != nil:
			noticed++
			if !strings.Contains(err.Error(), path.Base(table)) {
				t.Errorf("byte %d: the error names no file: %v", i, err)
			}
		case len(got) != 4 || got["key"] != "3":
			t.Errorf("byte %d flipped, and it reads as %v", i, got)
		}
	}
	t.Logf("%d of %d flipped bytes noticed as the table is read", noticed, flipped)
	if noticed < flipped/3 {
		t.Error("hardly any is")
	}
}

func scanned(fs vfs.FS) (got state, err error) {
	s, err := openOn(fs)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return read(s)
}
