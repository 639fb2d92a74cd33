package shipping_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"

	"github.com/millrace/millrace/internal/shipping"
)

func sum(b []byte) string { return fmt.Sprintf("%x", sha256.Sum256(b)) }

func flip(t *testing.T, fs vfs.FS, path string, at int64) {
	f, err := fs.OpenReadWrite(path, vfs.WriteCategoryUnspecified)
	must(t, err)
	var b [1]byte
	_, err = f.ReadAt(b[:], at)
	must(t, err)
	b[0] ^= 1
	_, err = f.WriteAt(b[:], at)
	must(t, errors.Join(err, f.Close()))
}

// A directory was copied to a second machine by mistake, and both ship: the one that
// claims first goes on, and the other is told.
func TestOfTwoCopiesOfADirectoryOneShips(t *testing.T) {
	b, m := newBucket(), newMachine(t)
	must(t, m.ship(m.shipper(b, 1), m.checkpoint("", some(5, 1))))
	m.close()
	other := &machine{t: t, fs: vfs.NewMem(), now: maps.Clone(m.now), saved: maps.Clone(m.saved)}
	if ok, err := vfs.Clone(m.fs, other.fs, "state", "state"); !ok || err != nil {
		t.Fatal(ok, err)
	}
	m.open()
	other.open()
	s := m.shipper(b, 1)
	must(t, m.ship(s, m.checkpoint("", some(5, 2))))
	err := other.ship(other.shipper(b, 1), other.checkpoint("", some(5, 3)))
	if !errors.Is(err, shipping.ErrFenced) || !strings.Contains(err.Error(), "a test, since 2024-02-29") || !shipping.Refused(err) {
		t.Errorf("the second one: %v", err)
	}
	must(t, m.ship(s, m.checkpoint("", some(5, 4))))
	m.wantState(b, 3)
}

// One machine is taken for lost, at any operation of its shipping, and another takes over
// and comes to any operation of its own before the first one goes on. The other goes on from
// all that the first was told was shipped; and whatever the first one still does, what the
// other ships is whole.
func TestWhoeverIsTakenForLostIsFenced(t *testing.T) {
	fenced := 0
	rapid.Check(t, func(t *rapid.T) {
		b, first := newBucket(), newMachine(t)
		defer first.close()
		s := first.shipper(b, 1)
		var second *machine
		var over *shipping.Shipper
		var from, owned uint64
		steps := func(yield func(struct{}) bool) {
			own := b.seen()
			pause := rapid.IntRange(0, 60).Draw(t, "operations of the second")
			own.before = func(string, string) (error, bool) {
				if pause--; pause == -1 {
					yield(struct{}{})
				}
				return nil, false
			}
			over = first.shipper(own, 1)
			r, id, err := restored(t, own, "", over)
			if err != nil {
				return // nothing was shipped yet
			}
			r.saved[id] = maps.Clone(r.now)
			owned = r.checkpoint("", some(3, 77))
			must(t, r.ship(over, owned))
			second, from = r, id
		}
		next, stop := iter.Pull(steps)
		defer stop()
		until := rapid.IntRange(0, 80).Draw(t, "operations of the first")
		b.before = func(string, string) (error, bool) {
			if until--; until == -1 {
				next()
			}
			return nil, false
		}
		var told uint64
		var last error
		for i := range 4 {
			id := first.checkpoint("", some(5, i))
			if last = first.ship(s, id); last == nil {
				told = id
			}
		}
		for _, more := next(); more; _, more = next() {
		}
		if second == nil {
			if told > 0 && over.Claimed() {
				t.Fatalf("told that %d was shipped, and the other found nothing", told)
			}
			return
		}
		if from < told {
			t.Fatalf("told that %d was shipped, and the other goes on from %d", told, from)
		}
		if errors.Is(last, shipping.ErrFenced) {
			fenced++
		}
		if err := first.ship(s, first.checkpoint("", some(5, 9))); !errors.Is(err, shipping.ErrFenced) {
			t.Fatalf("the one that was taken for lost ships: %v", err)
		}
		if id := second.wantState(b.seen(), owned); id != owned {
			t.Fatalf("restored is %d, want %d", id, owned)
		}
		id := second.checkpoint("", some(3, 78))
		must(t, second.ship(over, id))
		second.wantState(b.seen(), id)
		wantTidy(t, b.seen(), 1)
		second.close()
	})
	t.Logf("fenced %d times", fenced)
	if fenced == 0 && !testing.Short() {
		t.Error("nobody was ever fenced")
	}
}

// Checkpoints, shipping, restarts and losses of the machine in any order, with an object store
// that fails now and then.
func TestWhatWasShippedIsWhatWasThere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b, m := newBucket(), newMachine(t)
		faults := rapid.IntRange(0, 8).Draw(t, "faults")
		b.before = func(string, string) (error, bool) {
			if faults == 0 {
				return nil, false
			}
			if faults--; rapid.IntRange(0, 3).Draw(t, "fails") > 0 {
				return nil, false
			}
			return errors.New("no answer"), rapid.Bool().Draw(t, "done")
		}
		retain := rapid.IntRange(1, 3).Draw(t, "retain")
		s := m.shipper(b, retain)
		var newest, shipped uint64
		t.Repeat(map[string]func(*rapid.T){
			"checkpoint": func(t *rapid.T) {
				changes := rapid.MapOfN(rapid.StringMatching("[a-d]{1,3}"), rapid.StringN(0, 9, 20), 0, 12).Draw(t, "changes")
				newest = m.checkpoint("", changes)
			},
			"ship": func(t *rapid.T) {
				if newest == 0 {
					t.Skip("no checkpoint")
				}
				if m.ship(s, newest) == nil {
					shipped = newest
				}
			},
			"restart": func(t *rapid.T) {
				m.close()
				m.open()
				if newest > 0 && !maps.Equal(m.state(), m.saved[newest]) {
					t.Fatal("the directory has something else")
				}
				m.now = m.state()
				s = m.shipper(b, retain)
			},
			"lose": func(t *rapid.T) {
				faults = rapid.IntRange(0, 8).Draw(t, "faults")
				over := m.shipper(b, retain)
				other, id, err := restored(t, b, "", over)
				if err != nil {
					if shipped > 0 {
						// It was claimed, or not: the machine is gone all the same.
						other, id, err = restored(t, b.seen(), "", m.shipper(b.seen(), retain))
						must(t, err)
						over = nil
					} else {
						t.Skip("nothing was shipped")
					}
				}
				if id < shipped || !maps.Equal(other.now, m.saved[id]) {
					t.Fatalf("checkpoint %d was shipped, %d is restored, with %v instead of %v", shipped, id, other.now, m.saved[id])
				}
				other.saved[id] = maps.Clone(other.now)
				m.close()
				m, newest, shipped = other, id, id
				s = over
				if over == nil {
					s = m.shipper(b, retain)
				}
			},
			"": func(t *rapid.T) {
				if shipped == 0 {
					return
				}
				r, id, err := restored(t, b.seen(), "", nil)
				must(t, err)
				defer r.close()
				if id < shipped || m.saved[id] != nil && !maps.Equal(r.now, m.saved[id]) {
					t.Fatalf("checkpoint %d was shipped, and restored is %d with %v", shipped, id, r.now)
				}
			},
		})
		faults = 0
		id := m.checkpoint("", nil)
		for range 3 { // a claim may be gone, or have failed
			if err := m.ship(s, id); err == nil {
				break
			} else if shipping.Refused(err) && shipped == 0 {
				return // taken over in vain
			}
		}
		m.wantState(b.seen(), id)
		all, err := shipping.List(t.Context(), b.seen(), "mem://b")
		must(t, err)
		if len(all) > retain || slices.ContainsFunc(all, func(l shipping.Listed) bool { return l.Err != nil }) {
			t.Fatalf("there are %v", all)
		}
		m.close()
	})
}
