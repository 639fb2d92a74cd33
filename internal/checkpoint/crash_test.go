package checkpoint

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"path"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// A wreck is a disk as a crash left it, and what may be on it.
type wreck struct {
	mem    *vfs.MemFS
	at     op
	points []point
}

// A journey is a history of a state directory: changes, checkpoints, restarts. At
// each operation on its disk, it notes what a crash there would leave: exactly what
// was synced, all, and something between.
type journey struct {
	rand    *rand.Rand
	luck    *rand.Rand // of crashes, which also come while Pebble compacts
	disk    *disk
	store   *Store
	state   state  // with all that was applied
	durable point  // the last one that was committed
	trying  *point // the one that is being committed
	wrecks  []wreck
}

func (j *journey) points() []point {
	ps := []point{j.durable}
	if j.trying != nil {
		ps = append(ps, *j.trying)
	}
	return ps
}

func (j *journey) note(o op) error {
	percents := []int{0, 40}
	if len(j.wrecks)%5 == 0 {
		percents = append(percents, 100)
	}
	for _, percent := range percents {
		cfg := vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: j.luck}
		j.wrecks = append(j.wrecks, wreck{j.disk.mem.CrashClone(cfg), o, j.points()})
	}
	return nil
}

func (j *journey) open() (err error) {
	j.store, err = recoversTo(j.disk, j.durable)
	j.state = maps.Clone(j.durable.want)
	return err
}

func (j *journey) commit(savepoint string) error {
	id := j.store.NextID() + uint64(j.rand.IntN(2))
	trying := &point{id, maps.Clone(j.state)}
	j.disk.between(func() { j.trying = trying })
	if err := j.store.Commit(&Manifest{ID: id, Savepoint: savepoint}); err != nil {
		return err
	}
	j.disk.between(func() { j.durable, j.trying = *trying, nil })
	return nil
}

// travel takes a new directory through steps.
func travel(seed uint64, steps int, lie func(*disk, op) bool) (*journey, error) {
	j := &journey{rand: rand.New(rand.NewPCG(seed, 1)), luck: rand.New(rand.NewPCG(seed, 2)), durable: point{0, state{}}}
	j.disk = newDisk(vfs.NewCrashableMem())
	j.disk.before = j.note
	if lie != nil {
		j.disk.lie = func(o op) bool { return lie(j.disk, o) }
	}
	if err := j.open(); err != nil {
		return j, err
	}
	for i := range steps {
		for range j.rand.IntN(4) {
			c := randomChanges(j.rand)
			if err := j.store.Apply(c); err != nil {
				return j, err
			}
			j.state.apply(c)
			if j.rand.IntN(3) == 0 {
				if got, err := read(j.store); err != nil || !maps.Equal(got, j.state) {
					return j, fmt.Errorf("what was applied reads as %v instead of %v: %v", sorted(got), sorted(j.state), err)
				}
			}
		}
		savepoint := ""
		if i == 1 {
			savepoint = "before"
		}
		if err := j.commit(savepoint); err != nil {
			return j, err
		}
		if j.rand.IntN(4) == 0 {
			if err := j.store.Close(); err != nil {
				return j, err
			}
			if err := j.open(); err != nil {
				return j, err
			}
		}
	}
	return j, j.store.Close()
}

// inspect sees that the wreck holds what was durable, or what was about to be.
func (w wreck) inspect() error {
	s, err := recoversTo(w.mem, w.points...)
	if s != nil {
		err = errors.Join(err, s.Close())
	}
	if err != nil {
		return fmt.Errorf("after a crash before %s of %s: %w", w.at.kind, w.at.path, err)
	}
	return nil
}

// repair recovers the wreck, goes on from there, and returns what further crashes
// while it did so would leave.
func (w wreck) repair(r *rand.Rand) ([]wreck, error) {
	j := &journey{rand: r, disk: newDisk(w.mem)}
	luck := rand.New(rand.NewPCG(r.Uint64(), 3))
	var wrecks []wreck
	recovered := false
	j.disk.before = func(o op) error {
		cfg := vfs.CrashCloneCfg{UnsyncedDataPercent: 50, RNG: luck}
		points := w.points
		if recovered {
			points = j.points()
		}
		wrecks = append(wrecks, wreck{w.mem.CrashClone(cfg), o, points})
		return nil
	}
	s, err := recoversTo(j.disk, w.points...)
	if err != nil {
		return nil, err
	}
	j.disk.between(func() {
		j.durable, recovered = point{0, state{}}, true
		for _, p := range w.points {
			if s.Recovered() != nil && p.id == s.Recovered().ID {
				j.durable = p
			}
		}
	})
	j.store, j.state = s, maps.Clone(j.durable.want)
	c := randomChanges(r)
	j.state.apply(c)
	if err := errors.Join(s.Apply(c), j.commit(""), s.Close()); err != nil {
		return nil, err
	}
	return wrecks, wreck{w.mem, op{"nothing", ""}, j.points()}.inspect()
}

func TestACrashAnywhereLeavesTheNewestCheckpointOrTheOneInTheMaking(t *testing.T) {
	for seed := range uint64(2) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			j, err := travel(seed, 6, nil)
			if err != nil {
				t.Fatal(err)
			}
			for i, w := range j.wrecks {
				if err := w.inspect(); err != nil {
					t.Fatal(err)
				}
				if i%29 != 0 {
					continue
				}
				again, err := w.repair(j.rand)
				if err != nil {
					t.Fatalf("going on after a crash before %s of %s: %v", w.at.kind, w.at.path, err)
				}
				for _, w := range again {
					if err := w.inspect(); err != nil {
						t.Fatalf("a crash while recovering from one: %v", err)
					}
				}
			}
			t.Logf("%d crashes", len(j.wrecks))
		})
	}
}

// planted are the mistakes that one would make here. Each is made by the disk, which
// does something else than the store asks for.
var planted = []struct {
	name string
	lie  func(d *disk, o op) bool
}{
	{"the manifest is renamed into place before it is synced", func(_ *disk, o op) bool {
		return o.kind == "sync" && path.Base(o.path) == manifestName
	}},
	{"the directory of the new checkpoint is not synced", func(_ *disk, o op) bool {
		return o.kind == "sync" && path.Base(path.Dir(o.path)) == checkpointsName
	}},
	{"the rename is not synced", func(_ *disk, o op) bool {
		return o.kind == "sync" && path.Base(o.path) == checkpointsName
	}},
	{"tables are not synced", func(_ *disk, o op) bool {
		return o.kind == "sync" && path.Base(path.Dir(o.path)) == stagedName
	}},
	{"the state directory is not synced", func(_ *disk, o op) bool {
		return o.kind == "sync" && o.path == stateDir
	}},
	{"its parent is not synced", func(_ *disk, o op) bool {
		return o.kind == "sync" && o.path == path.Dir(stateDir)
	}},
	{"older checkpoints go before the new one is there", func(d *disk, o op) bool {
		dir := path.Dir(o.path)
		if o.kind == "rename" && path.Base(dir) == checkpointsName && !strings.HasSuffix(o.path, goneSuffix) {
			names, _ := d.mem.List(dir)
			for _, n := range names {
				if !strings.HasSuffix(n, tmpSuffix) {
					_ = d.mem.RemoveAll(path.Join(dir, n))
				}
			}
			_ = syncDir(d.mem, dir)
			_ = d.before(o)
		}
		return false
	}},
}

func TestPlantedMistakesAreNoticed(t *testing.T) {
	for _, p := range planted {
		t.Run(p.name, func(t *testing.T) {
			for seed := range uint64(4) {
				j, err := travel(seed, 4, p.lie)
				for _, w := range j.wrecks {
					err = errors.Join(err, w.inspect())
				}
				if err != nil {
					t.Log(strings.SplitN(err.Error(), "\n", 2)[0])
					return
				}
			}
			t.Error("no crash shows it")
		})
	}
}
