package checkpoint

import (
	"bufio"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/sink"
	"github.com/millrace/millrace/model/source"
)

func mustOpen(t testing.TB, fs vfs.FS) *Store {
	t.Helper()
	s, err := openOn(fs)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Changes of any shape read as they would from a map: however they are split over
// calls, tables and checkpoints.
func TestStateIsWhatWasApplied(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fs := vfs.NewMem()
		s, err := openOn(fs)
		if err != nil {
			t.Fatal(err)
		}
		s.full = rapid.SampledFrom([]int{1, 200, 1000, fullSize}).Draw(t, "full")
		want, durable := state{}, state{}
		key := rapid.StringMatching(`[a-c]{1,3}`)
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			switch rapid.IntRange(0, 9).Draw(t, "do") {
			default:
				var c changes
				for range rapid.IntRange(0, 2).Draw(t, "drops") {
					c.drops = append(c.drops, [2]string{key.Draw(t, "start"), key.Draw(t, "end")})
				}
				c.gone = rapid.SliceOfN(key, 0, 3).Draw(t, "gone")
				for range rapid.IntRange(0, 5).Draw(t, "puts") {
					c.puts = append(c.puts, [2]string{key.Draw(t, "key"), rapid.StringMatching(`[xy]{0,2}`).Draw(t, "value")})
				}
				want.apply(c)
				if err := s.Apply(c); err != nil {
					t.Fatal(err)
				}
				continue
			case 0:
				start, end := key.Draw(t, "from"), key.Draw(t, "to")
				within := maps.Clone(want)
				maps.DeleteFunc(within, func(k, _ string) bool { return k < start || k >= end })
				got := state{}
				seq, failed := s.Scan([]byte(start), []byte(end))
				for k, v := range seq {
					got[string(k)] = string(v)
				}
				if err := failed(); err != nil || !maps.Equal(got, within) {
					t.Fatalf("from %q to %q: got %v, want %v: %v", start, end, got, within, err)
				}
			case 1, 2:
				if err := s.Commit(&Manifest{ID: s.NextID()}); err != nil {
					t.Fatal(err)
				}
				durable = maps.Clone(want)
			case 3:
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				full := s.full
				if s, err = openOn(fs); err != nil {
					t.Fatal(err)
				}
				s.full, want = full, maps.Clone(durable)
			}
			seq, failed := s.Scan(nil, nil)
			got := state{}
			for k, v := range seq {
				got[string(k)] = string(v)
			}
			if err := failed(); err != nil || !maps.Equal(got, want) {
				t.Fatalf("got %v, want %v: %v", got, want, err)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// fullManifest has something in each field, and nothing that is not in order.
func fullManifest() *Manifest {
	return &Manifest{
		Format: Format, ID: 42, Savepoint: "before-2.0", Created: time.Date(2024, 2, 29, 12, 0, 0, 5, time.UTC),
		Transforms: []Transform{{"read", "Read", "", "main.go:7", ""}, {"count", "Count", "fixed(1m0s)", "main.go:9", ""}}, KeyGroups: 128,
		Cells:  []Cell{{1, "count/sums", []string{"record{a int32}", "record{a int64}"}}, {2, "count/closed", nil}},
		Stages: []Stage{{"count", 1709208000000000, model.MinTimestamp, model.MaxTimestamp}},
		Sources: []Source{
			{"read", []source.Split{{ID: "a.log", Position: []byte{0, 255}, Size: 9}, {ID: "b\xff.log"}}},
			{"empty", []source.Split{}},
		},
		Sinks: []Sink{{"write", []sink.Committable{
			{Shard: sink.Shard{Index: 1, Of: 2, Resumed: true}, Data: []byte("tmp-1")},
			{Shard: sink.Shard{Of: 2}, Data: []byte{}},
			{Shard: sink.Shard{Of: 2}},
		}}},
		Finished: true,
		Files:    []File{{"000004.sst", 851, ""}, {"MANIFEST-000001", 85, "b98d"}},
	}
}

// The golden file is the format: where this fails, directories that are in use cannot
// be read any more, and Format must go up.
func TestTheFormatOfManifestsStays(t *testing.T) {
	b, err := fullManifest().encode()
	if err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "manifest.json")
	if os.Getenv("REWRITE") != "" {
		if err := os.WriteFile(golden, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(b)); diff != "" {
		t.Error(diff)
	}
	got, err := decode(want)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(fullManifest(), got); diff != "" {
		t.Error(diff)
	}
}

// What sources and sinks say of themselves came later than the format: manifests have it
// where there is something, and those of before are as they were.
func TestAManifestHasDescriptions(t *testing.T) {
	want := fullManifest()
	want.Transforms[0].Description = "/in\xff/*.log"
	b, err := want.encode()
	if err != nil {
		t.Fatal(err)
	}
	got, err := decode(b)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestARecoveredManifestIsTheOneCommitted(t *testing.T) {
	fs := vfs.NewMem()
	s, err := Open(fs, stateDir, Options{KeyGroups: 128, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	if s.Recovered() != nil {
		t.Errorf("a new directory has %v", s.Recovered())
	}
	m := fullManifest()
	if err := errors.Join(s.Commit(m), s.Close()); err != nil {
		t.Fatal(err)
	}
	s, err = Open(fs, stateDir, Options{KeyGroups: 128, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	got := *s.Recovered()
	if got.Files = m.Files; cmp.Diff(m, &got) != "" {
		t.Error(cmp.Diff(m, &got))
	}
}

func TestSavepointsStayAndOthersMakeRoom(t *testing.T) {
	fs := vfs.NewMem()
	s, err := Open(fs, stateDir, Options{KeyGroups: 8, Retain: 3, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	for id := uint64(1); id <= 9; id++ {
		m := &Manifest{ID: id}
		if id%4 == 0 {
			m.Savepoint = fmt.Sprint("v", id)
		}
		c := changes{puts: [][2]string{{"key", fmt.Sprint(id)}}}
		if err := errors.Join(s.Apply(c), s.Commit(m)); err != nil {
			t.Fatal(err)
		}
	}
	names := listCheckpoints(fs)
	want := []string{"000000000004-v4", "000000000006", "000000000007", "000000000008-v8", "000000000009"}
	if !slices.Equal(names, want) {
		t.Errorf("there are %v, want %v", names, want)
	}
	st := s.Stats()
	if st.Checkpoints != 5 || st.Bytes == 0 || st.Pending != 0 {
		t.Errorf("stats are %+v", st)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	// A savepoint can be gone on from as it is.
	for _, n := range names {
		if n != "000000000004-v4" {
			if err := fs.RemoveAll(path.Join(stateDir, checkpointsName, n)); err != nil {
				t.Fatal(err)
			}
		}
	}
	s = mustOpen(t, fs)
	defer s.Close()
	if got, err := read(s); err != nil || got["key"] != "4" || s.Recovered().Savepoint != "v4" {
		t.Errorf("the savepoint holds %v: %v", got, err)
	}
}

func TestCheckpointsThatCannotBe(t *testing.T) {
	s := mustOpen(t, vfs.NewMem())
	if err := s.Commit(&Manifest{ID: 5}); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		m    Manifest
		want string
	}{
		{Manifest{ID: 5}, "checkpoint 5: there is, or may be, a checkpoint 5 already; take NextID"},
		{Manifest{ID: 6, Savepoint: "../x"}, `the savepoint's name "../x" is not one of`},
		{Manifest{ID: 6, Savepoint: "a.tmp"}, `"a.tmp" ends as`},
		{Manifest{ID: 6, KeyGroups: 9}, "the number of key groups is another: 9, and the directory has 8"},
	} {
		if err := s.Commit(&test.m); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("got %v, want %q", err, test.want)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Commit(&Manifest{ID: 6}), s.Apply(changes{})); err == nil || !strings.Contains(err.Error(), "it is closed") {
		t.Errorf("got %v", err)
	}
	if _, err := Open(vfs.NewMem(), stateDir, Options{}); err == nil {
		t.Error("opened without key groups")
	}
}

// What was applied and not committed is gone, and what one scan has seen stays so.
func TestAScanSeesOneState(t *testing.T) {
	s := mustOpen(t, vfs.NewMem())
	defer s.Close()
	if err := s.Apply(changes{puts: [][2]string{{"a", "1"}, {"b", "1"}, {"c", "1"}}}); err != nil {
		t.Fatal(err)
	}
	var got []string
	seq, failed := s.Scan(nil, nil)
	for k, v := range seq {
		got = append(got, string(k)+string(v))
		c := changes{drops: [][2]string{{"b", "z"}}, puts: [][2]string{{"a", "2"}}}
		if err := errors.Join(s.Apply(c), s.Commit(&Manifest{ID: s.NextID()})); err != nil {
			t.Fatal(err)
		}
	}
	if err := failed(); err != nil || !slices.Equal(got, []string{"a1", "b1", "c1"}) {
		t.Errorf("got %v: %v", got, err)
	}
}

// Pebble makes a checkpoint with an empty manifest if nothing changed since it was
// opened.
func TestCheckpointsWithoutChanges(t *testing.T) {
	fs := withCheckpoints(t, 1)
	for range 4 {
		s := mustOpen(t, fs)
		for range 2 {
			if err := s.Commit(&Manifest{ID: s.NextID()}); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := read(s); err != nil || len(got) != 2 || got["key"] != "1" {
			t.Fatalf("got %v: %v", got, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// Many small checkpoints are compacted, and what is compacted is not lost.
func TestManyCheckpoints(t *testing.T) {
	fs := vfs.NewMem()
	s := mustOpen(t, fs)
	want, r := state{}, rand.New(rand.NewPCG(3, 3))
	for id := uint64(1); id <= 60; id++ {
		c := randomChanges(r)
		want.apply(c)
		if err := errors.Join(s.Apply(c), s.Commit(&Manifest{ID: id})); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = mustOpen(t, fs)
	defer s.Close()
	if got, err := read(s); err != nil || !maps.Equal(got, want) {
		t.Errorf("got %v, want %v: %v", got, want, err)
	}
	tables := 0
	for _, f := range s.Recovered().Files {
		if shared(f.Name) {
			tables++
		}
	}
	if tables > 20 {
		t.Errorf("60 checkpoints are in %d tables", tables)
	}
}

// The other process of the next test is this test binary, started again with the
// directory that it is to hold in the environment.
const holdDirectory = "MILLRACE_HOLD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(holdDirectory); dir != "" {
		if err := hold(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0) // without Close
	}
	os.Exit(m.Run())
}

// hold has dir open until a line comes in.
func hold(dir string) error {
	s, err := Open(vfs.Default, dir, Options{KeyGroups: 8, Logger: quiet})
	if err != nil {
		return err
	}
	if err := s.Commit(&Manifest{ID: 1}); err != nil {
		return err
	}
	fmt.Println("holding")
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
	return nil
}

func TestOneProcessHasADirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	holder := exec.Command(os.Args[0])
	holder.Env = append(os.Environ(), holdDirectory+"="+dir)
	in, err := holder.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "holding\n" {
		t.Fatalf("the other process says %q: %v", line, err)
	}
	_, err = Open(vfs.Default, dir, Options{KeyGroups: 8, Logger: quiet})
	if want := fmt.Sprintf("state directory %s: it is in use by process %d on ", dir, holder.Process.Pid); !errors.Is(err, ErrLocked) || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
	_ = in.Close()
	if err := holder.Wait(); err != nil {
		t.Fatal(err)
	}
	s, err := Open(vfs.Default, dir, Options{KeyGroups: 8, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	if s.Recovered() == nil || s.Recovered().ID != 1 {
		t.Errorf("recovered %v", s.Recovered())
	}
	// Nor may this process have it twice.
	if _, err := Open(vfs.Default, dir, Options{KeyGroups: 8, Logger: quiet}); !errors.Is(err, ErrLocked) {
		t.Errorf("got %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s, err = Open(vfs.Default, dir, Options{KeyGroups: 8, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestADirectoryOfOthersIsLeftAlone(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "thesis.txt"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := Open(vfs.Default, dir, Options{KeyGroups: 8, Logger: quiet})
	if !errors.Is(err, ErrForeign) || !strings.Contains(err.Error(), "thesis.txt") {
		t.Errorf("got %v", err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("it has %v", left)
	}
}
