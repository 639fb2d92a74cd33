package checkpoint

import (
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

const copyDir = "/other/state"

// withSavepoint is a disk with a state directory of two checkpoints, the first of them a
// savepoint.
func withSavepoint(t *testing.T, mem *vfs.MemFS) (want state) {
	t.Helper()
	s, err := openOn(mem)
	if err != nil {
		t.Fatal(err)
	}
	want = state{}
	for i, c := range []changes{{puts: [][2]string{{"a", "1"}, {"b", "2"}}}, {puts: [][2]string{{"a", "9"}, {"c", "3"}}}} {
		if err := s.Apply(c); err != nil {
			t.Fatal(err)
		}
		name := ""
		if i == 0 {
			want.apply(c)
			name = "v1"
		}
		if err := s.Commit(&Manifest{ID: uint64(i + 1), Savepoint: name}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return want
}

// A crash while a savepoint is copied leaves a state directory with it, or one without
// any checkpoint, to which it can be copied again; once it is copied, with it.
func TestACopyIsThereWholeOrNotAtAll(t *testing.T) {
	mem := vfs.NewCrashableMem()
	want := withSavepoint(t, mem)
	d := newDisk(mem)
	var wrecks []*vfs.MemFS
	d.before = func(op) error {
		wrecks = append(wrecks, mem.CrashClone(vfs.CrashCloneCfg{}))
		return nil
	}
	c, err := Find(d, stateDir+"/checkpoints/000000000001-v1/", 8)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.CopyTo(copyDir); err != nil {
		t.Fatal(err)
	}
	if err := c.CopyTo(copyDir); err == nil || !strings.Contains(err.Error(), "it has state already, checkpoint 1") {
		t.Errorf("copied twice: %v", err)
	}
	if len(wrecks) < 10 {
		t.Fatalf("%d operations", len(wrecks))
	}
	whole := 0
	for i, fs := range append(wrecks, mem.CrashClone(vfs.CrashCloneCfg{})) {
		again, err := Find(fs, stateDir+"/checkpoints/000000000001-v1", 8)
		if err != nil {
			t.Fatal(err)
		}
		switch err := again.CopyTo(copyDir); {
		case err == nil:
		case strings.Contains(err.Error(), "it has state already"):
			whole++
		default:
			t.Errorf("after a crash at operation %d: %v", i, err)
		}
		s, err := Open(fs, copyDir, Options{KeyGroups: 8, Logger: quiet})
		if err != nil {
			t.Errorf("after a crash at operation %d: %v", i, err)
			continue
		}
		got, err := read(s)
		if m := s.Recovered(); err != nil || m.ID != 1 || m.Savepoint != "v1" || len(got) != len(want) || got["a"] != want["a"] {
			t.Errorf("after a crash at operation %d: %v, %v", i, got, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if whole == 0 {
		t.Error("none was there")
	}
}

func TestTheNewestOfAStateDirectoryIsFound(t *testing.T) {
	mem := vfs.NewMem()
	withSavepoint(t, mem)
	c, err := Find(mem, stateDir, 8)
	if err != nil || c.Manifest.ID != 2 {
		t.Errorf("%v", err)
	}
	if _, err := Find(mem, stateDir, 16); err == nil || !strings.Contains(err.Error(), "the number of key groups is another") {
		t.Errorf("got %v", err)
	}
	list, err := List(mem, stateDir)
	if err != nil || len(list) != 2 || list[0].Dir != "000000000002" || list[1].Dir != "000000000001-v1" || list[1].Bytes == 0 {
		t.Errorf("%+v, %v", list, err)
	}
}
