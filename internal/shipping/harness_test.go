package shipping_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"gocloud.dev/blob/memblob"

	"github.com/millrace/millrace/internal/checkpoint"
	"github.com/millrace/millrace/internal/shipping"
	"github.com/millrace/millrace/model/sink"
	"github.com/millrace/millrace/objectstore"
	"github.com/millrace/millrace/objectstore/blobs"
)

const keyGroups = 128

var quiet = slog.New(slog.DiscardHandler)

// A bucket is one in memory whose operations can be looked at, and fail.
type bucket struct {
	objectstore.Bucket
	// before is called with each operation; its error is the operation's, which is done
	// nonetheless if done says so.
	before func(op, name string) (err error, done bool)
}

func newBucket() *bucket { return &bucket{Bucket: blobs.Bucket(memblob.OpenBucket(nil))} }

// seen is b to another, who sees no faults.
func (b *bucket) seen() *bucket { return &bucket{Bucket: b.Bucket} }

func (b *bucket) do(op, name string, f func() error) error {
	if b.before == nil {
		return f()
	}
	err, done := b.before(op, name)
	if err == nil {
		return f()
	}
	if done {
		_ = f()
	}
	return err
}

func (b *bucket) Put(ctx context.Context, name string, r io.Reader) error {
	return b.do("put", name, func() error { return b.Bucket.Put(ctx, name, r) })
}

func (b *bucket) Create(ctx context.Context, name string, content []byte) error {
	return b.do("create", name, func() error { return b.Bucket.Create(ctx, name, content) })
}

func (b *bucket) Open(ctx context.Context, name string) (io.ReadCloser, error) {
	if err := b.do("open", name, func() error { return nil }); err != nil {
		return nil, err
	}
	return b.Bucket.Open(ctx, name)
}

func (b *bucket) Delete(ctx context.Context, name string) error {
	return b.do("delete", name, func() error { return b.Bucket.Delete(ctx, name) })
}

func (b *bucket) List(ctx context.Context, prefix string) iter.Seq2[objectstore.Object, error] {
	return func(yield func(objectstore.Object, error) bool) {
		if err := b.do("list", prefix, func() error { return nil }); err != nil {
			yield(objectstore.Object{}, err)
			return
		}
		b.Bucket.List(ctx, prefix)(yield)
	}
}

// names are those of the objects that begin with prefix.
func (b *bucket) names(t fatal, prefix string) (names []string) {
	for o, err := range b.Bucket.List(context.Background(), prefix) {
		must(t, err)
		names = append(names, o.Name)
	}
	return names
}

func (b *bucket) content(t fatal, name string) []byte {
	r, err := b.Bucket.Open(context.Background(), name)
	must(t, err)
	content, err := io.ReadAll(r)
	must(t, errors.Join(err, r.Close()))
	return content
}

func (b *bucket) replace(t fatal, name string, content []byte) {
	must(t, b.Bucket.Put(context.Background(), name, bytes.NewReader(content)))
}

// fatal is a *testing.T, or a *rapid.T.
type fatal interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}

func must(t fatal, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A machine has a state directory, and ships from it.
type machine struct {
	t     fatal
	fs    vfs.FS
	store *checkpoint.Store
	// now is what its state is, and saved what it was at its checkpoints.
	now   map[string]string
	saved map[uint64]map[string]string
	// removing is why what is not retained could not be removed the last time.
	removing error
}

func newMachine(t fatal) *machine {
	m := &machine{t: t, fs: vfs.NewMem(), now: map[string]string{}, saved: map[uint64]map[string]string{}}
	m.open()
	return m
}

func (m *machine) open() {
	m.t.Helper()
	var err error
	m.store, err = checkpoint.Open(m.fs, "state", checkpoint.Options{KeyGroups: keyGroups, Retain: 2, Logger: quiet, Synchronous: true})
	must(m.t, err)
}

func (m *machine) close() { must(m.t, m.store.Close()) }

// put changes the state, and takes a checkpoint.
func (m *machine) checkpoint(savepoint string, changes map[string]string) uint64 {
	m.t.Helper()
	must(m.t, m.store.Apply(puts(changes)))
	maps.Copy(m.now, changes)
	id := m.store.NextID()
	must(m.t, m.store.Commit(&checkpoint.Manifest{
		ID: id, Savepoint: savepoint, Created: epoch.Add(time.Duration(id) * time.Second),
		Sinks: []checkpoint.Sink{{Name: "out", Prepared: []sink.Committable{{Data: fmt.Append(nil, id)}}}},
	}))
	m.saved[id] = maps.Clone(m.now)
	return id
}

var epoch = time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)

type puts map[string]string

func (puts) Drops() iter.Seq2[[]byte, []byte] { return func(func([]byte, []byte) bool) {} }
func (puts) Gone() iter.Seq[[]byte]           { return func(func([]byte) bool) {} }
func (p puts) Puts() iter.Seq2[[]byte, []byte] {
	return func(yield func([]byte, []byte) bool) {
		for _, k := range slices.Sorted(maps.Keys(p)) {
			if !yield([]byte(k), []byte(p[k])) {
				return
			}
		}
	}
}

// some are changes of n keys, large enough that a table has several blocks.
func some(n, seed int) map[string]string {
	changes := map[string]string{}
	for i := range n {
		changes[fmt.Sprintf("key-%d-%d", seed, i)] = strings.Repeat(fmt.Sprint(seed*i, " "), 60)
	}
	return changes
}

func (m *machine) shipper(b objectstore.Bucket, retain int) *shipping.Shipper {
	return shipping.NewShipper(b, "mem://b", shipping.Options{Retain: retain, By: "a test", Now: func() time.Time { return epoch }})
}

// ship claims and ships once.
func (m *machine) ship(s *shipping.Shipper, id uint64) error {
	m.t.Helper()
	if err := s.Claim(context.Background(), m.store); err != nil {
		return err
	}
	k, err := m.store.Keep(id)
	must(m.t, err)
	defer k.Release()
	m.removing, err = s.Ship(context.Background(), k, id%2 == 0)
	return err
}

// state is what is in the store.
func (m *machine) state() map[string]string {
	m.t.Helper()
	state := map[string]string{}
	entries, failed := m.store.Scan(nil, nil)
	for k, v := range entries {
		state[string(k)] = string(v)
	}
	must(m.t, failed())
	return state
}

// restored is another machine that goes on from what was shipped. One that takes over ships
// from then on.
func restored(t fatal, b objectstore.Bucket, which string, over *shipping.Shipper) (*machine, uint64, error) {
	t.Helper()
	ctx, m := context.Background(), &machine{t: t, fs: vfs.NewMem(), saved: map[uint64]map[string]string{}}
	notes := map[string][]byte{}
	if over != nil {
		name, content, err := over.TakeOver(ctx)
		if err != nil {
			return nil, 0, err
		}
		notes[name] = content
	}
	passed := map[string]error{}
	for {
		s, err := shipping.Find(ctx, b, "mem://b", which, keyGroups, passed, quiet)
		if err != nil {
			return nil, 0, err
		}
		err = s.CopyTo(ctx, m.fs, "state", notes)
		if shipping.Damaged(err) {
			passed[s.Name()] = err
			continue
		}
		if err != nil {
			return nil, 0, err
		}
		m.open()
		m.now = m.state()
		id := m.store.Recovered().ID
		if id != s.Manifest.ID || s.SinksCommitted != m.store.SinksCommitted() || s.SinksCommitted != (id%2 == 0) {
			t.Fatalf("found was checkpoint %d, committed %v; the directory has %d, committed %v", s.Manifest.ID, s.SinksCommitted, id, m.store.SinksCommitted())
		}
		return m, id, nil
	}
}

// wantState holds what another machine goes on from to what m was at its checkpoint.
func (m *machine) wantState(b objectstore.Bucket, least uint64) uint64 {
	m.t.Helper()
	r, id, err := restored(m.t, b, "", nil)
	must(m.t, err)
	defer r.close()
	if id < least {
		m.t.Fatalf("checkpoint %d was shipped, and restored is %d", least, id)
	}
	if !maps.Equal(r.now, m.saved[id]) {
		m.t.Fatalf("checkpoint %d had %d entries, and restored are %d", id, len(m.saved[id]), len(r.now))
	}
	return id
}

// wantTidy holds what is in the bucket to what checkpoints name.
func wantTidy(t fatal, b *bucket, checkpoints int) {
	t.Helper()
	all, err := shipping.List(context.Background(), b, "mem://b")
	must(t, err)
	if len(all) != checkpoints {
		t.Fatalf("there are %d checkpoints, want %d: %v", len(all), checkpoints, all)
	}
	named := map[string]bool{}
	for _, name := range b.names(t, "checkpoints/") {
		for line := range strings.Lines(string(b.content(t, name))) {
			if _, object, ok := strings.Cut(strings.TrimSpace(line), `"object": "`); ok {
				named[strings.TrimSuffix(object, `"`)] = true
			}
		}
	}
	objects := b.names(t, "objects/")
	if len(objects) != len(named) || slices.ContainsFunc(objects, func(o string) bool { return !named[o] }) {
		t.Fatalf("there are %d objects, and %d are named", len(objects), len(named))
	}
	if claims := b.names(t, "claims/"); len(claims) != 1 {
		t.Fatalf("there are the claims %v", claims)
	}
}

var _ testing.TB
