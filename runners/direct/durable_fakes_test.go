package direct_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/sink"
	"github.com/millrace/millrace/model/source"
	"github.com/millrace/millrace/runners/direct"
	"github.com/millrace/millrace/transforms"
)

// A counter is a source of the numbers from 0 to n-1 that goes on where it was. With a
// pause, it reads one at a time, and then has nothing for as long.
type counter struct {
	n     int
	pause time.Duration
	// onRead, if set, is called before each number is read.
	onRead func(ctx context.Context, next int) error
}

func (c *counter) Bounded() bool { return true }

func (c *counter) Splits(context.Context, int) ([]source.Split, error) {
	return []source.Split{{ID: "all", Position: []byte("0")}}, nil
}

func (c *counter) Open(_ context.Context, s source.Split) (source.Reader[int], error) {
	r := &counterReader{counter: c}
	_, err := fmt.Sscan(string(s.Position), &r.next)
	return r, err
}

type counterReader struct {
	*counter
	next int
}

func (r *counterReader) Read(ctx context.Context, limit int, emit func(*int, model.Timestamp)) (source.Status, error) {
	if r.pause > 0 {
		limit = 1
	}
	for ; limit > 0 && r.next < r.n; limit-- {
		if r.onRead != nil {
			if err := r.onRead(ctx, r.next); err != nil {
				return source.Status{}, err
			}
		}
		v := r.next
		r.next++
		emit(&v, model.Timestamp(v))
	}
	if r.next >= r.n {
		return source.Status{Done: true}, nil
	}
	return source.Status{ResumeAfter: r.pause}, nil
}

func (r *counterReader) Position() source.Split {
	return source.Split{ID: "all", Position: fmt.Append(nil, r.next)}
}
func (*counterReader) Watermark() model.Timestamp { return model.MinTimestamp }
func (*counterReader) Progress() source.Progress  { return source.Progress{} }
func (*counterReader) Close() error               { return nil }

// A book is a sink whose batches are told apart wherever they come from. It outlives
// runs, as a sink's medium does.
type book struct {
	// onCommit, if set, is called before each Commit.
	onCommit func() error
	// onWrite, if set, is called before each Write.
	onWrite func(ctx context.Context, v int)
	openErr error
	// onClose, if set, is called as each writer is closed.
	onClose func() error

	mu        sync.Mutex
	batches   int
	open      map[int]bool // prepared, and neither committed nor aborted
	committed map[int][]int
	aborted   map[int]bool
}

type batch struct {
	Number   int
	Elements []int
}

func (b *book) Open(context.Context, sink.Shard) (sink.Writer[int], error) {
	return &bookWriter{book: b}, b.openErr
}

func (b *book) decode(prepared []sink.Committable) (list []batch, err error) {
	for _, c := range prepared {
		var x batch
		if err := json.Unmarshal(c.Data, &x); err != nil {
			return nil, err
		}
		list = append(list, x)
	}
	return list, nil
}

func (b *book) Commit(_ context.Context, prepared []sink.Committable) error {
	if b.onCommit != nil {
		if err := b.onCommit(); err != nil {
			return err
		}
	}
	list, err := b.decode(prepared)
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, x := range list {
		if b.aborted[x.Number] {
			return fmt.Errorf("batch %d is committed, and was aborted", x.Number)
		}
		delete(b.open, x.Number)
		if b.committed == nil {
			b.committed = map[int][]int{}
		}
		b.committed[x.Number] = x.Elements
	}
	return err
}

func (b *book) Abort(_ context.Context, prepared []sink.Committable) error {
	list, err := b.decode(prepared)
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, x := range list {
		if _, ok := b.committed[x.Number]; ok {
			return fmt.Errorf("batch %d is aborted, and was committed", x.Number)
		}
		delete(b.open, x.Number)
		if b.aborted == nil {
			b.aborted = map[int]bool{}
		}
		b.aborted[x.Number] = true
	}
	return err
}

// want checks that exactly the numbers up to n were committed, once each, and that
// nothing is left that was prepared.
func (b *book) want(t *testing.T, n int) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	times := make([]int, n)
	for _, elements := range b.committed {
		for _, v := range elements {
			if v >= n {
				t.Fatalf("%d was committed, and there are only %d", v, n)
			}
			times[v]++
		}
	}
	for v, k := range times {
		if k != 1 {
			t.Fatalf("%d was committed %d times", v, k)
		}
	}
	if len(b.open) > 0 {
		t.Errorf("%d batches were prepared, and neither committed nor aborted", len(b.open))
	}
}

type bookWriter struct {
	*book
	elements []int
}

func (w *bookWriter) Write(ctx context.Context, v *int, _ *model.Meta) error {
	if w.onWrite != nil {
		w.onWrite(ctx, *v)
	}
	w.elements = append(w.elements, *v)
	return nil
}

func (w *bookWriter) Prepare(context.Context) ([]byte, error) {
	if len(w.elements) == 0 {
		return nil, nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.batches++
	x := batch{w.batches, w.elements}
	w.elements = nil
	if w.open == nil {
		w.open = map[int]bool{}
	}
	w.open[x.Number] = true
	return json.Marshal(x)
}

func (w *bookWriter) Close() error {
	if w.onClose != nil {
		return w.onClose()
	}
	return nil
}

// copied is the pipeline from c to b, with a step in between.
func copied(c *counter, step func(context.Context, int) (int, error), b *book) *model.Pipeline {
	var p model.Pipeline
	in := transforms.Read(&p, c, model.Name("Counter"))
	if step != nil {
		in = transforms.TryMap(in, step, model.Name("Step"))
	}
	transforms.Write(transforms.Reshuffle(in), b, model.Name("Book"))
	return &p
}

// savedIn is a runner that keeps its checkpoints in fs, one a second.
func savedIn(fs vfs.FS) direct.Runner {
	return direct.Runner{Parallelism: 2, Logger: silent, Checkpoints: direct.Checkpoints{Dir: "/state", Every: time.Second}.On(fs)}
}

var silent = slog.New(slog.DiscardHandler)

// A logged is a logger for tests, and what it has been told.
type logged struct {
	*slog.Logger
	mu    sync.Mutex
	lines strings.Builder
}

func newLogged() *logged {
	l := &logged{}
	l.Logger = slog.New(slog.NewTextHandler(l, nil))
	return l
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines.Write(b)
}

func (l *logged) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.lines.String(), text)
}

// A failingFS fails what changes it, while told to.
type failingFS struct {
	vfs.FS
	mu    sync.Mutex
	err   error
	count int // of the operations that failed
	// syncErr is the error of the next sync of a directory whose path ends in unsynced.
	unsynced string
	syncErr  error
}

func (f *failingFS) OpenDir(name string) (vfs.File, error) {
	file, err := f.FS.OpenDir(name)
	if err != nil || f.unsynced == "" || !strings.HasSuffix(name, f.unsynced) {
		return file, err
	}
	return unsyncedDir{file, f}, nil
}

type unsyncedDir struct {
	vfs.File
	fs *failingFS
}

func (d unsyncedDir) Sync() error {
	d.fs.mu.Lock()
	err := d.fs.syncErr
	d.fs.syncErr = nil
	d.fs.mu.Unlock()
	if err != nil {
		return err
	}
	return d.File.Sync()
}

func (f *failingFS) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

func (f *failingFS) check(op, name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil || f.err == syscall.ENOSPC && op == "remove" { // which needs no space
		return nil
	}
	f.count++
	return &os.PathError{Op: op, Path: name, Err: f.err}
}

func (f *failingFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if err := f.check("create", name); err != nil {
		return nil, err
	}
	return f.FS.Create(name, c)
}

func (f *failingFS) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File, error) {
	if err := f.check("open", name); err != nil {
		return nil, err
	}
	return f.FS.OpenReadWrite(name, c, o...)
}

func (f *failingFS) MkdirAll(name string, perm os.FileMode) error {
	if err := f.check("mkdir", name); err != nil {
		return err
	}
	return f.FS.MkdirAll(name, perm)
}

func (f *failingFS) Link(from, to string) error {
	if err := f.check("link", to); err != nil {
		return err
	}
	return f.FS.Link(from, to)
}

func (f *failingFS) Rename(from, to string) error {
	if err := f.check("rename", to); err != nil {
		return err
	}
	return f.FS.Rename(from, to)
}

func (f *failingFS) Remove(name string) error {
	if err := f.check("remove", name); err != nil {
		return err
	}
	return f.FS.Remove(name)
}

func (f *failingFS) RemoveAll(name string) error {
	if err := f.check("remove", name); err != nil {
		return err
	}
	return f.FS.RemoveAll(name)
}

func (f *failingFS) Lock(name string) (io.Closer, error) {
	if err := f.check("lock", name); err != nil {
		return nil, err
	}
	return f.FS.Lock(name)
}
