package shipping_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/checkpoint"
	"github.com/millrace/millrace/internal/shipping"
)

func TestAnotherMachineGoesOnFromWhatWasShipped(t *testing.T) {
	b, m := newBucket(), newMachine(t)
	defer m.close()
	s := m.shipper(b, 2)
	for i := range 5 {
		must(t, m.ship(s, m.checkpoint("", some(100, i))))
		m.wantState(b, uint64(i+1))
	}
	wantTidy(t, b, 2)
}

func TestOnlyTablesThatAreNewTravel(t *testing.T) {
	b, m := newBucket(), newMachine(t)
	var sent int
	b.before = func(op, name string) (error, bool) {
		if op == "put" && strings.HasPrefix(name, "objects/") {
			sent++
		}
		return nil, false
	}
	s := m.shipper(b, 2)
	must(t, m.ship(s, m.checkpoint("", some(20_000, 1))))
	first := sent
	size := 0
	for _, name := range b.names(t, "objects/") {
		size = max(size, len(b.content(t, name)))
	}
	id := m.checkpoint("", some(1, 2))
	must(t, m.ship(s, id))
	before := b.names(t, "objects/")
	for _, name := range before {
		if len(b.content(t, name)) == size && slices.Index(before, name) < 0 {
			t.Errorf("the large table is gone")
		}
	}
	k, err := m.store.Keep(id)
	must(t, err)
	k.Release()
	if second := sent - first; second == 0 || second >= len(k.Files) {
		t.Errorf("of the %d files of the second checkpoint, %d travelled", len(k.Files), second)
	}
	// A new process knows what is there by what it reads of its own tables.
	m.close()
	m.open()
	sent = 0
	must(t, m.ship(m.shipper(b, 2), id))
	if sent > 0 {
		t.Errorf("%d files travelled again after a restart", sent)
	}
	m.close()
}

// A savepoint stays, whatever is retained, and can be asked for by its name and number.
func TestSavepointsStay(t *testing.T) {
	b, m := newBucket(), newMachine(t)
	defer m.close()
	s := m.shipper(b, 1)
	for i := range 4 {
		name := ""
		if i == 1 {
			name = "before-v2"
		}
		must(t, m.ship(s, m.checkpoint(name, some(10, i))))
	}
	wantTidy(t, b, 2)
	for _, which := range []string{"before-v2", "2"} {
		r, id, err := restored(t, b, which, nil)
		must(t, err)
		r.close()
		if id != 2 {
			t.Errorf("%s is checkpoint %d", which, id)
		}
	}
	if _, _, err := restored(t, b, "before-v3", nil); err == nil || !strings.Contains(err.Error(), "there is no checkpoint before-v3") {
		t.Errorf("a savepoint that is not there: %v", err)
	}
}

var errCrashed = errors.New("the machine is gone")

// A process ships three checkpoints, of which the bucket is to keep one, and dies before or
// after any of its operations.
func TestACrashAtAnyOperationLeavesACheckpointThatIsWhole(t *testing.T) {
	for _, done := range []bool{false, true} {
		for n := 0; ; n++ {
			b, m := newBucket(), newMachine(t)
			ops := 0
			b.before = func(string, string) (error, bool) {
				if ops++; ops > n {
					return errCrashed, done && ops == n+1
				}
				return nil, false
			}
			s := m.shipper(b, 1)
			var shipped uint64
			for i := range 3 {
				id := m.checkpoint("", some(5, i))
				if m.ship(s, id) == nil {
					shipped = id
				}
			}
			healthy := b.seen()
			if shipped > 0 {
				m.wantState(healthy, shipped)
				all, err := shipping.List(t.Context(), healthy, "mem://b")
				must(t, err)
				for _, l := range all {
					must(t, l.Err)
				}
			}
			// The next process on the machine goes on shipping.
			m.close()
			m.open()
			id := m.checkpoint("", some(5, 9))
			if err := m.ship(m.shipper(healthy, 1), id); err != nil {
				t.Fatalf("after a crash at operation %d, done %v: %v", n, done, err)
			}
			m.wantState(healthy, id)
			wantTidy(t, healthy, 1)
			m.close()
			if ops <= n {
				if n < 50 {
					t.Fatalf("there were but %d operations", n)
				}
				break
			}
		}
	}
}

// Every operation on every name fails once, done or not.
func TestShippingGoesOnWhereItFailed(t *testing.T) {
	for _, done := range []bool{false, true} {
		b, m := newBucket(), newMachine(t)
		failed := map[string]bool{}
		b.before = func(op, name string) (error, bool) {
			if failed[op+name] {
				return nil, false
			}
			failed[op+name] = true
			return errors.New("no answer"), done
		}
		s := m.shipper(b, 1)
		for i := range 3 {
			id := m.checkpoint("", some(5, i))
			tries := 0
			for m.ship(s, id) != nil || m.removing != nil {
				if tries++; tries > 1000 {
					t.Fatal("it never succeeds")
				}
			}
			m.wantState(b.seen(), id)
		}
		wantTidy(t, b.seen(), 1)
		m.close()
	}
}

// What is damaged is passed over, and never taken for something else.
func TestDamageIsFound(t *testing.T) {
	b, m := newBucket(), newMachine(t)
	defer m.close()
	s := m.shipper(b, 2)
	must(t, m.ship(s, m.checkpoint("", some(50, 1))))
	must(t, m.ship(s, m.checkpoint("", some(50, 2))))
	older, broken := 0, 0
	for _, name := range b.names(t, "") {
		was := b.content(t, name)
		for _, at := range []int{0, len(was) / 2, len(was) - 1} {
			for _, cut := range []bool{false, true} {
				if len(was) == 0 {
					continue
				}
				now := slices.Clone(was)
				if now[at] ^= 1; cut {
					now = was[:at]
				}
				b.replace(t, name, now)
				r, id, err := restored(t, b, "", nil)
				switch {
				case err == nil:
					if fmt.Sprint(r.now) != fmt.Sprint(m.saved[id]) {
						t.Errorf("%s damaged at %d: restored is something else", name, at)
					}
					if id == 1 {
						older++
					}
					r.close()
				case errors.Is(err, checkpoint.ErrBroken) || errors.Is(err, shipping.ErrForeign):
					broken++
				default:
					t.Errorf("%s damaged at %d: %v", name, at, err)
				}
			}
		}
		b.replace(t, name, was)
	}
	if older == 0 || broken == 0 {
		t.Errorf("%d times the older one was taken, and %d times there was none", older, broken)
	}
	m.wantState(b, 2)
}

// A rule of the bucket removes what is old, or somebody does: what is missing is shipped again.
func TestObjectsThatWereRemovedAreShippedAgain(t *testing.T) {
	b, m := newBucket(), newMachine(t)
	defer m.close()
	s := m.shipper(b, 1)
	must(t, m.ship(s, m.checkpoint("", some(5, 1))))
	for _, name := range b.names(t, "objects/") {
		must(t, b.Delete(t.Context(), name))
	}
	id := m.checkpoint("", some(5, 2))
	if err := m.ship(s, id); err == nil || !strings.Contains(err.Error(), "missing") {
		t.Errorf("shipping on top of what was removed: %v", err)
	}
	must(t, m.ship(s, id))
	m.wantState(b, id)

	for _, name := range b.names(t, "") {
		must(t, b.Delete(t.Context(), name))
	}
	id = m.checkpoint("", some(5, 3))
	for range 3 {
		if m.ship(s, id) == nil {
			break
		}
	}
	m.wantState(b, id)
	wantTidy(t, b, 1)
}

// A table that is damaged on the disk does not replace one in the bucket that is whole.
func TestADamagedTableIsNotShipped(t *testing.T) {
	b, m := newBucket(), newMachine(t)
	defer m.close()
	id := m.checkpoint("", some(500, 1))
	k, err := m.store.Keep(id)
	must(t, err)
	k.Release()
	i := slices.IndexFunc(k.Files, func(f checkpoint.KeptFile) bool { return strings.HasSuffix(f.Name, ".sst") })
	path := fmt.Sprintf("state/checkpoints/%012d/%s", id, k.Files[i].Name)
	flip(t, m.fs, path, k.Files[i].Size/2)
	if err := m.ship(m.shipper(b, 1), id); !errors.Is(err, checkpoint.ErrDamaged) {
		t.Errorf("a damaged table: %v", err)
	}
	if names := b.names(t, "checkpoints/"); names != nil {
		t.Errorf("shipped was %v", names)
	}
}

func TestGarbageDoesNotMatter(t *testing.T) {
	b, m := newBucket(), newMachine(t)
	defer m.close()
	s := m.shipper(b, 1)
	must(t, m.ship(s, m.checkpoint("", some(5, 1))))
	garbage := []string{"readme.txt", "checkpoints/latest", "checkpoints/000000000009-000000000009.tmp~", "objects/x", "claims/z", "claims/99999999999999"}
	for _, name := range garbage {
		b.replace(t, name, []byte("hello"))
	}
	id := m.checkpoint("", some(5, 2))
	must(t, m.ship(s, id))
	m.wantState(b, id)
	for _, name := range garbage {
		if string(b.content(t, name)) != "hello" {
			t.Errorf("%s was changed", name)
		}
	}
}

func TestWhatIsRefused(t *testing.T) {
	full := func() (*bucket, *machine) {
		b, m := newBucket(), newMachine(t)
		must(t, m.ship(m.shipper(b, 1), m.checkpoint("", some(5, 1))))
		return b, m
	}
	ship := func(b *bucket, m *machine) error { return m.ship(m.shipper(b, 1), m.checkpoint("", some(5, 2))) }

	b := newBucket()
	b.replace(t, "holiday.jpg", []byte("x"))
	if err := ship(b, newMachine(t)); !errors.Is(err, shipping.ErrForeign) || !strings.Contains(err.Error(), "holiday.jpg") || !shipping.Refused(err) {
		t.Errorf("a bucket of others: %v", err)
	}
	if _, _, err := restored(t, b, "", nil); !errors.Is(err, shipping.ErrForeign) {
		t.Errorf("from a bucket of others: %v", err)
	}

	b, _ = full()
	before := len(b.names(t, ""))
	if err := ship(b, newMachine(t)); !errors.Is(err, shipping.ErrAnother) || !shipping.Refused(err) {
		t.Errorf("another directory's: %v", err)
	}
	if after := len(b.names(t, "")); after != before {
		t.Errorf("there were %d objects, and are %d", before, after)
	}

	b, m := full()
	newer := []byte("{\n \"format\": 2,\n \"id\": \"x\"\n}\n")
	b.replace(t, "MILLRACE", append(newer, sum(newer)+"\n"...))
	if err := ship(b, m); !errors.Is(err, checkpoint.ErrNewer) || !shipping.Refused(err) {
		t.Errorf("a newer version's: %v", err)
	}
	if _, _, err := restored(t, b, "", nil); !errors.Is(err, checkpoint.ErrNewer) {
		t.Errorf("from a newer version's: %v", err)
	}

	b, _ = full()
	name := b.names(t, "checkpoints/")[0]
	b.replace(t, name, append(slices.Clip(newer), sum(newer)+"\n"...))
	if _, _, err := restored(t, b, "", nil); !errors.Is(err, checkpoint.ErrNewer) {
		t.Errorf("from a newer version's checkpoint: %v", err)
	}

	if _, _, err := restored(t, newBucket(), "", nil); err == nil || !strings.Contains(err.Error(), "there is nothing") {
		t.Errorf("from an empty bucket: %v", err)
	}
	b, _ = full()
	_, err := shipping.Find(context.Background(), b, "mem://b", "", keyGroups/2, nil, quiet)
	if !errors.Is(err, checkpoint.ErrKeyGroups) {
		t.Errorf("other key groups: %v", err)
	}
}
