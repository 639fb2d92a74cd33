// Package sink declares where a pipeline's results go. A connector implements
// [Sink] and [Writer]; a runner calls them.
//
// The invariant: nothing that a writer wrote can be seen outside before Commit,
// and Commit of the same committables twice is the same as once.
package sink

import (
	"context"

	"github.com/millrace/millrace/model"
)

// A Sink is a place to write elements to, in two phases. It is immutable, and
// used by several goroutines at once.
type Sink[T any] interface {
	// Open returns a writer for one shard of one attempt. All writers of a run are
	// opened before the first Commit.
	Open(ctx context.Context, s Shard) (Writer[T], error)
	// Commit makes what was prepared visible, all or, where the medium cannot, one
	// by one. It is called with the committables of all shards, in shard order, and
	// again with the same ones after a crash, or after an error. A [Gone] error says that
	// there is nothing left to commit.
	Commit(ctx context.Context, prepared []Committable) error
	// Abort removes what was prepared and will never be committed.
	Abort(ctx context.Context, prepared []Committable) error
}

// A Shard is one of the writers that share the work, numbered from 0.
type Shard struct {
	Index, Of int
	// Resumed says that the run goes on from a checkpoint, so that what the sink
	// finds in its place may be its own: committed before that checkpoint, or
	// prepared and about to be committed again. Otherwise it is another's.
	Resumed bool
	// FirstPrepare is the number of the writer's first Prepare that has something to commit;
	// each further one has a number that is one higher. It is higher than that of all that
	// writers of earlier attempts prepared and may have been committed, whatever their
	// shards, so that it can be part of a name. It is 0 unless Resumed.
	FirstPrepare uint64
	// Owner is the same for all attempts that have one state directory, and for no others:
	// 16 hexadecimal digits. "" is a run that cannot be gone on from. A [Sweeper] knows by
	// it what earlier attempts have left.
	Owner string
}

// A Committable says what one shard prepared. Only the sink that made it
// understands Data.
type Committable struct {
	Shard Shard
	Data  []byte
}

// A Writer writes one shard. It is used by one goroutine at a time.
type Writer[T any] interface {
	// Write writes an element. V and m are the caller's, and valid during the call
	// only.
	Write(ctx context.Context, v *T, m *model.Meta) error
	// Prepare makes all that was written since the last Prepare durable, and says
	// how to commit it. The writer goes on after it. A nil result means that
	// nothing was written.
	Prepare(ctx context.Context) ([]byte, error)
	// Close lets the writer go. What was not prepared is removed.
	Close() error
}
