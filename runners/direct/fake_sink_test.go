package direct_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/sink"
)

// A ledger is a sink that notes everything that happens to it. Its hooks make it
// misbehave.
type ledger struct {
	shards int // what it asks for

	openErr, writeErr, prepareErr, commitErr, abortErr, closeErr error
	panicAt                                                      string // "Open", "Write", "Prepare", "Close", "Commit", "Abort"
	// onWrite, if set, is called with each element before it counts.
	onWrite func(ctx context.Context, v int)

	mu        sync.Mutex
	open      []sink.Shard
	writing   int // writers that are open
	prepared  map[sink.Shard][]int
	commits   []sink.Shard // in the order in which Commit was given them
	aborts    []sink.Shard
	committed []int
}

var errSink = errors.New("the sink is out of order")

func (l *ledger) Shards() int { return l.shards }

func (l *ledger) panics(at string) {
	if l.panicAt == at {
		panic("the sink's " + at + " went wrong")
	}
}

func (l *ledger) Open(_ context.Context, s sink.Shard) (sink.Writer[int], error) {
	l.panics("Open")
	if l.openErr != nil {
		return nil, l.openErr
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open = append(l.open, s)
	l.writing++
	return &ledgerWriter{ledger: l, shard: s}, nil
}

func (l *ledger) Commit(_ context.Context, prepared []sink.Committable) error {
	l.panics("Commit")
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.commitErr != nil {
		return l.commitErr
	}
	for _, c := range prepared {
		l.commits = append(l.commits, c.Shard)
		l.committed = append(l.committed, l.prepared[c.Shard]...)
		delete(l.prepared, c.Shard)
	}
	return nil
}

func (l *ledger) Abort(_ context.Context, prepared []sink.Committable) error {
	l.panics("Abort")
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range prepared {
		l.aborts = append(l.aborts, c.Shard)
		delete(l.prepared, c.Shard)
	}
	return l.abortErr
}

// left says what is there that should not be, after a run that committed nothing.
func (l *ledger) left() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case len(l.commits)+len(l.committed) > 0:
		return fmt.Errorf("%d shards and %d elements were committed", len(l.commits), len(l.committed))
	case len(l.prepared) > 0:
		return fmt.Errorf("%d shards were prepared, and never aborted", len(l.prepared))
	case l.writing > 0:
		return fmt.Errorf("%d writers are open", l.writing)
	}
	return nil
}

// results are the elements that were committed, in order of size.
func (l *ledger) results() []int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Sorted(slices.Values(l.committed))
}

type ledgerWriter struct {
	*ledger
	shard   sink.Shard
	written []int
}

func (w *ledgerWriter) Write(ctx context.Context, v *int, _ *model.Meta) error {
	w.panics("Write")
	if w.onWrite != nil {
		w.onWrite(ctx, *v)
	}
	w.written = append(w.written, *v)
	return w.writeErr
}

func (w *ledgerWriter) Prepare(context.Context) ([]byte, error) {
	w.panics("Prepare")
	if w.prepareErr != nil {
		return nil, w.prepareErr
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.prepared == nil {
		w.prepared = map[sink.Shard][]int{}
	}
	if _, twice := w.prepared[w.shard]; twice {
		return nil, fmt.Errorf("shard %v is prepared twice", w.shard)
	}
	w.prepared[w.shard] = w.written
	return []byte("data"), nil
}

func (w *ledgerWriter) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.writing--
	w.panics("Close")
	return w.closeErr
}
